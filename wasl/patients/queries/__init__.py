"""What may be asked about patients."""

from wasl.patients.models import Access, CareRelationship, Patient, SourceIdentity
from wasl.patients.queries.access import ground, opened, require_ground
from wasl.patients.queries.people import (
    accesses,
    every_patient,
    identities_of,
    numbers_of,
    patient,
    patient_for_record,
    relations,
)  # fmt: skip
from wasl.patients.queries.search import LIMIT, by_local_number, by_number, candidates, doubles, search

__all__ = [
    "LIMIT", "Access", "CareRelationship", "Patient", "SourceIdentity",  # for the faces to name what they get
    "accesses", "by_local_number", "by_number", "candidates", "doubles", "every_patient", "ground", "identities_of",
    "numbers_of", "opened", "patient", "patient_for_record", "relations", "require_ground", "search",
]  # fmt: skip
