"""A month's cases summed up in the database, and what is known of hospitals beside: what figures are made of."""

import datetime
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.places import queries as places
from wasl.planning.rules.counting import Cell, Place, Share, night_hours
from wasl.planning.rules.evaluation import next_month
from wasl.radiology import queries as radiology
from wasl.workforce import queries as workforce

DAY, HOUR = datetime.timedelta(days=1), datetime.timedelta(hours=1)
_CELLS = """
select place_id, provider_id, modality, urgency, hour, count(*), count(performed_at), count(signed_at),
       count(*) filter (where due_at is not null and (reported_at is not null or due_at < %(now)s)),
       count(*) filter (where due_at is not null and coalesce(reported_at, %(now)s) > due_at),
       array_agg(extract(epoch from reported_at - complete_at)::float8) filter (where reported_at >= complete_at),
       array_agg(extract(epoch from reported_at - ordered_at)::float8) filter (where reported_at >= ordered_at)
from planning_case where month = %(month)s
group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
"""


def _visible(viewer: Actor) -> bool:
    """Only Wasl itself counts; what people see are figures."""
    return viewer.is_system


def cells(month: datetime.date, *, viewer: Actor) -> list[Cell]:
    """The cases of a month, those alike together."""
    if not _visible(viewer):
        return []
    with connection.cursor() as cursor:
        cursor.execute(_CELLS, {"month": month, "now": timezone.now()})
        return [_cell(row) for row in cursor.fetchall()]


def _cell(row: Sequence[Any]) -> Cell:
    place, provider, modality, urgency, hour, ordered, performed, signed, due, late, turns, waits = row
    spans = (np.array(values or [], float) for values in (turns, waits))
    return Cell(place, provider, modality, urgency, hour, ordered, performed, signed, due, late, *spans)


def known_places(month: datetime.date, *, viewer: Actor) -> Mapping[UUID, Place]:
    """All that the figures of a month need of hospitals beside their cases."""
    if not _visible(viewer):
        return {}
    first, last = workforce.bounds(month)
    until = next_month(month) - DAY
    staffed = workforce.staffed_places(last, viewer=viewer)
    hours = _night(month, viewer)
    duties = workforce.hours_covered(first, last, viewer=viewer)
    covered = _covered(hours, duties)
    every_hour = _hours(first, last)
    remote = _covered(every_hour, [duty for duty in duties if duty.remote])
    at = workforce.counted_at(month, now=timezone.now())
    posts = workforce.staffing(at, specialty=workforce.RADIOLOGY, viewer=viewer)
    machines = radiology.rejected_between(month, until, viewer=viewer)
    rejects = _pairs((one.place, one.rejected, one.series) for one in machines)
    closures = radiology.closures(since=month, until=until, viewer=viewer)
    critical = _pairs((one.place, one.in_time, one.due) for one in closures)
    discrepancy = radiology.over_reads(first, last, viewer=viewer)
    return {
        row.id: Place(
            region=row.region_id,
            point=None if row.latitude is None or row.longitude is None else (row.latitude, row.longitude),
            area=(row.region.latitude, row.region.longitude),
            staffed=row.id in staffed,
            night=(covered.get(row.id, 0), len(hours)) if hours else None,
            remote_hours=(remote.get(row.id, 0), len(every_hour)),
            posts=(posts[row.id].vacant, posts[row.id].posts.number) if row.id in posts else None,
            rejects=rejects.get(row.id, (0, 0)),
            discrepancy=discrepancy.get(row.id, (0, 0)),
            critical=critical.get(row.id, (0, 0)),
        )
        for row in places.places(viewer=viewer)
    }


def _night(month: datetime.date, viewer: Actor) -> list[datetime.datetime]:
    """The night hours of a month, by the rule of supervision in force when it begins; none where none are set."""
    first, _ = workforce.bounds(month)
    rule = radiology.supervision(on=first, viewer=viewer)
    if rule.night_from is None or rule.night_until is None:
        return []
    zone = timezone.get_default_timezone()
    return [
        timezone.make_aware(datetime.datetime.combine(day, datetime.time(hour)), zone)
        for day, hour in night_hours(month, (rule.night_from, rule.night_until))
    ]


def _hours(first: datetime.datetime, last: datetime.datetime) -> list[datetime.datetime]:
    """The hours between two moments, by when each begins."""
    return [first + number * HOUR for number in range((last - first) // HOUR)]


def _covered(hours: list[datetime.datetime], duties: Iterable[workforce.Duty]) -> dict[UUID, int]:
    """How many of some hours, in their order, each hospital is covered in, from beginning to end by one reader."""
    found: dict[UUID, set[datetime.datetime]] = {}
    for duty in duties:
        first, last = bisect_left(hours, duty.since), bisect_right(hours, duty.until - HOUR)
        found.setdefault(duty.place, set()).update(hours[first:last])
    return {place: len(there) for place, there in found.items()}


def _pairs(rows: Iterable[tuple[UUID, int, int]]) -> dict[UUID, Share]:
    found: dict[UUID, Share] = {}
    for place, numerator, denominator in rows:
        before = found.get(place, (0, 0))
        found[place] = (before[0] + numerator, before[1] + denominator)
    return found
