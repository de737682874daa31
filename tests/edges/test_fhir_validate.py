"""`$validate` at the FHIR service: what is wrong with a resource, and nothing kept of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome
from pytest_django.plugin import DjangoDbBlocker

from tests import make
from tests.cast import Cast, cast
from tests.edges.foreign import Door, door, session, token
from tests.record.examples import examples
from tests.tables import empty_tables
from wasl.patients.models import Access
from wasl.record.models import Entry

pytestmark = pytest.mark.django_db
OBSERVATION = json.loads(examples()["Observation-decimal"])
JSON = {"content-type": "application/fhir+json"}


@dataclass
class World:
    door: Door
    stage: Cast
    laboratory: dict[str, str]

    def validate(self, body: object, address: str = "Observation/$validate", **headers: str) -> httpx.Response:
        return self.door.ask("POST", f"/fhir/{address}", self.laboratory, json=body, headers=JSON | headers)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), door() as opened:
        stage = cast()
        yield World(opened, stage, token("laboratory", "system/Observation.cu", place=stage.regional))
        empty_tables()


@pytest.fixture
def _django_db_helper(world: World, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: what these tests do is committed, so that the service's connections see it."""
    with django_db_blocker.unblock():
        yield


def issues(answer: httpx.Response) -> list[tuple[str | None, str | None, list[str | None] | None]]:
    assert answer.status_code == 200, answer.text
    said = OperationOutcome.model_validate_json(answer.text)
    return [(one.severity, one.code, one.expression) for one in said.issue]


def within(body: object, **more: str) -> dict[str, Any]:
    parts = [{"name": name, "valueCode": value} for name, value in more.items()]
    return {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": body}, *parts]}


def test_a_sound_resource_is_said_to_be_sound_and_is_not_kept(world: World) -> None:
    before = Entry.objects.count()
    sound = [("information", "informational", None)]
    assert issues(world.validate(OBSERVATION)) == sound
    assert issues(world.validate(within(OBSERVATION, mode="create"))) == sound
    assert issues(world.validate(OBSERVATION, f"Observation/{OBSERVATION['id']}/$validate")) == sound
    assert Entry.objects.count() == before


def test_each_fault_is_told_with_its_path_in_the_language_asked(world: World) -> None:
    wrong = {**OBSERVATION, "status": "finished", "colour": "red"}
    told = [("error", "code-invalid", ["Observation.status"]), ("error", "structure", ["Observation.colour"])]
    texts = set()
    for language in ("en", "fr", "ar"):
        answer = world.validate(within(wrong), **{"accept-language": language})
        assert issues(answer) == told
        assert answer.headers["content-language"] == language
        texts.add(answer.json()["issue"][0]["details"]["text"])
    assert len(texts) == 3


@pytest.mark.parametrize(("address", "body", "status"), [
    ("Patient/$validate", OBSERVATION, 403), ("Observation/$validate", {"resourceType": "Patient"}, 415),
    ("Observation/$validate", within({"resourceType": "Patient"}), 415), ("Observation/$validate", [], 415),
    ("Observation/$validate", {"resourceType": "Parameters"}, 415),
    ("Observation/$validate", {"resourceType": "Parameters", "parameter": ["x"]}, 415),
    ("Observation/$validate", within(OBSERVATION, mode="delete"), 400),
    ("Observation/$validate?profile=http://elsewhere/profile", OBSERVATION, 400),
    ("Observation/another/$validate", OBSERVATION, 400),
])  # fmt: skip
def test_what_is_asked_wrongly_is_refused(world: World, address: str, body: object, status: int) -> None:
    answer = world.validate(body, address)
    assert answer.status_code == status, answer.text
    OperationOutcome.model_validate_json(answer.text)


def test_what_stands_is_looked_at_on_a_ground_and_the_look_is_written_down(world: World) -> None:
    order = make.order(world.stage, patient=make.patient(world.stage).id)
    address = f"/fhir/ServiceRequest/{order.id}/$validate"
    answer = world.door.ask("GET", address, session(world.stage.amel))
    assert issues(answer) == [("information", "informational", None)]
    assert Access.objects.filter(what="record.ServiceRequest", subject=order.id).count() == 1
    assert world.door.ask("GET", address, session(world.stage.zied)).status_code == 404
    assert world.door.ask("POST", "/fhir/Unicorn/$validate", session(world.stage.amel), json={}).status_code == 404
    assert world.door.ask("POST", "/fhir/Observation/$validate", {}, json=OBSERVATION).status_code == 401
