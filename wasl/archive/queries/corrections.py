"""What the other ends of lines do not know yet of images that were taken back and put back here."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from wasl.archive.models import Correction, Manifest, Rejection, Transfer
from wasl.kernel.access import Actor

MOST = 50  # corrections that are told at once


@dataclass(frozen=True)
class Correcting:
    """Images of a study that were taken back by a note, or put back: as one end of a line tells it to the other."""

    study_uid: str
    note: str  # SOP Instance UID of the note, which is the same at both ends
    reason: str
    instances: tuple[str, ...]
    restored: bool

    @property
    def key(self) -> tuple[str, bool]:
        """What is told once: of one note, that it takes back, and that this was lifted."""
        return self.note, self.restored


def corrections_for_link(link: UUID, *, viewer: Actor) -> list[Correcting]:
    """What the other side of a line is to be told, in the order in which it happened; for Wasl itself.

    Only of studies that it was told of: before that it would not know what is meant.
    """
    if not viewer.is_system:
        return []
    sent = Transfer.objects.filter(link=link, begun_at__isnull=False).values("study")
    return _untold(Rejection.objects.filter(study__in=sent), Q(link=link))


def corrections_for_sender(*, viewer: Actor) -> list[Correcting]:
    """What a site is to be told of the studies that it sent, in the order in which it happened."""
    sent = Manifest.objects.filter(sender=str(viewer)).values("study")
    return _untold(Rejection.objects.filter(study__in=sent), Q(sender=str(viewer)))


def _untold(rows: QuerySet[Rejection], end: Q) -> list[Correcting]:
    known = Correction.objects.filter(end)
    back, again = known.filter(restored=False).values("rejection"), known.filter(restored=True).values("rejection")
    due = rows.filter(~Q(id__in=back) | (Q(restored_at__isnull=False) & ~Q(id__in=again))).select_related("study")
    told = set(known.filter(rejection__in=due).values_list("rejection", "restored"))
    moments = sorted((moment, one) for row in due for moment, one in _steps(row, told))
    return [Correcting(*one) for _, one in moments[:MOST]]


def _steps(
    row: Rejection, told: set[tuple[UUID, bool]]
) -> Iterator[tuple[datetime, tuple[str, str, str, tuple[str, ...], bool]]]:
    about = (row.study.uid, row.uid, row.reason, tuple(row.instances))
    if (row.id, False) not in told:
        yield row.created_at, (*about, False)
    if row.restored_at is not None and (row.id, True) not in told:
        yield row.restored_at, (*about, True)
