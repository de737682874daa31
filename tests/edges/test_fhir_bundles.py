"""Batches and transactions over the whole ASGI application: each for itself, or all or nothing."""

import base64
import json
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.at_once import at_once
from tests.edges import kept
from tests.edges.kept import World, counts, path_of, refused, told
from wasl.edges.fhir import bundles
from wasl.record import services as record
from wasl.record.models import Entry

pytestmark = pytest.mark.django_db
HERE = "urn:wasl:place:oued-zen:patient"


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), kept.world() as staged:
        yield staged


@pytest.fixture
def _django_db_helper(world: World, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: the world is made once, and what these tests do is committed."""
    with django_db_blocker.unblock():
        yield


def entry(method: str, url: str, resource: object = None, full: str = "", **request: str) -> dict[str, Any]:
    return {
        **({"fullUrl": full} if full else {}), **({"resource": resource} if resource is not None else {}),
        "request": {"method": method, "url": url, **request},
    }  # fmt: skip


def statuses(entries: list[dict[str, Any]]) -> list[str]:
    return [one["response"]["status"][:3] for one in entries]


def test_a_transaction_does_all_in_the_order_of_the_standard(world: World) -> None:
    stale, standing = world.made(world.glucose(1.0)), world.made(world.glucose(2.0, "T-1"))
    patched = world.made(world.glucose(3.0))
    change = [{"op": "replace", "path": "/status", "value": "corrected"}]
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json",
              "data": base64.b64encode(json.dumps(change).encode()).decode()}  # fmt: skip
    panel, part = f"urn:uuid:{uuid4()}", f"urn:uuid:{uuid4()}"
    sent = [
        entry("GET", f"Observation/{standing['id']}"),
        entry("PATCH", f"Observation/{patched['id']}", binary),
        entry("POST", "Observation", world.glucose(hasMember=[
            {"reference": part}, {"reference": f"Observation?identifier={kept.NUMBERS}|T-1"}]), panel),
        entry("PUT", f"Observation/{standing['id']}", {**standing, "derivedFrom": [{"reference": panel}]},
              ifMatch='W/"1"'),
        entry("POST", "Observation", world.glucose(4.0, derivedFrom=[{"reference": panel}]), part),
        entry("DELETE", f"Observation/{stale['id']}"),
        entry("POST", "Observation", world.glucose(9.0, "T-1"), ifNoneExist="identifier=T-1"),
        entry("PUT", "Observation?identifier=T-2", world.glucose(5.0, "T-2")),
    ]  # fmt: skip
    done = told(world.bundle(*sent))
    assert statuses(done) == ["200", "200", "201", "200", "201", "204", "200", "201"]
    assert [one.get("resource", {}).get("resourceType") for one in done] == ["Observation"] + [None] * 7
    assert done[0]["resource"]["meta"]["versionId"] == "2", "what is read is as it then stands"
    assert done[3]["response"]["etag"] == 'W/"2"'
    assert path_of(done[6]["response"]["location"]) == f"/Observation/{standing['id']}"
    ways = [path_of(one["response"]["location"]) for one in done if "location" in one["response"]]
    found = world.send("GET", ways[1]).json()
    assert [one["reference"] for one in found["hasMember"]] == [ways[3][1:], f"Observation/{standing['id']}"]
    assert world.send("GET", ways[3]).json()["derivedFrom"] == [{"reference": ways[1][1:]}], "in a ring"
    assert world.send("GET", f"/Observation/{patched['id']}").json()["status"] == "corrected"
    refused(world.send("GET", f"/Observation/{stale['id']}"), 410, "deleted")
    whole = told(world.bundle(entry("POST", "Observation", world.glucose()), prefer="return=representation"))
    assert whole[0]["resource"]["id"] in whole[0]["response"]["location"]
    assert list(record.verify()) == []


def test_what_an_owner_takes_and_what_is_kept_go_together(world: World) -> None:
    """A hospital that knows its patient sends who it is, and what was found, in one."""
    person = {
        "resourceType": "Patient", "identifier": [{"system": HERE, "value": "B-7"}], "active": True,
        "name": [{"family": "Gharbi", "given": ["Ali"]}], "gender": "male", "birthDate": "1960-01-02",
    }  # fmt: skip
    who = f"urn:uuid:{uuid4()}"
    feed = entry("PUT", f"Patient?identifier={HERE}|B-7", person, who)
    glucose = world.glucose()
    glucose["subject"] = {"reference": who}
    before = counts()
    answer = world.bundle(entry("POST", "Observation", glucose), feed)
    refused(answer, 422, "not-found", "Bundle.entry[0].resource.subject")  # a feed opens no record
    assert counts() == before, "and then the patient is not taken either"
    done = told(world.bundle(feed, entry("POST", "Observation", world.glucose())))
    assert statuses(done) == ["201", "201"]
    assert Entry.objects.filter(type="Patient", body__contains='"B-7"').count() == 1


def test_of_a_transaction_that_is_refused_nothing_is_left(world: World) -> None:
    made = world.made(world.glucose(1.0))
    good = entry("POST", "Observation", world.glucose())
    address = f"Observation/{made['id']}"
    other = world.glucose(of=world.hidden)
    dangling = world.glucose(note=[{"text": "x", "authorReference": {"reference": f"urn:uuid:{uuid4()}"}}])
    by_search = world.glucose(focus=[{"reference": "Observation?identifier=NONE"}])
    twins = entry("POST", "Observation", world.glucose(2.0), ifNoneExist="identifier=TWIN")
    before = counts()
    for bad, status, code, where in (
        ([good, entry("POST", "Observation", other)], 422, "not-found", "Bundle.entry[1].resource.subject"),
        ([good, entry("POST", "Observation", dangling)], 422, "not-found",
         "Bundle.entry[1].resource.note[0].authorReference"),
        ([good, entry("POST", "Observation", by_search)], 412, "not-found", ""),
        ([good, entry("PUT", address, made, ifMatch='W/"7"')], 412, "conflict", "Bundle.entry[1]"),
        ([entry("DELETE", address), entry("PUT", address, made)], 400, "duplicate", "Bundle.entry[1]"),
        ([twins, twins], 400, "duplicate", "Bundle.entry[1]"),
        ([good, entry("POST", "Task", {"resourceType": "Task"})], 405, "not-supported", "Bundle.entry[1]"),
        ([good, entry("POST", "Observation", {"resourceType": "Condition"})], 415, "not-supported", "Bundle.entry[1]"),
        ([good, entry("POST", "Observation")], 400, "structure", "Bundle.entry[1]"),
        ([good, entry("POST", "")], 400, "required", "Bundle.entry[1]"),
        ([good, entry("POST", "https://elsewhere.example/fhir/Observation", world.glucose())], 400, "required", ""),
        ([good, {"resource": world.glucose()}], 400, "required", "Bundle.entry[1]"), ([good, 7], 400, "required", ""),
        ([good, entry("DELETE", f"Observation/{uuid4()}")], 404, "not-found", "Bundle.entry[1]"),
        ([good] * (bundles.MOST + 1), 413, "too-long", ""),
    ):  # fmt: skip
        refused(world.bundle(*bad), status, code, where)
        assert counts() == before, bad[-1]
    for kind in ("collection", ""):
        refused(world.bundle(good, kind=kind), 400, "structure")
    for who, status, code in (("nobody", 401, "login"), ("amel", 403, "forbidden"), ("reader", 403, "forbidden")):
        for kind in ("transaction", "batch") if who != "reader" else ("transaction",):
            refused(world.bundle(good, kind=kind, who=who), status, code)
    refused(world.bundle(good, entry("DELETE", address), who="creator"), 403, "forbidden", "Bundle.entry[1]")
    assert counts() == before


def test_the_entries_of_a_batch_are_nothing_to_each_other(world: World) -> None:
    made = world.made(world.glucose(7.0, "BATCH-1"))
    done = told(world.bundle(
        entry("POST", "Observation", world.glucose(of=world.hidden)),
        entry("POST", "Observation", world.glucose()),
        entry("GET", "Observation?identifier=BATCH-1"),
        entry("GET", f"Observation/{made['id']}", ifNoneMatch='W/"1"'),
        entry("PUT", f"Observation/{made['id']}", {**made, "status": "amended"}, ifMatch='W/"1"'),
        entry("POST", "Unicorn", {}), entry("TRACE", "x"), entry("GET", f"Patient/{world.hidden}"),
        kind="batch",
    ))  # fmt: skip
    assert statuses(done) == ["422", "201", "200", "304", "200", "405", "400", "404"]
    outcome = done[0]["response"]["outcome"]["issue"][0]
    assert (outcome["code"], outcome["expression"]) == ("not-found", ["Observation.subject"])
    assert done[2]["resource"]["entry"][0]["resource"]["id"] == made["id"]
    assert done[6]["response"]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[6]"]
    assert told(world.bundle(kind="batch")) == []


def test_transactions_at_once_do_not_mix(world: World) -> None:
    one, two = world.made(world.glucose(1.0)), world.made(world.glucose(2.0))
    codes: list[int] = []

    def both(number: int) -> None:
        """Both are changed, in one order or the other, and a third is made once."""
        changed = [{**body, "note": [{"text": str(number)}]} for body in (one, two)]
        puts = [entry("PUT", f"Observation/{body['id']}", body) for body in changed]
        third = entry("POST", "Observation", world.glucose(3.0, "ONCE"), ifNoneExist="identifier=ONCE")
        answer = world.bundle(*(puts if number % 2 else reversed(puts)), third)
        codes.append(answer.status_code)

    assert at_once(*(partial(both, number) for number in range(16))) == []
    assert codes == [200] * 16
    notes = [world.send("GET", f"/Observation/{body['id']}").json()["note"] for body in (one, two)]
    assert notes[0] == notes[1], "the last was the last of both"
    assert len(world.send("GET", "/Observation?identifier=ONCE").json()["entry"]) == 1
    assert Entry.objects.get(type="Observation", id=one["id"]).version == 17
