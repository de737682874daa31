"""Promises that images are kept, and the files that they are about."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.db.models import QuerySet

from wasl.archive import rules
from wasl.archive.models import Commitment, Instance
from wasl.archive.queries.files import lies_at
from wasl.archive.queries.sources import _visible_sources
from wasl.archive.queries.studies import _reached
from wasl.kernel.access import Actor


@dataclass(frozen=True)
class Held:
    """An instance as it should lie in the store: its class, its file, and the SHA-256 of its data set."""

    sop_class: str
    path: Path
    sha256: bytes


def commitments(*, viewer: Actor) -> QuerySet[Commitment]:
    """Promises between us and the systems of the viewer's places, latest first."""
    rows = Commitment.objects.filter(source__in=_visible_sources(viewer))
    return rows.select_related("source__place").order_by("-created_at")


def commitment(key: UUID, *, viewer: Actor) -> Commitment:
    """One promise by key."""
    row = commitments(viewer=viewer).filter(id=key).first()
    if row is None:
        raise rules.NoCommitment
    return row


def held(uids: Collection[str], *, viewer: Actor) -> dict[str, Held]:
    """Those of some instances that are in the archive, by UID; what was taken back is kept too."""
    rows = Instance.objects.filter(uid__in=uids, series__study__in=_reached(viewer))
    values = rows.values_list("uid", "sop_class", "path", "sha256")
    return {uid: Held(kind, lies_at(path), bytes(digest)) for uid, kind, path, digest in values}
