"""What is kept from a reader who is to say, without knowing by whom, what they think of an exam that was read."""

from uuid import UUID

from django.db.models import QuerySet

from wasl.kernel.access import Actor
from wasl.radiology.models import Assessment, Reading


def blind_readings(*, viewer: Actor) -> "QuerySet[Reading, UUID] | None":
    """The cases of which the viewer may know neither report nor reader for now; None for who is never asked."""
    if viewer.id is None or "radiologist" not in viewer.roles:
        return None
    open_now = Assessment.objects.filter(
        reader=viewer.id, taken_at__isnull=False, scored_at__isnull=True, declined_at__isnull=True
    )
    return Reading.objects.filter(reports__review__assessments__in=open_now).values_list("id", flat=True)
