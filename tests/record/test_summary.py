"""The first page of a record: its sections, what is known and not, who contradicts whom."""

import datetime
from typing import Any
from uuid import UUID

import pytest

from wasl.record.rules.summary import ABSENT, Part, Said, parts

HERE, THERE = UUID(int=1), UUID(int=2)
DAY = datetime.datetime(2026, 11, 10, 8, tzinfo=datetime.UTC)
KEYS = iter(range(100, 10_000))


def said(kind: str, *, code: str = "", text: str = "", day: int = 0, place: UUID = HERE, **body: Any) -> Said:  # noqa: ANN401
    named = {"coding": [{"system": "http://snomed.info/sct", "code": code}] if code else [], "text": text}
    name = {"Immunization": "vaccineCode", "MedicationStatement": "medicationCodeableConcept"}.get(kind, "code")
    whole = {"resourceType": kind, "id": str(UUID(int=next(KEYS))), name: named, **body}
    return Said(whole, DAY + datetime.timedelta(days=day), place)


def allergy(text: str = "Pénicilline", *, status: str = "active", **body: Any) -> Said:  # noqa: ANN401
    return said("AllergyIntolerance", text=text, clinicalStatus=coded(status), **body)


def coded(code: str) -> dict[str, Any]:
    return {"coding": [{"code": code}]}


def part(name: str, *what: Said) -> Part:
    return next(one for one in parts(what) if one.section.name == name)


def number(value: float, *, day: int, unit: str = "g/L", **body: Any) -> Said:  # noqa: ANN401
    return said("Observation", code="718-7", text="Hémoglobine", day=day,
                valueQuantity={"value": value, "unit": unit}, **body)  # fmt: skip


def none_known() -> Said:
    known = {"coding": [{"system": ABSENT, "code": "no-known-allergies"}]}
    return Said({"resourceType": "AllergyIntolerance", "id": "x", "code": known}, DAY, THERE)


def test_that_there_is_none_is_not_that_nobody_asked() -> None:
    unasked = {"coding": [{"system": ABSENT, "code": "no-allergy-info"}]}
    nothing = Said({"resourceType": "AllergyIntolerance", "id": "y", "code": unasked}, DAY)
    assert part("allergies").state == "unasked"
    assert part("allergies", nothing).state == "unasked"
    assert part("allergies", none_known()).state == "none"


def test_a_denial_beside_an_allergy_is_shown_with_it() -> None:
    both = part("allergies", none_known(), allergy())
    assert (both.state, len(both.things), len(both.denied), both.differs) == ("said", 1, 1, True)
    assert not part("allergies", none_known(), allergy(status="resolved")).differs


def test_what_hospitals_say_of_one_thing_stands_together() -> None:
    one = allergy(criticality="high", day=1)
    other = allergy(text="pénicilline", criticality="low", place=THERE, day=3)
    (thing,) = part("allergies", one, other, allergy(text="Latex")).things[:1]
    assert thing.said in ((other, one), (one, other))
    assert thing.differs


def test_the_gravest_first_and_what_is_over_last() -> None:
    shown = part("allergies", allergy(text="Œuf", status="resolved", day=9), allergy(text="Latex", day=5),
                 allergy(text="Iode", criticality="high"))  # fmt: skip
    assert [thing.newest.text for thing in shown.things] == ["Iode", "Latex", "Œuf"]


def test_one_place_that_says_more_than_once_does_not_contradict_itself() -> None:
    (thing,) = part("allergies", allergy(criticality="low"), allergy(criticality="high", day=1)).things
    assert not thing.differs
    assert thing.newest.grave


def test_a_problem_is_past_when_nobody_says_otherwise() -> None:
    past = said("Condition", code="38341003", text="HTA", clinicalStatus=coded("resolved"))
    still = said("Condition", code="38341003", text="Hypertension", place=THERE, clinicalStatus=coded("active"))
    assert [len(part("past", past).things), len(part("problems", past).things)] == [1, 0]
    assert [len(part("past", past, still).things), len(part("problems", past, still).things)] == [0, 1]
    assert part("problems", past, still).things[0].differs


def test_a_vaccination_that_was_given_stands_and_a_medicine_that_was_taken_is_over() -> None:
    given = part("immunizations", said("Immunization", text="Grippe", status="completed")).things[0]
    taken = part("medicines", said("MedicationStatement", text="Amoxicilline", status="completed")).things[0]
    assert (given.past, given.newest.marks) == (False, [])
    assert (taken.past, len(taken.newest.marks)) == (True, 1)
    assert part("immunizations", said("Immunization", text="Grippe", status="not-done")).things[0].past


def test_what_was_entered_in_error_is_nowhere() -> None:
    wrong = allergy(verificationStatus=coded("entered-in-error"))
    assert part("allergies", wrong).state == "unasked"


def test_values_make_a_line_in_their_newest_unit() -> None:
    (thing,) = part("results", number(112, day=0), number(104, day=4), number(11, day=2, unit="g/dL")).things
    assert [value for _at, value in thing.trend] == [112, 104]
    assert thing.newest.detail == "104 g/L"
    assert not thing.differs
    assert part("results", number(112, day=0)).things[0].trend == []


@pytest.mark.parametrize(("value", "where"), [(9.0, "low"), (13.0, ""), (18.5, "high")])
def test_a_value_outside_what_is_usual(value: float, where: str) -> None:
    usual = [{"low": {"value": 12}, "high": {"value": 16}}]
    assert number(value, day=0, referenceRange=usual).out == where
    assert number(value, day=0, interpretation=[coded("HH")]).out == "high"


def test_observations_stand_by_their_category() -> None:
    pulse = said("Observation", text="Pouls", category=[coded("vital-signs")])
    smoke = said("Observation", text="Tabac", category=[coded("social-history")])
    assert [part(name, pulse, smoke).things[0].newest.text for name in ("vitals", "social")] == ["Pouls", "Tabac"]


def test_a_blood_pressure_is_read_whole() -> None:
    parts_of = [{"code": {"text": "S"}, "valueQuantity": {"value": 140, "unit": "mmHg"}},
                {"code": {"text": "D"}, "valueQuantity": {"value": 90, "unit": "mmHg"}}]  # fmt: skip
    assert said("Observation", text="TA", component=parts_of).detail == "S: 140 mmHg · D: 90 mmHg"
