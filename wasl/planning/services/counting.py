"""Cases noted from facts, and the months counted from cases; whatever is done twice comes to the same."""

import datetime
from collections.abc import Iterable
from uuid import UUID

from django.db import connection
from django.utils import timezone

from wasl.contracts import queries as contracts
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.places import queries as places
from wasl.planning import queries
from wasl.planning.events import MonthCounted
from wasl.planning.models import Case, Figure, Month
from wasl.planning.rules import counting
from wasl.radiology import queries as radiology

BATCH = 500
NOTED = (
    "reading", "place", "provider", "modality", "urgency", "month", "hour", "ordered_at", "performed_at",
    "complete_at", "reported_at", "signed_at", "due_at", "noted_at", "counted",
)  # fmt: skip
# one after the other for one order, in one order for several: who comes last has read all facts that were committed
TURN = "select pg_advisory_xact_lock(hashtextextended('planning:' || o, 0)) from unnest(%s::text[]) o"


@verb
def note_cases(orders: Iterable[UUID], *, by: Actor) -> None:
    """Write down what the facts say of some orders; their months are to be counted again."""
    keys = sorted(set(orders), key=str)
    with connection.cursor() as cursor:
        cursor.execute(TURN, [[str(key) for key in keys]])
    found = radiology.moments(keys, viewer=by)
    providers = contracts.providers_of([one.reading for one in found if one.reading], viewer=by)
    rows = [_case(one, providers.get(one.reading) if one.reading else None) for one in found]
    Case.objects.bulk_create(rows, update_conflicts=True, unique_fields=("order",), update_fields=NOTED)


def _case(one: radiology.Moments, provider: UUID | None) -> Case:
    ordered = timezone.localtime(one.ordered, timezone.get_default_timezone())
    return Case(
        order=one.order, reading=one.reading, place_id=one.place, provider_id=provider, modality=one.modality,
        urgency=one.urgency, month=ordered.date().replace(day=1), hour=ordered.hour, ordered_at=one.ordered,
        performed_at=one.performed, complete_at=one.complete, reported_at=one.reported, signed_at=one.signed,
        due_at=one.due, noted_at=timezone.now(), counted=False,
    )  # fmt: skip


@verb
def note_reading(reading: UUID, *, by: Actor) -> None:
    """Write down again the case of a reading, where it is known already."""
    if case := Case.objects.filter(reading=reading).first():
        note_cases([case.order], by=by)


@verb
def forget_cases(*, before: datetime.datetime, by: Actor) -> int:
    """Take away the cases that were not noted since a moment: no fact speaks of them. Gives how many there were."""
    gone, _ = Case.objects.filter(noted_at__lt=before).delete()
    return gone


@verb
def count_month(month: datetime.date, *, by: Actor) -> int:
    """Count the figures of a month from its cases, in place of those before; gives how many there are."""
    counted, _ = Month.objects.get_or_create(month=month)
    Month.objects.select_for_update().get(id=counted.id)
    # first: a case that is noted from now on stays uncounted, and its month is counted again
    Case.objects.filter(month=month, counted=False).update(counted=True)
    population = {row.id: row.population for row in places.regions(viewer=by, on=month)}
    found = list(counting.figures(queries.cells(month, viewer=by), queries.known_places(month, viewer=by), population))
    hidden = counting.withheld(found, queries.minimum(on=month, viewer=by))
    Figure.objects.filter(month=month).delete()
    Figure.objects.bulk_create([_written(month, one, hidden=one in hidden) for one in found], batch_size=5000)
    counted.counted_at = timezone.now()
    counted.save(update_fields=("counted_at",))
    emit(MonthCounted(counted=counted.id, month=month, figures=len(found)), by=by)
    return len(found)


def _written(month: datetime.date, one: counting.Counted, *, hidden: bool) -> Figure:
    return Figure(
        month=month, level=one.level, region_id=one.region, place_id=one.place, indicator=one.indicator,
        slice=one.slice, numerator=one.numerator, denominator=one.denominator, value=one.value, low=one.low,
        high=one.high, why=one.why, withheld=hidden,
    )  # fmt: skip


def rebuild(*, by: Actor) -> tuple[int, int]:
    """Note every case again from the journal and count every month again: how many cases and months there are.

    Batch by batch, each a transaction: the pages stay as they were until their month is counted.
    """
    begun, after, noted = timezone.now(), 0, 0
    while batch := radiology.orders_told(after=after, limit=BATCH, viewer=by):
        note_cases([order for _, order in batch], by=by)
        after, noted = batch[-1][0], noted + len(batch)
    forget_cases(before=begun, by=by)
    months = set(queries.months_to_count(viewer=by)) | {row.month for row in queries.months(viewer=by)}
    for month in sorted(months):
        count_month(month, by=by)
    return noted, len(months)
