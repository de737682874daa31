"""Resources that the record keeps, written over the whole ASGI application: create, update, patch, delete."""

import json
from collections.abc import Iterator
from functools import partial
from uuid import UUID, uuid4

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.at_once import at_once
from tests.edges import kept
from tests.edges.kept import World, counts, path_of, refused
from wasl.kernel.models import Fact
from wasl.patients.models import Access
from wasl.record import services as record
from wasl.record.models import Entry, Version

pytestmark = pytest.mark.django_db
PATCH = "application/json-patch+json"


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock(), kept.world() as staged:
        yield staged


@pytest.fixture
def _django_db_helper(world: World, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: the world is made once, and what these tests do is committed."""
    with django_db_blocker.unblock():
        yield


def test_what_is_posted_comes_back_letter_by_letter(world: World) -> None:
    sent = (
        '{"resourceType":"Observation","status":"final","code":{"text":"خضاب « Hb »"},'
        f'"subject":{{"reference":"http://testserver/fhir/Patient/{world.salma}"}},'
        '"valueQuantity":{"value":12.50,"unit":"g\\/dL"},"component":[{"code":{"text":"x"},"valueQuantity":'
        '{"value":1.0e-3}}],"_status":{"extension":[{"url":"urn:x","valueDecimal":0.10}]}}'
    )
    answer = world.send("POST", "/Observation", sent.encode())
    assert answer.status_code == 201, answer.text
    key = answer.json()["id"]
    assert answer.headers["location"] == f"http://testserver/fhir/Observation/{key}/_history/1"
    assert answer.headers["etag"] == 'W/"1"'
    read = world.send("GET", f"/Observation/{key}")
    assert read.text == answer.text
    assert read.headers["last-modified"] == answer.headers["last-modified"]
    meta = json.dumps(read.json()["meta"], separators=(",", ":"))
    as_sent = read.text.replace(f'"id":"{key}","meta":{meta},', "").replace(
        "Patient/", "http://testserver/fhir/Patient/"
    )
    assert as_sent == sent.replace("\\/", "/")
    assert world.send("GET", f"/Observation/{key}", who="university").text == read.text
    refused(world.send("GET", f"/Observation/{key}", who="other"), 404, "not-found")
    assert [entry["resource"]["id"] for entry in world.send(
        "GET", f"/Observation?patient={world.salma}&status=final").json()["entry"]] == [key]  # fmt: skip
    assert list(record.verify()) == []


def test_versions_follow_each_other_and_stay(world: World) -> None:
    first = world.made(world.glucose(5.4))
    address = f"/Observation/{first['id']}"
    changed = world.send("PUT", address, {**first, "status": "amended"}, if_match='W/"1"')
    assert (changed.status_code, changed.headers["etag"], changed.json()["meta"]["versionId"]) == (200, 'W/"2"', "2")
    before = counts()
    refused(world.send("PUT", address, first, if_match='W/"1"'), 412, "conflict")
    refused(world.send("PUT", address, first, if_match="two"), 400, "value")
    refused(world.send("DELETE", address, if_match='W/"1"'), 412, "conflict")
    same = world.send("PUT", address, changed.json())
    assert (same.status_code, same.headers["etag"]) == (200, 'W/"2"')
    assert counts() == before, "the same again is no new version"
    gone = world.send("DELETE", address, if_match='W/"2"')
    assert (gone.status_code, gone.text, gone.headers["etag"]) == (204, "", 'W/"3"')
    assert world.send("DELETE", address).status_code == 204
    refused(world.send("GET", address), 410, "deleted")
    refused(world.send("PUT", address, first), 410, "deleted")
    history = world.send("GET", f"{address}/_history?_count=9").json()["entry"]
    assert [entry["request"]["method"] for entry in history] == ["DELETE", "PUT", "POST"]
    assert world.send("GET", f"{address}/_history/1").json() == first
    assert "entry" not in world.send("GET", f"/Observation?_id={first['id']}").json()


def test_a_patch_changes_a_part(world: World) -> None:
    made = world.made(world.glucose(5.4, note=[{"text": "one"}]))
    address = f"/Observation/{made['id']}"
    operations = [{"op": "test", "path": "/status", "value": "final"},
                  {"op": "replace", "path": "/status", "value": "amended"},
                  {"op": "add", "path": "/note/-", "value": {"text": "two"}}]  # fmt: skip
    patched = world.send("PATCH", address, operations, content_type=PATCH, if_match='W/"1"')
    assert patched.status_code == 200, patched.text
    assert (patched.json()["status"], [one["text"] for one in patched.json()["note"]]) == ("amended", ["one", "two"])
    assert Access.objects.filter(subject=made["id"], patient=world.salma).count() == 1, "who changes a part sees all"
    before = counts()
    for wrong, status, code in (
        (operations, 422, "processing"), ([{"op": "remove", "path": "/nothing"}], 422, "processing"),
        ([{"op": "replace", "path": "/id", "value": "7"}], 422, "business-rule"),
        ([{"op": "replace", "path": "", "value": 7}], 422, "business-rule"),
        ([{"op": "remove", "path": "/resourceType"}], 422, "business-rule"),
        ([{"op": "jump"}], 422, "processing"), ({"op": "test"}, 415, "not-supported"),
        ([{"op": "add", "path": "/subject", "value": {"reference": f"Patient/{world.hidden}"}}], 422, "not-found"),
    ):  # fmt: skip
        refused(world.send("PATCH", address, wrong, content_type=PATCH), status, code)
    refused(world.send("PATCH", address, operations, content_type=PATCH, if_match='W/"1"'), 412, "conflict")
    refused(world.send("PATCH", address, operations), 415, "not-supported")
    refused(world.send("PATCH", f"/Observation/{uuid4()}", [], content_type=PATCH), 404, "not-found")
    assert counts() == before

    def note(number: int) -> object:
        added = [{"op": "add", "path": "/note/-", "value": {"text": f"n{number}"}}]
        return world.send("PATCH", address, added, content_type=PATCH).raise_for_status()

    assert at_once(*(partial(note, number) for number in range(16))) == []
    notes = [one["text"] for one in world.send("GET", address).json()["note"]]
    assert sorted(notes[2:]) == sorted(f"n{number}" for number in range(16)), "none is lost"


def test_one_is_made_of_what_several_send_at_once(world: World) -> None:
    search = f"identifier={kept.NUMBERS}|R-1"
    made = world.send("POST", "/Observation", world.glucose(5.1, "R-1"), if_none_exist=search)
    again = world.send("POST", "/Observation", world.glucose(9.9, "R-1"), if_none_exist=search)
    assert (made.status_code, again.status_code) == (201, 200)
    assert (again.headers["location"], again.text) == (made.headers["location"], ""), "told where, and not what"
    status: list[int] = []

    def create() -> None:
        answer = world.send("POST", "/Observation", world.glucose(5.2, "R-2"), if_none_exist="identifier=R-2")
        status.append(answer.status_code)

    assert at_once(*[create] * 16) == []
    assert sorted(status) == [200] * 15 + [201]
    assert len(world.send("GET", "/Observation?identifier=R-2").json()["entry"]) == 1
    before = counts()
    world.made(world.glucose(5.3, "R-3"))
    world.made(world.glucose(5.3, "R-3"))
    refused(world.send("POST", "/Observation", world.glucose(5.3), if_none_exist="identifier=R-3"), 412,
            "multiple-matches")  # fmt: skip
    refused(world.send("POST", "/Observation", world.glucose(), if_none_exist="unheard=of"), 400, "not-supported")
    refused(world.send("POST", "/Observation", world.glucose(), if_none_exist="_count=1"), 412, "required")
    assert counts() == tuple(one + 2 for one in before)


def test_a_search_says_what_is_updated_or_withdrawn(world: World) -> None:
    address = f"/Observation?patient={world.salma}&identifier=U-1"
    made = world.send("PUT", address, world.glucose(4.0, "U-1"))
    changed = world.send("PUT", address, world.glucose(4.1, "U-1"))
    assert (made.status_code, changed.status_code) == (201, 200)
    assert (changed.json()["id"], changed.headers["etag"]) == (made.json()["id"], 'W/"2"')
    refused(world.send("PUT", address, {**world.glucose(4.1, "U-1"), "id": str(uuid4())}), 400, "invalid")
    refused(world.send("PUT", "/Observation?identifier=U-9", {**world.glucose(), "id": "7"}), 400, "invalid")
    patched = world.send("PATCH", address, [{"op": "remove", "path": "/valueQuantity/unit"}], content_type=PATCH)
    assert patched.headers["etag"] == 'W/"3"'
    assert world.send("DELETE", address).status_code == 204
    assert world.send("DELETE", address).status_code == 204
    refused(world.send("GET", path_of(made.headers["location"])), 410, "deleted")
    for number in range(2):
        world.made(world.glucose(float(number), "U-2"))
    for method, body in (("PUT", world.glucose()), ("DELETE", None)):
        refused(world.send(method, "/Observation?identifier=U-2", body), 412, "multiple-matches")


def test_as_much_is_answered_as_is_preferred(world: World) -> None:
    short = world.send("POST", "/Observation", world.glucose(), prefer="return=minimal")
    assert (short.status_code, short.text) == (201, "")
    assert world.send("GET", path_of(short.headers["location"])).status_code == 200
    said = world.send("POST", "/Observation", world.glucose(), prefer="return=OperationOutcome")
    assert (said.status_code, said.json()["issue"][0]["severity"]) == (201, "information")
    assert said.headers["location"]


def test_who_may_write_what(world: World) -> None:
    made = world.made(world.glucose())
    mine, address = world.glucose(), f"/Observation/{made['id']}"
    before = counts()
    for method, where, body in (("POST", "/Observation", mine), ("PUT", address, made), ("DELETE", address, None),
                                ("PATCH", address, [])):  # fmt: skip
        kind = PATCH if method == "PATCH" else "application/fhir+json"
        send = partial(world.send, method, where, body, content_type=kind)
        refused(send("nobody"), 401, "login")
        for without in ("amel", "reader"):
            refused(send(without), 403, "forbidden")
        if method != "POST":
            refused(send("creator"), 403, "forbidden")
            refused(send("other"), 404, "not-found")
            refused(send("university"), 403, "forbidden")
    refused(world.send("PUT", "/Observation?identifier=1", mine, "creator"), 403, "forbidden")
    for stranger in ("other", "placeless"):
        for patient in (world.salma, uuid4()):
            refused(world.send("POST", "/Observation", world.glucose(of=patient), stranger), 422, "not-found",
                    "Observation.subject")  # fmt: skip
    for patient in (world.hidden, uuid4()):
        refused(world.send("POST", "/Observation", world.glucose(of=patient)), 422, "not-found", "Observation.subject")
    assert counts() == before
    assert world.send("POST", "/Observation", mine, "creator").status_code == 201
    assert world.send("POST", "/Observation", mine, "university").status_code == 201
    fact = Fact.objects.filter(name="record.ResourceKept").latest("seq")
    assert (fact.place, fact.data["patient"]) == (world.stage.university, str(world.salma))


def test_what_is_refused_changes_nothing(world: World) -> None:
    made = world.made(world.glucose())
    address, before = f"/Observation/{made['id']}", counts()
    for body in (b"{", b"[]", b'{"resourceType":"Patient"}', b'{"resourceType":"Observation","resourceType":"x"}',
                 b'{"resourceType":"Observation","status":"\\ud800"}', b"[" * 9000, b"NaN", b""):  # fmt: skip
        answer = world.send("POST", "/Observation", body)
        assert answer.status_code in (400, 415), answer.text
        assert answer.json()["issue"][0]["code"] in ("structure", "not-supported")
    refused(world.send("POST", "/Observation", "x", content_type="text/plain"), 415, "not-supported")
    refused(world.send("POST", "/Observation", b'"' + b"x" * (4 << 20) + b'"'), 413, "too-long")
    refused(world.send("PUT", address, {**made, "id": str(uuid4())}), 400, "invalid")
    refused(world.send("PUT", address, world.glucose()), 400, "invalid")
    absent = str(uuid4())
    refused(world.send("PUT", f"/Observation/{absent}", {**made, "id": absent}), 404, "not-found")
    refused(world.send("PUT", "/Observation/7", {**made, "id": "7"}), 404, "not-found")
    refused(world.send("DELETE", f"/Observation/{absent}"), 404, "not-found")
    nobody = {name: value for name, value in world.glucose().items() if name != "subject"}
    refused(world.send("POST", "/Observation", nobody), 422, "required")
    refused(world.send("POST", "/Observation", world.glucose(component=[{"code": {"txt": "x"}}])), 422, "structure",
            "Observation.component[0].code.txt")  # fmt: skip
    for kind in ("Patient", "ServiceRequest", "Task", "Bundle", "Unicorn"):
        answer = world.send("POST", f"/{kind}", {"resourceType": kind})
        refused(answer, 405, "not-supported")
        assert answer.headers["allow"].startswith("GET, HEAD")
    assert counts() == before


def test_of_sixteen_with_if_match_one_goes_first(world: World) -> None:
    made = world.made(world.glucose())
    address, done = f"/Observation/{made['id']}", []

    def count(number: int) -> None:
        for _ in range(40):
            now = world.send("GET", address)
            changed = {**now.json(), "note": [*now.json().get("note", ()), {"text": str(number)}]}
            answer = world.send("PUT", address, changed, if_match=now.headers["etag"])
            if answer.status_code == 200:
                done.append(number)
                return
            assert answer.status_code == 412, answer.text

    assert at_once(*(partial(count, number) for number in range(16))) == []
    notes = [int(one["text"]) for one in world.send("GET", address).json()["note"]]
    assert sorted(notes) == sorted(done) == list(range(16)), "none is lost"
    versions = Version.objects.filter(resource=UUID(made["id"])).order_by("version")
    assert [len(json.loads(one.body).get("note", ())) for one in versions] == list(range(17))
    assert Entry.objects.get(type="Observation", id=made["id"]).version == 17
