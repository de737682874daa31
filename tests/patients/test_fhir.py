"""The Patient resource: golden, valid R4, and the same in every language."""

import datetime
import json
from uuid import uuid4

import pytest
from django.utils.translation import override
from fhir.resources.R4B.patient import Patient as Valid

from tests import make
from tests.cast import Cast, cast
from tests.patients import who
from wasl.kernel.fhir import Resource, owned
from wasl.patients import services
from wasl.patients.events import (
    DeathWithdrawn,
    FileDerived,
    PatientCorrected,
    PatientDied,
    PatientRegistered,
    PatientRestored,
    PatientRetired,
    PatientsMerged,
    PatientsUnmerged,
    RegisterFollowed,
)
from wasl.patients.models import Patient
from wasl.places import queries as places

pytestmark = pytest.mark.django_db
LANGUAGE = "http://hl7.org/fhir/StructureDefinition/language"
TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"


@pytest.fixture
def stage() -> Cast:
    return cast()


def rendered(patient: Patient) -> Resource:
    """What the record writes, once it has gone through JSON and a validator."""
    kind = owned["Patient"]
    body: Resource = json.loads(json.dumps(kind.render(kind.get(patient.id))))
    Valid.model_validate(body)
    return body


def test_golden(stage: Cast) -> None:
    region = places.place(stage.regional, viewer=stage.nour).region_id
    salma = make.patient(
        stage, father_name="Habib", mother_name="فاطمة", phone="98123456", commune="Tabarka", region=region,
        identities=[("tn_cin", "01234567"), ("local", "H-1")],
    )  # fmt: skip
    assert rendered(salma) == {
        "resourceType": "Patient",
        "id": str(salma.id),
        "identifier": [
            {"use": "official", "type": {"coding": [{"system": TYPES, "code": "NI"}]}, "system": "urn:wasl:patient",
             "value": salma.number},
            {"type": {"coding": [{"system": TYPES, "code": "NI"}]}, "system": "urn:wasl:tn:cin", "value": "01234567"},
            {"type": {"coding": [{"system": TYPES, "code": "MR"}]}, "system": "urn:wasl:place:oued-zen:patient",
             "value": "H-1",
             "assigner": {"reference": f"Organization/{stage.regional}", "display": "Hôpital régional Oued Zen"}},
        ],
        "active": True,
        "name": [
            {"extension": [{"url": LANGUAGE, "valueCode": "ar-Latn"}], "use": "official", "text": "Salma Ben Salah",
             "family": "Ben Salah", "given": ["Salma"]},
            {"extension": [{"url": LANGUAGE, "valueCode": "ar"}], "use": "official", "text": "سلمى بن صالح",
             "family": "بن صالح", "given": ["سلمى"]},
        ],
        "telecom": [{"system": "phone", "value": "98123456"}],
        "gender": "female",
        "birthDate": "1980-03-12",
        "address": [{"city": "Tabarka", "state": "Jendouba", "country": "TN"}],
        "contact": [
            {"relationship": [{"coding": [{"system": ROLES, "code": "MTH"}]}], "name": {"text": "فاطمة"}},
            {"relationship": [{"coding": [{"system": ROLES, "code": "FTH"}]}], "name": {"text": "Habib"}},
        ],
    }  # fmt: skip


def test_only_the_year_is_known(stage: Cast) -> None:
    assert rendered(make.patient(stage, birth_date_about=True))["birthDate"] == "1980"


def test_who_died(stage: Cast) -> None:
    assert rendered(make.patient(stage, died_on=datetime.date(2026, 1, 2)))["deceasedDateTime"] == "2026-01-02"


def test_unknown_and_newborn_people_say_the_same_in_every_language(stage: Cast) -> None:
    unknown = make.patient(stage, kind="unknown", description="man, about 40", family_name="", given_name="",
                           family_name_ar="", given_name_ar="", birth_date=None, sex="male")  # fmt: skip
    salma = make.patient(stage)
    baby = services.register_patient(place=stage.regional, by=stage.nour, kind="newborn", mother=salma.id,
                                     birth_order=2, birth_date=datetime.date(2026, 11, 20))  # fmt: skip
    for language in ("ar", "fr", "en"):
        with override(language):
            assert rendered(unknown)["name"] == [{"use": "temp", "text": "Unknown person"}]
            assert "birthDate" not in rendered(unknown)
            assert rendered(baby)["name"] == [{"use": "temp", "text": "Newborn 2 of Salma Ben Salah"}]
            assert rendered(baby)["multipleBirthInteger"] == 2


def test_which_facts_make_it_speak(stage: Cast) -> None:
    kind, salma = owned["Patient"], make.patient(stage)
    registered = PatientRegistered(patient=salma.id, place=stage.regional)
    corrected = PatientCorrected(patient=salma.id, place=None, fields=("sex",))
    about = {"merge": uuid4(), "one": salma.id, "other": uuid4(), "patient": salma.id}
    merged = PatientsMerged(**about, before=(), seconded_by="")
    unmerged = PatientsUnmerged(**about, after=())
    retired = PatientRetired(patient=salma.id, before=salma.id, after=uuid4())
    restored = PatientRestored(patient=salma.id, before=uuid4())
    followed = RegisterFollowed(patient=salma.id, fields=("given_name",))
    derived = FileDerived(patient=salma.id, fields=("phone",))
    died = PatientDied(patient=salma.id, died_on=datetime.date(2026, 5, 1))
    alive = DeathWithdrawn(patient=salma.id)
    facts = (registered, corrected, merged, unmerged, retired, restored, followed, derived, died, alive)
    assert [kind.key_of(fact) for fact in facts] == [salma.id] * 10
    assert {type(fact) for fact in facts} == set(kind.on)
    assert list(kind.every()) == [salma.id]


def test_a_retired_number_points_at_the_one_that_stands_for_it(stage: Cast) -> None:
    salma = make.patient(stage, identities=[("tn_cin", "01234567")])
    again = make.patient(stage, given_name="Selma", identities=[("local", "H-7")])
    edge = who.merge(stage, salma.id, again.id)
    retired, standing = rendered(again), rendered(salma)
    assert (retired["active"], standing["active"]) == (False, True)
    assert retired["link"] == [{"other": {"reference": f"Patient/{salma.id}"}, "type": "replaced-by"}]
    assert standing["link"] == [{"other": {"reference": f"Patient/{again.id}"}, "type": "replaces"}]
    numbers = [(one.get("use"), one["value"]) for one in standing["identifier"]]
    assert numbers == [("official", salma.number), (None, "01234567"), ("old", again.number), (None, "H-7")]
    assert [(name["use"], name["text"]) for name in standing["name"]] == [
        ("official", "Salma Ben Salah"), ("official", "سلمى بن صالح"), ("old", "Selma Ben Salah"),
    ]  # fmt: skip
    services.undo_merge(edge.id, because="Said of the wrong file.", by=stage.nour)
    assert all(body["active"] and "link" not in body for body in (rendered(salma), rendered(again)))
