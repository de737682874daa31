"""ITI-104 over the whole ASGI application: a hospital's system says who its patients are, and what becomes of it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.patient import Patient as Valid
from pytest_django.plugin import DjangoDbBlocker

from tests import make
from tests.cast import Cast, cast
from tests.edges.foreign import HOST, Door, door, session, token
from tests.patients import who as people
from tests.patients.invariants import broken
from tests.tables import empty_tables
from wasl.accounts import queries as accounts
from wasl.edges.fhir.statement import statement
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.models import Fact
from wasl.patients import fhir as feed
from wasl.patients import queries, services
from wasl.patients.models import Access, Merge, Patient, RecordLink, ReviewCase, SourceIdentity, SourceRecord
from wasl.record.models import Entry

pytestmark = pytest.mark.django_db
Who = dict[str, str]
HERE, ELSEWHERE = "urn:wasl:place:oued-zen:patient", "urn:wasl:place:el-nakhil:patient"
SALMA: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [{"family": "Ben Salah", "given": ["Salma"]}],
    "gender": "female",
    "birthDate": "1980-03-12",
    "telecom": [{"system": "phone", "value": "+216 98 123 456"}],
    "contact": [{"relationship": [{"coding": [{"code": "FTH"}]}], "name": {"text": "Hedi"}}],
}
ALI = {"name": [{"family": "Gharbi", "given": ["Ali"]}], "gender": "male", "birthDate": "1960-01-02"}


def person(number: str, about: dict[str, Any] = SALMA, *, system: str = HERE, by: str = "") -> dict[str, Any]:
    """A Patient as a hospital sends it, `by` the number that stands for it."""
    sent = {"resourceType": "Patient", "identifier": [{"system": system, "value": number}], "active": not by, **about}
    other = {"identifier": {"system": system, "value": by}}
    return sent | ({"link": [{"type": "replaced-by", "other": other}]} if by else {})


@dataclass
class World:
    """The door, the cast, and whoever sends."""

    door: Door
    stage: Cast
    who: dict[str, Who]

    def put(
        self, number: str, sent: object, who: str = "his", *, system: str = HERE, headers: Who | None = None
    ) -> httpx.Response:
        query = {"identifier": f"{system}|{number}"}
        return self.door.ask("PUT", "/fhir/Patient", self.who[who], params=query, json=sent, headers=headers or {})

    def feed(self, number: str, about: dict[str, Any] = SALMA, *, by: str = "", status: int = 0) -> dict[str, Any]:
        """What the regional hospital's system says of its number, and what it is answered."""
        answer = self.put(number, person(number, about, by=by))
        assert answer.status_code in ((status,) if status else (200, 201)), answer.text
        said: dict[str, Any] = answer.json()
        return said

    def remove(self, number: str, who: str = "his", *, system: str = HERE) -> httpx.Response:
        return self.door.ask("DELETE", "/fhir/Patient", self.who[who], params={"identifier": f"{system}|{number}"})


def owner(number: str) -> Patient:
    return RecordLink.objects.get(record__local_id=number, closed_at=None).patient


def numbers(patient: UUID) -> list[tuple[str, str]]:
    """The hospitals' numbers in the shared record of a person, with their use."""
    body = json.loads(Entry.objects.get(type="Patient", id=patient).body)
    return [(one["value"], one.get("use", "")) for one in body["identifier"] if one["system"] in (HERE, ELSEWHERE)]


def codes(answer: httpx.Response) -> list[str]:
    outcome = OperationOutcome.model_validate_json(answer.text)
    return [str(issue.details.coding[0].code) for issue in outcome.issue if issue.details and issue.details.coding]


@pytest.fixture(scope="module")
def staged(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock():
        try:
            stage = cast()
            with door() as opened:
                who = {
                    "nobody": {},
                    "his": token("his", "system/Patient.ud", place=stage.regional),
                    "writer": token("writer", "fhir.write", place=stage.regional),
                    "every": token("every", "system/*.cruds", place=stage.other),
                    "updater": token("updater", "system/Patient.u", place=stage.regional),
                    "reader": token("reader", "fhir.read", place=stage.regional),
                    "viewer": token("viewer", "system/Patient.read", place=stage.regional),
                    "other type": token("other type", "system/Organization.write", place=stage.regional),
                    "placeless": token("placeless", "fhir.write"),
                    "nour": session(stage.nour),
                }
                yield World(opened, stage, who)
        finally:
            empty_tables()


@pytest.fixture
def _django_db_helper(staged: World, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: the stage is made once, and each test has people of its own."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def world(staged: World) -> Iterator[World]:
    yield staged
    assert broken() == []
    assert not people.broken()


def new(name: str) -> dict[str, Any]:
    """Somebody whom no other test knows: their name and birth date are of the number they come with."""
    day = sum(map(ord, name)) % 28 + 1
    return SALMA | {"name": [{"family": f"Zz{name}", "given": ["Mounira"]}], "birthDate": f"1971-02-{day:02d}",
                    "telecom": []}  # fmt: skip


def test_somebody_new_is_made_and_told_again_is_the_same(world: World) -> None:
    first = world.put("A-1", person("A-1", new("alpha")))
    assert first.status_code == 201
    known = owner("A-1")
    assert first.headers["location"] == f"{HOST}/fhir/Patient/{known.id}"
    Valid.model_validate_json(first.text)
    facts = Fact.objects.count()
    again = world.put("A-1", person("A-1", new("alpha")))
    assert (again.status_code, again.json(), "location" in again.headers) == (200, first.json(), False)
    assert Fact.objects.count() == facts, "what says the same changes nothing"
    revised = world.put("A-1", person("A-1", new("alpha") | {"address": [{"city": "Tabarka"}]}))
    assert (revised.status_code, revised.json()) == (200, first.json())
    assert Fact.objects.filter(name="patients.RecordReceived", data__patient=str(known.id)).count() == 2


def test_the_answer_tells_the_hospital_its_numbers_and_nothing_else(world: World) -> None:
    told = world.feed("A-2", new("golden"))
    known = owner("A-2")
    assert told == {
        "resourceType": "Patient",
        "id": str(known.id),
        "identifier": [
            {"use": "official", "type": {"coding": [{"system": feed.TYPES, "code": "NI"}]},
             "system": "urn:wasl:patient", "value": known.number},
            {"type": {"coding": [{"system": feed.TYPES, "code": "MR"}]}, "system": HERE, "value": "A-2",
             "assigner": {"reference": f"Organization/{world.stage.regional}",
                          "display": "Hôpital régional Oued Zen"}},
        ],
        "active": True,
    }  # fmt: skip
    line = Access.objects.get(patient=known)
    assert (line.what, line.ground, line.actor_name) == ("patients.receive_record", "none", "his")
    assert queries.ground(known.id, viewer=world.stage.nour) is None, "a feed opens nobody's record"
    silent = world.put("A-2", person("A-2", new("golden")), headers={"prefer": "return=minimal"})
    assert (silent.status_code, silent.content) == (200, b"")


def test_who_is_certainly_known_is_linked_and_nothing_of_others_is_told(world: World) -> None:
    about = {"phone": "97111222", "father_name": "Hedi", "identities": [("tn_cin", "08811223"), ("local", "Z-44")]}
    known = make.patient(world.stage, place=world.stage.other, by=world.stage.zied, **about)
    cin = {"identifier": [{"system": HERE, "value": "A-3"}, {"system": "urn:wasl:tn:cin", "value": "08811223"}]}
    answer = world.put("A-3", person("A-3") | cin | {"telecom": [{"system": "phone", "value": "97111222"}]})
    assert (answer.status_code, owner("A-3")) == (201, known)
    assert {one["value"] for one in answer.json()["identifier"]} == {known.number, "A-3"}
    assert numbers(known.id) == [("Z-44", ""), ("A-3", "")]


def test_one_number_of_two_hospitals_is_two_people(world: World) -> None:
    here = world.feed("1234", new("here"))
    there = world.put("1234", person("1234", ALI, system=ELSEWHERE), "every", system=ELSEWHERE)
    assert there.status_code == 201
    assert here["id"] != there.json()["id"]
    assert SourceRecord.objects.filter(local_id="1234").count() == 2


SENDERS = [
    ("nobody", 401, "SignInFirst"), ("nour", 403, "TokenExpected"), ("reader", 403, "NotInScope"),
    ("viewer", 403, "NotInScope"), ("other type", 403, "NotInScope"), ("every", 403, "NotYourPlace"),
    ("placeless", 403, "NotYourPlace"),
]  # fmt: skip


@pytest.mark.parametrize(("who", "status", "code"), SENDERS)
def test_strangers_send_nothing(world: World, who: str, status: int, code: str) -> None:
    world.feed("A-4", new("stranger"))
    before = (SourceRecord.objects.count(), Fact.objects.count(), Access.objects.count())
    answers = [world.put("A-9", person("A-9"), who), world.put("A-4", person("A-4"), who), world.remove("A-4", who)]
    for answer in answers:
        assert (answer.status_code, codes(answer)) == (status, [code])
    assert (SourceRecord.objects.count(), Fact.objects.count(), Access.objects.count()) == before


def test_a_scope_says_what_may_be_sent(world: World) -> None:
    assert world.put("A-5", person("A-5", new("scope")), "writer").status_code == 201
    assert world.put("A-5", person("A-5", new("scope")), "updater").status_code == 200
    assert codes(world.remove("A-5", "updater")) == ["NotInScope"]
    assert codes(world.door.get(f"/fhir/Patient/{owner('A-5').id}", world.who["writer"])) == ["OutOfScope"]


BODIES: list[tuple[object, int, str]] = [
    ({"resourceType": "Parameters"}, 415, "ResourceExpected"),
    ([], 415, "ResourceExpected"),
    (person("A-7"), 400, "NumberDiffers"),
    (person("A-6", system=ELSEWHERE), 400, "NumberDiffers"),
    ({"resourceType": "Patient"}, 400, "NumberDiffers"),
    (person("A-6") | {"identifier": [{"system": HERE, "value": one} for one in ("A-6", "A-8")]}, 400, "NumberDiffers"),
    (person("A-6") | {"active": False}, 400, "SurvivorExpected"),
    (person("A-6", by="A-1") | {"active": True}, 400, "SurvivorExpected"),
    (person("A-6", by="A-6"), 400, "SurvivorExpected"),
    (person("A-6", by="A-1") | {"link": person("A-6", by="A-1")["link"] * 2}, 400, "SurvivorExpected"),
    (person("A-6") | {"active": False, "link": [{"type": "replaced-by", "other": 1}]}, 400, "SurvivorExpected"),
    (person("A-6") | {"active": False, "link": person("A-6", system=ELSEWHERE, by="Z")["link"]}, 400,
     "SurvivorExpected"),
    (person("A-6", by="never"), 409, "SurvivorNotInUse"),
    (person("A-6") | {"name": "x" * 70_000}, 413, "TooLong"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "status", "code"), BODIES)
def test_what_is_sent_wrongly_is_refused(world: World, sent: object, status: int, code: str) -> None:
    answer = world.put("A-6", sent)
    assert (answer.status_code, codes(answer)) == (status, [code])
    assert not SourceRecord.objects.filter(local_id="A-6").exists()


ADDRESSES = [
    ("", 400, "OneIdentifier"), ("identifier=", 400, "OneIdentifier"), ("identifier=A-6", 400, "NumberExpected"),
    (f"identifier={HERE}|", 400, "NumberExpected"), (f"identifier={HERE}|A-6&name=x", 400, "OneIdentifier"),
    (f"identifier={HERE}|A-6&identifier={HERE}|A-7", 400, "OneIdentifier"),
    ("identifier=urn:wasl:place:nowhere:patient|A-6", 400, "SystemUnknown"),
    ("identifier=urn:oid:1.2.3|A-6", 400, "SystemUnknown"), ("identifier=urn:wasl:patient|A-6", 403, "NotYourPlace"),
    (f"identifier={ELSEWHERE}|A-6", 400, "NumberDiffers"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "status", "code"), ADDRESSES)
def test_one_number_of_the_hospital_itself_is_named(world: World, query: str, status: int, code: str) -> None:
    answer = world.door.ask("PUT", f"/fhir/Patient?{query}", world.who["his"], json=person("A-6"))
    assert (answer.status_code, codes(answer)) == (status, [code])


def test_other_formats_and_types_are_not_taken(world: World) -> None:
    xml = {"content-type": "application/fhir+xml"}
    where = f"/fhir/Patient?identifier={HERE}|A-6"
    assert codes(world.door.ask("PUT", where, world.who["his"], content=b"<x/>", headers=xml)) == ["ResourceExpected"]
    for method in ("PUT", "DELETE"):
        answer = world.door.ask(method, "/fhir/Organization?identifier=x|y", world.who["every"], json={})
        assert (answer.status_code, codes(answer)) == (405, ["NotSupported"])
    answer = world.door.ask("POST", "/fhir/Patient", world.who["his"], json=person("A-6"))
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, PUT, DELETE")


def test_nonsense_of_the_right_shape_is_taken_as_nobody(world: World) -> None:
    said = {"name": "Salma", "birthDate": 1980, "telecom": [1], "address": [[]], "contact": [{"name": 1}], "gender": []}
    assert world.feed("A-10", said, status=201)["identifier"][1]["value"] == "A-10"
    assert owner("A-10").level == "provisional"


# resolve duplicates


def test_a_duplicate_of_one_person_is_a_number_out_of_use(world: World) -> None:
    kept, gone = world.feed("B-1", new("dup")), world.feed("B-2", new("dup"))
    assert kept["id"] == gone["id"], "the same hospital says the same of both"
    told = world.feed("B-2", new("dup"), by="B-1", status=200)
    assert [one["value"] for one in told["identifier"]][1:] == ["B-1"]
    assert numbers(UUID(kept["id"])) == [("B-1", ""), ("B-2", "old")]
    facts = Fact.objects.count()
    assert world.feed("B-2", new("dup"), by="B-1", status=200) == told
    assert Fact.objects.count() == facts, "resolved twice, it is resolved once"
    fact = Fact.objects.get(name="patients.NumberReplaced", data__patient=kept["id"])
    assert fact.data["replaced_by"] == str(SourceIdentity.objects.get(value="B-1").id)
    back = world.feed("B-2", new("dup"), status=200)
    assert {one["value"] for one in back["identifier"]} >= {"B-1", "B-2"}
    assert numbers(UUID(kept["id"])) == [("B-1", ""), ("B-2", "")]


def test_two_files_are_merged_by_people_alone(world: World) -> None:
    kept, gone = world.feed("C-1", new("kept")), world.feed("C-2", ALI)
    answer = world.put("C-2", person("C-2", ALI, by="C-1"))
    assert (answer.status_code, codes(answer)) == (202, ["PeopleAreAsked"])
    assert answer.json()["issue"][0]["severity"] == "information"
    first, second = sorted((UUID(kept["id"]), UUID(gone["id"])))
    case = ReviewCase.objects.get(one=first, other=second)
    assert (case.score, case.asked_by.partition(":")[0], case.outcome) == (None, "client", "")
    assert not Merge.objects.filter(one=first, other=second).exists()
    assert world.put("C-2", person("C-2", ALI, by="C-1")).status_code == 202
    assert ReviewCase.objects.filter(one=first, other=second).count() == 1
    people.merge(world.stage, first, second)
    assert world.feed("C-2", ALI, by="C-1", status=200)["id"] in (kept["id"], gone["id"])


def test_where_both_hold_care_two_people_say_it(world: World) -> None:
    files = [UUID(world.feed(number, about)["id"]) for number, about in (("D-1", new("care")), ("D-2", ALI))]
    for file in files:
        services.open_for_care(file, place=world.stage.regional, source=uuid4(), because="tests", by=SYSTEM)
        make.order(world.stage, patient=file)
    assert world.put("D-2", person("D-2", ALI, by="D-1")).status_code == 202
    edge = people.merge(world.stage, *files)
    assert edge.clinical
    assert edge.confirmed_by.startswith("person:")


def test_what_people_decided_no_machine_breaks(world: World) -> None:
    files = [UUID(world.feed(number, about)["id"]) for number, about in (("E-1", new("apart")), ("E-2", new("ba")))]
    people.tell_apart(world.stage, *files)
    answer = world.put("E-2", person("E-2", ALI, by="E-1"))
    assert (answer.status_code, codes(answer)) == (409, ["SaidToDiffer"])
    assert numbers(files[1]) == [("E-2", "")], "and the number is in use as before"
    more = [UUID(world.feed(number, new(number))["id"]) for number in ("E-3", "E-4")]
    case = people.waiting(*more)
    services.judge_review(case.id, outcome="unclear", because="Neither of them is here.", by=world.stage.nour)
    assert codes(world.put("E-4", person("E-4", new("E-4"), by="E-3"))) == ["PeopleAnswered"]
    assert not ReviewCase.objects.filter(one__in=more, closed_at=None).exists()


def test_what_stands_for_a_number_is_in_use(world: World) -> None:
    for number in ("F-1", "F-2", "F-3"):
        world.feed(number, new("chain"))
    world.feed("F-2", new("chain"), by="F-1")
    assert codes(world.put("F-3", person("F-3", new("chain"), by="F-2"))) == ["SurvivorNotInUse"]
    assert codes(world.put("F-1", person("F-1", new("chain"), by="F-2"))) == ["SurvivorNotInUse"]


# remove


def test_a_number_that_is_removed_is_nobodys(world: World) -> None:
    known = UUID(world.feed("G-1", new("gone"))["id"])
    assert (world.remove("G-1").status_code, world.remove("G-1").content) == (204, b"")
    assert Fact.objects.filter(name="patients.NumberRemoved", data__patient=str(known)).count() == 1
    assert numbers(known) == []
    assert queries.by_local_number("G-1", place=world.stage.regional, viewer=SYSTEM) is None
    assert owner("G-1").id == known, "what was said stays, and whose it was"
    unknown = world.remove("never")
    assert (unknown.status_code, codes(unknown)) == (404, ["NotFound"])


def test_a_removed_number_is_never_given_to_somebody_else(world: World) -> None:
    known = UUID(world.feed("G-2", new("reuse"))["id"])
    world.remove("G-2")
    for sent in (person("G-2", ALI), person("G-2", ALI, by="G-3")):
        world.feed("G-3", new("three"))
        answer = world.put("G-2", sent)
        assert (answer.status_code, codes(answer)) == (409, ["NumberOutOfUse"])
    assert numbers(known) == []
    assert world.feed("G-2", new("reuse"), status=200)["id"] == str(known)
    assert numbers(known) == [("G-2", "")]


# the cost, and the statement


def test_the_cost_of_a_record_does_not_grow_with_the_people(world: World) -> None:
    def asked(number: str, family: str, given: str, born: str) -> int:
        about = {"name": [{"family": family, "given": [given]}], "gender": "male", "birthDate": born}
        with CaptureQueriesContext(connection) as seen:
            feed.take(person(number, about), identifier=f"{HERE}|{number}", by=machine())
        return len(seen)

    first, other = ("Wassim", "1948-07-09"), ("Lamjed", "1955-11-23")
    cost = [asked("H-1", family, *first) for family in ("Khelifi", "Khelifi", "Khlifi")]
    assert services.load_patients(
        [[services.Saying({"first_lat": "Sami", "last_lat": f"Zouaghi{number % 7}", "sex": "M", "dob": "1955-11-24"},
                          world.stage.regional, f"L-{number}")] for number in range(300)], by=SYSTEM,
    ) == 300  # fmt: skip
    assert [asked("H-2", family, *other) for family in ("Boughanmi", "Boughanmi", "Bouganmi")] == cost


def machine() -> Actor:
    """The regional hospital's system."""
    return accounts.actor_of_token("token-of-his")


def test_the_statement_names_it() -> None:
    (kinds,) = [one["resource"] for one in json.loads(statement("http://x"))["rest"]]
    mine = {one["type"]: one for one in kinds}
    assert {"update", "delete"} < {one["code"] for one in mine["Patient"]["interaction"]}
    assert (mine["Patient"]["conditionalUpdate"], mine["Patient"]["conditionalDelete"]) == (True, "single")
    assert "conditionalUpdate" not in mine["Organization"]


def test_refusals_are_in_the_language_of_whoever_sends(world: World) -> None:
    said: Callable[[str], str] = lambda language: world.put(  # noqa: E731
        "I-1", person("I-1", by="never"), headers={"accept-language": language}
    ).json()["issue"][0]["details"]["text"]
    assert len({said("ar"), said("fr"), said("en")}) == 3
