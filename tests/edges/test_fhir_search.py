"""Searches of the FHIR service: every kind of parameter, modifier and prefix, with answers reckoned by hand."""

import json
from typing import Any

import pytest

from tests.edges.corpus import (
    LOINC,
    NUMBERS,
    SUBSETTED,
    TAGS,
    UCUM,
    World,
    _django_db_helper,
    query,
    refusal,
    world,
)  # fmt: skip
from wasl.edges import gate
from wasl.edges.fhir import found
from wasl.record import services as record

__all__ = ["_django_db_helper", "world"]

pytestmark = pytest.mark.django_db

ALL = {"sugar", "sweet", "pressure", "words", "positive", "beyond"}
COMPONENT = "component-code-value-quantity"

# of Observation unless a type is named
SEARCHES: list[tuple[str, set[str]]] = [
    # token
    ("code=2339-0", {"sugar", "sweet"}),
    (f"code={LOINC}|2339-0", {"sugar", "sweet"}),
    (f"code={LOINC}|", ALL),
    ("code=|2339-0", set()),
    ("code=http://snomed.info/sct|2339-0", set()),
    ("code:not=2339-0", ALL - {"sugar", "sweet"}),
    ("code:not=2339-0,19005-8", ALL - {"sugar", "sweet", "words"}),
    ("value-concept:not=10828004", ALL - {"positive"}),
    ("status=final&code=2339-0", {"sugar"}),
    ("status=http://hl7.org/fhir/observation-status|preliminary", {"sweet"}),
    ("status:in=http://hl7.org/fhir/ValueSet/observation-status", ALL),
    ("status:not-in=http://hl7.org/fhir/ValueSet/observation-status", set()),
    ("code:text=glyc", {"sugar", "sweet"}),
    ("code:text=GLUCOSE mass", {"sugar", "sweet"}),
    ("code:text=jeun", set()),
    ("identifier:of-type=urn:types|MR|A\\,1", {"sugar"}),
    ("identifier:of-type=urn:types|XX|A\\,1", set()),
    ("component-code=8480-6", {"pressure"}),
    ("combo-code=8480-6,2339-0", {"pressure", "sugar", "sweet"}),
    # what escapes marks (3.1.1.4.3)
    ("identifier=A\\,1", {"sugar"}),
    ("identifier=A,1", set()),
    ("identifier=B\\|2", {"sweet"}),
    ("identifier=B|2", set()),
    (f"identifier={NUMBERS}|A\\,1,B\\|2", {"sugar", "sweet"}),
    # string
    ("value-string=epanchement", {"words"}),
    ("value-string=pleural", set()),
    ("value-string:contains=PLEURAL", {"words"}),
    ("value-string:exact=Épanchement pleural\\, gauche", {"words"}),
    ("value-string:exact=épanchement pleural\\, gauche", set()),
    ("value-string=positif", {"positive"}),
    # date
    ("date=2026-11-12", {"sweet"}),
    ("date=2026-11", ALL - {"positive"}),
    ("date=ne2026-11-12", ALL - {"positive", "sweet"}),
    ("date=gt2026-11-12", {"pressure", "words", "beyond"}),
    ("date=ge2026-11-12T08:00:00Z", {"sweet", "pressure", "words", "beyond"}),
    ("date=lt2026-11-11", {"sugar"}),
    ("date=le2026-11-11", {"sugar"}),
    ("date=sa2026-11-12", {"words", "beyond"}),
    ("date=eb2026-11-12", {"sugar"}),
    ("date=ap2026-11-10&date=lt2026-11-11", {"sugar"}),
    ("date=ap1900", set()),
    ("date=ge2026-11-11&date=lt2026-11-13", {"sweet", "pressure"}),
    ("date=2026-11-10,2026-11-14", {"sugar", "words"}),
    # quantity
    ("value-quantity=5.4", {"sugar"}),
    ("value-quantity=5", {"sugar"}),
    ("value-quantity=5.40", set()),
    (f"value-quantity=5.4|{UCUM}|mmol/L", {"sugar"}),
    ("value-quantity=5.4||mmol/L", {"sugar"}),
    (f"value-quantity=5.4|{UCUM}|mg/dL", set()),
    ("value-quantity=gt5.4", {"sweet", "beyond"}),
    ("value-quantity=ge5.4", {"sugar", "sweet", "beyond"}),
    ("value-quantity=lt6.3", {"sugar"}),
    ("value-quantity=le6.3", {"sugar", "sweet"}),
    ("value-quantity=ne5.4", {"sweet", "beyond"}),
    ("value-quantity=ap6", {"sugar", "sweet"}),
    ("value-quantity=sa6", {"sweet", "beyond"}),
    ("value-quantity=eb6", {"sugar"}),
    ("value-quantity=gt1e2||mg/dL", {"beyond"}),
    ("combo-value-quantity=120||mm[Hg]", {"pressure"}),
    # composite
    (f"code-value-quantity={LOINC}|2339-0$gt6", {"sweet"}),
    (f"code-value-quantity=2339-0$5.4|{UCUM}|mmol/L", {"sugar"}),
    (f"{COMPONENT}=8480-6$gt100", {"pressure"}),
    (f"{COMPONENT}=8480-6$lt100", set()),
    (f"{COMPONENT}={LOINC}|8480-6$120||mm[Hg],8480-6$7", {"pressure"}),
    (f"{COMPONENT}=8480-6$120|{UCUM}|mmol/L", set()),
    ("code-value-concept=94500-6$http://snomed.info/sct|10828004", {"positive"}),
    ("code-value-concept=94500-6$260385009", set()),
    ("code-value-string=19005-8$Épanchement", {"words"}),
    # reference
    ("performer:identifier=nurse-3", {"pressure"}),
    (f"performer:identifier={NUMBERS}|nurse-3", {"pressure"}),
    ("performer:identifier=nurse-4", set()),
    ("subject:Group=7", set()),
    # missing
    ("value-quantity:missing=false", {"sugar", "sweet", "beyond"}),
    ("date:missing=true", {"positive"}),
    ("value-string:missing=false", {"words", "positive"}),
    ("encounter:missing=false", {"sugar"}),
    ("identifier:missing=true", ALL - {"sugar", "sweet"}),
    ("_id:missing=false", ALL),
    ("_tag:missing=false", {"sugar"}),
    # meta
    ("_tag=fasting", {"sugar"}),
    (f"_tag={TAGS}|fasting", {"sugar"}),
    ("_tag=other", set()),
    ("_tag:not=fasting", ALL - {"sugar"}),
    ("_profile=https://laboratory.example/profiles/sugar/v1", {"sugar"}),
    ("_profile:below=https://laboratory.example/profiles", {"sugar"}),
    ("_profile:below=https://laboratory.example/prof", set()),
    ("_source=urn:wasl:place:oued-zen", ALL),
    ("_lastUpdated=gt2026-01-01", ALL),
    # number and uri
    ("RiskAssessment?probability=0.25", {"risk"}),
    ("RiskAssessment?probability=gt0.25", {"risks"}),
    ("RiskAssessment?probability=lt0.8,8e-1", {"risk", "risks"}),
    ("RiskAssessment?probability:missing=true", set()),
    ("Questionnaire?url=https://forms.example/intake", {"form"}),
    ("Questionnaire?url:below=https://forms.example/intake", {"form", "page"}),
    ("Questionnaire?url:below=https://forms.example", {"form", "page", "other form"}),
    ("Questionnaire?url:above=https://forms.example/intake/page2", {"form", "page"}),
    ("QuestionnaireResponse?questionnaire=https://forms.example/intake", {"answers"}),
    # of a type that a module owns
    ("Organization?name:contains=zen", {"Oued Zen"}),
    ("Patient?family:missing=true", set()),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "found"), SEARCHES)
def test_search(world: World, asked: str, found: set[str]) -> None:
    world.keys["Oued Zen"] = world.stage.regional
    address = asked if "?" in asked else f"Observation?{asked}"
    assert sorted(world.told(address.replace("+", "%2B"))) == sorted(found)


ORDERS = [
    ("_sort=date", "sugar pressure sweet words beyond positive"),
    ("_sort=-date&date:missing=false", "beyond words sweet pressure sugar"),
    ("_sort=value-quantity,-_id", "sugar sweet beyond positive words pressure"),
    ("_sort=-value-quantity,_id", "beyond sweet sugar pressure words positive"),
    ("_sort=value-string,_id", "words positive sugar sweet pressure beyond"),
    ("_sort=status,-code,_id", "positive pressure beyond sugar words sweet"),
]


@pytest.mark.parametrize(("asked", "order"), ORDERS)
def test_pages_follow_in_every_order_with_what_has_no_value_last(world: World, asked: str, order: str) -> None:
    assert " ".join(world.told(f"Observation?{asked}")) == order
    address, seen = f"Observation?{asked}&_count=1", list[str]()
    while address:
        seen += world.told(address)
        page = world.bundle(address)
        address = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
        assert len(seen) <= len(ALL)
    assert " ".join(seen) == order


def test_a_page_is_never_seen_twice_while_others_come_between(world: World) -> None:
    """Sorted by what new resources are put before and behind, and by what some of them lack."""
    address, seen = "Observation?_sort=-value-quantity&_count=2&code:not=000", list[str]()
    made = 0
    while address:
        seen += [name for name in world.told(address) if name in ALL]
        page = world.bundle(address)
        address = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
        made += 1
        key = world.keep(f"new {made}", "Observation", subject={"reference": f"Patient/{world.salma}"}, status="final",
                         code={"text": "new"}, valueQuantity={"value": 1000 * made})  # fmt: skip
        record.withdraw_resource("Observation", key, by=world.stage.amel)
        assert made < 9
    assert sorted(seen) == sorted(ALL)


def test_how_much_is_shown(world: World) -> None:
    def first(asked: str) -> dict[str, Any]:
        found: dict[str, Any] = world.bundle(f"Observation?code=2339-0&status=final&{asked}")["entry"][0]["resource"]
        return found

    whole = first("")
    assert SUBSETTED not in whole["meta"]["tag"]
    assert first("_summary=false") == whole
    text, data = first("_summary=text"), first("_summary=data")
    assert set(text) == {"resourceType", "id", "meta", "text", "status", "code"}
    assert set(data) == set(whole) - {"text"}
    summary = first("_summary=true")
    assert {"status", "code", "valueQuantity", "subject"} <= set(summary)
    assert "text" not in summary
    some = first("_elements=value,identifier")
    assert set(some) == {"resourceType", "id", "meta", "status", "code", "valueQuantity", "identifier"}
    for shown in (text, data, summary, some):
        assert shown["meta"]["tag"][-1] == SUBSETTED
    answer = world.door.get("/fhir/Observation?code=2339-0&_elements=value", world.amel).text
    assert '"value":6.3,' in answer
    counted = world.bundle("Observation?code=2339-0&_summary=count")
    assert (counted["total"], "entry" in counted) == (2, False)
    assert world.bundle("Observation?_total=estimate&_count=1")["total"] == len(ALL)
    assert "total" not in world.bundle("Observation?_total=none")


def test_a_search_within_one_record(world: World) -> None:
    inside = f"Patient/{world.salma}/Observation"
    assert sorted(world.told(inside)) == sorted(ALL)
    assert world.told(f"{inside}?code=19005-8") == ["words"]
    posted = world.door.ask("POST", f"/fhir/{inside}/_search", world.amel, data={"code": "19005-8"})
    assert len(posted.json()["entry"]) == 1
    page = world.bundle(f"{inside}?_count=4")
    assert page["link"][1]["url"].startswith(f"http://testserver/fhir/{inside}?_page=")
    assert len(world.told(page["link"][1]["url"])) == 2
    assert world.told(f"Patient/{world.rim}/Observation") == world.told("Patient/7/Observation") == []
    assert world.refused(f"Patient/{world.salma}/*")[:2] == (400, "not-supported")
    assert world.refused(f"Patient/{world.salma}/Unicorn")[:2] == (404, "not-supported")


REFUSED = [
    ("_filter=status eq final", "not-supported"), ("_content=x", "not-supported"), ("_text=x", "not-supported"),
    ("_query=x", "not-supported"), ("code:above=x", "not-supported"), ("code:below=x", "not-supported"),
    ("code:in=https://nowhere.example/set", "not-supported"), ("date:exact=2026", "not-supported"),
    ("value-quantity:not=1", "not-supported"), ("value-string:text=x", "not-supported"), ("_id:not=1", "not-supported"),
    ("encounter:missing=perhaps", "value"), ("value-quantity=many", "value"), ("value-quantity=1|mg", "value"),
    ("value-quantity=|http://unitsofmeasure.org|mg", "value"), ("value-quantity=1e999", "value"),
    ("code-value-quantity=2339-0", "value"), ("identifier:of-type=MR|1", "value"), ("_summary=most", "value"),
    ("_elements=a b", "value"), ("code=" + ",".join(["x"] * 1001), "value"), ("_sort:desc=date", "not-supported"),
    ("has-member.has-member.has-member.has-member.status=final", "too-costly"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "code"), REFUSED)
def test_what_is_refused(world: World, asked: str, code: str) -> None:
    assert world.refused(f"Observation?{asked}")[:2] == (400, code)


def test_what_is_not_known_is_named_and_refused_where_that_is_wanted(world: World) -> None:
    for asked in ("colour=red", "subject.colour=red", "subject:Organization.name=x", "_has:Unicorn:patient:code=1",
                  "_has:Condition:encounter:code=1", "_include=Observation:colour", "_include=Unicorn:*",
                  "_include=Observation:subject:Organization", "_revinclude=*", "_sort=subject",
                  "_sort=colour"):  # fmt: skip
        name = asked.partition("=")[0]
        said = world.bundle(f"Observation?{asked}").get("entry", [])
        assert said, asked
        (outcome,) = (e for e in said if e["search"]["mode"] == "outcome")
        assert name in outcome["resource"]["issue"][0]["details"]["text"], asked
        status, code, sentence = world.refused(f"Observation?{asked}", headers={"prefer": "handling=strict"})
        assert (status, code) == (400, "not-supported"), asked
        assert name in sentence


def test_a_search_that_takes_too_long_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "SEARCH_SECONDS", 0.2)
    monkeypatch.setattr(gate, "_searching", None)
    monkeypatch.setattr(found, "COLUMNS", f"{found.COLUMNS}, pg_sleep(1)")
    try:
        assert world.refused("Observation")[:2] == (400, "too-costly")
    finally:
        world.door.portal.call(gate.close)


def test_hostile_values_find_nothing(world: World) -> None:
    names = ("identifier", "code:text", "value-string:contains", "_tag", "_profile:below", "encounter",
             "performer:identifier", "subject:Patient.name", "_has:Condition:evidence-detail:code",
             "code-value-string")  # fmt: skip
    for value in ("x'; drop table record_entry; --", '"', "%", "\\", "$", "a\0b", "x$\u2028", "(@.x == 1)", "%s|%s"):
        for name in names:
            answer = world.door.get(f"/fhir/Observation?{query(**{name: value})}", world.amel)
            if answer.status_code == 400:
                assert refusal(answer)[1] in ("value", "not-supported"), (name, value)
            else:
                assert answer.status_code == 200, (name, value)
                found = [e for e in json.loads(answer.text).get("entry", ()) if e["search"]["mode"] == "match"]
                assert not found, (name, value)
