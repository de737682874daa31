"""What may be asked about the quality of images: what was rejected, and how often per machine."""

import datetime
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from wasl.archive import queries as archive
from wasl.kernel.access import SYSTEM, Actor, Held
from wasl.radiology.models import Reading, Reject
from wasl.radiology.queries.reading import _visible_readings
from wasl.radiology.rules import quality as rules

WITHDRAWN = Reject.Outcome.WITHDRAWN


@dataclass
class Machine:
    """A machine of a hospital: how many of its series were in cases of a period, how many were rejected, and why."""

    place: UUID
    name: str
    modality: str
    series: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float | None:
        """Rejected of a hundred, or None where there are too few series to say so."""
        return 100 * self.rejected / self.series if self.series >= rules.FEWEST else None


def _visible(viewer: Actor) -> QuerySet[Reject]:
    """What was rejected of the images that one's hospital made, or all of the country for who plans there."""
    rows = Reject.objects.exclude(outcome=WITHDRAWN).select_related("place", "by", "reading__order__procedure")
    return rows if _everywhere(viewer) else rows.filter(place__in=viewer.places(*rules.SEES_REJECTS))


def _everywhere(viewer: Actor) -> bool:
    return viewer.is_system or Held("planner", None) in viewer.held


def rejects_to_answer(*, viewer: Actor) -> QuerySet[Reject]:
    """What waits for an answer where the viewer makes images; what is to be made again first, then the oldest."""
    rows = _visible(viewer).filter(outcome="", place__in=viewer.places("radiographer"))
    return rows.order_by("-again", "created_at")


def rejects_of(reading: UUID, *, viewer: Actor) -> dict[str, Reject]:
    """What was rejected in a case that the viewer may see, by series."""
    rows = Reject.objects.exclude(outcome=WITHDRAWN).filter(reading__in=_visible_readings(viewer).filter(id=reading))
    return {row.series_uid: row for row in rows}


def rejected_between(since: datetime.date, until: datetime.date, *, viewer: Actor) -> list[Machine]:
    """Every machine with cases from one day to another, both included: the most often rejected first."""
    begin, end = (_midnight(day) for day in (since, until + datetime.timedelta(days=1)))
    read = Reading.objects.exclude(state="withdrawn").filter(created_at__gte=begin, created_at__lt=end)
    read = read if _everywhere(viewer) else read.filter(place__in=viewer.places(*rules.SEES_REJECTS))
    found: dict[tuple[UUID, str, str], Machine] = {}
    for place, name, modality, number in archive.series_by_machine(read.values("study"), viewer=SYSTEM):
        found[place, name, modality] = Machine(place, name, modality, number)
    rejects = _visible(viewer).filter(reading__in=read.values("id"))
    for place, name, modality, reason in rejects.values_list("place", "machine", "modality", "reason"):
        machine = found.setdefault((place, name, modality), Machine(place, name, modality))
        machine.rejected += 1
        machine.reasons[reason] += 1
    return sorted(found.values(), key=lambda one: (-one.rejected, -one.series, one.name))


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time()))
