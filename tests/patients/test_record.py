"""What the shared record says of people: written in the same transaction, a version for each fact."""

import json
from typing import Any
from uuid import UUID

import pytest

from tests import make
from tests.cast import Cast, cast
from tests.patients import civil
from tests.patients.test_live import salma as known_salma
from wasl.kernel.errors import Refused
from wasl.patients import services
from wasl.record.models import Entry, Version

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def entry(kind: str, key: UUID) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(Entry.objects.get(type=kind, id=key).body)
    return body


def versions(kind: str, key: UUID) -> list[int]:
    found = Version.objects.filter(type=kind, resource=key).order_by("version")
    return list(found.values_list("version", flat=True))


def test_registering_writes_one_entry(stage: Cast) -> None:
    salma = make.patient(stage, identities=[("tn_cin", "01234567")])
    kept = Entry.objects.get(type="Patient")
    assert (kept.id, kept.patient, kept.version, kept.place) == (salma.id, salma.id, 1, stage.regional)
    assert [i["value"] for i in entry("Patient", salma.id)["identifier"]] == [salma.number, "01234567"]
    assert versions("Patient", salma.id) == [1]


def test_every_correction_is_a_version(stage: Cast) -> None:
    salma = make.patient(stage)
    services.correct_patient(salma.id, version=1, by=stage.nour, family_name="Ben Saleh")
    services.add_identity(salma.id, kind="local", value="H-1", place=stage.regional, by=stage.nour)
    services.add_identity(salma.id, kind="local", value="H-1", place=stage.regional, by=stage.nour)
    assert versions("Patient", salma.id) == [1, 2, 3]
    body = entry("Patient", salma.id)
    assert (body["name"][0]["family"], body["identifier"][1]["value"]) == ("Ben Saleh", "H-1")


def test_what_was_refused_is_written_nowhere(stage: Cast) -> None:
    make.patient(stage, identities=[("local", "H-1")])
    with pytest.raises(Refused):
        make.patient(stage, identities=[("local", "H-1")])
    assert Entry.objects.filter(type="Patient").count() == Version.objects.filter(type="Patient").count() == 1


def test_opening_a_record_says_nothing_new_of_the_person(stage: Cast) -> None:
    salma = make.patient(stage)
    services.present_card(salma.id, place=stage.other, number=salma.number, by=stage.zied)
    services.break_glass(salma.id, place=stage.university, because="unconscious after a fall", by=stage.leila)
    assert versions("Patient", salma.id) == [1]


def test_hospitals_and_readers_are_in_the_record(stage: Cast) -> None:
    kinds = ("Organization", "Location", "Practitioner", "PractitionerRole")
    assert [Entry.objects.filter(type=kind).count() for kind in kinds] == [3, 3, 2, 4]
    assert entry("Organization", stage.regional)["name"] == "Hôpital régional Oued Zen"
    assert stage.leila.id is not None
    assert entry("Practitioner", stage.leila.id)["name"][0]["family"] == "Haddad"


def test_what_the_civil_register_says_is_in_the_shared_record(stage: Cast) -> None:
    salma = known_salma(stage, given_name="Selma")
    civil.birth()
    assert entry("Patient", salma.id)["name"][0]["given"] == ["Salma"]
    civil.death()
    assert entry("Patient", salma.id)["deceasedDateTime"] == "2026-05-01"
    civil.annul("death", "26/9")
    assert "deceasedDateTime" not in entry("Patient", salma.id)
    assert versions("Patient", salma.id) == [1, 2, 3, 4]
