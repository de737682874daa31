"""The record on one page as a document: `Patient/[id]/$summary`, over the whole ASGI application."""

from collections.abc import Iterator
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from pytest_django.plugin import DjangoDbBlocker

from tests.edges import kept
from tests.edges.foreign import token
from tests.edges.kept import World, refused
from wasl.patients.models import Access
from wasl.record import services
from wasl.record.rules.summary import ABSENT, TYPES

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), kept.world() as staged:
        yield staged


@pytest.fixture
def _django_db_helper(world: World, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: the world is made once, and what these tests do is committed."""
    with django_db_blocker.unblock():
        yield


def summary(world: World, who: str = "lab", language: str = "fr") -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The document, and its sections by their code."""
    headers = {**world.who[who], "accept-language": language}
    answer = world.door.get(f"/fhir/Patient/{world.salma}/$summary", headers)
    assert answer.status_code == 200, answer.text
    Bundle.model_validate_json(answer.text)
    document: dict[str, Any] = answer.json()
    head = document["entry"][0]["resource"]
    assert (document["type"], head["resourceType"]) == ("document", "Composition")
    return document, {one["code"]["coding"][0]["code"]: one for one in head["section"]}


def test_a_summary_tells_what_is_known_denied_and_not_asked(world: World) -> None:
    stage = world.stage
    services.note_allergy(world.salma, text="Pénicilline", criticality="high", by=stage.amel)
    services.note_none(world.salma, section="medicines", by=stage.amel)
    glucose = world.made(world.glucose(5.40))
    document, sections = summary(world)
    assert set(sections) >= {"48765-2", "11450-4", "10160-0", "30954-2"}
    assert "Pénicilline · risque élevé" in sections["48765-2"]["text"]["div"]
    assert sections["11450-4"]["emptyReason"]["coding"][0]["code"] == "notasked"
    assert "personne ne l’a dit" in sections["11450-4"]["text"]["div"]
    assert "emptyReason" not in sections["10160-0"]
    there = {f"{entry['resource']['resourceType']}/{entry['resource']['id']}": entry["resource"]
             for entry in document["entry"]}  # fmt: skip
    named = {entry["reference"] for section in sections.values() for entry in section.get("entry", ())}
    assert named <= there.keys(), "a document carries all that its sections point at"
    assert f"Observation/{glucose['id']}" in named
    (none,) = [there[name] for name in named if name.startswith("MedicationStatement/")]
    assert none["medicationCodeableConcept"]["coding"][0] == {"system": ABSENT, "code": "no-known-medications"}
    assert f"Patient/{world.salma}" in there
    assert f"Organization/{stage.regional}" in there, "its author"
    assert 'dir="rtl"' in summary(world, language="ar")[1]["48765-2"]["text"]["div"]
    assert Access.objects.filter(patient=world.salma, what="record.summary").exists()


def test_who_may_not_read_all_of_it_gets_none(world: World) -> None:
    address = f"/Patient/{world.salma}/$summary"
    kinds = [f"system/{kind}.r" for kind in ("Patient", *TYPES) if kind != "AllergyIntolerance"]
    world.who["part"] = token("part", *kinds, place=world.stage.regional)
    refused(world.send("GET", address, who="part"), 403, "forbidden")
    refused(world.send("GET", address, who="nobody"), 401, "login")
    refused(world.send("GET", f"/Patient/{world.hidden}/$summary"), 404, "not-found")
