"""FHIR's edge: the R4 interface of the shared record."""
