"""What hospitals' own systems say of their patients: whose record it is, decided at once and without a person.

Care never waits: who is not surely somebody known is somebody new, and people decide later whether the two are one.
"""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries, rules
from wasl.patients.events import PatientCorrected, PatientRegistered, PatientsAlike, RecordReceived
from wasl.patients.models import Patient, RecordLink, SourceRecord
from wasl.patients.queries import Match
from wasl.patients.rules.matching import saying
from wasl.patients.rules.matching.live import Grade
from wasl.patients.services.numbering import use_again
from wasl.patients.services.records import Saying, said_before, say_again, write_records
from wasl.patients.services.registration import enter_identity, enter_patient

State = RecordLink.State


class Heard(NamedTuple):
    """Whose record it is that a place told of, whether it is told of for the first time, or says something else."""

    patient: Patient
    new: bool
    changed: bool


@verb
def receive_record(*, place: UUID, local_id: str, said: Mapping[str, str], by: Actor, amend: bool = False) -> Heard:
    """Take what a place says of its patient `local_id`, by the matcher's columns; said twice, it is one record.

    Who is certainly known is linked; who probably is gets a provisional number of their own, and people are told to
    decide; anybody else is new. A number that the place had replaced or removed is in use again. With `amend` what is
    said is what changed: columns that are not named stand as they were, an empty one is taken back.
    """
    rules.check_post(place, by)
    number = rules.check_local_id(local_id)
    heard = hear(place, number, said, by=by, amend=amend)
    if not heard.new:
        use_again(place, number, changed=heard.changed, by=by)
    return heard


def hear(place: UUID, local_id: str, said: Mapping[str, str], *, by: Actor, amend: bool = False) -> Heard:
    """Write what a place says under one of its numbers, and whose record that is; part of a verb."""
    new = SourceRecord(place_id=place, local_id=local_id)
    # whoever says the same at this moment waits here for the other's end
    SourceRecord.objects.bulk_create([new], ignore_conflicts=True)
    record = SourceRecord.objects.select_for_update().get(place=place, local_id=local_id)
    if record.id == new.id:
        return Heard(_heard_first(record, place, saying.received(said), by=by), new=True, changed=True)
    texts = saying.received({**said_before(record), **said} if amend else said)
    return _heard_again(record, texts, by=by)


def _heard_first(record: SourceRecord, place: UUID, texts: Mapping[str, str], *, by: Actor) -> Patient:
    """A new record: it is decided whose it is."""
    if holder := queries.by_local_number(record.local_id, place=place, viewer=SYSTEM):
        return _link(record, texts, holder, State.AUTO, None, by=by)
    # the machine looks among everybody, whatever its own posts let it see
    alike = [] if saying.is_nobody_yet(texts) else _alike(texts)
    known = next((match for match in alike if match.grade == Grade.CERTAIN), None)
    if known:
        patient = _link(record, texts, known.patient, State.AUTO, known, by=by)
        emit(PatientCorrected(patient=patient.id, place=place, fields=("identities",)), by=by)
        return patient
    newcomer = _newcomer(texts, provisional=bool(alike), fed=by.kind != "person", by=by)
    patient = _link(record, texts, newcomer, State.PROVISIONAL if alike else State.AUTO, None, by=by)
    emit(PatientRegistered(patient=patient.id, place=place), by=by)
    for match in alike:
        reasons = tuple(f"{field}:{level}:{bits:+.1f}" for field, level, bits in match.terms)
        emit(PatientsAlike(one=match.patient.id, other=patient.id, place=place, score=match.score, reasons=reasons),
             by=by)  # fmt: skip
    return patient


def _alike(texts: Mapping[str, str]) -> list[Match]:
    return [match for match in queries.match(texts, viewer=SYSTEM).matches if match.grade != Grade.POSSIBLE]


def _link(
    record: SourceRecord, texts: Mapping[str, str], patient: Patient, state: State, match: Match | None, *, by: Actor
) -> Patient:
    """Write whose record it is, and the place's number beside the patient's others."""
    said = Saying(texts, record.place_id, record.local_id)
    score, terms = (match.score, match.terms) if match else (None, ())
    write_records(patient.id, [said], by=by, records=[record], state=state, score=score, terms=terms)
    enter_identity(patient.id, "local", record.local_id, record.place_id)
    _tell(record, patient, 1, state, by=by)
    return patient


def _tell(record: SourceRecord, patient: Patient, version: int, state: str, *, by: Actor) -> None:
    emit(
        RecordReceived(record=record.id, patient=patient.id, place=record.place_id, version=version, state=state), by=by
    )


def _heard_again(record: SourceRecord, texts: Mapping[str, str], *, by: Actor) -> Heard:
    """The same record again: whose it is was decided; what it says may be new."""
    link = RecordLink.objects.select_related("patient").filter(record=record, closed_at=None).first()
    if link is None:
        raise NotFound
    version = say_again(record, texts, by=by)
    if version:
        _tell(record, link.patient, version.version, link.state, by=by)
    return Heard(link.patient, new=False, changed=version is not None)


def _newcomer(texts: Mapping[str, str], *, provisional: bool, fed: bool, by: Actor) -> Patient:
    """Somebody whom nobody here knows yet; what cannot be read in what was said is left to whoever asks them."""
    values, numbers = saying.person(texts)
    nobody = saying.is_nobody_yet(texts)
    person = rules.readable(values, today=timezone.localdate())
    patient = enter_patient(person, provisional=provisional or nobody, fed=fed, by=by)
    for kind, value in numbers:
        enter_identity(patient.id, kind, value, None)
    return patient
