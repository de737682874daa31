"""The disc of another hospital, as it was read: its studies, and whom their headers name."""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.models import Disc, DiscImage
from wasl.kernel.access import Actor


@dataclass
class DiscStudy:
    """A study of a disc, and what its images say of their patient; several identities where they do not agree."""

    uid: str
    header_id: str
    header_issuer: str
    header_name: str
    birth_date: datetime.date | None
    sex: str
    description: str
    started_at: datetime.datetime | None
    images: int = 0
    modalities: list[str] = field(default_factory=list)

    def as_row(self) -> dict[str, Any]:
        """As it is kept with the disc."""
        row = asdict(self)
        for name in ("birth_date", "started_at"):
            row[name] = row[name].isoformat() if row[name] else None
        return row


def _visible_discs(viewer: Actor) -> QuerySet[Disc]:
    """The discs that the viewer reads, at the places where a post is held."""
    rows = Disc.objects.select_related("place")
    return rows if viewer.is_system else rows.filter(by=str(viewer), place__in=viewer.places())


def disc(key: UUID, *, viewer: Actor) -> Disc:
    """A disc by its key."""
    found = _visible_discs(viewer).filter(id=key).first()
    if found is None:
        raise rules.discs.NoSuchDisc
    return found


def disc_studies(key: UUID, *, viewer: Actor) -> list[DiscStudy]:
    """The studies of a disc that is being read; one that names several people is told once for each."""
    names = ("header_id", "header_issuer", "header_name", "birth_date", "sex")
    rows = DiscImage.objects.filter(disc=disc(key, viewer=viewer)).order_by("study_uid", *names)
    found: dict[tuple[object, ...], DiscStudy] = {}
    about = ("modality", "description", "started_at")
    for row in rows.values("study_uid", *names, *about).annotate(images=Count("id")):
        said = {name: row[name] for name in names}
        new = DiscStudy(row["study_uid"], **said, description=row["description"], started_at=row["started_at"])
        one = found.setdefault((new.uid, *said.values()), new)
        one.images += row["images"]
        one.modalities = sorted({*one.modalities, row["modality"]} - {""})
    return list(found.values())


def on_disc(key: UUID, asked: Mapping[str, bytes | int], *, viewer: Actor) -> set[str]:
    """Those of some images, named by UID and the SHA-256 of their data set or their size, that were read of a disc."""
    rows = DiscImage.objects.filter(disc=disc(key, viewer=viewer), uid__in=asked)
    return {uid for uid, digest, size in rows.values_list("uid", "sha256", "size")
            if asked[uid] in (bytes(digest), size)}  # fmt: skip


def expired_discs(*, viewer: Actor) -> Iterable[UUID]:
    """The discs that nobody came back to; for Wasl itself."""
    before = timezone.now() - datetime.timedelta(hours=rules.discs.DISC_HOURS)
    rows = _visible_discs(viewer).filter(read_at__lt=before, taken_at__isnull=True, dropped_at__isnull=True)
    return list(rows.values_list("id", flat=True)) if viewer.is_system else []
