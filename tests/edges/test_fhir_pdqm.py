"""ITI-78 over the whole ASGI application: people found by what is known of them, by who may see them."""

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.patient import Patient as Valid
from pytest_django.plugin import DjangoDbBlocker

from tests import make
from tests.cast import Cast, cast
from tests.edges.foreign import Door, door, session, token
from tests.patients import who as people
from tests.tables import empty_tables
from wasl.edges.fhir import domains, found
from wasl.edges.fhir.statement import statement
from wasl.kernel.access import SYSTEM
from wasl.patients.models import Access, Patient
from wasl.places import queries as places

pytestmark = pytest.mark.django_db
Who = dict[str, str]
HERE, CIN = "urn:wasl:place:oued-zen:patient", "urn:wasl:tn:cin"


@dataclass
class World:
    """Salma and Ali of the regional hospital, Rim of another; two files of Latifa's."""

    door: Door
    stage: Cast
    files: dict[str, Patient]
    who: dict[str, Who]

    def ask(self, query: str, who: str = "amel", *, post: bool = False) -> dict[str, Any]:
        if post:
            headers = {"content-type": "application/x-www-form-urlencoded"}
            answer = self.door.ask("POST", "/fhir/Patient/_search", self.who[who], content=query, headers=headers)
        else:
            answer = self.door.get(f"/fhir/Patient?{query}", self.who[who])
        assert answer.status_code == 200, answer.text
        Bundle.model_validate_json(answer.text)
        bundle: dict[str, Any] = answer.json()
        return bundle

    def found(self, query: str, who: str = "amel", *, post: bool = False) -> list[str]:
        """Who is found, by name; the total says how many."""
        bundle = self.ask(query, who, post=post)
        names = {str(file.id): name for name, file in self.files.items()}
        shown = [one["resource"]["id"] for one in bundle.get("entry", ()) if one["search"]["mode"] == "match"]
        assert bundle["total"] == len(shown)
        return sorted(names[key] for key in shown)

    def besides(self, query: str, who: str = "amel") -> list[tuple[str, str, str | None]]:
        entries = [one for one in self.ask(query, who).get("entry", ()) if one["search"]["mode"] == "outcome"]
        issues = [issue for one in entries for issue in one["resource"]["issue"]]
        return [(one["severity"], one["details"]["coding"][0]["code"], one.get("diagnostics")) for one in issues]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock():
        try:
            stage = cast()
            region = places.place(stage.regional, viewer=SYSTEM).region_id
            salma = make.patient(stage, phone="98123456", commune="Tabarka", region=region,
                                 identities=[("tn_cin", "09417263"), ("local", "H-1")])  # fmt: skip
            ali = make.patient(stage, given_name="Ali", given_name_ar="علي", sex="male", commune="Béja",
                               birth_date=datetime.date(1960, 1, 2), identities=[("local", "H-2")])  # fmt: skip
            rim = make.patient(stage, given_name="Rim", place=stage.other, by=stage.zied, identities=[("local", "H-1")])
            about = {"family_name": "Zghidi", "family_name_ar": "الزغيدي", "birth_date": datetime.date(1950, 2, 3)}
            one, two = (make.patient(stage, given_name=name, given_name_ar="", **about) for name in ("Latifa", "Ltifa"))
            people.merge(stage, one.id, two.id)
            files = {"salma": salma, "ali": ali, "rim": rim, "latifa": one, "retired": two}
            who = {name: session(getattr(stage, name)) for name in ("amel", "zied", "hatem")}
            who |= {"own": token("own", "system/Patient.s", place=stage.regional), "nobody": {},
                    "mute": token("mute", "system/Organization.s", place=stage.regional),
                    "writer": token("writer", "fhir.write", place=stage.regional),
                    "far": token("far", "fhir.read", place=stage.university)}  # fmt: skip
            with door() as opened:
                yield World(opened, stage, files, who)
        finally:
            empty_tables()


@pytest.fixture
def _django_db_helper(world: World, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: the world is made once."""
    with django_db_blocker.unblock():
        yield


QUERIES = [
    ("family=ben salah", ["ali", "salma"]), ("family=BEN", ["ali", "salma"]), ("family=بن صالح", ["ali", "salma"]),
    ("given=سلمى", ["salma"]), ("given=sàlma&family=ben", ["salma"]), ("given=ali,salma", ["ali", "salma"]),
    ("family=ben salah&gender=female", ["salma"]), ("birthdate=1980-03-12&family=ben", ["salma"]),
    ("family:exact=Ben Salah", ["ali", "salma"]), ("family:exact=ben salah", []), ("family:exact=Ben", []),
    ("given:exact=سلمى", ["salma"]), ("given:exact=Salma,Ali", ["ali", "salma"]), ("given:exact=-", []),
    ("family:exact=Ben Salah&given:exact=Ali", ["ali"]), ("address-city:exact=Béja", ["ali"]),
    ("address-city:exact=Beja", []), ("address-city=beja", ["ali"]), ("address=tabarka", ["salma"]),
    ("address=jend", ["salma"]), ("address-state=Jendouba", ["salma"]), ("address-country=tn", ["salma"]),
    ("address-postalcode=8110", []), ("telecom=98123456", ["salma"]), ("telecom=phone|98123456", ["salma"]),
    ("telecom=email|98123456", []), ("phone=98123456", ["salma"]), ("birthdate=lt1975-01-01", ["ali", "latifa"]),
    ("birthdate=ge1960-01-02&birthdate=le1960-12-31", ["ali"]), ("birthdate=1950", ["latifa"]),
    ("birthdate=gt1960-01-02", ["salma"]), ("birthdate=ne1980-03-12", ["ali", "latifa"]),
    ("active=true", ["ali", "latifa", "salma"]), ("active=false", ["retired"]),
    ("active=true&family=zghidi", ["latifa"]), ("given=Ltifa", ["latifa"]), ("gender=other", []),
    (f"identifier={HERE}|H-1", ["salma"]), ("identifier=H-1", ["salma"]), (f"identifier={CIN}|09417263", ["salma"]),
    (f"identifier={HERE}|H-1&identifier={CIN}|09417263", ["salma"]), (f"identifier={HERE}|H-1,{HERE}|H-2",
     ["ali", "salma"]), (f"identifier={HERE}|H-1&identifier={HERE}|H-2", []), (f"identifier={HERE}|H-9", []),
]  # fmt: skip


@pytest.mark.parametrize(("query", "names"), QUERIES)
def test_people_are_found(world: World, query: str, names: list[str]) -> None:
    assert world.found(query) == names
    assert world.found(query, "own", post=True) == names, "as posted, where no name is in an address"


def test_one_is_found_by_their_key(world: World) -> None:
    key = world.files["salma"].id
    assert world.found(f"_id={key}&family=ben") == ["salma"]
    assert world.found(f"_id={key}&family=zghidi") == []
    assert "total" not in world.ask(f"_id={key}&_total=none&family=ben")
    assert "total" not in world.ask("_lastUpdated=gt2000-01-01"), "who asks what changed is not made to wait"


@pytest.mark.parametrize(("query", "names"), QUERIES)
def test_a_stranger_finds_nobody(world: World, query: str, names: list[str]) -> None:
    before = Access.objects.count()
    assert world.found(query, "far") == []
    assert Access.objects.count() == before


def test_who_works_elsewhere_finds_their_own(world: World) -> None:
    assert world.found("family=ben salah", "zied") == ["rim"]
    assert world.found("active=true", "zied") == ["rim"]
    for who, status in (("nobody", 401), ("mute", 403), ("writer", 403)):
        for method, where in (("GET", "Patient?family=ben"), ("POST", "Patient/_search")):
            assert world.door.ask(method, f"/fhir/{where}", world.who[who]).status_code == status


def test_who_is_shown_is_in_the_access_log(world: World) -> None:
    before = set(Access.objects.values_list("id", flat=True))
    world.found("family=ben salah", "own", post=True)
    lines = Access.objects.exclude(id__in=before).values_list("patient_id", "what", "ground", "actor_name")
    ben_salah = {world.files["salma"].id, world.files["ali"].id}
    assert set(lines) == {(file, "record.Patient", "card", "own") for file in ben_salah}


def test_modifiers_that_make_no_sense_are_refused(world: World) -> None:
    for query in ("family:text=sal", "gender:exact=male", "identifier:exact=x|y", "birthdate:exact=1980",
                  "telecom:above=a|b|c", "family:missing=perhaps"):  # fmt: skip
        assert world.door.get(f"/fhir/Patient?{query}", world.who["amel"]).status_code == 400


def test_what_is_not_known_is_named(world: World) -> None:
    assert world.besides("family=zghidi&mothersMaidenName=x") == [("warning", "UnknownParameter", None)]


# which domains are returned (2:3.78.4.1.2.3)


def test_the_numbers_of_the_domains_that_are_asked_for(world: World) -> None:
    def told(query: str) -> list[str]:
        bundle = world.ask(query)
        (shown,) = [one["resource"] for one in bundle["entry"] if one["search"]["mode"] == "match"]
        Valid.model_validate(shown)
        whole = len(shown["identifier"]) == 3
        assert whole == ("tag" not in shown["meta"]), "what is not told whole says so"
        return [one["value"] for one in shown["identifier"]]

    number = world.files["salma"].number
    assert told("given=salma") == [number, "09417263", "H-1"]
    assert told(f"given=salma&identifier={CIN}|") == ["09417263"]
    assert told(f"given=salma&identifier={CIN}|,{HERE}|") == ["09417263", "H-1"]
    assert told(f"given=salma&identifier={HERE}|H-1") == [number, "09417263", "H-1"]
    assert world.found(f"family=ben salah&identifier={CIN}|") == ["salma"]
    bundle = world.ask(f"identifier={HERE}|&_count=1")
    (address,) = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
    following = world.door.get(address, world.who["amel"]).json()
    systems = {number["system"] for one in following["entry"] for number in one["resource"]["identifier"]}
    assert systems == {HERE}


def test_a_domain_that_is_not_known_is_named(world: World) -> None:
    for system in ("urn:oid:1.2.3", "urn:wasl:place:nowhere:patient"):
        assert world.found(f"family=ben&identifier={system}|") == []
        assert world.besides(f"family=ben&identifier={system}|") == [
            ("warning", "UnknownDomain", "targetSystem not found")
        ]
    assert domains.only('{"identifier":[]}', frozenset({"x"})) == '{"identifier":[]}'


# pages and cost


def test_pages_are_bounded_and_follow_each_other(world: World) -> None:
    shown, address = [], "/fhir/Patient?active=true&_count=2"
    while address:
        answer = world.door.get(address, world.who["amel"]).json()
        assert answer["total"] == 3
        shown += [one["resource"]["id"] for one in answer["entry"]]
        address = next((link["url"] for link in answer["link"] if link["relation"] == "next"), "")
    assert sorted(shown) == sorted(str(world.files[name].id) for name in ("salma", "ali", "latifa"))


def test_a_search_among_many_asks_the_record_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(120):
        make.patient(world.stage, given_name=f"Nom{chr(97 + number % 26)}", family_name="Mrabet", family_name_ar="")
    asked: list[str] = []
    real = found._answered

    async def counted(text: str, values: Any) -> Any:  # noqa: ANN401
        asked.append(text.partition(",")[0].partition(" from ")[0])
        return await real(text, values)

    monkeypatch.setattr(found, "_answered", counted)
    bundle = world.ask("family=mrabet&_count=100")
    assert (bundle["total"], len(bundle["entry"]), asked) == (120, 100, ["select count(*)", "select e.type"])
    assert world.ask("family=mrabet&given:exact=Nomb")["total"] == 5


def test_the_statement_names_the_parameters() -> None:
    (kinds,) = [one["resource"] for one in json.loads(statement("http://x"))["rest"]]
    (mine,) = [one for one in kinds if one["type"] == "Patient"]
    named = {one["name"]: one["type"] for one in mine["searchParam"]}
    assert named.items() >= {
        "_id": "token", "active": "token", "address": "string", "address-city": "string", "address-country": "string",
        "address-postalcode": "string", "address-state": "string", "birthdate": "date", "family": "string",
        "gender": "token", "given": "string", "identifier": "token", "telecom": "token",
    }.items()  # fmt: skip
