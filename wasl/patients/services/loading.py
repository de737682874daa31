"""Many people at once, whose records were matched before: written by the thousand, as a country's lists are."""

import secrets
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.models import uuid7
from wasl.kernel.verbs import verb
from wasl.patients import queries, rules
from wasl.patients.events import PatientsLoaded
from wasl.patients.models import Patient, RecordKey, RecordLink, RecordVersion, SourceIdentity, SourceRecord, WaslNumber
from wasl.patients.rules import surviving
from wasl.patients.rules.matching import live, saying, weighing
from wasl.patients.services.records import Saying

FED = surviving.Grade.FED


@verb
def load_patients(people: Sequence[Sequence[Saying]], *, by: Actor) -> int:
    """Enter people with all that places say of each, in one transaction; answers how many were new.

    Every record has its place and number there. One that is here already is left as it is, and what else is said of its
    person goes beside it. The shared record is written afterwards, by `wasl record rebuild`.
    """
    known = _known(people)
    fresh: list[tuple[Patient, list[Saying]]] = []
    rows: list[tuple[UUID, Saying]] = []
    for said in people:
        here = next((key for one in said if (key := known.get((one.place, one.local_id)))), None)
        left = {(one.place, one.local_id): one for one in said if (one.place, one.local_id) not in known}
        if here is None:
            patient = _patient(said)
            fresh.append((patient, list(said)))
            here = patient.id
        known |= dict.fromkeys(left, here)
        rows += [(here, one) for one in left.values()]
    for (patient, _), number in zip(fresh, _numbers(len(fresh)), strict=True):
        patient.number = number
    _copy(Patient, (patient for patient, _ in fresh))
    _copy(SourceIdentity, _identities(fresh, rows))
    _write(rows, by)
    if rows:
        emit(PatientsLoaded(load=uuid7(), patients=len(fresh), records=len(rows)), by=by)
    return len(fresh)


def _known(people: Iterable[Sequence[Saying]]) -> dict[tuple[UUID | None, str], UUID]:
    """Whose the records are that are here already, by place and number. Raises NothingSaid."""
    asked = [(one.place, rules.check_local_id(one.local_id)) for said in people for one in said]
    local = SourceIdentity.objects.filter(
        kind="local", place__in={place for place, _ in asked}, value__in={number for _, number in asked}
    )
    return {(one.place_id, one.value): one.patient_id for one in local}


def _patient(said: Sequence[Saying]) -> Patient:
    """One person with what most of the records say, and of what as many say the first."""
    whole: dict[str, str] = {}
    for one in said:
        whole = {**one.said, **whole}
    today, now = timezone.localdate(), timezone.now()
    claims = [
        claim for one in said
        for claim in surviving.told(rules.readable(saying.person(one.said)[0], today=today), grade=FED, at=now)
    ]  # fmt: skip
    person = surviving.fields(surviving.survivors(claims))
    kind = "known" if person["family_name"] or person["family_name_ar"] else "unknown"
    patient = Patient(**person, kind=kind, fed=True)
    patient.head = patient
    patient.level = "provisional" if saying.is_nobody_yet(whole) else rules.level(vars(patient))
    patient.folded = " ".join(rules.name_form(name) for name in (patient.latin_name, patient.arabic_name) if name)
    return patient


def _numbers(count: int) -> list[str]:
    """So many new Wasl numbers that nobody has; which of them is whose says nothing either."""
    drawn: set[str] = set()
    while len(drawn) < count:
        more = {rules.wasl_number(1_000_000_000 + secrets.randbelow(9_000_000_000)) for _ in range(count - len(drawn))}
        drawn |= more - set(WaslNumber.objects.filter(number__in=more).values_list("number", flat=True))
    return list(drawn)


def _identities(
    fresh: Iterable[tuple[Patient, list[Saying]]], rows: Iterable[tuple[UUID, Saying]]
) -> Iterable[SourceIdentity]:
    """The numbers of places, and of who is new the national ones."""
    national = {
        (patient.id, kind, value): None for patient, said in fresh for one in said for kind, value in
        saying.person(one.said)[1]
    }  # fmt: skip
    for patient, kind, value in national:
        yield SourceIdentity(patient_id=patient, kind=kind, value=value)
    for patient, one in rows:
        yield SourceIdentity(patient_id=patient, kind="local", value=one.local_id, place_id=one.place)


def _write(rows: Sequence[tuple[UUID, Saying]], by: Actor) -> None:
    queries.read_newest(viewer=by)
    now, mark = timezone.now(), weighing.mark()
    records = [SourceRecord(place_id=one.place, local_id=one.local_id) for _, one in rows]
    found = live.indexed([live.row(one.said) for _, one in rows])
    _copy(SourceRecord, records)
    _copy(RecordVersion, (
        RecordVersion(record_id=record.id, version=1, said=one.said, said_by=str(by), created_at=now, **of.values)
        for record, (_, one), of in zip(records, rows, found, strict=True)
    ))  # fmt: skip
    _copy(RecordLink, (
        RecordLink(record_id=record.id, patient_id=patient, state="auto", model=mark, opened_at=now, opened_by=str(by))
        for record, (patient, _) in zip(records, rows, strict=True)
    ))  # fmt: skip
    _copy(RecordKey, (
        RecordKey(key=key, record=record.id) for record, of in zip(records, found, strict=True) for key in of.keys
    ))  # fmt: skip


def _copy(model: type[models.Model], rows: Iterable[models.Model]) -> None:
    """Write rows as COPY takes them; constraints and triggers hold as for any others."""
    fields = model._meta.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    with connection.cursor() as cursor, cursor.copy(f"copy {model._meta.db_table} ({columns}) from stdin") as copy:
        for row in rows:
            values: list[Any] = [
                field.get_db_prep_save(getattr(row, field.attname), connection=connection) for field in fields
            ]
            copy.write_row(values)
