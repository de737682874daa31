"""What is kept from a reader who is to say, without knowing by whom, what they think of an exam that was read."""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.radiology.models import Assessment, Opinion, Reading, Region, Report


def blind_readings(*, viewer: Actor) -> "QuerySet[Reading, UUID] | None":
    """The cases of which the viewer may know neither report nor reader for now; None for who is never asked."""
    if viewer.id is None or "radiologist" not in viewer.roles:
        return None
    reviewed = Assessment.objects.filter(
        reader=viewer.id, taken_at__isnull=False, scored_at__isnull=True, declined_at__isnull=True
    )
    read_again = Opinion.objects.filter(
        reader=viewer.id, done_at__isnull=True, given_back_at__isnull=True, until__gt=timezone.now()
    )
    blind = Q(id__in=reviewed.values("review__report__reading")) | Q(
        id__in=read_again.values("double__report__reading")
    )
    return Reading.objects.filter(blind).values_list("id", flat=True)


def is_blind(reading: UUID, *, viewer: Actor) -> bool:
    """Whether the viewer may know neither the report of a case nor its reader for now."""
    hidden = blind_readings(viewer=viewer)
    return hidden is not None and hidden.filter(id=reading).exists()


def writers_of(report: Report, *, viewer: Actor) -> list[str]:
    """The family names, in both scripts, of all who had a hand in a report; for Wasl itself, that leaves them out."""
    if not viewer.is_system:
        return []
    rows = Report.objects.filter(reading=report.reading_id)
    found: set[str] = set()
    for name in ("author", "drafted_by"):
        for given in rows.values_list(f"{name}__family_name", f"{name}__family_name_ar"):
            found |= {word for word in given if word}
    parts = Region.objects.filter(reader__in=report.region_readers)
    for given in parts.values_list("reader__family_name", "reader__family_name_ar").distinct():
        found |= {word for word in given if word}
    return sorted(found)
