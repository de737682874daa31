"""Orders and reports as FHIR resources."""

from wasl.radiology.fhir import orders, reports

__all__ = ["orders", "reports"]
