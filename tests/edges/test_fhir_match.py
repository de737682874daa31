"""Patient/$match over the whole ASGI application: who is found, what is shown of them, and that it is written down."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.operationoutcome import OperationOutcome
from pytest_django.plugin import DjangoDbBlocker

from tests import make
from tests.cast import Cast, cast
from tests.edges.foreign import Door, door, session, token
from tests.patients.who import tell_apart
from tests.tables import empty_tables
from wasl.edges.fhir.statement import statement
from wasl.kernel.access import SYSTEM
from wasl.patients.models import Access, Patient
from wasl.places import queries as places

pytestmark = pytest.mark.django_db
Who = dict[str, str]
SALMA: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [{"family": "Ben Salah", "given": ["Salma"]}],
    "gender": "female",
    "birthDate": "1980-03-12",
    "identifier": [{"system": "urn:wasl:tn:cin", "value": "09417263"}],
    "telecom": [{"system": "phone", "value": "+216 98 123 456"}],
    "contact": [{"relationship": [{"coding": [{"code": "FTH"}]}], "name": {"text": "Hedi"}}],
}


@dataclass
class World:
    """Salma, known to the regional hospital, and whoever asks."""

    door: Door
    stage: Cast
    salma: Patient
    who: dict[str, Who]

    def ask(self, who: str, person: object = SALMA, **more: object) -> httpx.Response:
        parts = [{"name": "resource", "resource": person}, *({"name": k, **v} for k, v in more.items())]  # type: ignore[dict-item]
        body = {"resourceType": "Parameters", "parameter": parts}
        return self.door.ask("POST", "/fhir/Patient/$match", self.who[who], json=body)

    def found(self, who: str, person: object = SALMA, **more: object) -> list[dict[str, Any]]:
        answer = self.ask(who, person, **more)
        assert answer.status_code == 200, answer.text
        Bundle.model_validate_json(answer.text)
        entries: list[dict[str, Any]] = answer.json().get("entry", [])
        return entries


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock():
        try:
            stage = cast()
            salma = make.patient(stage, phone="98123456", father_name="Hedi",
                                 identities=[("tn_cin", "09417263"), ("local", "H-1")])  # fmt: skip
            who = {name: session(getattr(stage, name)) for name in ("amel", "zied", "hatem", "fatma")}
            who |= {
                "nobody": {},
                "machine": token("his", "system/Patient.s", place=stage.other),
                "own machine": token("own", "fhir.read", place=stage.regional),
                "mute": token("mute", "system/Organization.rs", place=stage.other),
                "reader": token("reader", "system/Patient.r", place=stage.other),
            }
            with door() as opened:
                yield World(opened, stage, salma, who)
        finally:
            empty_tables()


@pytest.fixture
def _django_db_helper(world: World, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: the world is made once."""
    with django_db_blocker.unblock():
        yield


def grade(entry: dict[str, Any]) -> str:
    (code,) = (one["valueCode"] for one in entry["search"]["extension"])
    return str(code)


def test_who_is_certain_is_told_with_the_number(world: World) -> None:
    (entry,) = world.found("machine")
    assert (grade(entry), entry["search"]["mode"]) == ("certain", "match")
    assert entry["search"]["score"] > 0.99
    shown = entry["resource"]
    assert [one["value"] for one in shown["identifier"]] == [world.salma.number]
    assert shown.keys() == {"resourceType", "id", "active", "name", "gender", "birthDate", "identifier"}
    assert "09417263" not in json.dumps(shown)


def test_who_is_not_certain_is_told_without_any_number(world: World) -> None:
    (entry,) = world.found("zied", SALMA | {"gender": "male"})
    assert grade(entry) in ("probable", "possible")
    assert "identifier" not in entry["resource"]


def test_whose_record_is_open_is_told_whole(world: World) -> None:
    for who in ("amel", "own machine"):
        (entry,) = world.found(who)
        assert {one["value"] for one in entry["resource"]["identifier"]} == {world.salma.number, "09417263", "H-1"}


def test_only_certain_and_count_are_honoured(world: World) -> None:
    doubtful = SALMA | {"gender": "male"}
    assert world.found("zied", doubtful, onlyCertainMatches={"valueBoolean": True}) == []
    assert len(world.found("zied", onlyCertainMatches={"valueBoolean": True})) == 1
    for _ in range(2):
        make.patient(world.stage, given_name="Mounir", family_name="Gharbi", given_name_ar="", family_name_ar="",
                     sex="male", phone="22333444")  # fmt: skip
    mounir = {"name": [{"family": "Gharbi", "given": ["Mounir"]}], "gender": "male", "birthDate": "1980-03-12"}
    asked = {"resourceType": "Patient", **mounir, "telecom": [{"system": "phone", "value": "22333444"}]}
    assert [grade(entry) for entry in world.found("zied", asked)] == ["probable", "probable"]
    assert len(world.found("zied", asked, count={"valueInteger": 1})) == 1


def test_whom_people_told_apart_is_certainly_not_the_one_of_that_number(world: World) -> None:
    about = {"given_name": "Nizar", "family_name": "Toumi", "given_name_ar": "", "family_name_ar": "", "sex": "male"}
    one, other = (make.patient(world.stage, **about, phone="22999888") for _ in range(2))
    number = {"system": "urn:wasl:patient", "value": one.number}
    asked = {"resourceType": "Patient", "name": [{"family": "Toumi", "given": ["Nizar"]}], "gender": "male",
             "birthDate": "1980-03-12", "telecom": [{"system": "phone", "value": "22999888"}],
             "identifier": [number]}  # fmt: skip
    tell_apart(world.stage, one.id, other.id)
    found = [(entry["resource"]["id"], grade(entry)) for entry in world.found("zied", asked)]
    assert found == [(str(one.id), "certain"), (str(other.id), "certainly-not")]
    assert len(world.found("zied", asked, onlyCertainMatches={"valueBoolean": True})) == 1
    without = [grade(entry) for entry in world.found("zied", {**asked, "identifier": []})]
    assert "certainly-not" not in without, "who is meant is not known without the number"


def test_arabic_names_and_a_hospitals_number(world: World) -> None:
    arabic = SALMA | {"name": [{"family": "بن صالح", "given": ["سلمى"]}]}
    assert grade(world.found("zied", arabic)[0]) == "certain"
    code = places.place(world.stage.regional, viewer=SYSTEM).code
    number = {"system": f"urn:wasl:place:{code}:patient", "value": "H-1"}
    alone = {"resourceType": "Patient", "identifier": [number]}
    assert [grade(entry) for entry in world.found("own machine", alone)] == ["certain"]
    assert world.found("machine", alone) == [], "the number of a hospital is known to who works there"
    nowhere = number | {"system": "urn:wasl:place:no:patient"}
    assert world.found("zied", {"resourceType": "Patient", "identifier": [nowhere]}) == []


def test_every_look_is_written_down(world: World) -> None:
    before = Access.objects.count()
    shown = len(world.found("machine"))
    lines = Access.objects.filter(what="patients.match").order_by("-created_at")[:shown]
    assert Access.objects.count() == before + shown
    assert {line.ground for line in lines} == {"none"}
    assert all(line.actor.startswith("client:") for line in lines)


@pytest.mark.parametrize(
    ("who", "status"), [("nobody", 401), ("mute", 403), ("reader", 403), ("hatem", 403), ("fatma", 403)]
)
def test_strangers_are_told_nothing(world: World, who: str, status: int) -> None:
    before = Access.objects.count()
    answer = world.ask(who)
    assert answer.status_code == status
    OperationOutcome.model_validate_json(answer.text)
    assert not any(word in answer.text for word in ("Salma", "Salah", world.salma.number, str(world.salma.id)))
    assert Access.objects.count() == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 415),
        (b'{"resourceType": "Patient"}', 415),
        (b'{"resourceType": "Parameters"}', 400),
        (b'{"resourceType": "Parameters", "parameter": {"name": "resource"}}', 400),
        (b'{"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": []}]}', 400),
        (b'{"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": {"resourceType": "Patient"}},'
         b'{"name": "count", "valueInteger": 0}]}', 400),
        (b" " * 70_000, 413),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_refused(world: World, body: bytes, status: int) -> None:
    headers = {"content-type": "application/fhir+json"}
    answer = world.door.ask("POST", "/fhir/Patient/$match", world.who["zied"], content=body, headers=headers)
    assert answer.status_code == status, answer.text
    OperationOutcome.model_validate_json(answer.text)


@pytest.mark.parametrize(
    "person",
    [
        {"name": "Salma", "birthDate": 1980, "identifier": {"system": 1}, "telecom": [1], "address": [[]]},
        {"name": [{"family": ["x"], "given": "y"}], "gender": [], "contact": [{"relationship": [{"coding": 1}]}]},
        {"contact": [{"name": 1, "relationship": [{"coding": [{"code": "FTH"}]}]}]},
        {},
    ],
)  # fmt: skip
def test_nonsense_is_nobody(world: World, person: dict[str, object]) -> None:
    assert world.found("zied", {"resourceType": "Patient", **person}) == []


def test_other_operations_are_not_there(world: World) -> None:
    body = {"resourceType": "Parameters"}
    assert world.door.ask("POST", "/fhir/Patient/$merge", world.who["zied"], json=body).status_code == 404
    assert world.door.ask("POST", "/fhir/Nothing/$match", world.who["amel"], json=body).status_code == 404
    assert world.door.get("/fhir/Patient/$match", world.who["zied"]).status_code == 404


def test_the_statement_names_it() -> None:
    (kinds,) = [one["resource"] for one in json.loads(statement("http://x"))["rest"]]
    (mine,) = [one for one in kinds if one["type"] == "Patient"]
    match = {"name": "match", "definition": "http://hl7.org/fhir/OperationDefinition/Patient-match"}
    assert match in mine["operation"]
