"""What was said of all resources, and all of a person, over the whole ASGI application."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from fhir.resources.R4B.bundle import Bundle
from pytest_django.plugin import DjangoDbBlocker

from tests import make
from tests.edges import kept
from tests.edges.foreign import token
from tests.edges.kept import World, refused
from tests.patients.who import merge
from wasl.kernel.access import SYSTEM
from wasl.patients import services as patients
from wasl.patients.models import Access
from wasl.record.models import Version

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


def pages(world: World, address: str, who: str = "lab") -> list[dict[str, Any]]:
    """All entries of a bundle and of those that follow it."""
    entries: list[dict[str, Any]] = []
    while address:
        answer = world.send("GET", address, who=who)
        assert answer.status_code == 200, answer.text
        Bundle.model_validate_json(answer.text)
        entries += answer.json().get("entry", [])
        following = [link["url"] for link in answer.json()["link"] if link["relation"] == "next"]
        address = following[0].partition("/fhir")[2] if following else ""
    return entries


def said(entries: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(entry["fullUrl"].rpartition("/")[2], entry["response"]["etag"]) for entry in entries]


def test_history_of_a_type_and_of_all_by_pages(world: World) -> None:
    one, two = world.made(world.glucose(1.0)), world.made(world.glucose(2.0))
    world.send("PUT", f"/Observation/{one['id']}", {**one, "status": "amended"}).raise_for_status()
    world.send("DELETE", f"/Observation/{two['id']}").raise_for_status()
    hidden = world.send("POST", "/Observation", world.glucose(of=world.hidden), who="other").json()
    told = [(two["id"], 'W/"2"'), (one["id"], 'W/"2"'), (two["id"], 'W/"1"'), (one["id"], 'W/"1"')]
    found = pages(world, "/Observation/_history?_count=3")
    assert said(found) == told
    assert [entry["request"]["method"] for entry in found] == ["DELETE", "PUT", "POST", "POST"]
    assert said(pages(world, "/Observation/_history", "university")) == told
    assert said(pages(world, "/Observation/_history?_count=1", "other")) == [(hidden["id"], 'W/"1"')]
    for where, who in (("/_history?_count=2", "lab"), ("/_history", "university")):
        everything = pages(world, where, who)
        assert [entry for entry in said(everything) if entry in told] == told
        keys = [entry["fullUrl"].rpartition("/")[2] for entry in everything]
        assert hidden["id"] not in keys
        assert str(world.hidden) not in keys
        assert str(world.salma) in keys
    times = {(str(v.resource), v.version): v.at.isoformat() for v in Version.objects.filter(type="Observation")}
    since = {"_since": times[one["id"], 2]}
    answer = world.door.get("/fhir/Observation/_history", world.who["lab"], params=since)
    assert said(answer.json()["entry"]) == told[:2]
    then = world.door.get("/fhir/_history", world.who["lab"], params={"_at": times[two["id"], 1]}).json()["entry"]
    assert [entry for entry in said(then) if entry in told] == told[2:], "as it then stood"
    assert Access.objects.filter(patient=world.salma, what="record.Observation").exists()
    for query, code in (("_since=x", "value"), ("_at=x", "value"), ("_count=x", "value"), ("_page=x", "value"),
                        ("code=1", "not-supported")):  # fmt: skip
        refused(world.send("GET", f"/_history?{query}"), 400, code)


def test_what_a_token_does_not_allow_is_not_in_the_history(world: World) -> None:
    world.made(world.glucose())
    world.who["places"] = token("places", "system/Organization.r", place=world.stage.regional)
    kinds = {entry["resource"]["resourceType"] for entry in pages(world, "/_history", "places")}
    assert kinds == {"Organization"}
    refused(world.send("GET", "/Observation/_history", who="places"), 403, "forbidden")
    refused(world.send("GET", "/_history", who="creator"), 403, "forbidden")
    for address in ("/_history", "/Observation/_history", f"/Patient/{world.salma}/$everything"):
        refused(world.send("GET", address, who="nobody"), 401, "login")


def test_everything_of_a_person_on_all_files(world: World) -> None:
    stage = world.stage
    first, second = (make.patient(stage, given_name="Aziza", family_name=name).id for name in ("Toumi", "Ayadi"))
    for key in (first, second):
        patients.open_for_care(key, place=stage.regional, source=uuid4(), because="tests", by=SYSTEM)
    tablet = world.made({"resourceType": "Medication", "code": {"text": "Metformine"}})
    early = world.made(world.glucose(1.0, of=first, effectiveDateTime="2020-01-01"))
    late = world.made(world.glucose(2.0, of=second, performer=[{"reference": f"Organization/{stage.regional}"}]))
    taken = world.made({
        "resourceType": "MedicationStatement", "status": "active", "subject": {"reference": f"Patient/{first}"},
        "medicationReference": {"reference": f"Medication/{tablet['id']}"}, "effectiveDateTime": "2026-02-01",
    })  # fmt: skip
    order = make.order(stage, patient=first)
    merge(stage, first, second)

    def found(query: str = "", who: str = "lab") -> dict[str, str]:
        some = pages(world, f"/Patient/{first}/$everything?{query}", who)
        matches = [entry["fullUrl"] for entry in some if entry["search"]["mode"] == "match"]
        assert len({*matches}) == len(matches), "what is referred to comes with each page, what is said once"
        return {entry["fullUrl"].rpartition("/")[2]: entry["search"]["mode"] for entry in some}

    whole = {str(first), str(second), early["id"], late["id"], taken["id"], str(order.id)}
    about = {tablet["id"], str(stage.regional)}
    for query in ("", "_count=2"):
        assert {key for key, mode in found(query).items() if mode == "match"} == whole
    assert about <= {key for key, mode in found().items() if mode == "include"}
    assert {*found("_type=Observation")} == {early["id"], late["id"]}
    assert {*found("_type=Observation,Patient&end=2021&_count=1")} == {str(first), str(second), early["id"]}
    assert {*found("_type=Observation&start=2026-11-01")} == {late["id"]}
    assert found("_since=2999-01-01") == {}
    posted = world.send("POST", f"/Patient/{first}/$everything", {"resourceType": "Parameters", "parameter": [
        {"name": "_type", "valueString": "Observation"}, {"name": "start", "valueDate": "2026-11-01"}]})  # fmt: skip
    assert [entry["resource"]["id"] for entry in posted.json()["entry"]] == [late["id"]]
    looks = Access.objects.filter(what="record.Observation", actor__startswith="client:")
    assert {first, second} <= {UUID(str(look.patient_id)) for look in looks}
    refused(world.send("GET", f"/Patient/{first}/$everything?_type=Unicorn"), 400, "value")
    refused(world.send("GET", f"/Patient/{first}/$everything?code=1"), 400, "not-supported")
    for who in ("other", "university"):
        for key in (first, uuid4()):
            refused(world.send("GET", f"/Patient/{key}/$everything", who=who), 404, "not-found")
