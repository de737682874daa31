"""What is FHIR R4 and what is not, by FHIR's own examples, whole and spoiled."""

import copy
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.record.examples import examples
from wasl.kernel import fhir
from wasl.record.rules import Malformed, check_valid, definitions, validation
from wasl.record.rules.narrative import fault_of_narrative
from wasl.record.rules.shapes import shape
from wasl.record.rules.validation import faults
from wasl.record.services.indexing import index_of

# examples that break FHIR's own rules
BROKEN = {
    "DeviceUseStatement-example": [("DeviceUseStatement.reasonReference[0].reference", "invalid")],
    "Questionnaire-zika-virus-exposure-assessment": [("Questionnaire.text.div", "invalid")],
}
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">'
PRESSURE = {
    "resourceType": "Observation",
    "status": "final",
    "text": {"status": "generated", "div": f"{DIV}120/80</div>"},
    "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
    "subject": {"reference": "Patient/p1", "display": "Salma"},
    "effectiveDateTime": "2026-11-10T08:30:00+01:00",
    "contained": [{"resourceType": "Practitioner", "id": "pr1", "name": [{"given": ["Leïla", "H"]}]}],
    "performer": [{"reference": "#pr1"}],
    "component": [
        {"code": {"text": "systolic"}, "valueQuantity": {"value": Decimal("120.0"), "unit": "mmHg"}},
        {"code": {"text": "diastolic"}, "valueQuantity": {"value": 80, "comparator": "<"}},
    ],
}


def found(resource: object) -> list[tuple[str, str]]:
    return [(fault.path, fault.code) for fault in faults(resource)]


def spoiled(path: str, value: object) -> dict[str, Any]:
    """The example with one element put in place or, with `...`, taken away."""
    body: Any = copy.deepcopy(PRESSURE)
    at = body
    *way, last = [int(part) if part.isdecimal() else part for part in path.split("/")]
    for part in way:
        at = at[part]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return dict(body)


@pytest.mark.parametrize("kind", sorted({name.partition("-")[0] for name in examples()}))
def test_the_examples_of_fhir_are_valid_and_indexed(kind: str) -> None:
    for name, text in examples().items():
        if name.partition("-")[0] == kind:
            body = json.loads(text, parse_float=Decimal)
            assert found(body) == BROKEN.get(name, []), name
            if kind not in fhir.owned:
                assert kind == "Bundle" or index_of(kind, body).tokens, name


SPOILED: list[tuple[str, object, list[tuple[str, str]]]] = [
    # elements and their number
    ("colour", "red", [("Observation.colour", "structure")]),
    ("status", ..., [("Observation.status", "required")]),
    ("code", ..., [("Observation.code", "required")]),
    ("component/1/code", ..., [("Observation.component[1].code", "required")]),
    ("component/1/valueQuantity/numerator", 1, [("Observation.component[1].value.numerator", "structure")]),
    ("performer", {"display": "x"}, [("Observation.performer", "structure")]),
    ("subject", [{"display": "x"}], [("Observation.subject", "structure")]),
    ("category", [], [("Observation.category", "structure")]),
    ("method", {}, [("Observation.method", "structure")]),
    ("method", None, [("Observation.method", "structure")]),
    ("method", "x", [("Observation.method", "structure")]),
    ("valueString", "x", []),
    ("effectivePeriod", {"start": "2026"}, [("Observation.effective", "structure")]),
    ("valueAddress", {"city": "Tunis"}, [("Observation.valueAddress", "structure")]),
    ("resourceType", "Unicorn", [("resourceType", "structure")]),
    ("resourceType", ..., [("resourceType", "required")]),
    # values
    ("status", 1, [("Observation.status", "structure")]),
    ("status", "", [("Observation.status", "structure")]),
    ("status", "finished", [("Observation.status", "code-invalid")]),
    ("status", " final", [("Observation.status", "value")]),
    ("effectiveDateTime", "10/11/2026", [("Observation.effective", "value")]),
    ("effectiveDateTime", "2026-02-30", [("Observation.effective", "value")]),
    ("effectiveDateTime", "2026-11-10T08:30:00", [("Observation.effective", "value")]),
    ("issued", "2026-11-10", [("Observation.issued", "value")]),
    ("id", "with space", [("Observation.id", "value")]),
    ("language", "fr", []),
    ("implicitRules", "a b", [("Observation.implicitRules", "value")]),
    ("valueInteger", 2**31, [("Observation.value", "value")]),
    ("valueInteger", 1.5, [("Observation.value", "value")]),
    ("valueInteger", True, [("Observation.value", "structure")]),
    ("valueBoolean", "true", [("Observation.value", "structure")]),
    ("valueTime", "25:00:00", [("Observation.value", "value")]),
    ("component/0/valueQuantity/value", "120", [("Observation.component[0].value.value", "structure")]),
    ("component/1/valueQuantity/comparator", "=", [("Observation.component[1].value.comparator", "code-invalid")]),
    ("note", [{"text": "x\u00a0: y"}], []),
    ("note", [{"text": " \n"}], [("Observation.note[0].text", "structure")]),
    ("meta", {"tag": [{"system": "s", "code": "a  b"}]}, [("Observation.meta.tag[0].code", "value")]),
    ("extension", [{"url": "u", "valueBase64Binary": "aGk="}], []),
    ("extension", [{"url": "u", "valueBase64Binary": "aGk"}], [("Observation.extension[0].value", "value")]),
    ("extension", [{"url": "u", "valueOid": "1.2"}], [("Observation.extension[0].value", "value")]),
    ("extension", [{"url": "u", "valueUuid": "urn:uuid:A"}], [("Observation.extension[0].value", "value")]),
    ("extension", [{"url": "u"}], [("Observation.extension[0]", "invariant")]),
    ("extension", [{"valueString": "x"}], [("Observation.extension[0].url", "required")]),
    # values that are left out, and what stands beside them (2.6.2.3)
    ("_status", {"extension": [{"url": "u", "valueString": "x"}]}, []),
    ("_status", {"url": "u"}, [("Observation.status.url", "structure")]),
    ("_status", "x", [("Observation.status", "structure")]),
    ("_code", {"id": "x"}, [("Observation._code", "structure")]),
    ("contained/0/name/0/_given", [None, {"id": "x"}], []),
    ("contained/0/name/0/given", ["Leïla", None], [("Observation.contained[0].name[0].given[1]", "structure")]),
    ("contained/0/name/0/_given", [{"id": "x"}], [("Observation.contained[0].name[0].given", "structure")]),
    # what is referred to
    ("subject/reference", "Practitioner/1", [("Observation.subject.reference", "invalid")]),
    ("subject/reference", "Unicorn/1", [("Observation.subject.reference", "value")]),
    ("subject/reference", "patient 1", [("Observation.subject.reference", "value")]),
    ("subject/reference", "urn:uuid:0190a1b2-0000-7000-8000-000000000000", []),
    ("subject/reference", "https://other.example/fhir/Patient/1/_history/2", []),
    ("subject/reference", "https://other.example/fhir/Slot/1", [("Observation.subject.reference", "invalid")]),
    ("subject", {"type": "Slot", "identifier": {"value": "1"}}, [("Observation.subject", "invalid")]),
    ("performer/0/reference", "#pr2", [("Observation.performer[0].reference", "not-found")]),
    ("subject/reference", "#pr1", [("Observation.subject.reference", "invalid")]),
    ("contained/0/contained",
     [{"resourceType": "Basic", "id": "b", "code": {"text": "x"}}], [("Observation.contained[0]", "structure")]),
    ("contained/0/id", ...,
     [("Observation.contained[0]", "structure"), ("Observation.performer[0].reference", "not-found")]),
    ("contained/0/gender", "m", [("Observation.contained[0].gender", "code-invalid")]),
    # the narrative
    ("text/div", "<p>120</p>", [("Observation.text.div", "invalid")]),
    ("text/div", f"{DIV}<script>x</script></div>", [("Observation.text.div", "invalid")]),
    ("text/status", ..., [("Observation.text.status", "required")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "told"), SPOILED, ids=[f"{n} {path}" for n, (path, *_) in enumerate(SPOILED)]
)
def test_what_is_wrong_is_told_where_it_is(path: str, value: object, told: list[tuple[str, str]]) -> None:
    assert sorted(found(spoiled(path, value))) == sorted(told)


def test_the_example_that_is_spoiled_is_whole() -> None:
    assert found(PRESSURE) == []


def test_codes_of_concepts_are_of_their_system() -> None:
    condition: dict[str, Any] = {"resourceType": "Condition", "subject": {"reference": "Patient/1"}}
    status = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    for concept, told in [
        ({"coding": [{"system": status, "code": "active"}]}, []),
        ({"coding": [{"system": "s", "code": "x"}, {"system": status, "code": "active"}]}, []),
        ({"coding": [{"system": "s", "code": "active"}]}, ["code-invalid"]),
        ({"text": "active"}, ["code-invalid"]),
    ]:
        assert [fault.code for fault in faults({**condition, "clinicalStatus": concept})] == told


def test_the_resources_of_a_bundle_are_looked_through_each_with_what_it_contains() -> None:
    broken = spoiled("component/1/code", ...)
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": PRESSURE}, {"resource": broken}]}
    assert found(bundle) == [("Bundle.entry[1].resource.component[1].code", "required")]
    assert found({"resourceType": "Parameters", "parameter": [{"name": "r", "resource": broken}]}) == [
        ("Parameters.parameter[0].resource.component[1].code", "required")
    ]


@pytest.mark.parametrize("value", [None, True, 1, "x", [], [{}], {}, {"resourceType": ["Observation"]}])
def test_what_is_no_resource_is_said_to_be_none(value: object) -> None:
    assert [path for path, _code in found(value)] == ["resourceType"]


def test_much_that_is_wrong_is_told_in_part_and_what_is_too_deep_or_too_much_at_once() -> None:
    wrong = {**PRESSURE, **{f"no{n}": 1 for n in range(200)}}
    assert len(faults(wrong)) == validation.MOST
    deep: dict[str, Any] = {"url": "u", "valueString": "x"}
    for _ in range(100):
        deep = {"url": "u", "extension": [deep]}
    assert [code for _path, code in found({**PRESSURE, "extension": [deep]})] == ["too-costly"]
    many = {**PRESSURE, "note": [{"text": "x"}] * (validation.LARGEST + 1)}
    assert [code for _path, code in found(many)] == ["too-costly"]
    assert [code for _path, code in found({**PRESSURE, "valueString": "x" * (1 << 20) + "y"})] == ["too-long"]


@pytest.mark.parametrize(("inside", "allowed"), [
    ("<p>120 <b>mmHg</b></p><br/>", True), ('<a href="https://x.example/">x</a>', True), ("&#160;a &lt; b", True),
    ('<img src="#pic"/>', True), ('<img src="data:image/png;base64,AA==" alt="x"/>', True),
    ('<table border="1"><tr><td colspan="2">x</td></tr></table>', True), ("<p>شيء</p>", True),
    ("", False), ("  ", False), ("<p>x", False), ("&nbsp;", False), ("<iframe>x</iframe>", False),
    ('<p onclick="x()">x</p>', False), ('<a href=" java&#10;script:x">x</a>', False), ('<form>x</form>', False),
    ('<img src="data:image/svg+xml,x"/>', False), ('<p style="width: expression(x)">x</p>', False),
    ('<svg xmlns="http://www.w3.org/2000/svg">x</svg>', False), ("<?php x ?>", False), ("<p>" * 200 + "x", False),
])  # fmt: skip
def test_a_narrative_is_formatting_and_nothing_else(inside: str, allowed: bool) -> None:
    assert (fault_of_narrative(f"{DIV}{inside}</div>") is None) == allowed


def test_a_narrative_declares_nothing() -> None:
    bomb = '<!DOCTYPE div [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' + DIV + "&b;</div>"
    assert fault_of_narrative(bomb)
    assert fault_of_narrative("<div>x</div>"), "of no namespace"
    assert fault_of_narrative(DIV + "\ud800</div>")


def test_a_refusal_tells_all_with_their_paths_in_three_languages() -> None:
    body = spoiled("status", "finished") | {"colour": "red"}
    with pytest.raises(Malformed) as refused:
        check_valid(body)
    told = []
    for language in ("en", "fr", "ar"):
        with translation.override(language):
            issues = fhir.outcome("error", refused.value, *refused.value.besides)["issue"]
        assert [(one["code"], one["expression"]) for one in issues] == [
            ("code-invalid", ["Observation.status"]), ("structure", ["Observation.colour"])
        ]  # fmt: skip
        assert "Observation.status" in issues[0]["details"]["text"]
        told.append(issues[0]["details"]["text"])
    assert len(set(told)) == 3
    check_valid(PRESSURE)


def test_every_type_has_its_elements() -> None:
    known = set(shape("Observation").elements) | {"resourceType"}
    assert {"valueQuantity", "component", "id", "meta"} <= known
    for kind in sorted(definitions.kinds()):
        for element in shape(kind).elements.values():
            assert element.check or element.type == "Resource" or shape(element.type).elements, element
            assert element.targets <= definitions.kinds(), element


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(max_size=12),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _places(value: object) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict | list):
        for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from _places(item)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(some.sampled_from(sorted(examples())), some.data())
def test_whatever_is_sent_is_told_and_never_breaks_the_telling(name: str, data: some.DataObject) -> None:
    body = json.loads(examples()[name])
    for _ in range(data.draw(some.integers(1, 3))):
        places = list(_places(body))
        if places:
            holder, key = data.draw(some.sampled_from(places))
            holder[key] = data.draw(JSON)
    if not faults(body):
        index_of(body["resourceType"], {**body, "id": "00000000-0000-0000-0000-000000000001"})
