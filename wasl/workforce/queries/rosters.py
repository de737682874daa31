"""What may be asked about groups of hospitals, their rosters, and who is on duty."""

import datetime
from collections.abc import Iterable
from uuid import UUID

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.workforce.models import Group, Membership, Roster, SessionRule, Shift, Worker
from wasl.workforce.queries.staff import _visible as _visible_workers
from wasl.workforce.rules.groups import PLANS
from wasl.workforce.rules.rosters import Gap, Span, bounds, gaps

PUBLISHED = Roster.State.PUBLISHED
READS = ("radiologist", "chief")
LONGEST_DUTY = datetime.timedelta(days=4)  # further back nobody looks for where a duty began


def _visible(viewer: Actor) -> QuerySet[Roster]:
    """Who plans for a group sees its drafts too; its readers see what is published."""
    rows = Roster.objects.select_related("group__lead")
    if _plans_all(viewer):
        return rows
    led = Q(group__lead__in=viewer.places(*PLANS))
    return rows.filter(led | Q(state=PUBLISHED, group__in=_visible_groups(viewer).values("id")))


def _visible_groups(viewer: Actor) -> QuerySet[Group]:
    """A group is known to who plans for it, to the readers of its hospitals, and to who was on duty in it."""
    rows = Group.objects.select_related("lead")
    if _plans_all(viewer):
        return rows
    if not viewer.held:
        return rows.none()
    members = Membership.objects.filter(ended_at__isnull=True, place__in=viewer.places(*READS))
    served = Shift.objects.filter(worker__person=viewer.id, roster__state=PUBLISHED)
    return rows.filter(
        Q(lead__in=viewer.places(*PLANS)) | Q(id__in=members.values("group")) | Q(id__in=served.values("roster__group"))
    )


def _plans_all(viewer: Actor) -> bool:
    return viewer.is_system or any(held.role in PLANS and held.place is None for held in viewer.held)


def groups(*, viewer: Actor) -> QuerySet[Group]:
    """The groups, each with its `members` now and its `planned` rosters, from last month's on."""
    since = (timezone.localdate().replace(day=1) - datetime.timedelta(days=1)).replace(day=1)
    members = Membership.objects.filter(ended_at__isnull=True).select_related("place").order_by("place__name_fr")
    planned = _visible(viewer).filter(month__gte=since).order_by("month")
    return (
        _visible_groups(viewer)
        .prefetch_related(Prefetch("memberships", members, to_attr="members"))
        .prefetch_related(Prefetch("rosters", planned, to_attr="planned"))
        .order_by("name_fr")
    )


def group(key: UUID, *, viewer: Actor) -> Group:
    """One group, with its `members` and its `planned` rosters."""
    found = groups(viewer=viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def every_specialty() -> list[str]:
    """The specialties in which somebody is enrolled."""
    return list(Worker.objects.order_by("specialty").values_list("specialty", flat=True).distinct())


def rosters(*, viewer: Actor) -> QuerySet[Roster]:
    """The rosters, the newest first."""
    return _visible(viewer).order_by("-month", "group__name_fr")


def roster(key: UUID, *, viewer: Actor) -> Roster:
    """One roster with its group."""
    found = _visible(viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def shifts_of(roster: Roster, *, viewer: Actor) -> list[Shift]:
    """Who is on duty in the month of a roster that the viewer sees, the last night of the month before included."""
    if not _visible(viewer).filter(id=roster.id).exists():
        raise NotFound
    rows = _counting(roster, *bounds(roster.month)).select_related("worker__person", "roster")
    return list(rows.order_by("period", "id"))


def gaps_of(roster: Roster, *, viewer: Actor, within: Span | None = None) -> list[Gap]:
    """The hours of a roster's month (or within others) in which fewer than its minimum are on duty."""
    first, last = within or bounds(roster.month)
    periods: Iterable[DateTimeTZRange] = _counting(roster, first, last).values_list("period", flat=True)
    return gaps(first, last, [(period.lower, period.upper) for period in periods], roster.minimum)


def _counting(roster: Roster, first: datetime.datetime, last: datetime.datetime) -> QuerySet[Shift]:
    """The shifts that count in a roster between two moments: its own, and those published of the months beside."""
    mine = Q(roster=roster) | Q(roster__group=roster.group_id, roster__state=PUBLISHED)
    return Shift.objects.filter(mine, replaced_at__isnull=True, period__overlap=DateTimeTZRange(first, last))


def shift(key: UUID, *, viewer: Actor) -> Shift:
    """One shift of a roster that the viewer sees, with its reader and whose it was before."""
    rows = Shift.objects.filter(roster__in=_visible(viewer).values("id"))
    found = (
        rows.select_related("roster__group__lead", "worker__person", "replaces__worker__person").filter(id=key).first()
    )
    if found is None:
        raise NotFound
    return found


def session_rule(day: datetime.date, *, viewer: Actor) -> SessionRule | None:
    """What the law says of sessions on a day; it is public."""
    return SessionRule.objects.filter(period__contains=day).first()


def longest(day: datetime.date, *, viewer: Actor) -> int | None:
    """How many hours a shift of a day may last; None where no text limits it."""
    rule = session_rule(day, viewer=viewer)
    return rule.hours if rule else None


def on_duty(
    at: datetime.datetime, *, viewer: Actor, group: UUID | None = None, place: UUID | None = None
) -> QuerySet[Worker]:
    """Who is on duty at a moment by the published rosters: of a group, for a hospital, or anywhere."""
    planned = _planned(at)
    if group is not None:
        planned = planned.filter(group=group)
    if place is not None:
        then = Q(ended_at__isnull=True) | Q(ended_at__gt=at)
        members = Membership.objects.filter(then, place=place, created_at__lte=at)
        planned = planned.filter(group__in=members.values("group"))
    return _visible_workers(viewer).filter(id__in=_duties(planned, at).values("worker"))


def on_duty_since(
    at: datetime.datetime, *, viewer: Actor, on_call: bool = True
) -> dict[UUID, datetime.datetime]:  # fmt: skip
    """Since when each person who is on duty at a moment has been so, through shifts that follow without a break.

    Without `on_call`, only duty at work counts, on site or remote.
    """
    if not viewer.held:
        return {}
    rows = Shift.objects.filter(
        roster__state=PUBLISHED, replaced_at__isnull=True, period__overlap=DateTimeTZRange(at - LONGEST_DUTY, at, "[]")
    )
    if not on_call:
        rows = rows.exclude(kind=Shift.Kind.ONCALL)
    since: dict[UUID, tuple[datetime.datetime, datetime.datetime]] = {}
    for person, period in rows.order_by("period").values_list("worker__person", "period"):
        begun = since.get(person)
        unbroken = begun is not None and begun[1] == period.lower
        since[person] = (begun[0] if begun and unbroken else period.lower, period.upper)
    return {person: first for person, (first, last) in since.items() if first <= at < last}


def duties_between(
    first: datetime.datetime, last: datetime.datetime, *, viewer: Actor
) -> list[tuple[UUID, datetime.datetime, datetime.datetime]]:
    """Who was on duty between two moments by the published rosters, from when to when."""
    if not _plans_all(viewer):
        return []
    rows = Shift.objects.filter(
        roster__state=PUBLISHED, replaced_at__isnull=True, period__overlap=DateTimeTZRange(first, last)
    )
    periods = rows.order_by("period", "id").values_list("worker__person", "period")
    return [(person, max(first, period.lower), min(last, period.upper)) for person, period in periods]


def duties(at: datetime.datetime, *, viewer: Actor) -> dict[UUID, list[Shift]]:
    """The shifts of a moment by group, of the groups that the viewer knows."""
    planned = _planned(at).filter(group__in=_visible_groups(viewer).values("id"))
    found: dict[UUID, list[Shift]] = {}
    for row in _duties(planned, at).select_related("worker__person", "roster").order_by("period", "id"):
        found.setdefault(row.roster.group_id, []).append(row)
    return found


def _planned(at: datetime.datetime) -> QuerySet[Roster]:
    """The published rosters of a moment: those of its month, and those before, whose last night may not be over."""
    month = timezone.localdate(at).replace(day=1)
    before = (month - datetime.timedelta(days=1)).replace(day=1)
    return Roster.objects.filter(state=PUBLISHED, month__in=(before, month))


def _duties(planned: QuerySet[Roster], at: datetime.datetime) -> QuerySet[Shift]:
    return Shift.objects.filter(roster__in=planned.values("id"), replaced_at__isnull=True, period__contains=at)
