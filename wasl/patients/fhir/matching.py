"""`Patient/$match` (FHIR R4, 8.1.16): who of everybody known a Patient may be, each with a grade and a score.

Who may not open a record sees who it is, as on the page where people are looked for: names, sex and birth date. The
Wasl number, which would open the record to who presents it, is told only where it is certain who it is.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.fhir import Resource, operation
from wasl.patients import queries, rules, services
from wasl.patients.fhir.people import LANGUAGE, SYSTEMS, patient
from wasl.patients.queries import Match, Patient
from wasl.places import queries as places

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
LOCAL = re.compile(r"urn:wasl:place:(?P<code>[^:]+):patient")
NATIONAL = tuple(SYSTEMS[kind] for kind in ("tn_cin", "dz_nin", "tn_iuc"))
PARENTS = {"FTH": "father", "MTH": "mother"}
SHOWN = ("resourceType", "id", "active", "name", "gender", "birthDate")  # of a record that is closed to who asks


@dataclass(frozen=True)
class Asked:
    """What was asked, taken out of Parameters."""

    person: Mapping[str, Any]
    only_certain: bool
    count: int


@operation("Patient", "match")
def match(sent: Resource, *, by: Actor) -> Resource:
    """A Bundle of people who may be the one asked about, the surest first; who was shown is in the access log."""
    asked = _asked(sent)
    place, local_id = _local(asked.person, by)
    found = queries.match(
        _said(asked.person), place=place, local_id=local_id, number=_number(asked.person, SYSTEMS["number"]), viewer=by
    )
    named = [one for one in found.matches if one.grade == "certain" or not asked.only_certain][: asked.count]
    grounds = queries.grounds_of([one.patient.id for one in named], viewer=by)
    services.log_accesses(
        {one.patient.id: grounds.get(one.patient.id, "none") for one in named}, what="patients.match", by=by
    )
    people = queries.patients_for_record([one.patient.id for one in named])
    entries = [_entry(one, people[one.patient.id], opened=one.patient.id in grounds) for one in named]
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    return bundle | ({"entry": entries} if entries else {})


def _entry(found: Match, person: Patient, *, opened: bool) -> Resource:
    whole = patient(person)
    shown = whole if opened else {name: whole[name] for name in SHOWN if name in whole}
    if not opened and found.grade == "certain":
        own = [number for number in whole["identifier"] if number["system"] == SYSTEMS["number"]]
        shown["identifier"] = own
    score = round(1 / (1 + 2 ** -min(max(found.score, -30), 30)), 4)  # the odds as a probability
    grade = {"url": GRADE, "valueCode": str(found.grade)}
    return {
        "fullUrl": f"urn:uuid:{found.patient.id}",
        "resource": shown,
        "search": {"extension": [grade], "mode": "match", "score": score},
    }


def _asked(sent: Resource) -> Asked:
    """Raises NoPatientAsked."""
    given = {part.get("name"): part for part in _dicts(sent.get("parameter"))}
    person = given.get("resource", {}).get("resource")
    certain = given.get("onlyCertainMatches", {}).get("valueBoolean", False)
    count = next((value for key, value in given.get("count", {}).items() if key.startswith("value")), queries.LIMIT)
    if not (isinstance(person, dict) and person.get("resourceType") == "Patient"):
        raise rules.NoPatientAsked
    if not (isinstance(certain, bool) and type(count) is int and count > 0):
        raise rules.NoPatientAsked
    return Asked(person, certain, count)


def _said(person: Mapping[str, Any]) -> dict[str, str]:
    """A Patient as the matcher reads it; what has another shape than FHIR's is not there."""
    said: dict[str, str] = {}
    for written in _dicts(person.get("name")):
        _say_name(said, written)
    said["sex"] = _text(person.get("gender"))
    said["dob"] = _text(person.get("birthDate"))
    said["nid"] = next(filter(None, (_number(person, system) for system in NATIONAL)), "")
    phones = (_text(one.get("value")) for one in _dicts(person.get("telecom")) if one.get("system") == "phone")
    said["phone"] = next(filter(None, phones), "")
    said["commune"] = next(filter(None, (_text(one.get("city")) for one in _dicts(person.get("address")))), "")
    for contact in _dicts(person.get("contact")):
        (name,) = _dicts([contact.get("name")]) or [{}]
        for code in _codes(contact):
            if code in PARENTS:
                said[PARENTS[code]] = _text(name.get("text")) or f"{_given(name)} {_text(name.get('family'))}".strip()
    return said


def _say_name(said: dict[str, str], name: Mapping[str, Any]) -> None:
    """A name goes to its script, and a maiden name beside the other."""
    given, family = _given(name), _text(name.get("family"))
    tagged = {_text(one.get("valueCode")) for one in _dicts(name.get("extension")) if one.get("url") == LANGUAGE}
    arabic = "ar" in tagged or bool(re.search(r"[\u0600-\u06ff]", given + family))
    script = "ar" if arabic else "lat"
    if name.get("use") == "maiden":
        said.setdefault(f"other_{script}", family)
        return
    said.setdefault(f"first_{script}", given)
    said.setdefault(f"last_{script}", family)


def _given(name: Mapping[str, Any]) -> str:
    parts = name.get("given")
    return " ".join(filter(None, map(_text, parts))) if isinstance(parts, list) else ""


def _codes(contact: Mapping[str, Any]) -> Iterator[str]:
    for concept in _dicts(contact.get("relationship")):
        for one in _dicts(concept.get("coding")):
            yield _text(one.get("code"))


def _number(person: Mapping[str, Any], system: str) -> str:
    found = (_text(one.get("value")) for one in _dicts(person.get("identifier")) if one.get("system") == system)
    return next(filter(None, found), "")


def _local(person: Mapping[str, Any], by: Actor) -> tuple[UUID | None, str]:
    """The first number of a hospital that Wasl knows, with that hospital."""
    for one in _dicts(person.get("identifier")):
        if (system := LOCAL.fullmatch(_text(one.get("system")))) and (value := _text(one.get("value"))):
            try:
                return places.place_by_code(system["code"], viewer=by).id, value
            except NotFound:
                continue
    return None, ""


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value.strip()[:200] if isinstance(value, str) else ""
