"""Studies that no order expects: their header goes through the same door as every hospital's record of a person."""

from uuid import UUID

from django.conf import settings

from wasl.archive import queries, rules
from wasl.archive.events import StudyUnidentified
from wasl.archive.models import Conflict, Match, Regrouping, Study
from wasl.archive.services.matching import match_locked
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound, Refused
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients
from wasl.patients import services as patient_services
from wasl.places import queries as places

Nobodys, Flag = Study.Nobodys, Study.Flag
NOT_ASKED = frozenset({Flag.IDENTITY, Flag.ANOTHER, Flag.DEMONSTRATION, Flag.IMPORTED})


@verb
def identify_study(study: UUID, *, by: Actor) -> Match | None:
    """Give nobody's study to whom its header names, as a place's record of them; or write why it stays nobody's.

    What a person said of the study stands; what a person split off or kept apart is nobody's until somebody says.
    """
    row = Study.objects.select_for_update().filter(id=study, instance_count__gt=0).first()
    if row is None or row.patient_id or row.place_id is None or row.phantom or settings.GATEWAY:
        return None
    said = (Match.objects.filter(study=row), Regrouping.objects.filter(to_study=row),
            Conflict.objects.filter(separated__series__study=row))  # fmt: skip
    if NOT_ASKED & {*row.flags} or any(rows.exists() for rows in said):
        return None
    found = rules.identities.named(queries.said_of_patient(study, viewer=SYSTEM))
    patient, why = _found(row.place_id, found)
    if row.nobodys_because != why:
        row.nobodys_because = why
        row.save(update_fields=("nobodys_because",))
    if patient is None:
        emit(StudyUnidentified(study=row.id, because=why, place=row.place_id), by=by)
        return None
    return match_locked(row, patient, rules.identities.BY_HEADER, by)


def _found(here: UUID, named: rules.identities.Named) -> tuple[UUID | None, str]:
    """Whose a number is that images give which were made here, and else why it is nobody's."""
    if why := named.why_nobodys:
        return None, why
    if named.is_wasls or (not named.issuer and patients.by_number(named.number, viewer=SYSTEM)):
        known = patients.match(named.said, number=named.number, viewer=SYSTEM).certain
        return (known.patient.id, "") if known and known.score > 0 else (None, Nobodys.DIFFERS.value)
    place = _issuer(here, named)
    if place is None:
        return None, Nobodys.ISSUER.value
    holder = patients.by_local_number(named.number, place=place, viewer=SYSTEM)
    new = False
    if holder is None:
        try:
            heard = patient_services.receive_record(place=place, local_id=named.number, said=named.said, by=SYSTEM)
        except Refused:  # the hospital removed the number, or it is none
            return None, Nobodys.NUMBER.value
        holder, new = heard.patient, heard.new
    else:
        asked = {"place": place, "local_id": named.number, "viewer": SYSTEM}
        known = patients.match(named.said, **asked).certain  # type: ignore[arg-type]
        if known is None or known.patient.id != holder.head_id or known.score <= 0:
            return None, Nobodys.DIFFERS.value
    open_here = patients.is_theirs(
        holder.id, here=here, place=place, local_id=named.number, nid=named.said.get("nid", ""), new=new, viewer=SYSTEM
    )
    return (holder.head_id, "") if open_here else (None, Nobodys.ELSEWHERE.value)


def _issuer(here: UUID, named: rules.identities.Named) -> UUID | None:
    """The place whose number it is; who issued it is never guessed."""
    if not named.issuer:
        return here
    try:
        return places.place_by_code(named.code, viewer=SYSTEM).id
    except NotFound:
        return None
