"""What may be asked about comparisons: what there was to compare, and how often a report names none."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from wasl.archive import queries as archive
from wasl.kernel.access import Actor, Held
from wasl.radiology.models import Comparison, Report
from wasl.radiology.queries.priors import like
from wasl.radiology.rules import comparing as rules
from wasl.radiology.rules.quality import FEWEST


@dataclass(frozen=True)
class Compared:
    """A centre that reads: how many of its reports of a period had an earlier exam to compare, how many named none."""

    place: UUID
    comparable: int
    missing: int

    @property
    def rate(self) -> float | None:
        """Without a comparison, of a hundred; None where there are too few to say so."""
        return 100 * self.missing / self.comparable if self.comparable >= FEWEST else None


def comparable_when_signed(report: Report, *, viewer: Actor) -> archive.Study | None:
    """The patient's latest exam of the same kind before the one reported, if its images were here at the signature."""
    if not viewer.is_system:
        return None
    reading = report.reading
    found = archive.comparable(
        reading.patient_id, like=like(reading.order, viewer=viewer), but=reading.study_id, viewer=viewer
    )
    return found if found and report.signed_at and found.created_at <= report.signed_at else None


def _visible(viewer: Actor) -> QuerySet[Comparison]:
    """Of the readers of the centres that one heads, or of the country for who plans there; of reports in force."""
    rows = Comparison.objects.exclude(report__reading__state="withdrawn")
    if viewer.is_system or Held("planner", None) in viewer.held:
        return rows
    return rows.filter(place__in=viewer.places(*rules.SEES_COMPARISONS))


def compared_between(since: datetime.date, until: datetime.date, *, viewer: Actor) -> list[Compared]:
    """Every centre with something to compare from one day to another, both included: the most often missing first."""
    rows = _between(since, until, viewer).values("place")
    counted = rows.annotate(comparable=Count("id"), missing=Count("id", filter=Q(named=False)))
    found = [Compared(row["place"], row["comparable"], row["missing"]) for row in counted]
    return sorted(found, key=lambda one: (-one.missing, -one.comparable, str(one.place)))


def without_comparison(since: datetime.date, until: datetime.date, *, viewer: Actor) -> QuerySet[Comparison]:
    """The signed reports of the readers of the centres that one heads that name none, the newest first."""
    about = ("report__author", "report__reading__order__procedure", "report__reading__place", "earlier", "place")
    rows = _between(since, until, viewer).filter(named=False, place__in=viewer.places("chief"))
    return rows.select_related(*about).order_by("-report__signed_at")


def _between(since: datetime.date, until: datetime.date, viewer: Actor) -> QuerySet[Comparison]:
    begin, end = (
        timezone.make_aware(datetime.datetime.combine(day, datetime.time()))
        for day in (since, until + datetime.timedelta(days=1))
    )
    return _visible(viewer).filter(report__signed_at__gte=begin, report__signed_at__lt=end)
