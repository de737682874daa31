"""ITI-83 over the whole ASGI application: which other numbers a person has, who is told, each case of the profile."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.parameters import Parameters
from pytest_django.plugin import DjangoDbBlocker

from tests import make
from tests.cast import Cast, cast
from tests.edges.foreign import Door, door, session, token
from tests.patients import who as people
from tests.tables import empty_tables
from wasl.accounts import queries as accounts
from wasl.kernel.access import SYSTEM
from wasl.patients import fhir as asked
from wasl.patients import services
from wasl.patients.models import Access, Patient, SourceRecord

pytestmark = pytest.mark.django_db
Who = dict[str, str]
WASL, CIN = "urn:wasl:patient", "urn:wasl:tn:cin"
HERE, ELSEWHERE = "urn:wasl:place:oued-zen:patient", "urn:wasl:place:el-nakhil:patient"
ALI = {"first_lat": "Ali", "last_lat": "Gharbi", "sex": "M", "dob": "1960-01-02"}
MONIA = {"first_lat": "Monia", "last_lat": "Khelifi", "sex": "F", "dob": "1949-10-20"}


@dataclass
class World:
    """Salma, known to the regional hospital and to another; Ali, of whom the regional hospital's system told."""

    door: Door
    stage: Cast
    salma: Patient
    ali: Patient
    who: dict[str, Who]

    def ask(self, source: str, who: str = "own", *targets: str) -> httpx.Response:
        pairs = [("sourceIdentifier", source), *(("targetSystem", one) for one in targets)]
        return self.door.get("/fhir/Patient/$ihe-pix", self.who[who], params=pairs)

    def parts(self, source: str, who: str = "own", *targets: str) -> list[dict[str, Any]]:
        answer = self.ask(source, who, *targets)
        assert answer.status_code == 200, answer.text
        Parameters.model_validate_json(answer.text)
        found: list[dict[str, Any]] = answer.json().get("parameter", [])
        return found

    def told(self, source: str, who: str = "own", *targets: str) -> list[str]:
        """The values that are told, and the key of the Patient."""
        parts = self.parts(source, who, *targets)
        values = [one["valueIdentifier"]["value"] for one in parts if one["name"] == "targetIdentifier"]
        return values + [one["valueReference"]["reference"] for one in parts if one["name"] == "targetId"]

    def besides(self, source: str, who: str = "own") -> list[str]:
        """What is said besides, by code."""
        (outcome,) = [one["resource"] for one in self.parts(source, who) if one["name"] == "outcome"] or [{"issue": []}]
        return [issue["details"]["coding"][0]["code"] for issue in outcome["issue"]]


def refused(answer: httpx.Response) -> tuple[int, list[tuple[str, str | None, str]]]:
    OperationOutcome.model_validate_json(answer.text)
    issues = answer.json()["issue"]
    return answer.status_code, [
        (one["code"], one.get("diagnostics"), one["details"]["coding"][0]["code"]) for one in issues
    ]  # fmt: skip


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock():
        try:
            stage = cast()
            salma = make.patient(stage, identities=[("tn_cin", "09417263"), ("local", "H-1")])
            services.present_card(salma.id, place=stage.other, number=salma.number, by=stage.zied)
            services.add_identity(salma.id, kind="local", value="Z-7", place=stage.other, by=stage.zied)
            ali = services.receive_record(place=stage.regional, local_id="H-2", said=ALI, by=SYSTEM).patient
            services.receive_record(place=stage.university, local_id="U-5", said=MONIA, by=SYSTEM)
            who = {name: session(getattr(stage, name)) for name in ("amel", "leila", "hatem", "fatma")}
            who |= {
                "nobody": {},
                "own": token("own", "system/Patient.s", place=stage.regional),
                "far": token("far", "fhir.read", place=stage.university),
                "mute": token("mute", "system/Organization.rs", place=stage.regional),
                "writer": token("writer", "fhir.write", place=stage.regional),
                "placeless": token("placeless", "fhir.read"),
            }
            with door() as opened:
                yield World(opened, stage, salma, ali, who)
        finally:
            empty_tables()


@pytest.fixture
def _django_db_helper(world: World, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: the world is made once."""
    with django_db_blocker.unblock():
        yield


def test_golden(world: World) -> None:
    assert world.parts(f"{HERE}|H-1") == [
        {"name": "targetIdentifier", "valueIdentifier": {
            "use": "official", "type": {"coding": [{"system": asked.TYPES, "code": "NI"}]}, "system": WASL,
            "value": world.salma.number}},
        {"name": "targetIdentifier", "valueIdentifier": {
            "type": {"coding": [{"system": asked.TYPES, "code": "MR"}]}, "system": ELSEWHERE, "value": "Z-7",
            "assigner": {"reference": f"Organization/{world.stage.other}",
                         "display": "Hôpital régional El Nakhil"}}},
        {"name": "targetIdentifier", "valueIdentifier": {
            "type": {"coding": [{"system": asked.TYPES, "code": "NI"}]}, "system": CIN, "value": "09417263"}},
        {"name": "targetId", "valueReference": {"reference": f"Patient/{world.salma.id}"}},
    ]  # fmt: skip


def test_targets_say_which_numbers_are_told(world: World) -> None:
    key = f"Patient/{world.salma.id}"
    assert world.told(f"{HERE}|H-1", "own", WASL) == [world.salma.number, key]
    assert world.told(f"{HERE}|H-1", "own", ELSEWHERE) == ["Z-7"]
    assert world.told(f"{HERE}|H-1", "own", ELSEWHERE, CIN) == ["Z-7", "09417263"]
    assert world.told(f"{CIN}|0941 7263", "own", HERE) == ["H-1"]
    assert world.told(f"{WASL}|{world.salma.printed_number}", "amel") == ["H-1", "Z-7", "09417263", key]
    nothing = world.ask(f"{HERE}|H-1", "own", "urn:wasl:dz:nin")
    assert (nothing.status_code, nothing.json()) == (200, {"resourceType": "Parameters"})


def test_a_post_asks_the_same_without_a_number_in_an_address(world: World) -> None:
    for source in ({"valueString": f"{HERE}|H-1"}, {"valueIdentifier": {"system": HERE, "value": "H-1"}}):
        parts = [{"name": "sourceIdentifier", **source}, {"name": "targetSystem", "valueUri": WASL}]
        body = {"resourceType": "Parameters", "parameter": parts}
        answer = world.door.ask("POST", "/fhir/Patient/$ihe-pix", world.who["own"], json=body)
        assert answer.json() == world.ask(f"{HERE}|H-1", "own", WASL).json()


def test_of_a_closed_record_a_hospital_is_told_what_is_its_own(world: World) -> None:
    key = f"Patient/{world.ali.id}"
    assert world.told(f"{HERE}|H-2") == [world.ali.number, key], "of whom its system told, and no ground opens"
    assert world.told(f"{WASL}|{world.ali.number}") == ["H-2", key]
    services.receive_record(place=world.stage.other, local_id="Z-8", said=ALI | {"nid": "07123456"}, by=SYSTEM)
    assert world.told(f"{HERE}|H-2") == [world.ali.number, key]


SOURCES: list[tuple[str, str, int, list[tuple[str, str | None, str]]]] = [
    ("urn:oid:1.2.3|7", "", 400,
     [("code-invalid", "sourceIdentifier Assigning Authority not found", "SystemUnknown")]),
    ("urn:wasl:place:nowhere:patient|7", "", 400,
     [("code-invalid", "sourceIdentifier Assigning Authority not found", "SystemUnknown")]),
    (f"{HERE}|H-77", "", 404, [("not-found", "sourceIdentifier Patient Identifier not found", "NumberUnknown")]),
    (f"{CIN}|00000000", "", 404, [("not-found", "sourceIdentifier Patient Identifier not found", "NumberUnknown")]),
    (f"{WASL}|123456789012", "", 404,
     [("not-found", "sourceIdentifier Patient Identifier not found", "NumberUnknown"),
      ("value", None, "NumberMistyped")]),
    (f"{HERE}|H-1", "urn:oid:1.2.3", 403, [("code-invalid", "targetSystem not found", "TargetUnknown")]),
    (f"{HERE}|H-77", "urn:wasl:place:nowhere:patient", 403,
     [("code-invalid", "targetSystem not found", "TargetUnknown")]),
    ("H-1", "", 400, [("required", None, "NumberExpected")]),
    (f"{HERE}|", "", 400, [("required", None, "NumberExpected")]),
    ("|H-1", "", 400, [("required", None, "NumberExpected")]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "target", "status", "issues"), SOURCES)
def test_each_case_of_the_profile(
    world: World, source: str, target: str, status: int, issues: list[tuple[str, str | None, str]]
) -> None:
    assert refused(world.ask(source, "own", *([target] if target else []))) == (status, issues)


def test_one_source_is_asked_about(world: World) -> None:
    for query in ("", "?targetSystem=x", f"?sourceIdentifier={HERE}|H-1&sourceIdentifier={HERE}|H-2"):
        answer = world.door.get(f"/fhir/Patient/$ihe-pix{query}", world.who["own"])
        assert refused(answer) == (400, [("required", None, "NumberExpected")])
    assert world.door.get(f"/fhir/Patient/$ihe-pix?sourceIdentifier={HERE}|H-1&_format=xml", world.who["own"]
                          ).status_code == 406  # fmt: skip


STRANGERS = [("nobody", 401), ("mute", 403), ("writer", 403), ("hatem", 403), ("fatma", 403)]


@pytest.mark.parametrize(("who", "status"), STRANGERS)
def test_strangers_are_told_nothing(world: World, who: str, status: int) -> None:
    before = Access.objects.count()
    for source in (f"{HERE}|H-1", f"{WASL}|{world.salma.number}", f"{CIN}|09417263"):
        answer = world.ask(source, who)
        assert answer.status_code == status
        OperationOutcome.model_validate_json(answer.text)
    assert Access.objects.count() == before


@pytest.mark.parametrize("who", ["far", "placeless"])
def test_who_does_not_know_somebody_hears_as_of_nobody(world: World, who: str) -> None:
    before = Access.objects.count()
    nobody = refused(world.ask(f"{HERE}|H-77", who))
    for source in (f"{HERE}|H-1", f"{ELSEWHERE}|Z-7", f"{WASL}|{world.salma.number}", f"{CIN}|09417263"):
        assert refused(world.ask(source, who)) == nobody
    assert Access.objects.count() == before


def test_two_hospitals_number_1234_never_meet(world: World) -> None:
    here = services.receive_record(
        place=world.stage.regional, local_id="1234", said=MONIA | {"dob": "1921"}, by=SYSTEM
    ).patient
    said = MONIA | {"first_lat": "Zohra", "dob": "1962-04-05"}
    there = services.receive_record(place=world.stage.university, local_id="1234", said=said, by=SYSTEM).patient
    assert here != there
    assert world.told(f"{HERE}|1234", "own", WASL)[0] == here.number
    assert world.told("urn:wasl:place:el-amal:patient|1234", "far", WASL)[0] == there.number
    assert world.ask(f"{HERE}|1234", "far").status_code == 404


def test_every_answer_is_written_down(world: World) -> None:
    def lines(source: str) -> list[tuple[UUID, str, str, str]]:
        before = set(Access.objects.values_list("id", flat=True))
        world.parts(source)
        fresh = Access.objects.exclude(id__in=before)
        return list(fresh.values_list("patient_id", "what", "ground", "actor_name"))

    assert lines(f"{HERE}|H-1") == [(world.salma.id, "patients.cross_reference", "card", "own")]
    assert lines(f"{HERE}|H-2") == [(world.ali.id, "patients.cross_reference", "none", "own")]


# the four outcomes


def test_a_retired_number_leads_to_the_one_that_stands(world: World) -> None:
    one = make.patient(world.stage, given_name="Latifa", identities=[("local", "M-1")])
    other = make.patient(world.stage, given_name="Ltifa", identities=[("local", "M-2")])
    edge = people.merge(world.stage, one.id, other.id)
    assert world.told(f"{HERE}|M-2") == [one.number, "M-1", f"Patient/{one.id}"]
    assert world.told(f"{WASL}|{other.number}", "own", HERE, WASL) == [one.number, "M-1", "M-2", f"Patient/{one.id}"]
    assert (world.besides(f"{WASL}|{other.number}"), world.besides(f"{HERE}|M-2")) == (["NumberSuperseded"], [])
    services.undo_merge(edge.id, because=people.WHY, by=world.stage.nour)
    assert world.told(f"{HERE}|M-2") == [other.number, f"Patient/{other.id}"]
    assert world.besides(f"{WASL}|{other.number}") == []


def test_a_split_record_is_its_own_persons(world: World) -> None:
    record = services.receive_record(place=world.stage.regional, local_id="S-1", said=ALI, by=SYSTEM)
    assert record.patient == world.ali
    key = SourceRecord.objects.get(local_id="S-1").id
    services.split_record(key, because="His brother came with this card.", by=world.stage.nour)
    told = world.told(f"{HERE}|S-1")
    assert "H-2" not in told
    assert f"Patient/{world.ali.id}" not in told
    assert world.told(f"{HERE}|H-2") == [world.ali.number, f"Patient/{world.ali.id}"]


def test_a_closed_number_is_closed_to_who_cares_for_people(world: World) -> None:
    answer = world.ask(f"{WASL}|{world.salma.number}", "leila")
    assert refused(answer) == (403, [("suppressed", None, "NumberRestricted")])


def test_of_who_died_it_is_said(world: World) -> None:
    gone = make.patient(world.stage, given_name="Ramla", identities=[("local", "D-1")], died_on=date(2026, 11, 1))
    assert world.besides(f"{HERE}|D-1") == ["NumberOfDeceased"]
    assert world.besides(f"{WASL}|{gone.number}", "amel") == ["NumberOfDeceased"]


def test_a_number_of_several_people_is_nobodys(world: World) -> None:
    for name in ("Kmar", "Sihem"):
        make.patient(world.stage, given_name=name, identities=[("tn_cin", "05554443")])
    assert refused(world.ask(f"{CIN}|05554443")) == (409, [("multiple-matches", None, "NumberOfSeveral")])


def test_what_a_hospital_replaced_and_removed(world: World) -> None:
    by = accounts.actor_of_token("token-of-own")
    about: dict[str, Any] = {"place": world.stage.regional, "by": by}
    for number, said in (("R-1", MONIA | {"dob": "1933-01-02"}), ("R-2", ALI | {"dob": "1934-03-04"})):
        services.receive_record(local_id=number, said=said, **about)
    services.replace_number(local_id="R-2", survivor="R-1", said=ALI | {"dob": "1934-03-04"}, **about)
    kept = world.told(f"{HERE}|R-1")
    assert world.besides(f"{HERE}|R-2") == ["PeopleAreAsked"]
    assert len(world.told(f"{HERE}|R-2")) == len(kept) == 2
    one, other = (UUID(world.told(f"{HERE}|{number}")[-1].partition("/")[2]) for number in ("R-1", "R-2"))
    people.merge(world.stage, one, other)
    assert world.besides(f"{HERE}|R-2") == ["NumberSuperseded"]
    assert "R-1" in world.told(f"{HERE}|R-2")
    assert "R-2" not in world.told(f"{WASL}|{kept[0]}")
    services.remove_number(local_id="R-2", **about)
    assert refused(world.ask(f"{HERE}|R-2"))[0] == 404


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_what_is_said_is_in_the_language_of_whoever_asks(world: World, language: str) -> None:
    headers = world.who["own"] | {"accept-language": language}
    gone = make.patient(world.stage, given_name="Ramla", died_on=date(2026, 11, 1))
    answer = world.door.get(f"/fhir/Patient/$ihe-pix?sourceIdentifier={WASL}|{gone.number}", headers)
    (said,) = [one["resource"] for one in answer.json()["parameter"] if one["name"] == "outcome"]
    word = {"ar": "متوفّى", "fr": "décédée", "en": "died"}[language]
    assert word in said["issue"][0]["details"]["text"]


def test_the_cost_does_not_grow_with_the_people(world: World) -> None:
    by = accounts.actor_of_token("token-of-own")

    def cost() -> int:
        parts = [{"name": "sourceIdentifier", "valueString": f"{HERE}|H-2"}]
        with CaptureQueriesContext(connection) as seen:
            asked.cross_reference({"resourceType": "Parameters", "parameter": parts}, by=by)
        return len(seen)

    before = cost()
    sayings = [
        [services.Saying({"first_lat": "Sami", "last_lat": "Zouaghi"}, world.stage.regional, f"L-{number}")]
        for number in range(300)
    ]  # fmt: skip
    assert services.load_patients(sayings, by=SYSTEM) == 300
    assert cost() == before <= 8
