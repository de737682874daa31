"""What the facts say of orders, for who evaluates the service: the moments of their steps, and what was read again."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q

from wasl.kernel.access import Actor
from wasl.kernel.models import Fact
from wasl.radiology.events import OrderSent
from wasl.radiology.models import OverRead, Reading


@dataclass(frozen=True)
class Moments:
    """An order and the moments of its steps, as the facts have them; it names no patient."""

    order: UUID
    place: UUID
    modality: str
    urgency: str
    ordered: datetime.datetime
    performed: datetime.datetime | None
    complete: datetime.datetime | None
    reported: datetime.datetime | None  # the first report, preliminary or final
    signed: datetime.datetime | None
    due: datetime.datetime | None
    reading: UUID | None


# the same moments as those of a case in `turnaround`, of some orders, found by their facts
_MOMENTS = """
with sent as (
  select distinct on (subject) subject as "order", at as ordered, place, data->>'modality' as modality,
         data->>'urgency' as urgency
  from kernel_fact where subject = any(%(orders)s::uuid[]) and name = 'radiology.OrderSent' order by subject, seq
), told as (
  select sent."order",
         min(f.at) filter (where f.name = 'radiology.ExamPerformed') as performed,
         min(f.at) filter (where f.name in ('radiology.PreliminaryIssued', 'radiology.ReportSigned')) as reported,
         min(f.at) filter (where f.name = 'radiology.ReportSigned') as signed,
         max((f.data->>'due_at')::timestamptz) filter (where f.name = 'radiology.ReadingOpened') as due,
         (array_agg(f.subject order by f.seq desc) filter (where f.name = 'radiology.ReadingOpened'))[1] as reading,
         (array_agg((f.data->>'study')::uuid order by f.seq desc) filter (where f.name = 'radiology.StudyLinked'))[1]
           as study
  from sent join kernel_fact f on f.data->'order' = to_jsonb(sent."order"::text)
  group by 1
)
select sent."order", sent.place, sent.modality, sent.urgency, sent.ordered, told.performed,
       (select min(f.at) from kernel_fact f where f.subject = told.study and f.name = 'archive.StudyCompleted'),
       told.reported, told.signed, told.due, told.reading
from sent left join told using ("order") order by sent."order"
"""
_STEPS = """
select f.name, f.at, sent."order", f.place, f.actor
from unnest(%(orders)s::uuid[]) as sent("order")
join kernel_fact f on f.data->'order' = to_jsonb(sent."order"::text)
where f.name = any(%(names)s)
union all
select f.name, f.at, linked."order", f.place, f.actor
from (
  select distinct on (sent."order") sent."order", (f.data->>'study')::uuid as study
  from unnest(%(orders)s::uuid[]) as sent("order")
  join kernel_fact f on f.data->'order' = to_jsonb(sent."order"::text)
  where f.name = 'radiology.StudyLinked' order by sent."order", f.seq desc
) linked join kernel_fact f on f.subject = linked.study
where f.name = any(%(names)s)
order by 3, 2, 1
"""


@dataclass(frozen=True)
class Told:
    """A fact about an order or about the images that answer it: its name, when, where, and who did it."""

    name: str
    at: datetime.datetime
    order: UUID
    place: UUID | None
    actor: str  # `kind:id`


def _visible(viewer: Actor) -> bool:
    """Whoever evaluates the whole service asks as the system, and shows each person what theirs is."""
    return viewer.is_system


def moments(orders: Iterable[UUID], *, viewer: Actor) -> list[Moments]:
    """The moments of some orders; of those that were never sent, nothing."""
    rows = _rows(_MOMENTS, {"orders": sorted(set(orders))}) if _visible(viewer) else []
    return [Moments(*row) for row in rows]


def steps(orders: Iterable[UUID], *, names: Iterable[str], viewer: Actor) -> list[Told]:
    """The facts of these names about some orders and their images, by order, the oldest first."""
    asked = {"orders": sorted(set(orders)), "names": sorted(names)}
    return [Told(*row) for row in _rows(_STEPS, asked)] if _visible(viewer) else []


def orders_told(*, after: int, limit: int, viewer: Actor) -> list[tuple[int, UUID]]:
    """The orders that were sent after a fact, in the order of the journal, each with its fact's number."""
    rows = Fact.objects.filter(name=OrderSent.name(), seq__gt=after) if _visible(viewer) else Fact.objects.none()
    return list(rows.order_by("seq").values_list("seq", "subject")[:limit])


def over_reads(since: datetime.datetime, until: datetime.datetime, *, viewer: Actor) -> Mapping[UUID, tuple[int, int]]:
    """By hospital that asked: over-readings between two moments that found a discrepancy, and how many there were."""
    if not _visible(viewer):
        return {}
    rows = OverRead.objects.filter(created_at__gte=since, created_at__lt=until)
    rows = rows.exclude(report__reading__state=Reading.State.WITHDRAWN)
    counted = rows.values("report__reading__place").annotate(
        found=Count("id", filter=~Q(verdict=OverRead.Verdict.AGREES)), number=Count("id")
    )
    return {row["report__reading__place"]: (row["found"], row["number"]) for row in counted}


def _rows(sql: str, asked: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        return list(cursor.fetchall())
