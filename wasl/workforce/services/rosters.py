"""A month's roster: drafted, filled with shifts, published, and readers replaced in it."""

import datetime
from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange, DateTimeTZRange
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.workforce import queries
from wasl.workforce.events import RosterDrafted, RosterPublished, SessionRuleSet, ShiftAdded, ShiftRemoved
from wasl.workforce.models import Group, Roster, SessionRule, Shift, Worker
from wasl.workforce.rules import rosters as rules
from wasl.workforce.rules.groups import check_plans
from wasl.workforce.services.handing import hand_over, lock_shifts, lock_workers


@verb
def set_session_rule(
    *, hours: int, since: datetime.date, source: str, by: Actor, most: int | None = None,
    opens: datetime.time | None = None, closes: datetime.time | None = None,
) -> SessionRule:  # fmt: skip
    """Set what a text says of sessions from a day on; what held before stays known.

    How many hours one lasts (and a shift at most), how many a doctor has in a month, and what official hours are.
    """
    rules.check_session_rule(hours=hours, most=most, opens=opens, closes=closes)
    current = SessionRule.objects.select_for_update().filter(period__upper_inf=True).first()
    rules.check_session_later(since=since, current=current.period.lower if current else None)
    if current:
        current.period = DateRange(current.period.lower, since)
        current.save(update_fields=("period",))
    try:
        with transaction.atomic():
            rule = SessionRule.objects.create(
                hours=hours, most=most, opens=opens, closes=closes, source=source[:200], period=DateRange(since, None)
            )
    except IntegrityError as error:  # another was set while this one waited
        raise rules.SessionRuleNotLater(since=since.isoformat()) from error
    emit(SessionRuleSet(rule=rule.id, hours=hours, most=most), by=by)
    return rule


@verb
def draft_roster(group: UUID, *, month: datetime.date, by: Actor) -> Roster:
    """Begin a group's roster of a month, by any of its days."""
    found = Group.objects.filter(id=group).first()
    if found is None:
        raise NotFound
    check_plans(found.lead_id, by)
    first = month.replace(day=1)
    rules.check_month(first, today=timezone.localdate())
    try:
        with transaction.atomic():
            roster = Roster.objects.create(group=found, month=first, minimum=found.minimum)
    except IntegrityError as error:
        raise rules.AlreadyDrafted from error
    emit(RosterDrafted(roster=roster.id, group=found.id, month=first), by=by)
    return roster


@verb
def add_shift(key: UUID, *, worker: UUID, period: rules.Span, kind: str, by: Actor) -> Shift:
    """Put a reader on duty in a draft, from one full hour to another."""
    roster = _draft(key, by=by)
    return _add(roster, lock_workers(worker)[worker], period=period, kind=kind, by=by)


@verb
def add_pattern(
    key: UUID, *, worker: UUID, days: Sequence[datetime.date], begins: int, ends: int, kind: str, by: Actor
) -> list[Shift]:
    """Put a reader on duty on several days of a draft, from an hour until another; all of them or none."""
    roster = _draft(key, by=by)
    if not days:
        raise rules.NoShift
    reader = lock_workers(worker)[worker]
    spans = [rules.span(day, begins, ends) for day in sorted(set(days))]
    return [_add(roster, reader, period=span, kind=kind, by=by) for span in spans]


@verb
def remove_shift(key: UUID, *, by: Actor) -> None:
    """Take a reader off a shift of a draft."""
    shift = Shift.objects.filter(id=key).first()
    if shift is None:
        raise NotFound
    _draft(shift.roster_id, by=by)
    gone, _ = Shift.objects.filter(id=key).delete()
    if not gone:  # somebody else was quicker
        raise NotFound
    emit(ShiftRemoved(shift=key, roster=shift.roster_id, worker=shift.worker_id), by=by)


@verb
def publish_roster(key: UUID, *, by: Actor) -> Roster:
    """Publish a month's roster, if at every hour enough readers are on duty."""
    roster = _draft(key, by=by)
    rules.check_covered(queries.gaps_of(roster, viewer=by))
    roster.state, roster.published_at = Roster.State.PUBLISHED, timezone.now()
    roster.save(update_fields=("state", "published_at"))
    emit(RosterPublished(roster=roster.id, group=roster.group_id, month=roster.month), by=by)
    return roster


@verb
def replace_worker(key: UUID, *, worker: UUID, by: Actor) -> Shift:
    """Put another reader on a shift of a published roster, when its own cannot come."""
    (shift,) = lock_shifts(key, workers=(worker,))
    check_plans(shift.roster.group.lead_id, by)
    rules.check_published(shift.roster.state)
    (made,) = hand_over([(shift, worker)], by=by)
    return made


def _draft(key: UUID, *, by: Actor) -> Roster:
    """A draft that somebody plans, locked: what is counted in it stays until the end."""
    rows = Roster.objects.select_for_update(of=("self",), no_key=True).select_related("group")
    roster = rows.filter(id=key).first()
    if roster is None:
        raise NotFound
    check_plans(roster.group.lead_id, by)
    rules.check_draft(roster.state)
    return roster


def _add(roster: Roster, worker: Worker, *, period: rules.Span, kind: str, by: Actor) -> Shift:
    if kind not in Shift.Kind.values:
        raise rules.UnknownKind
    rules.check_specialty(worker.specialty, group=roster.group.specialty, name=worker.person.name)
    longest = queries.longest(timezone.localdate(period[0]), viewer=by)
    rules.check_shift(period, month=roster.month, longest=longest)
    try:
        with transaction.atomic():
            shift = Shift.objects.create(roster=roster, worker=worker, period=DateTimeTZRange(*period), kind=kind)
    except IntegrityError as error:
        raise rules.AlreadyOnDuty(name=worker.person.name) from error
    emit(ShiftAdded(shift=shift.id, roster=roster.id, worker=worker.id), by=by)
    return shift
