"""Searches over several resources: chains, what refers to what is sought, and what a page brings along."""

import datetime
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fhirpy import SyncFHIRClient
from pytest_django.plugin import DjangoDbBlocker

from tests import make
from tests.edges.corpus import LOINC, NUMBERS, World, _django_db_helper, concept, fill, refusal, standing
from tests.edges.foreign import token
from tests.patients.who import merge
from wasl.edges.fhir import found, included
from wasl.patients.models import Access

__all__ = ["_django_db_helper"]

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The corpus, and an illness that was found on the ward."""
    with standing(django_db_blocker) as made:
        fill(made)
        made.keep("sick", "Condition", subject={"reference": f"Patient/{made.salma}"}, code=concept("44054006"),
                  encounter={"reference": f"Encounter/{made.keys['ward']}"},
                  evidence=[{"detail": [{"reference": f"Observation/{made.keys['positive']}"}]}])  # fmt: skip
        made.keys |= {"Salma": made.salma, "Oued Zen": made.stage.regional}
        yield made


FOUND = [
    ("Observation?subject:Patient.family=ben sal", "sugar sweet pressure words positive beyond"),
    ("Observation?patient.name=salma&code=19005-8", "words"),
    ("Observation?subject.birthdate=1980-03-12&code=19005-8", "words"),
    ("Observation?patient.birthdate=lt1980&code=19005-8", ""),
    ("Observation?encounter.identifier=W7", "sugar"),
    (f"Observation?encounter:Encounter.identifier={NUMBERS}|W7&code=2339-0", "sugar"),
    ("Observation?encounter.status:not=finished", ""),
    ("Observation?encounter.patient.given=Salma", "sugar"),
    ("Observation?has-member:Observation.encounter.identifier=W7", "positive"),
    ("Observation?has-member:Observation.encounter.patient.given=Salma", "positive"),
    ("Observation?performer:Organization.name=hopital regional oued", "sugar"),
    ("Condition?encounter.identifier=W7,W8", "sick"),
    ("Patient?_has:Observation:patient:code=94500-6", "Salma"),
    (f"Patient?_has:Observation:subject:code={LOINC}|2339-0&_has:Condition:patient:code=44054006", "Salma"),
    ("Patient?_has:Observation:patient:code=000", ""),
    ("Patient?_has:Observation:patient:encounter.identifier=W7", "Salma"),
    ("Encounter?_has:Observation:encounter:status=final", "ward"),
    ("Encounter?_has:Observation:encounter:status=preliminary", ""),
    ("Encounter?_has:Observation:encounter:_has:Observation:has-member:status=final", "ward"),
    ("Observation?_has:Condition:evidence-detail:code=44054006", "positive"),
    ("Observation?_has:Observation:has-member:value-concept=10828004", "sugar"),
    ("Organization?_has:Observation:performer:code=2339-0", "Oued Zen"),
]


@pytest.mark.parametrize(("asked", "found"), FOUND)
def test_chains(world: World, asked: str, found: str) -> None:
    assert " ".join(world.told(asked)) == found
    assert world.bundle(f"{asked}&_summary=count")["total"] == len(found.split()) - found.count("Oued Zen")


BROUGHT = [
    ("Observation?code=2339-0&_include=Observation:encounter", "ward"),
    ("Observation?code=2339-0&_include=Observation:subject", "Salma"),
    ("Observation?code=2339-0&_include=Observation:subject:Patient&_include=Observation:encounter", "Salma, ward"),
    ("Observation?code=2339-0&_include=Observation:subject:Group", ""),
    ("Observation?code=2339-0&_include=*", "Oued Zen, Salma, ward"),
    ("Observation?code=2339-0&_include=Observation:*", "Oued Zen, Salma, ward"),
    ("Observation?code=94500-6&_include=Observation:has-member", "sugar"),
    ("Observation?code=94500-6&_include=Observation:has-member&_include=Observation:encounter", "sugar"),
    ("Observation?code=94500-6&_include=Observation:has-member&_include:iterate=Observation:encounter", "sugar, ward"),
    ("Encounter?_revinclude=Observation:encounter", "sugar"),
    ("Encounter?_revinclude=Observation:encounter:Encounter&_revinclude=Condition:encounter", "sick, sugar"),
    ("Encounter?_revinclude=Observation:encounter&_revinclude:iterate=Observation:has-member", "positive, sugar"),
    ("Encounter?_revinclude=Condition:*", "sick"),
    ("Patient?_id={salma}&_revinclude=Condition:patient&_revinclude=Encounter:patient", "sick, ward"),
    ("Observation?code=000&_include=*", ""),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "brought"), BROUGHT)
def test_what_is_brought_along(world: World, asked: str, brought: str) -> None:
    address = asked.format(salma=world.salma)
    assert ", ".join(sorted(world.told(address, "include"))) == brought
    assert world.bundle(f"{address}&_summary=count").get("entry", []) == []


def test_pages_bring_along_what_belongs_to_each(world: World) -> None:
    first = world.bundle("Observation?code=2339-0&_include=Observation:encounter&_count=1&_sort=date")
    assert world.told("Observation?code=2339-0&_include=Observation:encounter&_count=1&_sort=date", "include") == [
        "ward"
    ]
    following = first["link"][1]["url"]
    assert (world.told(following), world.told(following, "include")) == (["sweet"], [])


def test_what_is_brought_along_is_logged_as_what_is_found(world: World) -> None:
    before = set(Access.objects.values_list("id", flat=True))
    world.bundle("Encounter?_include=Encounter:patient&_revinclude=Observation:encounter")
    written = Access.objects.exclude(id__in=before).values_list("patient_id", "what", "actor")
    assert sorted(written) == [
        (world.salma, f"record.{kind}", str(world.stage.amel)) for kind in ("Encounter", "Observation", "Patient")
    ]


def test_a_token_reaches_no_further_than_its_scopes(world: World) -> None:
    who = token("narrow", "system/Observation.rs", "system/Encounter.r", place=world.stage.regional)
    for asked, status in (
        ("Observation?code=2339-0&_include=Observation:encounter", 200),
        ("Observation?_include=Observation:subject:Patient", 403),
        ("Observation?encounter.identifier=W7", 403), ("Observation?patient.name=salma", 403),
        ("Observation?_has:Condition:evidence-detail:code=1", 403),
        ("Observation?_revinclude=Condition:evidence-detail", 403),
    ):  # fmt: skip
        answer = world.door.get(f"/fhir/{asked}", who)
        assert answer.status_code == status, asked
    told = world.bundle("Observation?code=2339-0&_include=*", who)["entry"]
    kinds = {e["resource"]["resourceType"] for e in told if e["search"]["mode"] == "include"}
    assert kinds == {"Encounter"}


def test_chains_reach_all_files_of_a_person(world: World) -> None:
    about = {"family_name": "Zghidi", "family_name_ar": "الزغيدي", "birth_date": datetime.date(1950, 2, 3)}
    one, other = (make.patient(world.stage, given_name=name, **about) for name in ("Latifa", "Ltifa"))
    for number, file in enumerate((one, other)):
        world.keep(f"of file {number}", "Observation", subject={"reference": f"Patient/{file.id}"}, status="final",
                   code=concept("files"))  # fmt: skip
    merge(world.stage, one.id, other.id)
    world.keys["one"] = one.id
    both = ["of file 0", "of file 1"]
    assert world.told("Observation?patient.given=ltifa") == both
    assert world.told("Observation?patient.family=zghidi") == both
    assert world.told("Patient?_has:Observation:patient:code=files") == ["one"]
    assert sorted(world.told(f"Patient?_id={one.id}&_revinclude=Observation:patient", "include")) == both
    assert world.told(f"Patient/{other.id}/Observation") == both


def test_a_chain_that_leads_to_too_much_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "MOST_LED_TO", 0)
    assert world.refused("Observation?encounter.identifier=W7")[:2] == (400, "too-costly")
    monkeypatch.setattr(included, "MOST", 0)
    assert world.refused("Encounter?_revinclude=Observation:encounter")[:2] == (400, "too-costly")
    links = "&".join(["patient.name=a"] * 9)
    assert world.refused(f"Observation?{links}")[:2] == (400, "too-costly")


def test_a_foreign_client_searches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """fhirpy, as its users use it, whose requests go to the door."""

    def request(method: str, url: str, *, json: object, headers: dict[str, str]) -> SimpleNamespace:
        assert json is None
        answer = world.door.ask(method, url, headers=headers)
        return SimpleNamespace(status_code=answer.status_code, content=answer.content)

    monkeypatch.setattr("fhirpy.base.lib_sync.requests.request", request)
    who = token("fhirpy", "system/*.rs", place=world.stage.regional)
    client = SyncFHIRClient("http://testserver/fhir", authorization=who["authorization"])
    observations = client.resources("Observation")
    chained: Any = observations.search(patient__Patient__family="Ben Salah", value_quantity__gt=6)
    assert {str(world.keys[name]) for name in ("sweet", "beyond")} == {one.id for one in chained.fetch()}
    with_ward = observations.search(code="2339-0").include("Observation", "encounter").fetch_raw()
    assert [entry.resource.resourceType for entry in with_ward.entry] == ["Observation", "Observation", "Encounter"]
    paged = list(observations.search(patient=str(world.salma)).sort("-date").limit(2))
    assert len(paged) == len({one.id for one in paged}) == 6
    ill = client.resources("Patient").has("Condition", "patient", code="44054006").fetch_all()
    assert [one.id for one in ill] == [str(world.salma)]
    assert observations.search(patient=str(world.salma), status="final").count() == 5
    assert refusal(world.door.get("/fhir/Observation?_filter=x", who))[1] == "not-supported"
