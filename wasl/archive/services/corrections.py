"""Images taken back or put back at one end of a line are so at the other: told in order, and counted once."""

from collections.abc import Iterable
from uuid import UUID

from wasl.archive import queries, rules
from wasl.archive.events import CorrectionHeard
from wasl.archive.models import Correction, Instance, Rejection, Study
from wasl.archive.queries.corrections import Correcting
from wasl.archive.services.notes import Note
from wasl.archive.services.rejecting import lock_with, put_back, take_back
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb


@verb
def hear_correction(said: Correcting, *, link: UUID | None, by: Actor) -> bool:
    """Do here what the other end of a line did; whether it could be done yet: its study may still be to come.

    Told twice, it counts once. `link` is our line to whoever says it; without one it is a site that calls.
    """
    rejection = Rejection.objects.filter(uid=said.note).first()
    if rejection is None:
        study = _study(said)
        if study is None:
            return False
        _check(study, said, by)
        if said.restored:
            raise rules.NoRejection
        rejection = take_back(study, Note(said.note, said.reason, said.instances), None, by)
        _heard(rejection, said, by)
    else:
        study = lock_with(rejection)[rejection.study_id]
        _check(study, said, by)
        if said.restored and rejection.restored_at is None:
            rejection = put_back(rejection, by)
            _heard(rejection, said, by)
    _note(rejection, said.restored, link, by)
    return True


@verb
def note_corrections_told(told: Iterable[tuple[str, bool]], *, link: UUID | None, by: Actor) -> None:
    """Remember that the other end of a line knows of notes (by UID) that they take back, or were lifted."""
    for uid, restored in told:
        rejection = Rejection.objects.filter(uid=uid).first()
        if rejection is not None:
            _note(rejection, restored, link, by)


def _study(said: Correcting) -> Study | None:
    """The study of the images that are meant, locked: where they are here, if all of them were moved to one; or None.

    Whoever says it names the study where they are at its end.
    """
    here = Instance.objects.filter(uid__in=said.instances).values_list("series__study", flat=True).distinct()
    keys = set(here[:2])
    named = Study.objects.filter(uid=said.study_uid)
    rows = Study.objects.filter(id__in=keys) if len(keys) == 1 else named
    return rows.select_for_update().first()


def _check(study: Study, said: Correcting, by: Actor) -> None:
    rules.check_rejects(study.place_id, reads=queries.reaches(study.id, viewer=by), by=by)
    uids = (said.note, *said.instances)
    if said.reason not in rules.REJECTIONS or not said.instances or not all(map(rules.is_uid, uids)):
        raise rules.BadRejection


def _heard(rejection: Rejection, said: Correcting, by: Actor) -> None:
    study = rejection.study
    heard = CorrectionHeard(rejection=rejection.id, study=study.id, place=study.place_id, restored=said.restored)
    emit(heard, by=by)


def _note(rejection: Rejection, restored: bool, link: UUID | None, by: Actor) -> None:
    row = Correction(rejection=rejection, restored=restored, link_id=link, sender="" if link else str(by)[:120])
    Correction.objects.bulk_create([row], ignore_conflicts=True)
