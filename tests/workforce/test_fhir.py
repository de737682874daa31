"""Practitioner and PractitionerRole: golden and valid R4."""

import json
from uuid import UUID

import pytest
from fhir.resources.R4B.practitioner import Practitioner
from fhir.resources.R4B.practitionerrole import PractitionerRole
from pydantic import BaseModel

from tests.cast import Cast, cast
from wasl.kernel.fhir import Resource, owned
from wasl.workforce import queries, services
from wasl.workforce.events import CoverBegun, WorkerEnrolled
from wasl.workforce.models import Cover, Worker

pytestmark = pytest.mark.django_db
VALID: dict[str, type[BaseModel]] = {"Practitioner": Practitioner, "PractitionerRole": PractitionerRole}
LANGUAGE = "http://hl7.org/fhir/StructureDefinition/language"
LICENCE = {"system": "urn:wasl:licence", "value": "TN-R-1001"}
SPECIALTY = [{"coding": [{"system": "urn:wasl:specialty", "code": "radiology"}]}]


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def leila(stage: Cast) -> UUID:
    assert stage.leila.id is not None
    return stage.leila.id


def rendered(kind: str, key: UUID) -> Resource:
    body: Resource = json.loads(json.dumps(owned[kind].render(owned[kind].get(key))))
    VALID[kind].model_validate(body)
    return body


def test_practitioner(leila: UUID) -> None:
    assert rendered("Practitioner", leila) == {
        "resourceType": "Practitioner",
        "id": str(leila),
        "identifier": [LICENCE],
        "active": True,
        "name": [
            {"extension": [{"url": LANGUAGE, "valueCode": "ar-Latn"}], "use": "official", "text": "Leila Haddad",
             "family": "Haddad", "given": ["Leila"]},
            {"extension": [{"url": LANGUAGE, "valueCode": "ar"}], "use": "official", "text": "ليلى الحداد",
             "family": "الحداد", "given": ["ليلى"]},
        ],
        "qualification": [{"identifier": [LICENCE], "code": {"text": "radiology"}}],
        "communication": [
            {"coding": [{"system": "urn:ietf:bcp:47", "code": "ar"}]},
            {"coding": [{"system": "urn:ietf:bcp:47", "code": "fr"}]},
        ],
    }  # fmt: skip


def test_the_role_where_enrolled(stage: Cast, leila: UUID) -> None:
    worker = Worker.objects.get(person=stage.leila.id)
    assert rendered("PractitionerRole", worker.id) == {
        "resourceType": "PractitionerRole",
        "id": str(worker.id),
        "practitioner": {"reference": f"Practitioner/{leila}", "display": "Leila Haddad"},
        "organization": {"reference": f"Organization/{stage.university}", "display": "CHU El Amal"},
        "location": [{"reference": f"Location/{stage.university}"}],
        "specialty": SPECIALTY,
    }


def test_the_role_of_a_cover_has_its_period_and_modalities(stage: Cast, leila: UUID) -> None:
    cover = services.cover_place(
        Worker.objects.get(person=stage.leila.id).id, place=stage.other, modalities=["CT"], by=stage.karim
    )
    body = rendered("PractitionerRole", cover.id)
    assert body["organization"]["reference"] == f"Organization/{stage.other}"
    assert body["code"] == [{"coding": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"}]}]
    assert set(body["period"]) == {"start"}
    services.end_cover(cover.id, by=stage.karim)
    ended = rendered("PractitionerRole", cover.id)["period"]
    assert ended["end"] == Cover.objects.get(id=cover.id).period.upper.isoformat()


def test_which_facts_make_them_speak(stage: Cast, leila: UUID) -> None:
    worker = Worker.objects.get(person=stage.leila.id)
    enrolled = WorkerEnrolled(worker=worker.id, person=leila, place=stage.university)
    assert owned["Practitioner"].key_of(enrolled) == leila
    assert owned["PractitionerRole"].key_of(enrolled) == worker.id
    (cover,) = queries.covers(leila, viewer=stage.karim)
    begun = CoverBegun(cover=cover.id, worker=worker.id, place=stage.regional)
    assert owned["PractitionerRole"].key_of(begun) == cover.id
    everybody = set(Worker.objects.values_list("id", flat=True)) | set(Cover.objects.values_list("id", flat=True))
    assert {worker.id, cover.id} < set(owned["PractitionerRole"].every()) == everybody
