"""The FHIR service: every interaction, and who sees what, over the whole ASGI application."""

import datetime
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from django.utils import timezone
from fhir.resources.R4B import get_fhir_model_class
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome
from pytest_django.plugin import DjangoDbBlocker

from tests import make
from tests import shelf as notes
from tests.cast import Cast, cast
from tests.edges.foreign import HOST, Door, door, session, token
from tests.patients.who import merge
from tests.tables import empty_tables
from wasl.edges.fhir import found
from wasl.edges.fhir.statement import statement
from wasl.kernel import fhir
from wasl.kernel.access import STRANGER, SYSTEM, Actor, Held
from wasl.patients import queries as patients_queries
from wasl.patients import services as patients
from wasl.patients.models import Access, CareRelationship
from wasl.planning import services as planning
from wasl.record import queries as record
from wasl.record.rules import kept

pytestmark = pytest.mark.django_db
Who = dict[str, str]
DAY = datetime.timedelta(days=1)


@dataclass
class World:
    """Two patients, each known to one hospital, with notes; and whoever asks."""

    door: Door
    stage: Cast
    salma: UUID
    other: UUID
    notes: list[UUID]  # Salma's, oldest first
    amel: Who
    zied: Who
    hatem: Who
    machine: Who

    def bundle(self, address: str, who: Who | None = None) -> dict[str, Any]:
        answer = self.door.get(address, who or self.amel)
        assert answer.status_code == 200, answer.text
        Bundle.model_validate_json(answer.text)
        found: dict[str, Any] = answer.json()
        return found

    def ids(self, address: str, who: Who | None = None) -> list[UUID]:
        return [UUID(e["resource"]["id"]) for e in self.bundle(address, who).get("entry", [])
                if e["search"]["mode"] == "match"]  # fmt: skip

    def numbers(self, query: str, who: Who | None = None) -> list[int]:
        """Which of Salma's notes a search finds, by their number."""
        return [self.notes.index(key) for key in self.ids(f"/fhir/Observation?{query}", who)]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    patch = pytest.MonkeyPatch()
    with django_db_blocker.unblock(), door() as opened:
        notes.stand(patch)
        stage = cast()
        salma = make.patient(stage)
        other = make.patient(stage, given_name="Rim", family_name="Ayadi", given_name_ar="ريم",
                             family_name_ar="العيادي", birth_date=datetime.date(1991, 1, 1),
                             place=stage.other, by=stage.zied)  # fmt: skip
        for patient, place in ((salma, stage.regional), (other, stage.other)):
            patients.open_for_care(patient.id, place=place, source=uuid4(), because="tests", by=SYSTEM)
        written = [
            notes.write(
                patient=salma.id, number=f"N{number}", at=notes.MORNING + number * DAY,
                status=("final", "preliminary")[number % 2], words=f"Épanchement {number}", by=stage.amel,
            )
            for number in range(6)
        ]  # fmt: skip
        notes.write(patient=other.id, number="N0", words="Épanchement 0")
        yield World(
            opened, stage, salma.id, other.id, written, session(stage.amel), session(stage.zied),
            session(stage.hatem), token("laboratory", "fhir.read", place=stage.regional),
        )  # fmt: skip
        notes.fall()
        empty_tables()
    patch.undo()


@pytest.fixture
def _django_db_helper(world: World, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: what these tests do is committed, so that the service's connections see it."""
    with django_db_blocker.unblock():
        yield


def refused(answer: httpx.Response, status: int, code: str) -> str:
    """The sentence of a refusal that is as FHIR wants it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"
    outcome = OperationOutcome.model_validate_json(answer.text)
    assert outcome.issue[0].code == code
    details = outcome.issue[0].details
    assert details is not None
    return str(details.text)


# metadata


def test_everybody_may_read_what_the_service_does(world: World) -> None:
    answer = world.door.get("/fhir/metadata")
    assert answer.status_code == 200
    CapabilityStatement.model_validate_json(answer.text)
    assert {r["type"] for r in answer.json()["rest"][0]["resource"]} == record.served()
    assert answer.json()["implementation"]["url"] == f"{HOST}/fhir"


def test_the_statement_is_as_agreed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fhir, "owned", {"Observation": fhir.owned["Observation"]})
    monkeypatch.setattr(kept, "KEPT", frozenset())
    statement.cache_clear()
    said = json.loads(statement("https://wasl.example/fhir"))
    statement.cache_clear()
    said["software"]["version"] = "0"
    assert said == json.loads((Path(__file__).parent / "capability.json").read_text())


# read


def test_read_gives_the_stored_text(world: World) -> None:
    answer = world.door.get(f"/fhir/Observation/{world.notes[0]}", world.amel)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.json()["valueString"] == "Épanchement 0"
    updated = datetime.datetime.fromisoformat(answer.json()["meta"]["lastUpdated"])
    assert answer.headers["last-modified"] == updated.strftime("%a, %d %b %Y %H:%M:%S GMT")


def test_what_is_known_is_not_sent_again(world: World) -> None:
    address = f"/fhir/Observation/{world.notes[0]}"
    for known in ('W/"1"', 'W/"7", W/"1"', "*"):
        answer = world.door.get(address, world.amel, headers={"if-none-match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == 'W/"1"'
    assert world.door.get(address, world.amel, headers={"if-none-match": 'W/"2"'}).status_code == 200


def test_head_has_no_body(world: World) -> None:
    answer = world.door.ask("HEAD", f"/fhir/Observation/{world.notes[0]}", world.amel)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 100


def test_what_is_committed_is_readable_at_once(world: World) -> None:
    key = notes.write(patient=world.salma, words="now")
    try:
        for number in range(2, 12):
            assert world.door.get(f"/fhir/Observation/{key}", world.amel).json()["meta"]["versionId"] == str(number - 1)
            notes.write(key, patient=world.salma, words=f"now {number}")
    finally:
        notes.take(key)


def test_a_withdrawn_resource_is_gone(world: World) -> None:
    key = notes.write(patient=world.salma)
    notes.take(key)
    refused(world.door.get(f"/fhir/Observation/{key}", world.amel), 410, "deleted")
    refused(world.door.get(f"/fhir/Observation/{key}/_history/2", world.amel), 410, "deleted")
    assert world.door.get(f"/fhir/Observation/{key}/_history/1", world.amel).status_code == 200
    refused(world.door.get(f"/fhir/Observation/{key}", world.zied), 404, "not-found")
    assert key not in world.ids("/fhir/Observation")


@pytest.mark.parametrize("key", ["01a21db9-4b0e-7c80-a556-927abe5f878a", "7", "not-a-key", "%00", "١٢"])
def test_what_is_not_there_is_not_found(world: World, key: str) -> None:
    refused(world.door.get(f"/fhir/Observation/{key}", world.amel), 404, "not-found")


# versions


def test_old_versions_stay_readable(world: World) -> None:
    key = notes.write(patient=world.salma, words="one")
    notes.write(key, patient=world.salma, words="two")
    said = [world.door.get(f"/fhir/Observation/{key}/_history/{n}", world.amel) for n in (1, 2)]
    assert [answer.json()["valueString"] for answer in said] == ["one", "two"]
    assert [answer.headers["etag"] for answer in said] == ['W/"1"', 'W/"2"']
    for number in ("3", "0", "x", "99999999999", "-1"):
        refused(world.door.get(f"/fhir/Observation/{key}/_history/{number}", world.amel), 404, "not-found")
    notes.take(key)
    story = world.bundle(f"/fhir/Observation/{key}/_history")
    assert [(e["request"]["method"], e["response"]["etag"]) for e in story["entry"]] == [
        ("DELETE", 'W/"3"'), ("PUT", 'W/"2"'), ("POST", 'W/"1"'),
    ]  # fmt: skip
    assert (story["type"], story["total"]) == ("history", 3)
    assert "resource" not in story["entry"][0]


def test_history_by_pages_and_since(world: World) -> None:
    key = notes.write(patient=world.salma, words="0")
    for number in range(1, 5):
        notes.write(key, patient=world.salma, words=str(number))
    first = world.bundle(f"/fhir/Observation/{key}/_history?_count=2")
    second = world.bundle(following(first))
    third = world.bundle(following(second))
    assert [e["resource"]["valueString"] for page in (first, second, third) for e in page["entry"]] == list("43210")
    assert following(third) == ""
    moment = second["entry"][0]["resource"]["meta"]["lastUpdated"]
    assert len(world.bundle(f"/fhir/Observation/{key}/_history?_since={moment}")["entry"]) == 3
    refused(world.door.get(f"/fhir/Observation/{key}/_history?_since=soon", world.amel), 400, "value")
    notes.take(key)


def test_each_version_belongs_to_the_record_it_was_part_of(world: World) -> None:
    key = notes.write(patient=world.salma, words="of Salma")
    notes.write(key, patient=world.other, words="of the other")
    assert world.door.get(f"/fhir/Observation/{key}", world.amel).status_code == 404
    assert world.door.get(f"/fhir/Observation/{key}/_history/1", world.amel).status_code == 200
    assert world.door.get(f"/fhir/Observation/{key}/_history/1", world.zied).status_code == 404
    assert [e["response"]["etag"] for e in world.bundle(f"/fhir/Observation/{key}/_history")["entry"]] == ['W/"1"']
    notes.take(key)


# search


def following(bundle: dict[str, Any]) -> str:
    return next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")


SEARCHES = [
    ("identifier=N3", [3]),
    (f"identifier={notes.NUMBERS}|N3", [3]),
    ("identifier=https://elsewhere.example|N3", []),
    ("identifier=|N3", []),
    ("identifier=N3,N1", [1, 3]),
    ("identifier=N3&status=final", []),
    ("status=final", [0, 2, 4]),
    ("status=final,preliminary", [0, 1, 2, 3, 4, 5]),
    ("code=24725-4&status=preliminary", [1, 3, 5]),
    ("code=http://loinc.org|24725-4&identifier=N0", [0]),
    ("code=http://loinc.org|&identifier=N5", [5]),
    ("value-string=epanchement 2", [2]),
    ("value-string=ÉPANCH", [0, 1, 2, 3, 4, 5]),
    ("value-string=panchement", []),
    ("value-string=!!!", []),
    ("value-string=epanchement 1,épanchement 4", [1, 4]),
    ("date=2026-11-12", [2]),
    ("date=eq2026-11-12T08:30:00Z", [2]),
    ("date=2026-11-12T09:30:00%2B01:00", [2]),
    ("date=2026-11", [0, 1, 2, 3, 4, 5]),
    ("date=2026", [0, 1, 2, 3, 4, 5]),
    ("date=ne2026-11-12", [0, 1, 3, 4, 5]),
    ("date=gt2026-11-12", [3, 4, 5]),
    ("date=ge2026-11-12", [2, 3, 4, 5]),
    ("date=lt2026-11-12", [0, 1]),
    ("date=le2026-11-12", [0, 1, 2]),
    ("date=sa2026-11-14", [5]),
    ("date=eb2026-11-11", [0]),
    ("date=ge2026-11-11&date=lt2026-11-14", [1, 2, 3]),
    ("date=2026-11-10,2026-11-15", [0, 5]),
    ("_lastUpdated=lt2020", []),
    ("_lastUpdated=ge2026-01-01", [0, 1, 2, 3, 4, 5]),
    ("_sort=-date", [5, 4, 3, 2, 1, 0]),
    ("_sort=date&status=final", [0, 2, 4]),
    ("_sort=-_lastUpdated", [5, 4, 3, 2, 1, 0]),
    ("_sort=-date&_count=2", [5, 4]),
    ("_id=7", []),
    ("subject=nobody", []),
    ("identifier=", [0, 1, 2, 3, 4, 5]),
]


@pytest.mark.parametrize(("query", "found"), SEARCHES)
def test_search(world: World, query: str, found: list[int]) -> None:
    assert world.numbers(query) == found


def test_search_by_reference_in_all_its_forms(world: World) -> None:
    everything = list(range(6))
    for form in (f"subject=Patient/{world.salma}", f"subject={world.salma}", f"subject:Patient={world.salma}",
                 f"patient={world.salma}", f"patient=Patient/{world.salma}",
                 f"subject={HOST}/fhir/Patient/{world.salma}"):  # fmt: skip
        assert world.numbers(form) == everything, form
    assert world.numbers(f"subject:Group={world.salma}") == []
    assert world.numbers(f"subject=Patient/{world.other}") == []
    assert world.numbers(f"patient={world.salma}&_id={world.notes[4]},{world.notes[1]}") == [1, 4]


def test_a_hash_that_collides_finds_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    number = fhir.token_hash("Observation", "status", "final")
    monkeypatch.setattr(fhir, "token_hash", lambda *_: number)
    assert world.numbers("status=final") == [0, 2, 4]
    for other in ("identifier=N77", "status=amended", "subject=Patient/7", f"code={notes.SYSTEM_OF_CODES}|99-9"):
        assert world.numbers(other) == [], other


def test_a_search_that_is_posted_finds_the_same(world: World) -> None:
    form = {"identifier": "N3", "_total": "accurate"}
    answer = world.door.ask("POST", "/fhir/Observation/_search?status=preliminary", world.amel, data=form)
    assert answer.status_code == 200
    said = answer.json()
    assert [e["resource"]["id"] for e in said["entry"]] == [str(world.notes[3])]
    assert said["total"] == 1
    assert "N3" not in str(said["link"]), "what was posted is written into no address"


def test_pages_follow_each_other_while_rows_come_and_change(world: World) -> None:
    seen, address, made = [], f"/fhir/Observation?patient={world.salma}&_sort=-date&_count=2", []
    for turn in range(9):
        page = world.bundle(address)
        seen += [UUID(e["resource"]["id"]) for e in page["entry"]]
        made.append(notes.write(patient=world.salma, at=notes.MORNING + (10 + turn) * DAY))
        address = following(page)
        if not address:
            break
        assert str(world.salma) not in address, "the next page's address names no patient"
    assert seen == world.notes[::-1]
    for key in made:
        notes.take(key)


def test_pages_of_every_order_hold_everything_once(world: World) -> None:
    for order in ("", "_sort=date&", "_sort=-date&", "_sort=_lastUpdated&", "_sort=-_lastUpdated&"):
        address, seen = f"/fhir/Observation?{order}_count=1", []
        while address:
            page = world.bundle(address)
            seen += [UUID(e["resource"]["id"]) for e in page["entry"]]
            address = following(page)
        assert sorted(seen) == sorted(world.notes), order


def test_counts(world: World) -> None:
    assert world.bundle("/fhir/Observation?status=final&_total=accurate&_count=1")["total"] == 3
    assert "total" not in world.bundle("/fhir/Observation?status=final")
    for only in ("_summary=count", "_count=0"):
        counted = world.bundle(f"/fhir/Observation?status=final&{only}")
        assert (counted["total"], "entry" in counted) == (3, False)
    assert "entry" not in world.bundle("/fhir/Observation?identifier=N9")


def test_what_is_not_understood_is_named_or_refused(world: World) -> None:
    address = "/fhir/Observation?status=final&colour=red&subject.name=x&_sort=colour&_include=Observation:subject"
    said = world.bundle(address)
    assert [link["url"] for link in said["link"]] == [f"{HOST}/fhir/Observation?status=final"]
    (outcome,) = (e for e in said["entry"] if e["search"]["mode"] == "outcome")
    for name in ("colour", "subject.name", "_sort", "_include"):
        assert name in outcome["resource"]["issue"][0]["details"]["text"]
    strict = world.door.get(address, world.amel, headers={"prefer": "handling=strict"})
    assert "colour" in refused(strict, 400, "not-supported")
    lenient = world.door.get(address, world.amel, headers={"prefer": "handling=lenient"})
    assert lenient.status_code == 200


WRONG = [
    ("date=yesterday", "value"), ("date=2026-13", "value"), ("date=ap2026", "value"), ("date=2026-02-30", "value"),
    ("date=0000", "value"), ("date=9999", "value"), ("_lastUpdated=x", "value"), ("_count=-1", "value"),
    ("_count=many", "value"), ("_total=some", "value"), ("_page=forged", "value"),
    ("status:not=final", "not-supported"), ("value-string:contains=x", "not-supported"), ("_id:x=1", "not-supported"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "code"), WRONG)
def test_wrong_values_are_refused(world: World, query: str, code: str) -> None:
    refused(world.door.get(f"/fhir/Observation?{query}", world.amel), 400, code)


def test_hostile_values_find_nothing(world: World) -> None:
    for value in (
        "'; drop table record_entry; --",
        "%' or '1'='1",
        "\\",
        "%25%s",
        "a" * 3000,
        "\u0000",
        "%F0%9F%98%80",
    ):
        answer = world.door.get("/fhir/Observation", world.amel, params={"identifier": value, "value-string": value})
        assert answer.status_code == 200, value
        assert "entry" not in answer.json(), value
    answer = world.door.get("/fhir/Observation?identifier=%FF%FE", world.amel)
    refused(answer, 400, "value")
    refused(world.door.get("/fhir/Observation?" + "x=1&" * 200, world.amel), 413, "too-long")
    long = {"identifier": "x" * 70_000}
    refused(world.door.ask("POST", "/fhir/Observation/_search", world.amel, data=long), 413, "too-long")
    sent = world.door.ask("POST", "/fhir/Observation/_search", world.amel, json={"identifier": "N3"})
    refused(sent, 415, "not-supported")


# addresses and formats


OTHERS = [
    ("GET", "/fhir/Unicorn", 404), ("GET", "/fhir/Unicorn/7", 404), ("GET", "/fhir/", 404),
    ("GET", "/fhir/Patient/7/$nothing", 404),
    ("POST", "/fhir/Observation", 405), ("PUT", "/fhir/Observation/7", 405),
    ("PATCH", "/fhir/Observation/7", 405), ("DELETE", "/fhir/Observation/7", 405), ("POST", "/fhir/metadata", 405),
]  # fmt: skip


@pytest.mark.parametrize(("method", "address", "status"), OTHERS)
def test_what_the_service_does_not_do(world: World, method: str, address: str, status: int) -> None:
    answer = world.door.ask(method, address, world.amel)
    refused(answer, status, "not-supported")
    assert answer.headers.get("allow") == ("GET, HEAD" if status == 405 else None)


def test_json_and_nothing_else(world: World) -> None:
    address = f"/fhir/Observation/{world.notes[0]}"
    for wanted in ("application/fhir+xml", "text/turtle", "text/html"):
        refused(world.door.get(address, world.amel, headers={"accept": wanted}), 406, "not-supported")
    refused(world.door.get(f"{address}?_format=xml", world.amel), 406, "not-supported")
    for wanted in ("application/fhir+json", "application/json;q=0.9", "text/html, */*;q=0.1"):
        assert world.door.get(address, world.amel, headers={"accept": wanted}).status_code == 200
    for wanted in ("json", "application/fhir+json", "application/fhir%2Bjson"):
        assert world.door.get(f"{address}?_format={wanted}", world.amel).status_code == 200


def test_another_host_is_refused(world: World) -> None:
    answer = world.door.get("/fhir/metadata", headers={"host": "evil.example"})
    refused(answer, 400, "invalid")
    assert "evil.example" not in answer.text


@pytest.mark.parametrize(("language", "word"), [("ar", "لا يوجد"), ("fr", "rien"), ("en", "nothing")])
def test_refusals_speak_the_language_of_whoever_asks(world: World, language: str, word: str) -> None:
    answer = world.door.get(f"/fhir/Observation/{uuid4()}", world.amel, headers={"accept-language": language})
    assert word in refused(answer, 404, "not-found")
    assert answer.headers["content-language"] == language


def test_a_failure_of_ours_says_nothing_of_the_patient(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr("wasl.edges.fhir.found.current", fail)
    answer = world.door.get(f"/fhir/Observation/{world.notes[0]}", world.amel)
    assert answer.status_code == 500
    assert OperationOutcome.model_validate_json(answer.text).issue[0].code == "exception"
    assert "inside" not in answer.text
    assert [record.message for record in caplog.records] == ["A FHIR request failed"]


# who sees what


def routes(world: World) -> list[tuple[str, str]]:
    key = world.notes[0]
    return [
        ("GET", f"/fhir/Observation/{key}"), ("GET", f"/fhir/Observation/{key}/_history/1"),
        ("GET", f"/fhir/Observation/{key}/_history"), ("GET", f"/fhir/Observation?_id={key}"),
        ("GET", f"/fhir/Patient/{world.salma}"), ("POST", "/fhir/Observation/_search"),
    ]  # fmt: skip


def test_a_stranger_is_asked_to_sign_in(world: World) -> None:
    nobody: list[Who] = [{}, {"authorization": "Bearer made-up"}, {"cookie": "sessionid=made-up"},
                         {"authorization": "Basic eDp5"}]  # fmt: skip
    for who in nobody:
        for method, address in routes(world):
            answer = world.door.ask(method, address, who, data={} if method == "POST" else None)
            refused(answer, 401, "login")
            assert answer.headers["www-authenticate"].startswith("Bearer")
    refused(world.door.get("/fhir/Unicorn"), 401, "login")


def test_another_hospital_sees_nothing_of_it(world: World) -> None:
    key = world.notes[0]
    for who in (world.zied, world.hatem, token("afar", "fhir.read", place=world.stage.other)):
        for address in (f"/fhir/Observation/{key}", f"/fhir/Observation/{key}/_history/1",
                        f"/fhir/Observation/{key}/_history", f"/fhir/Patient/{world.salma}"):  # fmt: skip
            there = world.door.get(address, who)
            absent = world.door.get(
                address.replace(str(key), str(uuid4())).replace(str(world.salma), str(uuid4())), who
            )
            assert refused(there, 404, "not-found") == refused(absent, 404, "not-found")
            assert there.text == absent.text, "what may not be seen is as what is not there"
        assert world.ids(f"/fhir/Observation?_id={key}", who) == []
        assert world.bundle(f"/fhir/Observation?_id={key}&_total=accurate", who)["total"] == 0
        assert world.bundle(f"/fhir/Observation?patient={world.salma}&_summary=count", who)["total"] == 0


def test_what_names_no_patient_yet_is_shown_to_nobody(world: World) -> None:
    key = notes.write(patient=None, words="of nobody yet")
    for who in (world.amel, world.machine):
        refused(world.door.get(f"/fhir/Observation/{key}", who), 404, "not-found")
        assert key not in world.ids("/fhir/Observation", who)
    notes.take(key)


def test_places_are_seen_by_everybody_with_a_post_or_a_scope(world: World) -> None:
    for who in (world.amel, world.zied, world.hatem, world.machine):
        assert world.stage.university in world.ids("/fhir/Organization?identifier=el-amal", who)
        assert world.door.get(f"/fhir/Location/{world.stage.other}", who).status_code == 200


def test_a_person_without_a_post_is_refused(world: World) -> None:
    from wasl.accounts import queries as accounts_queries
    from wasl.accounts import services as accounts

    person = accounts.add_person(username="idle", password=None, given_name="I", family_name="D", demo=True, by=SYSTEM)
    idle = session(accounts_queries.actor_of(person.id))
    refused(world.door.get(f"/fhir/Location/{world.stage.other}", idle), 403, "forbidden")


SCOPES = [
    ("system/*.read", True, True), ("system/*.rs", True, True), ("system/*.r", True, False),
    ("system/Observation.read", True, True), ("system/Observation.rs", True, True),
    ("system/Observation.s", False, True), ("system/Patient.read", False, False), ("dicomweb.read", False, False),
    ("fhir.write", False, False),
]  # fmt: skip


@pytest.mark.parametrize(("scope", "reads", "searches"), SCOPES)
def test_a_token_opens_what_its_scopes_say(world: World, scope: str, reads: bool, searches: bool) -> None:
    who = token(f"client of {scope}", scope, place=world.stage.regional)
    read = world.door.get(f"/fhir/Observation/{world.notes[0]}", who)
    search = world.door.get("/fhir/Observation?identifier=N1", who)
    assert (read.status_code, search.status_code) == (200 if reads else 403, 200 if searches else 403)
    if not reads:
        refused(read, 403, "forbidden")


def test_a_machine_sees_the_patients_of_its_place_only(world: World) -> None:
    assert world.numbers("identifier=N0", world.machine) == [0]
    assert world.ids("/fhir/Observation", token("stateless", "fhir.read")) == []


def test_every_answer_that_shows_a_patient_is_logged_once(world: World) -> None:
    def lines(act: Callable[[], object]) -> list[tuple[UUID, str, str, str]]:
        before = set(Access.objects.values_list("id", flat=True))
        act()
        fresh = Access.objects.exclude(id__in=before)
        return sorted(fresh.values_list("patient_id", "what", "ground", "actor"))

    amel = (world.salma, "record.Observation", "care", str(world.stage.amel))
    key = world.notes[0]
    assert lines(lambda: world.door.get(f"/fhir/Observation/{key}", world.amel)) == [amel]
    assert lines(lambda: world.door.get("/fhir/Observation", world.amel)) == [amel]
    assert lines(lambda: world.door.get(f"/fhir/Observation/{key}/_history", world.amel)) == [amel]
    assert lines(lambda: world.door.get(f"/fhir/Observation/{key}/_history/1", world.amel)) == [amel]
    assert lines(lambda: world.door.get(f"/fhir/Observation/{key}", world.zied)) == []
    assert lines(lambda: world.door.get(f"/fhir/Location/{world.stage.other}", world.amel)) == []
    patients.break_glass(world.other, place=None, because="unconscious, no papers", by=world.stage.amel)
    both = lines(lambda: world.door.get("/fhir/Observation", world.amel))
    assert both == sorted([amel, (world.other, "record.Observation", "break_glass", str(world.stage.amel))])
    assert Access.objects.latest("created_at").address == "127.0.0.1"


def test_the_grounds_of_lists_are_those_of_pages(world: World) -> None:
    """The edge asks in SQL of its own what `patients.ground` asks; both say the same of everybody."""
    stage, now = world.stage, timezone.now()
    people = [stage.amel, stage.sami, stage.leila, stage.zied, stage.hatem, stage.fatma, STRANGER,
              Actor("client", uuid4(), "", (Held("client", stage.university),)),
              Actor("client", uuid4(), "")]  # fmt: skip
    about: list[tuple[str, dict[str, Any]]] = [
        ("care", {"place": stage.university}), ("card", {"place": stage.university}), ("card", {"place": stage.other}),
        ("given", {"person": stage.hatem.id}), ("break_glass", {"person": stage.leila.id, "because": "unconscious"}),
        ("care", {"person": stage.zied.id, "place": stage.regional}), ("given", {"place": stage.regional}),
    ]  # fmt: skip
    asked = []
    for ground, whose in about:
        for start, end in ((-2, None), (-2, 2), (-2, -1), (1, 2)):
            names = {"given_name": "Aziz", "family_name": "Toumi", "given_name_ar": "عزيز", "family_name_ar": "التومي"}
            patient = make.patient(stage, **names, sex="male", birth_date=datetime.date(1970, 1, 1)).id
            CareRelationship.objects.create(
                patient_id=patient, ground=ground, person=whose.get("person"), place_id=whose.get("place"),
                because=whose.get("because", ""), starts_at=now + start * DAY,
                ends_at=now + (end if end is not None else 9) * DAY if ground == "break_glass" or end else None,
            )  # fmt: skip
            asked.append(patient)
    for viewer in people:
        for patient in asked:
            hit = world.door.portal.call(partial(found.current, "Patient", patient, viewer=viewer))
            assert (hit.ground if hit else None) == patients_queries.ground(patient, viewer=viewer), (viewer, patient)


# the types of the modules


def test_every_type_that_is_served_is_valid_and_found(world: World) -> None:
    order = make.order(world.stage, patient=world.salma)
    make.signed_report(world.stage, case=make.reading(world.stage, order=order).id)
    planning.note_cases([order.id], by=SYSTEM)
    make.published_month()
    served = {kind for kind in fhir.owned if world.ids(f"/fhir/{kind}", world.amel)}
    assert served == set(fhir.owned)
    for kind in served:
        for entry in world.bundle(f"/fhir/{kind}")["entry"]:
            get_fhir_model_class(kind).model_validate(entry["resource"])


def test_patients_are_found_in_both_scripts(world: World) -> None:
    for query in ("family=بن صالح", "family=ben sal", "given=SALMA", "name=سلمى", "birthdate=1980-03-12",
                  "gender=female&family=Ben"):  # fmt: skip
        assert world.ids(f"/fhir/Patient?{query}") == [world.salma], query


def test_a_person_of_two_files_is_found_once_and_whole(world: World) -> None:
    about = {"family_name": "Zghidi", "family_name_ar": "الزغيدي", "birth_date": datetime.date(1950, 2, 3)}
    one, other = (make.patient(world.stage, given_name=name, **about) for name in ("Latifa", "Ltifa"))
    keys = [notes.write(patient=file.id, number="Z1", words="Zone", by=world.stage.amel) for file in (one, other)]
    merge(world.stage, one.id, other.id)
    for named in (one, other):
        assert set(world.ids(f"/fhir/Observation?patient={named.id}")) == set(keys)
        assert set(world.ids(f"/fhir/Observation?subject=Patient/{named.id}")) == set(keys)
    assert world.ids(f"/fhir/Patient?identifier=urn:wasl:patient|{other.number}") == [one.id]
    assert world.ids("/fhir/Patient?family=Zghidi") == world.ids("/fhir/Patient?given=Ltifa") == [one.id]
    assert set(world.ids(f"/fhir/Patient?_id={one.id},{other.id}")) == {one.id, other.id}
    retired = world.door.get(f"/fhir/Patient/{other.id}", world.amel).json()
    assert (retired["active"], retired["link"][0]["other"]["reference"]) == (False, f"Patient/{one.id}")
    assert world.ids(f"/fhir/Observation?patient={other.id}", world.zied) == []


def test_what_is_said_of_a_number_has_a_code_of_its_own(world: World) -> None:
    one, other = make.patient(world.stage), make.patient(world.stage)
    merge(world.stage, one.id, other.id)

    def codes(number: str, asker: Who | None = None) -> list[str]:
        entries = world.bundle(f"/fhir/Patient?identifier=urn:wasl:patient|{number}", asker).get("entry", [])
        outcomes = [e["resource"] for e in entries if e["search"]["mode"] == "outcome"]
        return [one["issue"][0]["details"]["coding"][0]["code"] for one in outcomes]

    wrong = f"{other.number[:-1]}{(int(other.number[-1]) + 1) % 10}"
    assert codes(one.number) == []
    assert codes(other.number) == ["NumberSuperseded"]
    assert codes(wrong) == ["NumberMistyped"]
    assert codes(other.number, world.zied) == ["NumberRestricted"]
    assert codes(other.number, world.machine) == ["NumberSuperseded"]
    assert codes(other.number, token("abroad", "fhir.read", place=world.stage.other)) == []
    patients.correct_patient(one.id, version=1, died_on=datetime.date(2026, 11, 1), by=world.stage.nour)
    assert codes(other.number) == ["NumberSuperseded", "NumberOfDeceased"]
