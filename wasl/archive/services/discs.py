"""The disc of another hospital: read aside, compared by a person, and taken under one patient in one step.

Nothing of it is in a study before: whatever number or accession number its headers carry, no listener hears of the
images before they are the patient's.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from wasl.archive import queries, rules
from wasl.archive.events import DiscBegun, DiscDropped, DiscTaken
from wasl.archive.models import Copy, Disc, DiscImage, Study
from wasl.archive.services.header import Header
from wasl.archive.services.matching import match_locked
from wasl.archive.services.receiving import receive
from wasl.archive.services.rows import Incoming
from wasl.archive.services.store import Stored, discard, release
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients
from wasl.patients import services as patient_services

BATCH = 100  # images of a disc received at once, all in one transaction


@verb
def begin_disc(patient: UUID, *, by: Actor) -> Disc:
    """Begin to read a disc for a patient whose record is open to one, where one holds a post."""
    ground = patients.require_ground(patient, viewer=by)
    place = by.at
    if place is None:
        raise rules.discs.NotHere
    row = Disc.objects.create(patient_id=patient, place_id=place, by=str(by), read_at=timezone.now())
    patient_services.log_access(patient, what="archive.disc", ground=ground, by=by, subject=row.id)
    emit(DiscBegun(disc=row.id, patient=patient, place=place), by=by)
    return row


@verb
def read_disc(key: UUID, items: Sequence[Incoming], *, by: Actor) -> list[str]:
    """Keep images of a disc aside; of each whether it is `stored`, a `duplicate` or a `conflict` on the disc itself."""
    disc = _open(key, by)
    for item in items:
        rules.check_uids(item.metadata)
    rules.discs.check_fits(disc.images.count() + len(items))
    outcomes = []
    for item in items:
        row = _image(disc, item)
        DiscImage.objects.bulk_create([row], ignore_conflicts=True)
        there = DiscImage.objects.only("id", "sha256").get(disc=disc, uid=row.uid)
        if there.id == row.id:
            outcomes.append("stored")
            continue
        transaction.on_commit(partial(discard, item.stored.path))
        outcomes.append("duplicate" if bytes(there.sha256) == item.dataset_sha256 else "conflict")
    transaction.on_commit(lambda: release(*(item.stored for item in items)))
    disc.read_at = timezone.now()
    disc.save(update_fields=("read_at",))
    return outcomes


@verb
def take_disc(key: UUID, *, because: str, by: Actor) -> list[UUID]:
    """Say that a disc is the patient's, and why: its images are received and are the patient's in one step.

    Gives the studies. What the header says of the patient is kept. A study that is here as another patient's keeps the
    whole disc out.
    """
    rules.regrouping.check_why(because)
    disc = _open(key, by)
    images = list(disc.images.order_by("study_uid", "uid"))
    if not images:
        raise rules.discs.NothingOnDisc
    _check_kept([image.path for image in images])
    uids = sorted({image.study_uid for image in images})
    here = Study.objects.select_for_update().filter(uid__in=uids).order_by("uid")
    rules.discs.check_owners(_owners(here, disc), disc.patient_id)
    ground = patients.require_ground(disc.patient_id, viewer=by)
    disc.said = [study.as_row() for study in queries.disc_studies(disc.id, viewer=by)]
    keys, collided = _receive(disc, images, by)
    studies = list(Study.objects.select_for_update().filter(id__in=keys | collided).order_by("uid"))
    rules.discs.check_owners(_owners(studies, disc), disc.patient_id)
    beside = [study for study in studies if study.id in collided]
    rules.discs.check_collisions(_owners(beside, disc), disc.patient_id)
    for study in studies:
        if study.patient_id is None:
            rules.check_own_place(study.place_id, by=by)
            match_locked(study, disc.patient_id, because.strip(), by)
    disc.because, disc.taken_at = because.strip()[:200], timezone.now()
    disc.save(update_fields=("said", "because", "taken_at"))
    disc.images.all().delete()  # they are in the studies now
    patient_services.log_access(disc.patient_id, what="archive.disc", ground=ground, by=by, subject=disc.id)
    told = DiscTaken(
        disc=disc.id, patient=disc.patient_id, place=disc.place_id, studies=len(studies), images=len(images),
        because=disc.because,
    )  # fmt: skip
    emit(told, by=by)
    return [study.id for study in studies]


def _owners(studies: Iterable[Study], disc: Disc) -> list[UUID | None]:
    """Whose the studies are: a study of any of the person's files is the patient's for whom the disc is taken."""
    files = patients.same_person(disc.patient_id, viewer=SYSTEM)
    return [disc.patient_id if study.patient_id in files else study.patient_id for study in studies]


@verb
def drop_disc(key: UUID, *, by: Actor) -> None:
    """Give a disc up; what was read of it is removed."""
    disc = _open(key, by)
    paths = list(disc.images.values_list("path", flat=True))
    disc.images.all().delete()
    disc.dropped_at = timezone.now()
    disc.save(update_fields=("dropped_at",))
    emit(DiscDropped(disc=disc.id, patient=disc.patient_id, place=disc.place_id), by=by)
    for path in paths:
        transaction.on_commit(partial(discard, path))


def _check_kept(paths: Sequence[str]) -> None:
    """A row never knows a file that is neither here nor in the bucket, as after a backup was restored."""
    elsewhere = [path for path in paths if not (settings.STORAGE / path).exists()]
    if Copy.objects.filter(path__in=elsewhere, folder__isnull=True).count() < len(elsewhere):
        raise rules.NotAtHand


def _receive(disc: Disc, images: Sequence[DiscImage], by: Actor) -> tuple[set[UUID], set[UUID]]:
    """Receive the images as those of the disc's place; the studies where they are, and those where others stand in."""
    studies: set[UUID] = set()
    collided: set[UUID] = set()
    for at in range(0, len(images), BATCH):
        for outcome in receive([_incoming(disc, one) for one in images[at : at + BATCH]], by=by):
            (collided if outcome.what == "conflict" else studies).add(outcome.study)
    return studies, collided


def _incoming(disc: Disc, image: DiscImage) -> Incoming:
    return Incoming(
        stored=Stored(image.path, image.size), metadata=image.metadata, transfer_syntax=image.transfer_syntax,
        dataset_sha256=bytes(image.sha256), pixel_offset=image.pixel_offset, frames=image.frames, source=None,
        place=disc.place_id, flags=(*image.flags, Study.Flag.IMPORTED),
        frame_table=None if image.frame_table is None else bytes(image.frame_table),
    )  # fmt: skip


def _image(disc: Disc, item: Incoming) -> DiscImage:
    head = Header(item.metadata)
    about: dict[str, Any] = {
        "header_id": head.text("00100020", 64), "header_issuer": head.text("00100021", 64), "header_name": head.name,
        "birth_date": head.birth_date, "sex": head.text("00100040", 1), "modality": head.text("00080060", 16),
        "description": head.text("00081030", 200), "started_at": head.started_at,
    }  # fmt: skip
    return DiscImage(
        disc=disc, uid=head.uid, study_uid=head.study_uid, path=item.stored.path, size=item.stored.size,
        sha256=item.dataset_sha256, transfer_syntax=item.transfer_syntax, frames=item.frames,
        pixel_offset=item.pixel_offset, frame_table=item.frame_table, flags=list(item.flags), metadata=item.metadata,
        **about,
    )  # fmt: skip


def _open(key: UUID, by: Actor) -> Disc:
    """A disc that is being read, locked; for who reads it, and for Wasl itself when nobody came back."""
    disc = Disc.objects.select_for_update().filter(id=key).first()
    if disc is None or not (by.is_system or disc.by == str(by)):
        raise rules.discs.NoSuchDisc
    rules.check_own_place(disc.place_id, by=by)
    rules.discs.check_open(taken=disc.taken_at is not None, dropped=disc.dropped_at is not None)
    return disc
