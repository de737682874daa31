"""Patients as FHIR resources, and the question who somebody is."""

from wasl.patients.fhir.matching import match
from wasl.patients.fhir.people import LANGUAGE, SYSTEMS, TYPES, patient

__all__ = ["LANGUAGE", "SYSTEMS", "TYPES", "match", "patient"]
