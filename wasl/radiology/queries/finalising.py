"""What may be asked about preliminary reports, what changed since, and what is read again."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import ExtractHour
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.radiology.models import DoubleReading, Obligation, OverRead, Reading, Report, Supervision
from wasl.radiology.queries.agreements import OF_READING, may_be_read_by
from wasl.radiology.rules import finalising as rules
from wasl.radiology.rules import regions
from wasl.workforce import queries as workforce

PARTIAL = Report.State.PARTIAL
PROPOSED_DAYS = 7  # for which a signed report is proposed for over-reading


def preliminary_of(reading: UUID, *, viewer: Actor) -> Report | None:
    """The preliminary report of a case that the viewer has already been given, whether or not it is final by now."""
    if not viewer.held:
        return None
    rows = Report.objects.select_related("author").filter(reading=reading, state=Report.State.PRELIMINARY)
    return rows.first()


def finals_of(preliminary: UUID, *, viewer: Actor) -> tuple[Report, Report]:
    """A preliminary report and the final one, for the two who wrote and who signed; for nobody else. Raises NotFound.

    How a senior classed what a resident wrote is between the two.
    """
    mine = Q(author=viewer.id) | Q(finalises__author=viewer.id)
    rows = Report.objects.select_related("finalises__author", "author", "reading__order__procedure", "reading__place")
    found = rows.filter(mine, finalises=preliminary).first() if viewer.id else None
    if found is None or found.finalises is None:
        raise NotFound
    return found.finalises, found


def supervision(*, on: datetime.datetime, viewer: Actor) -> Supervision:
    """The rule in force at a moment; the house's own, with no night, where none is set."""
    found = Supervision.objects.filter(period__contains=timezone.localdate(on)).first()
    return found or Supervision(final_minutes=rules.HOUSE_MINUTES)


@dataclass(frozen=True)
class Told:
    """What a final report did to the critical content of its preliminary one, and whom that concerns."""

    change: str
    holder: UUID
    what: str
    category: int


def critical_change(report: Report, *, viewer: Actor) -> Told | None:
    """What a report did to the critical content told before it, and who is to hear of it; often None.

    That was its preliminary one, else the findings that were released alone. It is whoever acknowledged that result,
    else whoever holds it, else the doctor who asked.
    """
    before = _said_before(report) if viewer.held else None
    if before is None:
        return None
    change = rules.critical_change(before, report)
    if not change:
        return None
    alone = Q(report__reading=report.reading_id, report__state=PARTIAL)
    said = Q(report=report.finalises_id) if report.finalises_id else alone
    owed = Obligation.objects.filter(said).order_by("category", "due_at").first()
    holder = (owed.acknowledged_by_id or owed.holder_id) if owed else report.reading.order.requester_id
    says = report if report.critical else before
    return Told(change, holder, says.critical_what, says.critical_category)


def _said_before(report: Report) -> rules.Words | None:
    """What was told of a case before its first report or its final one; an addendum says something of its own."""
    if report.finalises is not None:
        return report.finalises
    if report.adds_to_id is not None or report.state == PARTIAL:
        return None
    found = Report.objects.filter(reading=report.reading_id, state=PARTIAL).order_by("signed_at", "id")
    return regions.told(list(found.values_list("critical_what", "critical_category")))


def needs_telling(report: UUID, *, viewer: Actor) -> bool:
    """Whether somebody must acknowledge what a signed report says is critical, or no longer says."""
    found = Report.objects.select_related("finalises", "reading__order").filter(id=report).first()
    if found is None or not viewer.is_system:
        return False
    if _said_before(found) is None:
        return found.critical
    return critical_change(found, viewer=viewer) is not None


def _visible_finals(viewer: Actor) -> QuerySet[Report]:
    """The final reports of the hospitals that the viewer reads for, which others wrote and signed."""
    rows = Report.objects.select_related("reading__order__procedure", "reading__place", "author")
    if viewer.id is None or "radiologist" not in viewer.roles:
        return rows.none()
    served = Q(pk__in=())
    for cover in workforce.covers(viewer.id, viewer=viewer):
        kinds = Q(reading__modality__in=cover.modalities) if cover.modalities else Q()
        served |= Q(reading__place=cover.place_id) & kinds
    readable = Reading.objects.filter(may_be_read_by(viewer.id, OF_READING, viewer=viewer))
    own = Q(author=viewer.id) | Q(drafted_by=viewer.id, drafted_by__isnull=False)
    own |= Q(readers__contains=[{"reader": str(viewer.id)}])
    rows = rows.filter(served, state=Report.State.SIGNED, adds_to__isnull=True, reading__in=readable)
    # whoever assesses a report without knowing its author, or may come to, is not told it here
    assessed = Q(review__assessments__reader=viewer.id)
    read_again = Q(id__in=DoubleReading.objects.filter(closed_at__isnull=True).values("report"))
    return rows.filter(reading__state=Reading.State.SIGNED).exclude(own).exclude(assessed).exclude(read_again)


def reports_to_over_read(*, viewer: Actor) -> list[Report]:
    """What was signed at night, by the rule of that day, and nobody has over-read yet; the oldest first."""
    since = timezone.now() - datetime.timedelta(days=PROPOSED_DAYS)
    zone = timezone.get_default_timezone()
    night = Q(pk__in=())
    for rule in Supervision.objects.filter(night_from__isnull=False, period__endswith__gt=timezone.localdate(since)) | (
        Supervision.objects.filter(night_from__isnull=False, period__upper_inf=True)
    ):
        hours = [hour for hour in range(24) if rules.is_in_night(hour, (rule.night_from or 0, rule.night_until or 0))]
        days = Q(signed_at__date__gte=rule.period.lower)
        if rule.period.upper:
            days &= Q(signed_at__date__lt=rule.period.upper)
        night |= Q(hour__in=hours) & days
    rows = _visible_finals(viewer).filter(signed_at__gte=since, over_read__isnull=True, follows__isnull=True)
    return list(rows.annotate(hour=ExtractHour("signed_at", tzinfo=zone)).filter(night).order_by("signed_at", "id"))


def may_over_read(report: Report, *, viewer: Actor) -> bool:
    """Whether the viewer may over-read a report."""
    return not OverRead.objects.filter(report=report).exists() and _visible_finals(viewer).filter(id=report.id).exists()


def over_read_of(report: UUID, *, viewer: Actor) -> OverRead | None:
    """What a second reader found in a report, for those who wrote, signed or over-read it, and their colleagues."""
    if viewer.id is None or not viewer.roles & {"radiologist", "chief", "resident"}:
        return None
    return OverRead.objects.select_related("reader").filter(report=report).first()
