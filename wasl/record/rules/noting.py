"""What people write in a record where no system of theirs does: typed values, made into the FHIR resources that say it.

Coded where FHIR's own lists have the code; in words where no list is free.
"""

import datetime
import decimal
from uuid import UUID

from wasl.kernel.errors import Invalid
from wasl.kernel.fhir import Resource, coding, reference, without_empty
from wasl.record.rules.summary import ABSENT
from wasl.record.rules.texts import Decimal

Number = decimal.Decimal | None

TERMS = "http://terminology.hl7.org/CodeSystem"
STATUS = f"{TERMS}/condition-clinical"
CATEGORIES = ("medication", "food", "environment", "biologic")  # allergy-intolerance-category, FHIR R4
CRITICALITIES = ("high", "low", "unable-to-assess")
LONGEST = 200
# section -> the code that says there is none, and the rest of the resource that says it (IPS 1.1, absent and unknown)
NONE: dict[str, Resource] = {
    "allergies": {"resourceType": "AllergyIntolerance", "code": coding(ABSENT, "no-known-allergies"),
                  "clinicalStatus": coding(f"{TERMS}/allergyintolerance-clinical", "active")},
    "problems": {"resourceType": "Condition", "code": coding(ABSENT, "no-known-problems"),
                 "clinicalStatus": coding(STATUS, "active")},
    "medicines": {"resourceType": "MedicationStatement", "status": "active",
                  "medicationCodeableConcept": coding(ABSENT, "no-known-medications")},
    "immunizations": {"resourceType": "Immunization", "status": "not-done", "occurrenceString": "unknown",
                      "vaccineCode": coding(ABSENT, "no-known-immunizations")},
    "procedures": {"resourceType": "Procedure", "status": "not-done",
                   "code": coding(ABSENT, "no-known-procedures")},
}  # fmt: skip
WHOSE = {"AllergyIntolerance": "patient", "Immunization": "patient"}  # others call them their subject
WHEN = {"AllergyIntolerance": "recordedDate", "Condition": "recordedDate", "MedicationStatement": "dateAsserted",
        "Immunization": "recorded"}  # fmt: skip
WHO = {"AllergyIntolerance": "recorder", "Condition": "recorder", "MedicationStatement": "informationSource"}


class NothingSaid(Invalid):
    """Say what it is."""


class NotYet(Invalid):
    """That day is still to come."""


class NotAnswered(Invalid):
    """Of this it cannot be said that there is none."""


class NoValue(Invalid):
    """Give the value of the result."""


def allergy(text: str, *, category: str = "", criticality: str = "", reaction: str = "") -> Resource:
    """An allergy or intolerance that a person names."""
    return {
        "resourceType": "AllergyIntolerance", "code": _named(text),
        "clinicalStatus": coding(f"{TERMS}/allergyintolerance-clinical", "active"),
        "verificationStatus": coding(f"{TERMS}/allergyintolerance-verification", "confirmed"),
        "category": [category] if category in CATEGORIES else [],
        "criticality": criticality if criticality in CRITICALITIES else "",
        "reaction": [{"manifestation": [{"text": reaction.strip()[:LONGEST]}]}] if reaction.strip() else [],
    }  # fmt: skip


def problem(text: str, *, since: datetime.date | None, past: bool, today: datetime.date) -> Resource:
    """A problem or diagnosis that a person names, which is or is no more."""
    return {
        "resourceType": "Condition", "code": _named(text),
        "clinicalStatus": coding(STATUS, "resolved" if past else "active"),
        "verificationStatus": coding(f"{TERMS}/condition-ver-status", "confirmed"),
        "onsetDateTime": _day(since, today),
    }  # fmt: skip


def medicine(text: str, *, dose: str, since: datetime.date | None, today: datetime.date) -> Resource:
    """A medicine that the patient takes."""
    return {
        "resourceType": "MedicationStatement", "status": "active", "medicationCodeableConcept": _named(text),
        "dosage": [{"text": dose.strip()[:LONGEST]}] if dose.strip() else [],
        "effectivePeriod": {"start": _day(since, today)},
    }  # fmt: skip


def vaccine(text: str, *, day: datetime.date, dose: int | None, lot: str, today: datetime.date) -> Resource:
    """A vaccination that was given."""
    return {
        "resourceType": "Immunization", "status": "completed", "vaccineCode": _named(text),
        "occurrenceDateTime": _day(day, today), "primarySource": True, "lotNumber": lot.strip()[:40],
        "protocolApplied": [{"doseNumberPositiveInt": dose}] if dose else [],
    }  # fmt: skip


def result(
    text: str, *, value: Number, unit: str, words: str, low: Number, high: Number, day: datetime.date,
    today: datetime.date,
) -> Resource:  # fmt: skip
    """A result of the laboratory: a number with its unit, or words. Numbers stand as they were written."""
    said: Resource = {} if value is None else {"valueQuantity": _quantity(value, unit)}
    if not said and not (words := words.strip()[:LONGEST]):
        raise NoValue
    bounds = {"low": low, "high": high} if value is not None else {}
    usual = {name: _quantity(bound, unit) for name, bound in bounds.items() if bound is not None}
    return {
        "resourceType": "Observation", "status": "final", "code": _named(text),
        "category": [coding(f"{TERMS}/observation-category", "laboratory")], "effectiveDateTime": _day(day, today),
        **(said or {"valueString": words}), "referenceRange": [usual] if usual else [],
    }  # fmt: skip


def none(section: str) -> Resource:
    """The statement that there is nothing of a section: somebody asked."""
    if section not in NONE:
        raise NotAnswered
    return dict(NONE[section])


def signed(body: Resource, *, patient: UUID, author: str, at: datetime.datetime) -> Resource:
    """The statement with whose it is, who says it and when."""
    kind = body["resourceType"]
    moment = at.isoformat(timespec="seconds")
    whose, when = WHOSE.get(kind, "subject"), WHEN.get(kind)
    return without_empty({
        **body, whose: reference("Patient", patient), **({when: moment} if when else {}),
        **({WHO[kind]: {"display": author}} if kind in WHO else {}),
        **({"performer": [{"display": author}]} if kind == "Observation" else {}),
    })  # fmt: skip


def _quantity(value: decimal.Decimal, unit: str) -> Resource:
    return {"value": Decimal(str(value)), "unit": unit.strip()[:40]}


def _named(text: str) -> Resource:
    said = " ".join(text.split())[:LONGEST]
    if not said:
        raise NothingSaid
    return {"text": said}


def _day(day: datetime.date | None, today: datetime.date) -> str:
    if day and day > today:
        raise NotYet
    return day.isoformat() if day else ""
