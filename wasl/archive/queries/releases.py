"""Projects and releases of de-identified copies, and what was found in the pixels of an image."""

from pathlib import Path
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.models import BurnedText, Instance, Project, Release
from wasl.archive.queries.files import releases_folder
from wasl.kernel.access import SYSTEM, Actor

SEES = ("radiologist", "chief", "steward")


def _visible_projects(viewer: Actor) -> QuerySet[Project]:
    """The projects of one's own places."""
    rows = Project.objects.select_related("place")
    return rows if viewer.is_system else rows.filter(place__in=viewer.places(*SEES))


def project(name: str, *, viewer: Actor) -> Project | None:
    """A project by its name."""
    return _visible_projects(viewer).filter(name=name).first()


def projects(*, viewer: Actor) -> QuerySet[Project]:
    """The projects of one's own places, by name."""
    return _visible_projects(viewer).order_by("name")


def release(key: UUID, *, viewer: Actor) -> Release:
    """One release with its project."""
    row = Release.objects.filter(id=key, project__in=_visible_projects(viewer)).select_related("project__place").first()
    if row is None:
        raise rules.NoSuchRelease
    return row


def waiting_release(key: UUID, *, viewer: Actor) -> Release:
    """A release that may be made and was not made yet. Raises NotApproved, ReleaseOver."""
    row = release(key, viewer=viewer)
    rules.check_approved(row.purpose, row.approved_by)
    if row.ended_at is not None:
        raise rules.ReleaseOver
    return row


def releases(*, viewer: Actor) -> QuerySet[Release]:
    """The releases of one's own places, latest first, each with the number of its studies."""
    rows = Release.objects.filter(project__in=_visible_projects(viewer)).select_related("project__place")
    return rows.annotate(exams=Count("studies")).order_by("-created_at")


def may_open(row: Release, *, viewer: Actor) -> bool:
    """Whether the viewer may look at the pictures of a release and take its copies: who asked, and the data steward.

    What Wasl itself asked for to teach here is for all who read there.
    """
    taught = row.purpose == Release.Purpose.TEACHING and row.asked_by == str(SYSTEM)
    readers = taught and row.project.place_id in viewer.places("radiologist", "chief")
    return readers or row.asked_by == str(viewer) or viewer.holds("steward", row.project.place_id)


def image_of_release(key: UUID, instance: UUID, *, viewer: Actor) -> Instance:
    """An image of a release, for who may look at its pictures."""
    row = release(key, viewer=viewer)
    if not may_open(row, viewer=viewer):
        raise rules.NoSuchRelease
    found = images_of_release(key, viewer=viewer).filter(id=instance).first()
    if found is None:
        raise rules.NoSuchRelease
    return found


def released_file(key: UUID, *, viewer: Actor) -> Path | None:
    """The ZIP of a release, if it lies here and its time is not over."""
    row = release(key, viewer=viewer)
    path = releases_folder() / f"{row.id}.zip"
    return path if path.is_file() and (row.expires_at is None or row.expires_at > timezone.now()) else None


def expired_releases(*, viewer: Actor) -> list[UUID]:
    """The releases whose time is over and whose copies are still offered; for Wasl itself."""
    rows = Release.objects.filter(expires_at__lt=timezone.now(), gone_at__isnull=True)
    return list(rows.values_list("id", flat=True)) if viewer.is_system else []


def images_of_release(key: UUID, *, viewer: Actor) -> QuerySet[Instance]:
    """The instances that a release is asked for, study by study, in the order of their series."""
    rows = Instance.objects.filter(series__study__releases__release=release(key, viewer=viewer), rejected=False)
    return rows.select_related("series__study").order_by("series__study", "series__number", "series__uid", "number")


def burned_text(instance: UUID, *, viewer: Actor) -> BurnedText | None:
    """Where text stands in an image as it is now, when it was looked for; for Wasl itself."""
    rows = BurnedText.objects.filter(instance=instance).select_related("instance")
    row = rows.first() if viewer.is_system else None
    return row if row and bytes(row.sha256) == bytes(row.instance.sha256) else None
