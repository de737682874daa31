"""Images that were taken back, and the notes that say so."""

from uuid import UUID

from django.db.models import QuerySet

from wasl.archive import rules
from wasl.archive.models import Instance, Rejection
from wasl.archive.queries.finding import Found
from wasl.archive.queries.studies import _reached
from wasl.kernel.access import Actor


def _visible_rejections(viewer: Actor) -> QuerySet[Rejection]:
    """Those of studies that the viewer reaches."""
    return Rejection.objects.filter(study__in=_reached(viewer))


def rejections(*, viewer: Actor, restored: bool = False) -> QuerySet[Rejection]:
    """What was taken back, latest first: what is hidden now, or what was put back."""
    rows = _visible_rejections(viewer).filter(restored_at__isnull=not restored)
    return rows.select_related("study__place", "source").order_by("-created_at")


def rejection(key: UUID, *, viewer: Actor) -> Rejection:
    """One by key."""
    row = _visible_rejections(viewer).select_related("study__place", "source").filter(id=key).first()
    if row is None:
        raise rules.NoRejection
    return row


def rejected(rejection: UUID, *, viewer: Actor) -> list[Found]:
    """The images that a note takes back and that are here, in order, without their metadata."""
    rows = _visible_rejections(viewer).filter(id=rejection).values_list("study", "instances")
    return [
        Found(row.series.study, row.series, row)
        for study, uids in rows
        for row in Instance.objects.filter(series__study=study, uid__in=uids)
        .select_related("series__study").defer("metadata").order_by("series__uid", "number", "uid")
    ]  # fmt: skip


def note(rejection: UUID, *, viewer: Actor) -> Found | None:
    """The note itself, once it is in the store."""
    uids = _visible_rejections(viewer).filter(id=rejection).values("uid")
    row = Instance.objects.filter(uid__in=uids, rejected=True).select_related("series__study").first()
    return Found(row.series.study, row.series, row) if row else None
