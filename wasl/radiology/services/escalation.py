"""Cases are passed on before they are late, step by step; a dark centre's cases go to others."""

import datetime
from dataclasses import asdict
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries
from wasl.radiology.events import (
    CentreCameBack,
    CentreWentDark,
    EscalationRuleSet,
    ReadingEscalated,
    ReadingRedistributed,
    ReadingsLeftInTheDark,
    StepAcknowledged,
)
from wasl.radiology.models import EscalationRule, EscalationStep, Opening, Outage, Reading
from wasl.radiology.rules import escalation as rules
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.rules.escalation import Limits as Limits
from wasl.radiology.services import dated
from wasl.radiology.services.reading import locked_reading, time_out_reading
from wasl.radiology.services.seen import see

Because = EscalationStep.Because


@verb
def set_escalation_rule(limits: Limits, *, since: datetime.date, by: Actor) -> EscalationRule:
    """Set how long before a breach cases are passed on, at what pace, and what silence is dark, from a date on."""
    rule = dated.begin(
        EscalationRule.objects.all(), since=since, **asdict(limits),
        check=lambda current: rules.check_rule(limits, since=since, current=current),
        overtaken=rules.EscalationRuleNotLater(since=since.isoformat()),
    )  # fmt: skip
    emit(EscalationRuleSet(rule=rule.id, since=since, **asdict(limits)), by=by)
    return rule


@verb
def note_presence(*, by: Actor) -> None:
    """Note a sign of life of a reader at the worklist; no fact, for nothing happened."""
    see(reading_rules.reader(by))


@verb
def pass_on_reading(key: UUID, *, by: Actor) -> EscalationStep | None:
    """Do the step that is due now for a case that is about to be late; told again, or too early, nothing is done."""
    reading = locked_reading(key)
    if reading.state not in (Reading.State.WAITING, Reading.State.CLAIMED):
        return None
    now = timezone.now()
    number = rules.next_step(
        _done(reading), now=now, between=queries.escalation_limits(viewer=by).between,
        held=reading_rules.is_held(reading.state, reading.claimed_until, now),
    )  # fmt: skip
    return _step(reading, number, Because.TIME, by=by) if number else None


@verb
def escalate_reading(key: UUID, *, reason: str, by: Actor) -> EscalationStep:
    """Pass a case on now, without waiting for the clock: to the next step, and to the one after it where it has nobody.

    A case that a reader has open goes to no other centre.
    """
    why = rules.check_reason(reason)
    queries.escalation(key, viewer=by)
    reading = locked_reading(key)
    reading_rules.check_claimable(reading.state)
    held = reading_rules.is_held(reading.state, reading.claimed_until, timezone.now())
    while True:
        number = max((done.number for done in _done(reading)), default=0) + 1
        if number > rules.COUNTRY:
            raise rules.EscalatedAllTheWay
        if held and number >= rules.REGION:
            raise rules.IsBeingRead
        step = _step(reading, number, Because.HAND, reason=why, by=by)
        if step.because != Because.NOBODY or number == rules.COUNTRY:
            return step


def _done(reading: Reading) -> list[rules.Done]:
    return queries.done([reading.id], viewer=SYSTEM).get(reading.id, [])


def _step(
    reading: Reading, number: int, because: EscalationStep.Because, *, by: Actor, reason: str = ""
) -> EscalationStep:  # fmt: skip
    """Pass a locked case on; to a centre, it is open there from now on."""
    target = queries.target_of(reading, step=number, viewer=SYSTEM)
    why = because if target.person or target.centre else Because.NOBODY
    step = EscalationStep.objects.create(
        reading=reading, number=number, due_at=reading.due_at, because=why, person_id=target.person,
        centre_id=target.centre, asked_by_id=by.id if because == Because.HAND else None, reason=reason,
    )  # fmt: skip
    if target.centre and target.agreement:
        Opening.objects.create(reading=reading, centre_id=target.centre, agreement_id=target.agreement, step=step)
    told = ReadingEscalated(
        reading=reading.id, step=number, due_at=reading.due_at, because=why.value, person=target.person,
        centre=target.centre, agreement=target.agreement, **_about(reading),
    )  # fmt: skip
    emit(told, by=by)
    return step


@verb
def acknowledge_step(key: UUID, *, by: Actor) -> EscalationStep:
    """Say that one has a case in hand that was passed on to oneself, or to one's centre; its clock runs on."""
    step = EscalationStep.objects.select_for_update(of=("self",)).select_related("reading").filter(id=key).first()
    if step is None or by.id is None or not rules.was_passed_to(step.person_id, step.centre_id, by):
        raise NotFound  # nobody learns of steps that are not theirs
    if step.acknowledged_at is None:
        step.acknowledged_at, step.acknowledged_by_id = timezone.now(), by.id
        step.save(update_fields=("acknowledged_at", "acknowledged_by"))
        told = StepAcknowledged(
            reading=step.reading_id, step=step.number, person=by.id, **_about(step.reading)
        )  # fmt: skip
        emit(told, by=by)
    return step


@verb
def find_centre_dark(place: UUID, *, by: Actor) -> Outage | None:
    """Note that a centre is dark, as its silence shows; told again, it is dark once."""
    if place not in queries.centres_gone_dark(viewer=by):
        return None
    return _begin(place, because="", by=by)


@verb
def declare_centre_dark(place: UUID, *, because: str, by: Actor) -> Outage:
    """Declare that a centre reads nothing for a while, and why: its cases go to others until it is declared back."""
    if not rules.answers_for(place, by):
        raise rules.NotYourCentre
    why = rules.check_reason(because)
    if place not in {standing.place.id for standing in queries.centres(viewer=by)}:
        raise rules.ReadsForNobody
    outage = _begin(place, because=why, by=by)
    if outage is None:
        raise rules.CentreIsDark
    return outage


def _begin(place: UUID, *, because: str, by: Actor) -> Outage | None:
    try:
        with transaction.atomic():
            outage = Outage.objects.create(
                place_id=place, period=DateTimeTZRange(timezone.now(), None), because=because,
                declared_by_id=by.id if because else None,
            )  # fmt: skip
    except IntegrityError:  # it is dark already
        return None
    emit(CentreWentDark(outage=outage.id, place=place, declared=bool(because)), by=by)
    return outage


@verb
def find_centre_back(key: UUID, *, by: Actor) -> None:
    """Note that a centre that was found dark gave a sign of life."""
    outage = _locked(key)
    if outage.period.upper is None and key in queries.centres_back(viewer=by):
        _end(outage, because="", by=by)


@verb
def declare_centre_back(place: UUID, *, because: str, by: Actor) -> Outage:
    """Declare that a dark centre reads again, and why; what was redistributed stays where it went."""
    if not rules.answers_for(place, by):
        raise rules.NotYourCentre
    why = rules.check_reason(because)
    outage = Outage.objects.select_for_update().filter(place=place, period__upper_inf=True).first()
    if outage is None:
        raise rules.CentreIsNotDark
    _end(outage, because=why, by=by)
    return outage


def _end(outage: Outage, *, because: str, by: Actor) -> None:
    outage.period = DateTimeTZRange(outage.period.lower, timezone.now())
    outage.ended_because, outage.ended_by_id = because, by.id if because else None
    outage.save(update_fields=("period", "ended_because", "ended_by"))
    emit(CentreCameBack(outage=outage.id, place=outage.place_id, declared=bool(because)), by=by)


@verb
def redistribute_readings(key: UUID, *, by: Actor) -> int:
    """Give the waiting cases of a dark centre, and those of its silent readers, to other centres; how many went.

    What a reader is just taking is passed over; the next pass sees to it.
    """
    outage = _locked(key)
    if outage.period.upper is not None:
        return 0
    for claim in queries.silent_claims(outage.place_id, viewer=by):
        time_out_reading(claim, by=by)
    plan = queries.redistribution(outage.place_id, viewer=by)
    went = [move for move in plan.moves if _move(outage, *move, by=by)]
    if plan.unread > outage.unread:
        outage.unread = plan.unread
        outage.save(update_fields=("unread",))
        emit(ReadingsLeftInTheDark(outage=key, place=outage.place_id, number=plan.unread), by=by)
    return len(went)


def _move(outage: Outage, case: UUID, centre: UUID, agreement: UUID, *, by: Actor) -> bool:
    """Open a case to another centre, and to the dark one no longer."""
    waiting = Reading.objects.select_for_update(skip_locked=True).filter(state=Reading.State.WAITING)
    reading = waiting.filter(id=case).first()
    if reading is None:
        return False
    try:
        with transaction.atomic():
            Opening.objects.create(reading=reading, centre_id=centre, agreement_id=agreement, outage=outage)
    except IntegrityError:  # a step was quicker
        return False
    reading.openings.filter(centre=outage.place_id, ended_at__isnull=True).update(ended_at=timezone.now())
    told = ReadingRedistributed(
        reading=case, outage=outage.id, centre=centre, agreement=agreement, **_about(reading)
    )  # fmt: skip
    emit(told, by=by)
    return True


def _locked(key: UUID) -> Outage:
    outage = Outage.objects.select_for_update().filter(id=key).first()
    if outage is None:
        raise NotFound
    return outage


def _about(reading: Reading) -> dict[str, UUID]:
    return {"order": reading.order_id, "patient": reading.patient_id, "place": reading.place_id}
