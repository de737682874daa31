"""IHE ITI-104, Patient Identity Feed: what a hospital's own system says of its patients, as Patients.

Its answer tells the Wasl number and the hospital's own, and nothing of what others said: a feed opens no record.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.fhir import Resource, Taken, accepts, removed
from wasl.patients import queries, rules, services
from wasl.patients.fhir.people import identifier_of, own_number
from wasl.patients.fhir.said import dicts, said, taken_apart, text, whose
from wasl.patients.queries import Patient
from wasl.patients.rules import numbers


@accepts("Patient")
def take(sent: Resource, *, identifier: str, by: Actor) -> Taken:
    """Add or revise (2:3.104.4.1) or, of one that another number stands for, resolve a duplicate (2:3.104.4.2)."""
    system, value = taken_apart(identifier)
    place = _place(system, by)
    if [text(one.get("value")) for one in dicts(sent.get("identifier")) if one.get("system") == system] != [value]:
        raise numbers.NumberDiffers
    survivor = _survivor(sent, system)
    if survivor is None:
        heard = services.receive_record(place=place, local_id=value, said=said(sent), by=by)
        return _taken(heard.patient, heard.new, by=by)
    replaced = services.replace_number(place=place, local_id=value, survivor=survivor, said=said(sent), by=by)
    return _taken(replaced.patient, replaced.new, by=by, asked=replaced.asked)


def remove(*, identifier: str, by: Actor) -> None:
    """Remove Patient (2:3.104.4.3): the hospital uses the number no longer."""
    system, value = taken_apart(identifier)
    services.remove_number(place=_place(system, by), local_id=value, by=by)


removed["Patient"] = remove


def _place(system: str, by: Actor) -> UUID:
    """The hospital whose numbers a system is. Raises SystemUnknown, and NotYourPlace for numbers of no hospital."""
    found = whose(system, by)
    if found is None:
        raise numbers.SystemUnknown
    if found[1] is None:
        raise rules.NotYourPlace
    return found[1]


def _survivor(sent: Mapping[str, Any], system: str) -> str | None:
    """The number that stands for this one; None of a patient who is active. Raises SurvivorExpected."""
    links = [one for one in dicts(sent.get("link")) if one.get("type") == "replaced-by"]
    if sent.get("active") is not False and not links:
        return None
    others = [other for one in links if isinstance(other := one.get("other"), dict)]
    named = [one for other in others if isinstance(one := other.get("identifier"), dict)]
    if sent.get("active") is not False or len(named) != 1 or len(links) != 1 or named[0].get("system") != system:
        raise numbers.SurvivorExpected
    return text(named[0].get("value"))


def _taken(patient: Patient, new: bool, *, by: Actor, asked: bool = False) -> Taken:
    """What the hospital is told: the person's number, and its own; that it was told is in the access log."""
    known = queries.known_numbers(patient.id, viewer=by)
    services.log_accesses({known.head.id: known.ground or "none"}, what="patients.receive_record", by=by)
    body: Resource = {
        "resourceType": "Patient",
        "id": str(known.head.id),
        "identifier": [own_number(known.head), *(identifier_of(one) for one in known.own)],
        "active": True,
    }
    return Taken(known.head.id, body, new, numbers.PeopleAreAsked() if asked else None)
