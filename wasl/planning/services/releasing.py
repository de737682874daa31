"""A month published: its figures for good, those withheld without their numbers; and of how few nothing is said."""

import datetime

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.planning import queries
from wasl.planning.events import DisclosureSet, EvaluationReleased
from wasl.planning.models import Disclosure, Figure, Month, Release
from wasl.planning.rules import evaluation as rules

NUMBERS = ("numerator", "denominator", "value", "low", "high")


@verb
def set_disclosure(*, minimum: int, since: datetime.date, source: str, by: Actor) -> Disclosure:
    """Set of how few a figure is withheld, from a day on; what was published before stays as it is."""
    rules.check_disclosure(minimum, source)
    current = Disclosure.objects.select_for_update().filter(period__upper_inf=True).first()
    rules.check_later(since, current=current.period.lower if current else None, today=timezone.localdate())
    try:
        with transaction.atomic():
            if current:
                current.period = DateRange(current.period.lower, since)
                current.save(update_fields=("period",))
            row = Disclosure.objects.create(minimum=minimum, source=source[:200], period=DateRange(since, None))
    except IntegrityError as other:
        raise rules.MinimumOvertaken from other
    emit(DisclosureSet(disclosure=row.id, minimum=minimum, since=since), by=by)
    return row


@verb
def release_month(month: datetime.date, *, by: Actor) -> Release:
    """Publish the evaluation of a month that is over, for the country and its regions; again only when it differs."""
    month = month.replace(day=1)
    rules.check_releasable(month, today=timezone.localdate())
    queries.releases(viewer=by)  # for the whole country
    counted = Month.objects.select_for_update().filter(month=month, counted_at__isnull=False).first()
    if counted is None or counted.counted_at is None:
        raise rules.MonthNotCounted
    figures = [_plain(row) for row in _published(month)]
    if not figures:
        raise rules.MonthNotCounted
    before = Release.objects.filter(month=month).order_by("-number").first()
    if before and before.figures == figures:
        raise rules.NothingNew
    row = Release.objects.create(
        month=month, number=before.number + 1 if before else 1, minimum=queries.minimum(on=month, viewer=by),
        figures=figures, counted_at=counted.counted_at,
    )  # fmt: skip
    emit(EvaluationReleased(release=row.id, month=month, number=row.number, measure=rules.MEASURE), by=by)
    return row


def _published(month: datetime.date) -> list[Figure]:
    """The country's figures, with its classes of urgency, and those of its regions."""
    rows = Figure.objects.filter(month=month).exclude(level=Figure.Level.PLACE).select_related("region")
    parts = [row for row in rows if not row.slice or (row.slice.startswith("urgency:") and row.region is None)]
    return sorted(parts, key=lambda row: (row.region.code if row.region else "", row.indicator, row.slice))


def _plain(row: Figure) -> dict[str, object]:
    region = row.region
    return {
        "region": region.code if region else "",
        "names": [region.name_ar, region.name_fr, region.name_en] if region else [],
        "population_date": f"{region.population_date}" if region and region.population_date else "",
        "indicator": row.indicator, "slice": row.slice, "why": row.why, "withheld": row.withheld,
        **{name: None if row.withheld else getattr(row, name) for name in NUMBERS},
    }  # fmt: skip
