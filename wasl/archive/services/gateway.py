"""What a hospital's gateway keeps of its centre: the line, the worklist, the steps told, the studies that may go."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.events import CentreAnswered, CentreFellSilent, CentreNamed, ExamsListed, StudyRecycled
from wasl.archive.models import Centre, Expected, Instance, PerformedStep, Series, Study
from wasl.archive.services.metadata import forget_metadata
from wasl.archive.services.store import discard
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb


@dataclass(frozen=True)
class Exam:
    """An exam as the centre's worklist names it; `item` is its worklist item as DICOM JSON."""

    accession: str
    study_uid: str
    modality: str
    rank: int
    scheduled_at: datetime.datetime
    item: Mapping[str, Any]


@verb
def name_centre(*, address: str, place: UUID, by: Actor) -> Centre:
    """Say which centre this gateway works for, and for which hospital; said again, it is corrected."""
    centre, made = Centre.objects.select_for_update().get_or_create(
        only=True, defaults={"address": address, "place_id": place}
    )
    if made or (centre.address, centre.place_id) != (address, place):
        centre.address, centre.place_id = address, place
        centre.save(update_fields=("address", "place"))
        emit(CentreNamed(centre=centre.id, place=place), by=by)
    return centre


@verb
def hear_centre(*, apart: float, certificate_until: datetime.datetime, by: Actor) -> None:
    """The centre answered: our clock is `apart` seconds ahead of its own."""
    centre = _locked()
    again = centre.silent_since is not None
    centre.heard_at, centre.silent_since, centre.error = timezone.now(), None, ""
    centre.apart, centre.certificate_until = apart, certificate_until
    centre.save(update_fields=("heard_at", "silent_since", "error", "apart", "certificate_until"))
    if again:
        emit(CentreAnswered(centre=centre.id, place=centre.place_id), by=by)


@verb
def miss_centre(*, error: str, by: Actor) -> None:
    """The centre did not answer, and why."""
    centre = _locked()
    first, centre.error = centre.silent_since is None, error[:200]
    centre.silent_since = centre.silent_since or timezone.now()
    centre.save(update_fields=("silent_since", "error"))
    if first:
        emit(CentreFellSilent(centre=centre.id, place=centre.place_id), by=by)


@verb
def expect_exams(exams: Sequence[Exam], *, listed: str, by: Actor) -> None:
    """Take over the centre's worklist, whose tag is `listed`: what it no longer names is gone."""
    centre = _locked()
    now = timezone.now()
    open_before = set(Expected.objects.filter(gone_at__isnull=True).values_list("accession", flat=True))
    rows = [
        Expected(
            accession=exam.accession, study_uid=exam.study_uid, modality=exam.modality, rank=exam.rank,
            scheduled_at=exam.scheduled_at, item=dict(exam.item), gone_at=None,
        )
        for exam in exams
    ]  # fmt: skip
    Expected.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["accession"],
        update_fields=["study_uid", "modality", "rank", "scheduled_at", "item", "gone_at"],
    )  # fmt: skip
    named = {exam.accession for exam in exams}
    gone = Expected.objects.filter(gone_at__isnull=True).exclude(accession__in=named).update(gone_at=now)
    centre.listed = listed
    centre.save(update_fields=("listed",))
    new = len(named - open_before)
    emit(ExamsListed(centre=centre.id, place=centre.place_id, exams=len(named), new=new, gone=gone), by=by)


@verb
def note_told(uid: str, *, state: str, by: Actor) -> None:
    """Remember that the centre knows a procedure step in this state."""
    PerformedStep.objects.filter(uid=uid).update(told=state)


@verb
def recycle_study(study: UUID, *, held: Mapping[str, bytes], by: Actor) -> None:
    """Give up this gateway's copy of a study: rows and files of all its images, the study's own row stays.

    `held` is what the centre has just proven to hold: instances by UID, with the SHA-256 of their data sets. The row is
    counted empty, which nobody is shown; should the study be sent again, it arrives again.
    """
    row = Study.objects.select_for_update().get(id=study)
    images = list(Instance.objects.filter(series__study=row).values_list("uid", "sha256", "path", "size"))
    if not images or any(held.get(uid) != bytes(digest) for uid, digest, _, _ in images):
        raise rules.NotProven
    try:
        Instance.objects.filter(series__study=row).delete()
        forget_metadata(set(Series.objects.filter(study=row).values_list("id", flat=True)))
        Series.objects.filter(study=row).delete()
    except ProtectedError as error:  # something else is kept of an image: a conflict, which nobody has settled
        raise rules.NotProven from error
    row.series_count = row.instance_count = row.rejected_count = row.size = 0
    row.complete_at, row.complete_by, row.expected = None, "", None
    row.modalities, row.flags = [], []
    row.save()
    transaction.on_commit(lambda: _remove([path for _, _, path, _ in images]))
    emit(
        StudyRecycled(
            study=row.id, place=row.place_id, instances=len(images), size=sum(size for _, _, _, size in images)
        ),
        by=by,
    )


def _remove(paths: Sequence[str]) -> None:
    for path in paths:
        discard(path)


def _locked() -> Centre:
    centre = Centre.objects.select_for_update().first()
    if centre is None:
        raise rules.NotAGateway
    return centre
