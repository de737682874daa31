"""What may be asked about patients."""

from wasl.patients.models import (
    Access,
    CareRelationship,
    CivilAct,
    CivilStanding,
    Merge,
    NotSame,
    NumberBlock,
    Patient,
    RecordLink,
    ReviewCase,
    SourceIdentity,
    SourceRecord,
)
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
from wasl.patients.queries.civil import (
    Month,
    act_columns,
    acts_by_month,
    acts_of,
    candidates_of,
    civil_act,
    count_states,
    effective_of,
    has_other_birth,
    settled_acts,
    waiting_acts,
    whose,
)
from wasl.patients.queries.crossing import Known, known_numbers, numbers_of_number
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
from wasl.patients.queries.merging import (
    both_hold_care,
    compared,
    difference,
    differences_of,
    head_of,
    holdings,
    is_known_here,
    is_one_person,
    merge,
    merges_of,
    records_of,
    review,
    reviews,
    same_person,
    splits_of,
    written_since,
)
from wasl.patients.queries.numbers import Block, blocks, numbers_left
from wasl.patients.queries.people import (
    accesses,
    every_patient,
    identities_of,
    looks,
    numbers_of,
    patient,
    patient_for_record,
    patients_for_record,
    relations,
)  # fmt: skip
from wasl.patients.queries.search import (
    LIMIT,
    by_local_number,
    by_number,
    candidates,
    file_by_number,
    said_of_number,
    search,
)
from wasl.patients.rules import name_form  # for doors that ask for names in their own SQL
from wasl.patients.rules.holding import Held, Kept  # what modules say they keep on files

__all__ = [
    "Access", "Block", "COLUMNS", "Candidates", "CareRelationship", "CivilAct", "CivilStanding", "GROUNDS", "Held",
    "Kept", "Known", "LIMIT", "Match", "Matched", "Merge", "Month", "NotSame", "NumberBlock", "Patient", "RecordLink",
    "ReviewCase", "SourceIdentity", "SourceRecord", "accesses", "act_columns", "acts_by_month", "acts_of", "blocks",
    "both_hold_care", "by_local_number", "by_number", "candidates", "candidates_of", "caring_places", "checked_rows",
    "civil_act", "compared", "count_states", "difference", "differences_of", "effective_of", "every_patient",
    "file_by_number", "ground", "grounds_of", "has_other_birth", "head_of", "holdings", "identities_of",
    "is_known_here", "is_one_person", "is_reviewing", "known_numbers", "looks", "match", "match_person",
    "match_records", "merge", "merges_of", "model_mark", "name_form", "numbers_left", "numbers_of",
    "numbers_of_number", "opened", "patient", "patient_for_record", "patients_for_record", "records_of", "relations",
    "require_ground", "review", "reviewed_studies", "reviews", "said_of_number", "same_person", "search",
    "settled_acts", "splits_of", "waiting_acts", "whose", "written_since",
]  # fmt: skip
