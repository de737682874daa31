"""Images taken back (IHE RAD, IOCM): hidden from everybody, kept, and shown again when somebody says so."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from wasl.archive import queries, rules
from wasl.archive.events import (
    ImagesRejected,
    ImagesRestored,
    RejectionPassedOn,
    RejectionTold,
    StudyArrived,
    StudyGiven,
)
from wasl.archive.models import Giving, Instance, Rejection, Source, Study
from wasl.archive.services.completing import look_again
from wasl.archive.services.errands import run_errand
from wasl.archive.services.header import Header
from wasl.archive.services.metadata import forget_metadata
from wasl.archive.services.notes import Note
from wasl.archive.services.regrouping import tally
from wasl.archive.services.rows import name
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.models import uuid7
from wasl.kernel.verbs import verb


@verb
def reject_images(
    study: UUID, *, reason: str, series: UUID | None = None, instances: Collection[str] = (), by: Actor
) -> Rejection:
    """Take a series back, or some instances (SOP Instance UIDs), of a study; the note that says so is written next."""
    row = _locked(study)
    rules.check_rejects(row.place_id, reads=queries.reaches(row.id, viewer=by), by=by)
    shown = Instance.objects.filter(series__study=row, rejected=False)
    shown = shown.filter(series=series) if series else shown.filter(uid__in=instances)
    uids = tuple(shown.order_by("uid").values_list("uid", flat=True))
    if reason not in rules.PEOPLE_REJECT:
        raise rules.BadRejection
    if not uids:
        raise rules.AlreadyRejected
    return take_back(row, Note(f"2.25.{uuid7().int}", reason, uids), None, by)  # PS3.5, B.2


@verb
def restore_images(rejection: UUID, *, by: Actor) -> Rejection:
    """Show again what was taken back, as it was before; images that another note takes back too stay hidden."""
    found = Rejection.objects.filter(id=rejection).first()
    if found is None:
        raise rules.NoRejection
    studies = lock_with(found)
    study = studies[found.study_id]
    rules.check_rejects(study.place_id, reads=queries.reaches(study.id, viewer=by), by=by)
    if Rejection.objects.get(id=rejection).restored_at is not None:
        raise rules.AlreadyRestored
    return put_back(found, by)


@verb
def note_giving(study: UUID, *, to: UUID, by: Actor) -> None:
    """Note that a system is given images of a study, so that it is told when they are taken back."""
    row = Study.objects.get(id=study)
    giving = Giving(study=row, source_id=to)
    Giving.objects.bulk_create([giving], ignore_conflicts=True)
    if Giving.objects.filter(id=giving.id).exists():
        emit(StudyGiven(study=row.id, source=to, place=row.place_id), by=by)


@verb
def pass_rejection_on(rejection: UUID, *, by: Actor) -> None:
    """Owe the note to every system that sent the images or was given any of their study, but for the note's sender."""
    row = Rejection.objects.select_related("study").get(id=rejection)
    given = Giving.objects.filter(study=row.study_id).values("source")
    sent = Instance.objects.filter(series__study=row.study_id, uid__in=row.instances).values("source")
    holders = Source.objects.filter(active=True, port__isnull=False)
    keys = {*holders.filter(id__in=given).values_list("id", flat=True),
            *holders.filter(id__in=sent).values_list("id", flat=True)} - {row.source_id}  # fmt: skip
    if keys:
        place = row.study.place_id
        emit(RejectionPassedOn(rejection=row.id, study=row.study_id, sources=len(keys), place=place), by=by)
    for key in sorted(keys):
        run_errand("tell_rejected", row.id, source=str(key))


@verb
def end_telling(rejection: UUID, *, source: UUID, taken: bool, by: Actor) -> None:
    """Write down that a system was sent the note, and whether it took it."""
    row = Rejection.objects.select_related("study").get(id=rejection)
    place = row.study.place_id
    emit(RejectionTold(rejection=row.id, study=row.study_id, source=source, taken=taken, place=place), by=by)


def take_back(study: Study, note: Note, source: UUID | None, by: Actor) -> Rejection:
    """Do what a note says in a locked study; what it was told before is not done twice."""
    if known := Rejection.objects.filter(uid=note.uid).first():
        return known
    here = Instance.objects.filter(series__study=study, uid__in=note.instances, rejected=False)
    forget_metadata(set(here.values_list("series", flat=True)))
    images = here.update(rejected=True)
    row = Rejection.objects.create(
        study=study, uid=note.uid, reason=note.reason, instances=list(note.instances), hidden=images, by=str(by),
        source_id=source,
    )  # fmt: skip
    count(study)
    emit(ImagesRejected(rejection=row.id, reason=note.reason, images=images, **_about(study)), by=by)
    return row


def put_back(rejection: Rejection, by: Actor) -> Rejection:
    """Lift a rejection that nobody has lifted; its studies are locked by this."""
    studies = lock_with(rejection)
    study = studies[rejection.study_id]
    row = Rejection.objects.get(id=rejection.id)
    row.restored_at, row.restored_by = timezone.now(), str(by)
    row.save(update_fields=("restored_at", "restored_by"))
    notes = Rejection.objects.filter(study=study).values("uid")
    back = set(row.instances) - standing([study])
    hidden = Instance.objects.filter(series__study__in=studies, uid__in=back, rejected=True).exclude(uid__in=notes)
    forget_metadata(set(hidden.values_list("series", flat=True)))
    images = hidden.update(rejected=False)
    first = Instance.objects.filter(series__study=study, rejected=False).order_by("uid").first()
    if first and not study.attributes:  # every image that it had was taken back before it came
        name(study, study.place_id, Header(first.metadata))
        emit(StudyArrived(study=study.id, study_uid=study.uid, accession=study.accession, place=study.place_id), by=by)
    count(*studies.values())
    emit(ImagesRestored(rejection=row.id, images=images, **_about(study)), by=by)
    look_again(study, by=by)
    return row


def standing(studies: Collection[Study]) -> set[str]:
    """The UIDs of all that is taken back in some studies, whether it is here or not."""
    rows = Rejection.objects.filter(study__in=studies, restored_at__isnull=True)
    return {uid for uids in rows.values_list("instances", flat=True) for uid in uids}


def count(*studies: Study) -> None:
    """Count again what is shown of locked studies, and what holds that takes images of theirs back."""
    for study in studies:
        study.standing = Rejection.objects.filter(study=study, restored_at__isnull=True).count()
        study.save(update_fields=("standing",))
    tally(*studies)


def _about(study: Study) -> dict[str, Any]:
    return {"study": study.id, "place": study.place_id, "patient": study.patient_id}


def _locked(study: UUID) -> Study:
    row = Study.objects.select_for_update().filter(id=study).first()
    if row is None:
        raise rules.NoSuchStudy
    return row


def lock_with(rejection: Rejection) -> dict[UUID, Study]:
    """The study of a rejection, and those where its images were moved since, locked in the order of their UIDs."""
    moved = Instance.objects.filter(uid__in=rejection.instances).values("series__study")
    rows = Study.objects.select_for_update().filter(Q(id=rejection.study_id) | Q(id__in=moved)).order_by("uid")
    return {row.id: row for row in rows}
