"""What may be asked about patients."""

from wasl.patients.models import Access, CareRelationship, Patient, RecordLink, SourceIdentity, SourceRecord
from wasl.patients.queries.access import (
    GROUNDS,
    caring_places,
    ground,
    grounds_of,
    is_reviewing,
    opened,
    require_ground,
    reviewed_studies,
)
from wasl.patients.queries.matching import (
    COLUMNS,
    Candidates,
    Match,
    Matched,
    checked_rows,
    match,
    match_person,
    match_records,
    model_mark,
)  # fmt: skip
from wasl.patients.queries.people import (
    accesses,
    every_patient,
    identities_of,
    looks,
    numbers_of,
    patient,
    patient_for_record,
    relations,
)  # fmt: skip
from wasl.patients.queries.search import LIMIT, by_local_number, by_number, candidates, search
from wasl.patients.rules import name_form  # for doors that ask for names in their own SQL

__all__ = [
    "COLUMNS", "GROUNDS", "LIMIT", "Access", "Candidates", "CareRelationship", "Match", "Matched", "Patient",
    "RecordLink", "SourceIdentity", "SourceRecord", "accesses", "by_local_number", "by_number", "candidates",
    "caring_places", "checked_rows", "every_patient", "ground", "grounds_of", "identities_of", "is_reviewing", "looks",
    "match",    "match_person", "match_records", "model_mark", "name_form", "numbers_of", "opened", "patient",
    "patient_for_record", "relations", "require_ground", "reviewed_studies", "search",
]  # fmt: skip
