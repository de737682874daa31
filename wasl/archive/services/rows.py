"""The rows of images taken in: studies locked, series found, counts kept."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from wasl.archive.models import Instance, Series, Study
from wasl.archive.services.header import SERIES_TAGS, STUDY_TAGS, Header
from wasl.archive.services.store import Stored
from wasl.kernel.text import fold


@dataclass(frozen=True)
class Incoming:
    """An instance whose file is in the store and that no row knows yet.

    `metadata` is DICOM JSON (PS3.18, F) without bulk data; `dataset_sha256` is of the data set without the file meta
    information; `pixel_offset` counts bytes from the file's start to the pixel data element.
    """

    stored: Stored
    metadata: dict[str, Any]
    transfer_syntax: str
    dataset_sha256: bytes
    pixel_offset: int | None
    frames: int
    source: UUID | None
    place: UUID | None
    flags: tuple[str, ...] = ()


Pair = tuple[Incoming, Header]


def lock_studies(pairs: Iterable[Pair]) -> dict[str, Study]:
    """The studies of these images, made where they are new, locked: whoever sends to them at once waits here."""
    places: dict[str, UUID | None] = {}
    for item, head in pairs:
        places.setdefault(head.study_uid, item.place)
    uids = sorted(places)  # always in one order, so that nobody waits in a ring
    locked = Study.objects.select_for_update().filter(uid__in=uids).order_by("uid")
    there = {study.uid: study for study in locked}
    if len(there) < len(uids):
        now = timezone.now()
        new = [Study(uid=uid, place_id=places[uid], last_arrival_at=now) for uid in uids if uid not in there]
        Study.objects.bulk_create(new, ignore_conflicts=True)
        there = {study.uid: study for study in locked.all()}
    return there


def find_series(pairs: Collection[Pair], studies: dict[str, Study]) -> dict[tuple[str, str], Series]:
    """The series of these images by study and series UID, made where they are new; their studies are locked."""
    uids = {head.series_uid for _, head in pairs}
    rows = Series.objects.filter(uid__in=uids, study__in=studies.values())
    owners = {study.id: uid for uid, study in studies.items()}
    there = {(owners[row.study_id], row.uid): row for row in rows}
    new: dict[tuple[str, str], Series] = {}
    for _, head in pairs:
        key = (head.study_uid, head.series_uid)
        if key not in there and key not in new:
            new[key] = Series(
                study=studies[head.study_uid], uid=head.series_uid, modality=head.text("00080060", 16),
                number=head.number("00200011"), description=head.text("0008103E", 200),
                body_part=head.text("00180015", 64), attributes=head.among(SERIES_TAGS),
            )  # fmt: skip
    Series.objects.bulk_create(new.values())
    return there | new


def new_instance(item: Incoming, head: Header, series: Series) -> Instance:
    """The row of an instance, not yet in its table."""
    return Instance(
        series=series, uid=head.uid, sop_class=head.text("00080016", 64), transfer_syntax=item.transfer_syntax[:64],
        number=head.number("00200013"), frames=item.frames, rows=head.size("00280010"), columns=head.size("00280011"),
        path=item.stored.path, size=item.stored.size, sha256=item.dataset_sha256, pixel_offset=item.pixel_offset,
        metadata=item.metadata, source_id=item.source,
    )  # fmt: skip


def count_series(of_images: Sequence[Series]) -> int:
    """Count new images in their series, whose study is locked; how many series these are the first images of."""
    rows = {series.id: series for series in of_images}
    for key, number in sorted(Counter(series.id for series in of_images).items()):
        Series.objects.filter(id=key).update(instance_count=F("instance_count") + number)
    return sum(series.instance_count == 0 for series in rows.values())


def add_to_study(study: Study, added: Sequence[Pair], begun: int) -> None:
    """Count new images, and series begun, in their study; the first image of all gives it its header."""
    if study.instance_count == 0:
        _name(study, *added[0])
    modalities = {head.text("00080060", 16) for _, head in added} - {""}
    study.modalities = sorted({*study.modalities, *modalities})
    study.flags = sorted({*study.flags, *(flag for item, head in added for flag in _flags(study, item, head))})
    study.series_count += begun
    study.instance_count += len(added)
    study.size += sum(item.stored.size for item, _ in added)
    study.expected = study.expected or next((head.expected for _, head in added if head.expected), None)
    study.last_arrival_at = timezone.now()
    study.save(force_update=True)


def _name(study: Study, item: Incoming, head: Header) -> None:
    values: dict[str, Any] = {
        "place_id": study.place_id or item.place,
        "header_id": head.text("00100020", 64),
        "header_issuer": head.text("00100021", 64),
        "header_name": head.name,
        "header_name_folded": fold(head.name)[:400],
        "birth_date": head.birth_date,
        "sex": head.text("00100040", 1),
        "accession": head.text("00080050", 16),
        "description": head.text("00081030", 200),
        "started_at": head.started_at,
        "body_part": head.text("00180015", 64),
        "attributes": head.among(STUDY_TAGS),
    }
    for name, value in values.items():
        setattr(study, name, value)


def _flags(study: Study, item: Incoming, head: Header) -> Iterable[str]:
    yield from item.flags
    if (study.header_id, study.birth_date) != (head.text("00100020", 64), head.birth_date):
        yield Study.Flag.IDENTITY
    if head.is_demonstration:
        yield Study.Flag.DEMONSTRATION
