"""Giving a person a number, correcting what is known, writing down the numbers by which others know them."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotFound, Refused
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries, rules
from wasl.patients.events import PatientCorrected, PatientRegistered
from wasl.patients.models import CivilWord, Patient, SourceIdentity, WaslNumber
from wasl.patients.rules import civil, merging
from wasl.patients.rules import numbers as number_rules
from wasl.patients.services.access import open_here
from wasl.patients.services.numbering import use_again
from wasl.patients.services.records import say_here, say_number, sayings, write_records
from wasl.patients.services.registered import correct, folded, registered, said_of
from wasl.places import queries as places

ATTEMPTS = 8  # a new number meets a taken one once in thousands, even with the whole country registered
REFUSALS: dict[str, type[Refused]] = {
    "patients_a_local_number_is_one_persons": rules.LocalNumberTaken,
    "patients_a_number_of_a_place_is_one_record": rules.LocalNumberTaken,
    "patients_newborns_of_a_birth_have_their_own_order": rules.NewbornRegistered,
    "patients_no_number_of_a_withdrawn_block_is_given": number_rules.BlockWithdrawn,
}
COLUMNS = {"region": "region_id", "mother": "mother_id"}


@verb
def register_patient(
    *, place: UUID | None, by: Actor, kind: str = "known", identities: Sequence[tuple[str, str]] = (), number: str = "",
    **values: object,
) -> Patient:  # fmt: skip
    """Give a person a Wasl number; the record is open to the place that registers, as if the card were shown there.

    `identities` are pairs of kind and value (`tn_cin`, `tn_iuc`, `dz_nin`, `local`); `values` are fields of a patient;
    `number` is one of the place's own reserved numbers, given while there was no network.
    """
    rules.check_post(place, by)
    person, numbers = rules.checked({**values, "kind": kind}, identities, place=place, today=timezone.localdate())
    patient = enter_patient(person, by=by, number=number, place=place)
    with _refusing(again=False):
        write_records(patient.id, sayings(patient, numbers, place=place), by=by)
        SourceIdentity.objects.bulk_create(
            SourceIdentity(patient=patient, kind=what, value=value, place_id=place if what == "local" else None)
            for what, value in dict.fromkeys(numbers)
        )
    emit(PatientRegistered(patient=patient.id, place=place), by=by)
    if place is not None:
        open_here(patient.id, place=place, by=by, new=True)
    return patient


@verb
def correct_patient(key: UUID, *, version: int, by: Actor, place: UUID | None = None, **values: object) -> Patient:
    """Correct what is known of a person, as it stood at `version`; an unknown person becomes known this way."""
    queries.require_ground(key, viewer=by)
    patient = Patient.objects.select_for_update().filter(id=key).first()
    if patient is None:
        raise NotFound
    merging.check_current(key, patient.head_id)
    if patient.version != version:
        raise rules.ChangedMeanwhile
    before = {name: getattr(patient, COLUMNS.get(name, name)) for name in rules.FIELDS}
    person, _ = rules.checked({**before, **values}, place=place, today=timezone.localdate())
    changed = tuple(sorted(name for name in person if person[name] != before[name]))
    if changed:
        others = Patient.objects.filter(head=patient.head_id).exclude(id=key)
        said = said_of([patient, *others])
        civil.check_still_open(changed, registered(patient, said))
        put = partial(_set, patient, person, by)
        word = correct(patient, said, changed, put, renamed="kind" in values, by=by, place=place)
        patient.version += 1
        with _refusing():
            patient.save()
        word.save()
        say_here(patient, place=place, by=by)
        emit(PatientCorrected(patient=key, place=place, fields=changed), by=by)
    return patient


@verb
def add_identity(patient: UUID, *, kind: str, value: str, by: Actor, place: UUID | None = None) -> SourceIdentity:
    """Write down a number by which others know the person; written twice, it stays one.

    A number that its place had retired is in use again.
    """
    queries.require_ground(patient, viewer=by)
    if kind == "local":
        rules.check_post(place, by)
    faults: dict[str, str] = {}
    kept = rules.checked_identity(kind, value, place, faults)
    if faults:
        raise Invalid(faults)
    identity, written = enter_identity(patient, kind, kept, place)
    if written:
        with _refusing():
            say_number(patient, kind, kept, place=place, by=by)
        for file in dict.fromkeys((patient, queries.head_of(patient, viewer=by))):  # its record says all numbers
            emit(PatientCorrected(patient=file, place=place, fields=("identities",)), by=by)
    elif place is not None and identity.retired_at:
        use_again(place, kept, changed=False, by=by)
    return identity


def enter_patient(
    person: dict[str, object], *, by: Actor, provisional: bool = False, number: str = "", place: UUID | None = None,
    fed: bool = False,
) -> Patient:  # fmt: skip
    """Write a new person with checked values under a number that nobody has, or a reserved one; part of a verb.

    `fed`: what they are is a system's word, and no desk's.
    """
    patient = Patient(fed=fed)
    patient.head = patient
    _set(patient, person, by)
    if provisional:
        patient.level = Patient.Level.PROVISIONAL
    if number:
        _insert_reserved(patient, number, place)
    else:
        _insert(patient)
    return patient


def _set(patient: Patient, person: dict[str, object], by: Actor, word: CivilWord | None = None) -> None:
    """Put checked values on the row, with the search form of its names; `word` is what the register says of them."""
    for name, value in person.items():
        setattr(patient, COLUMNS.get(name, name), value)
    patient.folded = ""
    if patient.kind == Patient.Kind.NEWBORN:
        women = Patient.objects.exclude(id=patient.id).exclude(sex=Patient.Sex.MALE)
        mother = rules.check_mother(women.filter(id=patient.mother_id).first())  # type: ignore[misc]
        patient.mother_name = patient.mother_name or mother.latin_name or mother.arabic_name
        names = [rules.name_form(name) for name in (mother.latin_name, mother.arabic_name) if name]
        patient.folded = " ".join(dict.fromkeys(names))  # until there is a name of their own
    patient.level = rules.level(vars(patient))
    rules.check_region(patient.region_id is None or places.regions(viewer=by).filter(id=patient.region_id).exists())
    patient.folded = folded(patient, word)


def _insert(patient: Patient) -> None:
    """Save a new person under a number that nobody has."""
    for attempt in range(ATTEMPTS):
        patient.number = rules.wasl_number(1_000_000_000 + secrets.randbelow(9_000_000_000))
        try:
            with _refusing():
                patient.save(force_insert=True)
            return
        except IntegrityError:
            if attempt == ATTEMPTS - 1:
                raise


def _insert_reserved(patient: Patient, number: str, place: UUID | None) -> None:
    """Save a new person under a number that was set aside for the place."""
    patient.number = rules.digits(number)
    row = WaslNumber.objects.select_for_update(of=("self",)).select_related("block")
    reserved = row.filter(number=patient.number, block__place=place, block__isnull=False).first()
    block = reserved.block if reserved else None
    number_rules.check_reserved(block is not None, used=bool(reserved and reserved.patient_id),
                                withdrawn=bool(block and block.withdrawn_at))  # fmt: skip
    with _refusing():
        WaslNumber.objects.filter(number=patient.number).update(patient=patient.id)
        patient.save(force_insert=True)


def enter_identity(patient: UUID, kind: str, value: str, place: UUID | None) -> tuple[SourceIdentity, bool]:
    """Write down a number of a person, and whether it was not yet, in any of their files; part of a verb."""
    where = place if kind == "local" else None
    theirs = SourceIdentity.objects.filter(patient__head__files=patient)
    if known := theirs.filter(kind=kind, value=value, place=where).first():
        return known, False
    with _refusing():
        return SourceIdentity.objects.get_or_create(  # type: ignore[misc]
            patient_id=patient, kind=kind, value=value, place_id=where
        )


@contextmanager
def _refusing(*, again: bool = True) -> Iterator[None]:
    """Try to write; what the database refuses is refused in the module's own words.

    Not `again`: the verb ends with the refusal, and nothing of it needs to be kept apart.
    """
    try:
        with transaction.atomic(savepoint=again):
            yield
    except IntegrityError as error:
        broken = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
        if broken in REFUSALS:
            raise REFUSALS[broken] from error
        raise
