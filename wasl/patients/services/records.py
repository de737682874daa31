"""What places say of people: written down as it was said, found again by its keys, linked to one person at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.patients import queries
from wasl.patients.models import Patient, RecordKey, RecordLink, RecordVersion, SourceRecord
from wasl.patients.rules.matching import live, saying, weighing
from wasl.patients.rules.matching.live import Terms

State = RecordLink.State
ENTER = "insert into patients_recordkey (key, record) select key, %s from unnest(%s::bigint[]) as k(key)"
ENTER_KEYS = f"{ENTER} on conflict do nothing"  # of a record that has some of them already


@dataclass(frozen=True)
class Saying:
    """What is said of a person, where, and under which number of that place."""

    said: Mapping[str, str]
    place: UUID | None = None
    local_id: str = ""


def sayings(patient: Patient, numbers: Sequence[tuple[str, str]], *, place: UUID | None) -> list[Saying]:
    """What somebody who registers a patient says: a record for each number of the place, and each national number.

    A record says one national number; who has two has two records.
    """
    local = [value for kind, value in numbers if kind == "local"]
    national = [value for kind, value in numbers if kind != "local"]
    count = max(1, len(local), len(national))
    pairs = zip((*local, *[""] * (count - len(local))), (*national, *[""] * (count - len(national))), strict=True)
    return [Saying(saying.said(vars(patient), number), place, local_id) for local_id, number in pairs]


def write_records(
    patient: UUID,
    said: Sequence[Saying],
    *,
    by: Actor,
    state: State = State.HUMAN,
    score: float | None = None,
    terms: Terms = (),
    records: Sequence[SourceRecord] = (),
) -> None:
    """Write new records of a person, or what records say that were just made; part of a verb."""
    now = timezone.now()
    made = records or SourceRecord.objects.bulk_create(
        SourceRecord(place_id=one.place, local_id=one.local_id) for one in said
    )
    _write_versions(list(zip(made, said, strict=True)), dict.fromkeys((one.id for one in made), 1), by=by)
    RecordLink.objects.bulk_create(
        RecordLink(
            record=record, patient_id=patient, state=state, score=score, reasons=terms,
            model="" if state == State.HUMAN else weighing.mark(), opened_at=now, opened_by=str(by),
        )
        for record in made
    )  # fmt: skip


def said_before(record: SourceRecord) -> Mapping[str, str]:
    """What a record says until it says something else; part of a verb that holds the record locked."""
    said: Mapping[str, str] = RecordVersion.objects.get(record=record, superseded_at=None).said
    return said


def say_again(record: SourceRecord, said: Mapping[str, str], *, by: Actor) -> RecordVersion | None:
    """Write what a record says now; None where it says what it said. Part of a verb that holds the record locked."""
    last = RecordVersion.objects.get(record=record, superseded_at=None)
    if last.said == said:
        return None
    RecordVersion.objects.filter(id=last.id).update(superseded_at=timezone.now())
    spoken = Saying(said, record.place_id, record.local_id)
    queries.read_newest(viewer=by)
    old = live.indexed([live.row(last.said)])[0].keys
    RecordKey.objects.filter(key__in=old, record=record.id).delete()
    return _write_versions([(record, spoken)], {record.id: last.version + 1}, by=by)[0]


def say_here(patient: Patient, *, place: UUID | None, by: Actor) -> None:
    """A correction made at a place is what its records of the person say from now on; part of a verb."""
    found = _spoken(patient.id, place)
    for record, said in found:
        say_again(record, saying.said(vars(patient), said.get("nid", "")), by=by)
    if not found:
        write_records(patient.id, sayings(patient, (), place=place), by=by)


def say_number(patient: UUID, kind: str, value: str, *, place: UUID | None, by: Actor) -> None:
    """A number that was written down: a place's own is a record of that place, and so is a second national number."""
    known = Patient.objects.get(id=patient)
    silent = [] if kind == "local" else [record for record, said in _spoken(patient, place) if "nid" not in said]
    if silent:
        say_again(silent[0], saying.said(vars(known), value), by=by)
    else:
        write_records(patient, sayings(known, [(kind, value)], place=place), by=by)


def _spoken(patient: UUID, place: UUID | None) -> list[tuple[SourceRecord, Mapping[str, str]]]:
    """A place's records of a person, held until the transaction ends, and what they say; never the register's own."""
    records = SourceRecord.objects.filter(place=place, links__patient=patient, links__closed_at=None, civil=None)
    held = list(records.select_for_update(of=("self",)).order_by("id"))
    said = {v.record_id: v.said for v in RecordVersion.objects.filter(record__in=held, superseded_at=None)}
    return [(record, said[record.id]) for record in held]


def _write_versions(
    said: Sequence[tuple[SourceRecord, Saying]], numbers: Mapping[UUID, int], *, by: Actor
) -> list[RecordVersion]:
    queries.read_newest(viewer=by)
    indexed = live.indexed([live.row(one.said) for _, one in said])
    made = RecordVersion.objects.bulk_create(
        RecordVersion(record=record, version=numbers[record.id], said=one.said, said_by=str(by), **found.values)
        for (record, one), found in zip(said, indexed, strict=True)
    )
    with connection.cursor() as cursor:
        for (record, _), found in zip(said, indexed, strict=True):
            cursor.execute(ENTER, [record.id, list(found.keys)])
    return made
