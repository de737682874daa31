"""Orders and reports as FHIR resources."""
