"""Whose a study is: said by somebody with a reason, taken back without trace lost."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.events import StudyMatched, StudyUnmatched
from wasl.archive.models import Match, Study
from wasl.archive.services.metadata import note_change
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import services as patients


@verb
def match_study(study: UUID, *, patient: UUID, because: str, by: Actor) -> Match:
    """Say that a study is a patient's, and why."""
    return match_locked(_locked(study, by), patient, because, by)


@verb
def unmatch_study(study: UUID, *, by: Actor) -> None:
    """Take a study back from its patient; it belongs to nobody then, and the match stays written."""
    _unmatch(_locked(study, by), by)


@verb
def rematch_study(study: UUID, *, out_of: UUID, patient: UUID, because: str, by: Actor) -> Match:
    """Say that a study is not this patient's (`out_of`) but another's; of two people who say so at once, one wins."""
    row = _locked(study, by)
    if row.patient_id != out_of:
        raise rules.regrouping.NotThisPatients
    _unmatch(row, by)
    return match_locked(row, patient, because, by)


def match_locked(row: Study, patient: UUID, because: str, by: Actor) -> Match:
    """Say that a locked study is a patient's; part of a verb."""
    try:
        with transaction.atomic():
            match = Match.objects.create(study=row, patient_id=patient, by=str(by), because=because[:200])
    except IntegrityError as error:
        raise rules.AlreadyMatched from error
    row.patient_id = patient
    row.save(update_fields=("patient",))
    note_change()
    if row.place_id:  # who made the images cares for the patient
        patients.open_for_care(patient, place=row.place_id, source=match.id, because=StudyMatched.name(), by=by)
    emit(StudyMatched(study=row.id, match=match.id, patient=patient, place=row.place_id), by=by)
    return match


def _unmatch(row: Study, by: Actor) -> None:
    match = Match.objects.filter(study=row, undone_at__isnull=True).first()
    if match is None:
        raise rules.NotMatched
    match.undone_at, match.undone_by = timezone.now(), str(by)
    match.save(update_fields=("undone_at", "undone_by"))
    row.patient_id = None
    row.save(update_fields=("patient",))
    note_change()
    patients.close_for_care(source=match.id, by=by)
    emit(StudyUnmatched(study=row.id, match=match.id, patient=match.patient_id, place=row.place_id), by=by)


def _locked(study: UUID, by: Actor) -> Study:
    row = Study.objects.select_for_update().filter(id=study).first()
    if row is None:
        raise rules.NoSuchStudy
    rules.check_own_place(row.place_id, by=by)
    return row
