"""What may be asked about readers' marks."""

from uuid import UUID

from django.db.models import QuerySet

from wasl.archive.models import Mark
from wasl.archive.queries.studies import _visible
from wasl.kernel.access import Actor


def marks_of(study: UUID, *, viewer: Actor) -> QuerySet[Mark]:
    """The marks that readers saved to a study that the viewer sees, the newest first; without those taken back."""
    rows = Mark.objects.filter(instance__series__study__in=_visible(viewer).filter(id=study), instance__rejected=False)
    return rows.select_related("person", "instance__series").order_by("-created_at")
