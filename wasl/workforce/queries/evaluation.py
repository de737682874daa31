"""What an evaluation asks of staff and rosters: which hours of which hospital were covered, and where readers work."""

import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q

from wasl.kernel.access import Actor
from wasl.workforce.models import Membership, Roster, Shift, Worker
from wasl.workforce.queries.rosters import _plans_all

RADIOLOGY = "radiology"


class Duty(NamedTuple):
    """A hospital for which somebody is on duty, from when to when, and whether they are of another hospital."""

    place: UUID
    since: datetime.datetime
    until: datetime.datetime
    remote: bool


def hours_covered(first: datetime.datetime, last: datetime.datetime, *, viewer: Actor) -> list[Duty]:
    """The hospitals for which somebody is on duty between two moments, by published rosters, from when to when."""
    if not _plans_all(viewer):
        return []
    shifts: dict[UUID, list[tuple[DateTimeTZRange, UUID]]] = {}
    rows = Shift.objects.filter(
        roster__state=Roster.State.PUBLISHED, replaced_at__isnull=True, period__overlap=DateTimeTZRange(first, last)
    )
    for group, period, home in rows.order_by("period", "id").values_list("roster__group", "period", "worker__place"):
        shifts.setdefault(group, []).append((period, home))
    then = Membership.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=first), created_at__lt=last)
    return [
        Duty(place, max(first, since, period.lower), min(last, until or last, period.upper), remote=home != place)
        for place, group, since, until in then.values_list("place", "group", "created_at", "ended_at")
        for period, home in shifts.get(group, ())
        if max(since, period.lower) < min(until or last, period.upper)
    ]


def staffed_places(before: datetime.datetime, *, viewer: Actor) -> frozenset[UUID]:
    """The hospitals where a radiologist was enrolled before a moment."""
    if not viewer.held:
        return frozenset()
    rows = Worker.objects.filter(specialty=RADIOLOGY, created_at__lt=before, person__is_active=True)
    return frozenset(rows.values_list("place", flat=True))
