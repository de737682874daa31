"""Orders and reports as FHIR resources."""

from wasl.radiology.fhir import orders

__all__ = ["orders"]
