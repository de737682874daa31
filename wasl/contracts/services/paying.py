"""What acts are paid: by the agreement, the session and the scale of their day; what none of them covers is held."""

from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from wasl.contracts import queries
from wasl.contracts.events import ActHeld, ActRefused, ActReleased, FeeEntered, FeeTakenBack
from wasl.contracts.models import Act, Fee, Hold, Hours, Part, Price, Scale, Session
from wasl.contracts.rules import paying as rules
from wasl.contracts.rules import scales
from wasl.contracts.rules import sessions as session_rules
from wasl.contracts.rules.doubts import InDoubt
from wasl.contracts.services import ledger
from wasl.contracts.services.turns import share_turn, take_turn
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.places import queries as places
from wasl.radiology import queries as radiology
from wasl.radiology.queries import Agreement
from wasl.workforce import queries as workforce


@dataclass(frozen=True)
class Ground:
    """By what an act is paid."""

    agreement: Agreement
    session: Session | None
    price: Price
    mode: str
    hours: str


@verb
def settle_act(reading: UUID, *, by: Actor) -> None:
    """Bring the money of a reading in line with its acts and their sessions; told twice, it moves nothing more.

    An act of a session that waits for the chief waits too; one for the reader's own hospital is not paid here.
    """
    act = _current(reading)
    hold = Hold.objects.filter(act=act).first() if act else None
    refused = hold is not None and hold.decision == Hold.Decision.REFUSED
    doubted = act is not None and queries.in_doubt(act.id, viewer=SYSTEM)
    open_fees = Fee.objects.filter(act__reading=reading, taken_back_at__isnull=True)
    for fee in open_fees.select_related("act", "session"):
        if act is None or fee.act_id != act.id or refused or doubted or not _stands(fee.session):
            _take_back(fee, by=by)
    for old in Hold.objects.filter(act__reading=reading, decision=Hold.Decision.OPEN):
        if act is None or old.act_id != act.id:
            _end(old)
    if act is None or act.provider_id == act.beneficiary_id or refused or open_fees.exists():
        return
    ground = Hold.Reason.DOUBT if doubted else _ground(act, hold)
    if isinstance(ground, Hold.Reason):
        _hold(act, hold, ground, by=by)
    elif ground:
        _enter(act, ground, by=by)
        if hold and hold.decision == Hold.Decision.OPEN:
            _end(hold)


@verb
def release_act(key: UUID, *, mode: str, because: str, by: Actor) -> None:
    """Pay an act that was signed outside every session, by the scale all the same; say why."""
    hold = _held(key, by)
    if hold.reason == Hold.Reason.DOUBT:
        raise InDoubt
    if hold.reason != Hold.Reason.NO_SESSION:
        raise rules.NothingToReleaseItBy
    session_rules.check_mode(mode)
    hold.mode = mode
    _decide(hold, Hold.Decision.RELEASED, because, by)
    emit(ActReleased(act=hold.act_id, reading=hold.act.reading, place=hold.act.provider_id), by=by)


@verb
def refuse_act(key: UUID, *, because: str, by: Actor) -> None:
    """Say that a held act is not paid, and why."""
    hold = _held(key, by)
    _decide(hold, Hold.Decision.REFUSED, because, by)
    emit(ActRefused(act=hold.act_id, reading=hold.act.reading, place=hold.act.provider_id), by=by)


def stop_paying(reading: UUID, *, because: str, by: Actor) -> None:
    """Decide that an act is not paid, whatever it was paid: `settle_act` takes that back."""
    act = _current(reading)
    if act is None:
        return
    decided = {
        "reason": Hold.Reason.DISPUTED, "decision": Hold.Decision.REFUSED, "because": because,
        "decided_by_id": by.id, "decided_at": timezone.now(),
    }  # fmt: skip
    Hold.objects.update_or_create(act=act, defaults=decided)


def _current(reading: UUID) -> Act | None:
    """The act that counts now, while nobody else settles this reading."""
    take_turn(f"settle:{reading}")
    last = Act.objects.filter(reading=reading).order_by("-turn").first()
    if last:
        share_turn(f"close:{last.provider_id}")  # no month is closed on half of what is settled
    return last if last and last.number > 0 else None


def _stands(session: Session | None) -> bool:
    return session is None or session.state == Session.State.VALIDATED


def _ground(act: Act, hold: Hold | None) -> Ground | Hold.Reason | None:
    """By what an act is paid; why it is held; or None while its session waits for the chief."""
    agreement = _agreement(act)
    if agreement is None:
        return Hold.Reason.NO_AGREEMENT
    within = Session.objects.filter(
        reader=act.reader_id, provider=act.provider_id, period__contains=act.done_at,
        state__in=(Session.State.DECLARED, Session.State.VALIDATED),
    )  # fmt: skip
    session = within.select_for_update(no_key=True).first()  # or a cancellation meanwhile would be missed
    if session and session.state == Session.State.DECLARED:
        return None
    released = hold is not None and hold.decision == Hold.Decision.RELEASED
    if session is None and not released:
        return Hold.Reason.NO_SESSION
    mode = session.mode if session else hold.mode if hold else ""
    hours = _hours(act)
    kind = scales.Kind(act.procedure, act.modality, act.urgency, mode, hours, act.part)
    day = timezone.localtime(act.done_at).date()
    take_turn(f"scale:{agreement.scale}")  # nobody pays by a scale while its versions change
    scale = Scale.objects.filter(code=agreement.scale, published_at__isnull=False, period__contains=day).first()
    price = scales.price(kind, list(scale.prices.all())) if scale else None
    return Ground(agreement, session, price, mode, hours) if price else Hold.Reason.NO_PRICE


def _agreement(act: Act) -> Agreement | None:
    """The agreement by which the case was claimed, to be read or to be read again, or that held for an opinion."""
    if act.part != Part.REPORT:
        return next((one.agreement for one in radiology.opinions_owed(key=act.reading, viewer=SYSTEM)), None)
    if act.procedure == scales.EXPERTISE:
        return radiology.agreement_of_expertise(act.reading, viewer=SYSTEM)
    return radiology.agreement_claimed_by(act.reading, provider=act.provider_id, viewer=SYSTEM)


def _hours(act: Act) -> str:
    """Whether an act was signed in official hours; empty where no rule says which those are."""
    local = timezone.localtime(act.done_at)
    rule = workforce.session_rule(local.date(), viewer=SYSTEM)
    if rule is None or rule.opens is None or rule.closes is None:
        return ""
    day_off = places.calendar(local.date(), local.date(), viewer=SYSTEM)[0].off
    official = scales.is_official(local, opens=rule.opens, closes=rule.closes, day_off=day_off)
    return Hours.OFFICIAL if official else Hours.OUTSIDE


def _enter(act: Act, ground: Ground, *, by: Actor) -> None:
    fee = Fee.objects.create(
        act=act, session=ground.session, agreement=ground.agreement, price=ground.price, mode=ground.mode,
        hours=ground.hours,
    )  # fmt: skip
    ledger.enter(fee, beneficiary=act.beneficiary_id, reader=act.reader_id, amount=ground.price.amount)
    emit(FeeEntered(fee=fee.id, reading=act.reading, reader=act.reader_id, place=act.provider_id), by=by)


def _take_back(fee: Fee, *, by: Actor) -> None:
    fee.taken_back_at = timezone.now()
    fee.save(update_fields=("taken_back_at",))
    ledger.reverse(fee)
    act = fee.act
    emit(FeeTakenBack(fee=fee.id, reading=act.reading, reader=act.reader_id, place=act.provider_id), by=by)


def _hold(act: Act, hold: Hold | None, reason: Hold.Reason, *, by: Actor) -> None:
    if hold is None:
        Hold.objects.create(act=act, reason=reason)
    elif hold.decision == Hold.Decision.OVER or hold.reason != reason:
        hold.reason, hold.decision = reason, Hold.Decision.OPEN
        hold.save(update_fields=("reason", "decision"))
    else:
        return
    emit(ActHeld(act=act.id, reading=act.reading, reader=act.reader_id, place=act.provider_id), by=by)


def _end(hold: Hold) -> None:
    hold.decision = Hold.Decision.OVER
    hold.save(update_fields=("decision",))


def _held(key: UUID, by: Actor) -> Hold:
    hold = Hold.objects.select_for_update(of=("self",)).select_related("act").filter(id=key).first()
    if hold is None:
        raise NotFound
    session_rules.check_decides(hold.act.reader_id, provider=hold.act.provider_id, by=by)
    if hold.decision != Hold.Decision.OPEN:
        raise rules.NotHeld
    return hold


def _decide(hold: Hold, decision: Hold.Decision, because: str, by: Actor) -> None:
    hold.because = session_rules.check_reason(because)
    hold.decision, hold.decided_by_id, hold.decided_at = decision, by.id, timezone.now()
    hold.save(update_fields=("decision", "mode", "because", "decided_by", "decided_at"))
