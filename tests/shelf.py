"""A tiny owner of a resource type: notes on a shelf, each an Observation of a patient or of nobody.

It stands where a module stands, so that the record and the FHIR edge are tested apart from what modules say.
"""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from wasl.kernel import fhir
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.events import Event, Told, emit
from wasl.kernel.models import uuid7

SYSTEM_OF_CODES = "http://loinc.org"
NUMBERS = "https://shelf.example/numbers"
MORNING = datetime.datetime(2026, 11, 10, 8, 30, tzinfo=datetime.UTC)

TABLE = """
create table if not exists shelf_note (
  id uuid primary key, patient uuid, status text, code text, number text, words text, at timestamptz)
"""
PUT = """
insert into shelf_note (id, patient, status, code, number, words, at) values (%s, %s, %s, %s, %s, %s, %s)
on conflict (id) do update set (patient, status, code, number, words, at) =
  (excluded.patient, excluded.status, excluded.code, excluded.number, excluded.words, excluded.at)
"""


@dataclass(frozen=True, kw_only=True)
class NoteWritten(Event):
    """A note was put on the shelf, or written again."""

    note: UUID
    patient: UUID | None
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class NoteTaken(Event):
    """A note was taken from the shelf."""

    note: UUID
    patient: UUID | None
    place: UUID | None


def write(key: UUID | None = None, *, patient: UUID | None = None, status: str = "final", code: str = "24725-4",
          number: str = "", words: str = "rien à signaler", at: datetime.datetime | None = MORNING,
          place: UUID | None = None, by: Actor = SYSTEM) -> UUID:  # fmt: skip
    """Put a note on the shelf, or write it again, in one transaction with its fact."""
    key = key or uuid7()
    with transaction.atomic():
        _run(PUT, [key, patient, status, code, number, words, at])
        emit(NoteWritten(note=key, patient=patient, place=place), by=by)
    return key


def say(key: UUID, *, column: str, value: str) -> Told:
    """Change one column of a note in the open transaction."""
    _run(f"update shelf_note set {column} = %s where id = %s", [value, key])
    return emit(NoteWritten(note=key, patient=None, place=None), by=SYSTEM)


def take(key: UUID) -> None:
    """Take a note from the shelf."""
    with transaction.atomic():
        _run("delete from shelf_note where id = %s", [key])
        emit(NoteTaken(note=key, patient=None, place=None), by=SYSTEM)


def _run(sql: str, values: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def _get(key: UUID) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute("select id, patient, status, code, number, words, at from shelf_note where id = %s", [key])
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def _every() -> Iterable[UUID]:
    with connection.cursor() as cursor:
        cursor.execute("select id from shelf_note")
        return [row[0] for row in cursor.fetchall()]


def observation(row: tuple[Any, ...]) -> fhir.Resource:
    """A note as an Observation."""
    _, patient, status, code, number, words, at = row
    return {
        "identifier": [{"system": NUMBERS, "value": number}] if number else [],
        "status": status,
        "code": fhir.coding(SYSTEM_OF_CODES, code),
        "subject": fhir.reference("Patient", patient),
        "effectiveDateTime": at.isoformat() if at else None,
        "valueString": words,
    }


SEARCHES = ("identifier", "status", "code", "subject", "patient", "date", "value-string")


def stand(patch: pytest.MonkeyPatch) -> None:
    """Put up the shelf, and let it own the type."""
    _run(TABLE, [])
    owner = fhir.Owned("Observation", (NoteWritten, NoteTaken), _get, _every, observation)
    patch.setitem(fhir.owned, "Observation", owner)
    patch.setitem(fhir.searches, "Observation", SEARCHES)


def fall() -> None:
    """Take down the shelf."""
    _run("drop table shelf_note", [])


@pytest.fixture
def shelf(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The shelf, standing for one test."""
    stand(monkeypatch)
    yield
    fall()
