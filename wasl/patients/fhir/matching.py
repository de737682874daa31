"""`Patient/$match` (FHIR R4, 8.1.16): who of everybody known a Patient may be, each with a grade and a score.

Who may not open a record sees who it is, as on the page where people are looked for: names, sex and birth date. The
Wasl number, which would open the record to who presents it, is told only where it is certain who it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wasl.kernel.access import Actor
from wasl.kernel.fhir import Resource, operation
from wasl.patients import queries, rules, services
from wasl.patients.fhir.people import SYSTEMS, patient
from wasl.patients.fhir.said import dicts, local, number, said
from wasl.patients.queries import Match, Patient

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
SHOWN = ("resourceType", "id", "active", "name", "gender", "birthDate")  # of a record that is closed to who asks


@dataclass(frozen=True)
class Asked:
    """What was asked, taken out of Parameters."""

    person: Mapping[str, Any]
    only_certain: bool
    count: int


@operation("Patient", "match", definition="http://hl7.org/fhir/OperationDefinition/Patient-match")
def match(sent: Resource, *, by: Actor) -> Resource:
    """A Bundle of people who may be the one asked about, the surest first; who was shown is in the access log."""
    asked = _asked(sent)
    place, local_id = local(asked.person, by)
    found = queries.match(
        said(asked.person), place=place, local_id=local_id, number=number(asked.person, SYSTEMS["number"]), viewer=by
    )
    graded = (*found.matches, *found.apart)
    named = [one for one in graded if one.grade == "certain" or not asked.only_certain][: asked.count]
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
    given = {part.get("name"): part for part in dicts(sent.get("parameter"))}
    person = given.get("resource", {}).get("resource")
    certain = given.get("onlyCertainMatches", {}).get("valueBoolean", False)
    count = next((value for key, value in given.get("count", {}).items() if key.startswith("value")), queries.LIMIT)
    if not (isinstance(person, dict) and person.get("resourceType") == "Patient"):
        raise rules.NoPatientAsked
    if not (isinstance(certain, bool) and type(count) is int and count > 0):
        raise rules.NoPatientAsked
    return Asked(person, certain, count)
