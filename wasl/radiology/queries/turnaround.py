"""How many exams and how fast: every figure recomputed from the journal's facts, none stored by hand.

A case is an order sent in the period. Its steps are moments told by facts (IHE SOLE's workflow): ordered, performed,
received, complete, claimed, signed, acknowledged. A span is the time between two steps, of the cases that have both.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from wasl.kernel.access import Actor, Held
from wasl.kernel.errors import NotAllowed
from wasl.places import queries as places_queries

STEPS = ("ordered", "performed", "received", "complete", "claimed", "signed", "acknowledged")
# each step from the one before, then the two that a service is judged by
SPANS = {
    **{f"{a}_{b}": (a, b) for a, b in zip(STEPS, STEPS[1:], strict=False)},
    "complete_signed": ("complete", "signed"),
    "ordered_signed": ("ordered", "signed"),
    # the first report, preliminary or final, that a response time is met by; and how long a preliminary one waited
    "complete_reported": ("complete", "reported"),
    "preliminary_signed": ("preliminary", "signed"),
}
MOMENTS = (*STEPS[:-2], "preliminary", *STEPS[-2:])  # of a case, as they are listed
GROUPS = ("place", "region", "modality", "urgency", "hour")


@dataclass(frozen=True)
class Question:
    """Which cases: a period of days (both included), and what they are narrowed to."""

    since: datetime.date
    until: datetime.date
    places: frozenset[UUID] | None = None  # None: wherever the viewer may look
    modality: str = ""
    urgency: str = ""
    hour: int | None = None  # local hour of the day in which the exam was ordered


@dataclass(frozen=True)
class Span:
    """The time between two steps: of how many cases, its median and its 90th percentile, in seconds."""

    cases: int
    p50: float | None
    p90: float | None


@dataclass(frozen=True)
class Line:
    """A group of cases: how many were ordered and signed, how many in time, and every span.

    In time is a case whose first report, preliminary or final, came before it was due; `finalised` counts the
    preliminary ones that were made final before that was due.
    """

    key: str
    ordered: int
    signed: int
    due: int
    in_time: int
    preliminary: int
    finalised: int
    spans: Mapping[str, Span] = field(default_factory=dict)


_CASES = """
with sent as (
  select subject as "order", at as ordered, place, data->>'modality' as modality, data->>'urgency' as urgency,
         data->>'procedure' as procedure, extract(hour from at at time zone %(zone)s)::int as hour
  from kernel_fact
  where name = 'radiology.OrderSent' and at >= %(since)s::timestamptz and at < %(until)s::timestamptz
    and (%(places)s::uuid[] is null or place = any(%(places)s))
    and (%(modality)s = '' or data->>'modality' = %(modality)s)
    and (%(urgency)s = '' or data->>'urgency' = %(urgency)s)
), told as (
  select sent."order",
         min(f.at) filter (where f.name = 'radiology.ExamPerformed') as performed,
         min(f.at) filter (where f.name = 'radiology.ReadingClaimed') as claimed,
         min(f.at) filter (where f.name = 'radiology.PreliminaryIssued') as preliminary,
         min(f.at) filter (where f.name = 'radiology.ReportSigned') as signed,
         min(f.at) filter (where f.name in ('radiology.ReportRead', 'radiology.CriticalResultAcknowledged'))
           as acknowledged,
         min((f.data->>'due_at')::timestamptz) filter (where f.name = 'radiology.PreliminaryIssued') as final_due,
         max((f.data->>'due_at')::timestamptz) filter (where f.name = 'radiology.ReadingOpened') as due,
         (array_agg((f.data->>'study')::uuid order by f.seq desc) filter (where f.name = 'radiology.StudyLinked'))[1]
           as study
  from sent join kernel_fact f on (f.data->>'order')::uuid = sent."order"
  where f.name in ('radiology.ExamPerformed', 'radiology.StudyLinked', 'radiology.ReadingOpened',
                   'radiology.ReadingClaimed', 'radiology.PreliminaryIssued', 'radiology.ReportSigned',
                   'radiology.ReportRead', 'radiology.CriticalResultAcknowledged')
    and f.at >= %(since)s::timestamptz
  group by 1
), images as (
  select told."order",
         min(f.at) filter (where f.name = 'archive.StudyArrived') as received,
         min(f.at) filter (where f.name = 'archive.StudyCompleted') as complete
  from told join kernel_fact f on f.subject = told.study
  where f.name in ('archive.StudyArrived', 'archive.StudyCompleted')
  group by 1
), cases as (
  select sent.*, told.performed, images.received, images.complete, told.claimed, told.preliminary, told.signed,
         told.acknowledged, told.due, told.final_due, least(told.preliminary, told.signed) as reported
  from sent left join told using ("order") left join images using ("order")
  where %(hour)s::int is null or sent.hour = %(hour)s
)
"""


def _visible(viewer: Actor) -> frozenset[UUID] | None:
    """The places whose service the viewer may judge: the country for its planner, their own for others and heads."""
    if viewer.is_system or Held("planner", None) in viewer.held:
        return None
    places = viewer.places("planner", "chief")
    if not places:
        raise NotAllowed
    return places


def _values(question: Question, viewer: Actor) -> dict[str, Any]:
    allowed = _visible(viewer)
    asked = question.places
    places = asked if allowed is None else (allowed if asked is None else allowed & asked)
    day = datetime.timedelta(days=1)
    return {
        "since": f"{question.since} 00:00 {settings.TIME_ZONE}",
        "until": f"{question.until + day} 00:00 {settings.TIME_ZONE}",
        "zone": settings.TIME_ZONE,
        "places": None if places is None else list(places),
        "modality": question.modality,
        "urgency": question.urgency,
        "hour": question.hour,
    }


def turnaround(question: Question, *, by: str, viewer: Actor) -> list[Line]:
    """The cases in groups (`by` one of GROUPS, or "" for all together), most cases first; one query."""
    group = {"region": "r.region::text", "": "''"}.get(by, f"c.{by}::text" if by in GROUPS else "''")
    region_of = dict(places_queries.places(viewer=viewer).values_list("id", "region_id")) if by == "region" else {}
    spans = ", ".join(_span_columns(*ends) for ends in SPANS.values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"""{_CASES} select {group}, count(*), count(c.signed), count(c.due),
                count(*) filter (where c.reported <= c.due), count(c.preliminary),
                count(*) filter (where c.signed <= c.final_due), {spans}
                from cases c left join unnest(%(homes)s::uuid[], %(regions)s::uuid[]) as r(place, region) using (place)
                group by 1 order by 2 desc, 1""",  # noqa: S608
            {**_values(question, viewer), "homes": list(region_of), "regions": list(region_of.values())},
        )
        return [_line(row) for row in cursor.fetchall()]


def _span_columns(start: str, end: str) -> str:
    """Number, median and 90th percentile of the seconds from one step to another; a negative span counts as none."""
    seconds = f"extract(epoch from c.{end} - c.{start})::float8"
    both = f"filter (where c.{end} >= c.{start})"
    within = f"within group (order by {seconds}) {both}"
    return f"count(*) {both}, percentile_cont(0.5) {within}, percentile_cont(0.9) {within}"


def _line(row: Sequence[Any]) -> Line:
    key, ordered, signed, due, in_time, preliminary, finalised, *rest = row
    numbers = iter(rest)
    spans = {name: Span(*trio) for name, trio in zip(SPANS, zip(numbers, numbers, numbers, strict=True), strict=True)}
    return Line(str(key), ordered, signed, due, in_time, preliminary, finalised, spans)


@dataclass(frozen=True)
class Case:
    """One order and the moments of its steps; no patient is named here."""

    order: UUID
    place: UUID
    modality: str
    urgency: str
    procedure: str
    due: datetime.datetime | None
    steps: Mapping[str, datetime.datetime | None]


def cases(question: Question, *, viewer: Actor, limit: int = 100, offset: int = 0) -> list[Case]:
    """The cases behind a figure, newest first, a page at a time."""
    moments = ", ".join(f"c.{step}" for step in MOMENTS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""{_CASES} select c."order", c.place, c.modality, c.urgency, c.procedure, c.due, {moments}
                from cases c order by c.ordered desc, c."order" limit %(limit)s offset %(offset)s""",  # noqa: S608
            {**_values(question, viewer), "limit": limit, "offset": offset},
        )
        return [_case(row) for row in cursor.fetchall()]


def _case(row: Sequence[Any]) -> Case:
    order, place, modality, urgency, procedure, due, *moments = row
    return Case(order, place, modality, urgency, procedure, due, dict(zip(MOMENTS, moments, strict=True)))


def volumes(question: Question, *, viewer: Actor) -> list[tuple[datetime.date, int, int]]:
    """Ordered and signed exams of each day of the period, days without any included."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""{_CASES} select d::date, count(c."order"), count(c.signed)
                from generate_series(%(first)s::date, %(last)s::date, '1 day') d
                left join cases c on (c.ordered at time zone %(zone)s)::date = d::date group by 1 order by 1""",  # noqa: S608
            {**_values(question, viewer), "first": question.since, "last": question.until},
        )
        return [(day, ordered, signed) for day, ordered, signed in cursor.fetchall()]
