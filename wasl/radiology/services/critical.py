"""Critical results: somebody always owes the answer; it goes up by the clock, and an answer says all six."""

import datetime
from uuid import UUID

from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries
from wasl.radiology.events import (
    CriticalResultAcknowledged,
    CriticalResultChanged,
    CriticalResultHandedOver,
    CriticalResultPassedUp,
    CriticalResultRaised,
    CriticalTargetSet,
    PassingRuleSet,
    WrongCodeEntered,
)
from wasl.radiology.models import CriticalTarget, Handing, Obligation, PassingRule, Reading, WrongCode
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.rules import results as rules
from wasl.radiology.services import dated
from wasl.radiology.services.results import about, signed

Because, How = Handing.Because, Obligation.How


@verb
def set_critical_target(*, minutes: int, since: datetime.date, by: Actor, category: int = 1) -> CriticalTarget:
    """Set in how many minutes critical results of a category are to be acknowledged from a date on.

    What held before stays known.
    """
    rules.check_category(category)
    target = dated.begin(
        CriticalTarget.objects.filter(category=category), since=since, category=category, minutes=minutes,
        check=lambda current: rules.check_critical_target(since=since, current=current),
        overtaken=rules.CriticalTargetNotLater(since=since.isoformat()),
    )  # fmt: skip
    emit(CriticalTargetSet(target=target.id, minutes=minutes, category=category), by=by)
    return target


@verb
def set_passing_rule(shares: tuple[int, int, int], *, since: datetime.date, by: Actor) -> PassingRule:
    """Set after what shares of its time (per cent) an unanswered result goes to levels 1, 2 and 3 from a date on."""
    first, second, third = shares
    rule = dated.begin(
        PassingRule.objects.all(), since=since, first=first, second=second, third=third,
        check=lambda current: rules.check_passing_rule(shares, since=since, current=current),
        overtaken=rules.PassingRuleNotLater(since=since.isoformat()),
    )  # fmt: skip
    emit(PassingRuleSet(rule=rule.id, shares=shares), by=by)
    return rule


@verb
def raise_critical_result(key: UUID, *, by: Actor) -> Obligation:
    """Ask the requesting doctor, and with them their hospital, to acknowledge a critical result before a deadline.

    Of a final report that says otherwise than its preliminary one, whoever held or acknowledged that is told again.
    """
    report = signed(key)
    told = queries.critical_change(report, viewer=by)
    category, since = told.category if told else report.critical_category, queries.owed_since(report, viewer=by)
    due = since + datetime.timedelta(minutes=queries.critical_minutes(on=since, category=category, viewer=by))
    obligation, made = Obligation.objects.get_or_create(
        report=report,
        defaults={
            "category": category, "holder_id": told.holder if told else report.reading.order.requester_id,
            "place_id": report.reading.place_id, "what": told.what if told else report.critical_what,
            "change": told.change if told else "", "code": rules.new_code(), "due_at": due,
            "next_at": rules.passes_at(since, due, level=0, shares=queries.passing_shares(on=since, viewer=by)),
        },
    )  # fmt: skip
    if made:
        _hand(obligation, Because.RAISED)
        held = {"obligation": obligation.id, "holder": obligation.holder_id, **about(report)}
        if told:
            emit(CriticalResultChanged(change=told.change, **held), by=by)
        else:
            emit(CriticalResultRaised(category=category, **held), by=by)
    return obligation


@verb
def pass_up_result(key: UUID, *, by: Actor) -> Obligation:
    """Take a critical result that nobody answered in time one level up; told before its time, or again, it stays.

    A level that has nobody else leaves it with its holder, and lets it go on to the next level at once.
    """
    obligation, report = _locked(key), signed(key)
    now = timezone.now()
    if (
        obligation.acknowledged_at is not None
        or obligation.next_at is None
        or obligation.next_at > now
        or report.reading.state == Reading.State.WITHDRAWN
    ):
        return obligation
    obligation.level += 1
    had = set(obligation.handings.values_list("holder", flat=True))
    holder = rules.next_holder(queries.holders_at(report, level=obligation.level, viewer=by), had)
    obligation.holder_id = holder or obligation.holder_id
    since = queries.owed_since(report, viewer=by)
    shares = queries.passing_shares(on=since, viewer=by)
    obligation.next_at = rules.passes_at(since, obligation.due_at, level=obligation.level, shares=shares)
    if holder is None and obligation.next_at is not None:
        obligation.next_at = now
    obligation.save(update_fields=("level", "holder", "next_at"))
    because = Because.TIME if holder else Because.NOBODY
    _hand(obligation, because)
    fact = CriticalResultPassedUp(
        obligation=obligation.id, holder=obligation.holder_id, level=obligation.level, because=because.value,
        due_at=obligation.due_at, **about(report),
    )  # fmt: skip
    emit(fact, by=by)
    return obligation


@verb
def hand_over_result(key: UUID, *, to: UUID, by: Actor) -> Obligation:
    """Hand a critical result that one holds over to a named doctor of the hospital that asked; its clock runs on."""
    obligation, report = _locked(key), signed(key)
    if obligation.holder_id != by.id:
        raise rules.NotHeldByYou
    _check_open(obligation)
    if obligation.holder_id == to:
        raise rules.HeldAlready
    if to not in queries.receivers(report, viewer=by):
        raise rules.NotADoctorThere
    obligation.holder_id = to
    obligation.save(update_fields=("holder",))
    _hand(obligation, Because.HAND)
    fact = CriticalResultHandedOver(
        obligation=obligation.id, holder=to, level=obligation.level, due_at=obligation.due_at, **about(report)
    )
    emit(fact, by=by)
    return obligation


@verb
def acknowledge_result(key: UUID, *, by: Actor) -> Obligation:
    """Acknowledge the critical result of a report: the doctor who asked, or a clinician of the same hospital.

    Who presses the button under the words has read them: that is the page's way of reading back.
    """
    obligation = _locked(key)
    if not queries.may_answer(obligation, viewer=by):
        raise rules.NotYourResult
    _check_open(obligation)
    return _answer(obligation, told_by=None, receiver=by.id, how=How.PAGE, said=obligation.what, at=None, by=by)


@verb
def acknowledge_by_code(text: str, *, at: datetime.datetime, by: Actor) -> Obligation | None:
    """Acknowledge, with the code and the time that stand on paper, what was told while the network was away.

    None when it is no code of the person's hospital: that is counted, and so it must not be undone by a refusal.
    """
    now, person = timezone.now(), reading_rules.reader(by)
    hour = now.replace(minute=0, second=0, microsecond=0)
    WrongCode.objects.get_or_create(person_id=person, hour=hour)
    tries = WrongCode.objects.select_for_update().get(person_id=person, hour=hour)
    rules.check_tries(tries.times)
    code = rules.code(text)
    obligation = Obligation.objects.select_for_update().filter(code=code).first() if code else None
    # nobody learns whether a code is another hospital's
    if obligation is None or not queries.may_answer(obligation, viewer=by):
        tries.times += 1
        tries.save(update_fields=("times",))
        emit(WrongCodeEntered(person=tries.person_id, times=tries.times), by=by)
        return None
    _check_open(obligation)
    return _answer(obligation, told_by=None, receiver=by.id, how=How.CODE, said=obligation.what, at=at, by=by)


@verb
def record_communication(
    key: UUID, *, receiver: UUID, how: str, at: datetime.datetime, said: str, read_back: bool, by: Actor
) -> Obligation:
    """Record that one told a critical result to a named doctor of the hospital that asked: when, how, what, read back.

    It acknowledges the result in that doctor's name; for its reader, and the head of the reader's department.
    """
    obligation, report = _locked(key), signed(key)
    if not queries.may_tell(obligation, viewer=by):
        raise rules.NotYoursToTell
    _check_open(obligation)
    rules.check_said(how=how, said=said, read_back=read_back)
    if receiver == by.id or receiver not in queries.receivers(report, viewer=by):
        raise rules.NotADoctorThere
    return _answer(obligation, told_by=by.id, receiver=receiver, how=How(how), said=said.strip()[:300], at=at, by=by)


def _answer(
    obligation: Obligation, *, told_by: UUID | None, receiver: UUID | None, how: Obligation.How, said: str,
    at: datetime.datetime | None, by: Actor,
) -> Obligation:  # fmt: skip
    """Write all six down, and that it is answered; without a teller it is the report itself that told."""
    report = signed(obligation.report_id)
    now = timezone.now()
    since = queries.owed_since(report, viewer=by)
    obligation.told_by_id = told_by or report.author_id
    obligation.acknowledged_by_id = receiver
    obligation.acknowledged_at = rules.moment(at, since=since, now=now) if at else now
    obligation.how, obligation.said, obligation.read_back = how, said, True
    obligation.entered_at, obligation.next_at = now, None
    obligation.save()
    fact = CriticalResultAcknowledged(obligation=obligation.id, how=how.value, **about(report))
    emit(fact, by=by, at=obligation.acknowledged_at)
    return obligation


def _hand(obligation: Obligation, because: Handing.Because) -> None:
    Handing.objects.create(
        obligation=obligation, turn=obligation.handings.count(), level=obligation.level,
        holder_id=obligation.holder_id, because=because,
    )  # fmt: skip


def _locked(key: UUID) -> Obligation:
    """What is owed for a report, locked. Raises NotYourResult where nothing is."""
    obligation = Obligation.objects.select_for_update().filter(report=key).first()
    if obligation is None:
        raise rules.NotYourResult
    return obligation


def _check_open(obligation: Obligation) -> None:
    if obligation.acknowledged_at is not None:
        raise rules.AlreadyAcknowledged(reader=obligation.acknowledged_by)
