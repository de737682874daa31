"""Patients as FHIR resources; who somebody is, by which numbers they are known, and what hospitals say of them."""

from wasl.patients.fhir.crossing import cross_reference
from wasl.patients.fhir.feeding import remove, take
from wasl.patients.fhir.matching import match
from wasl.patients.fhir.people import LANGUAGE, SYSTEMS, TYPES, patient

__all__ = ["LANGUAGE", "SYSTEMS", "TYPES", "cross_reference", "match", "patient", "remove", "take"]
