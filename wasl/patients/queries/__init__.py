"""What may be asked about patients."""

from wasl.patients.models import (
    Access,
    CareRelationship,
    CivilAct,
    CivilStanding,
    KnownName,
    Merge,
    NotSame,
    NumberBlock,
    Patient,
    QualityCount,
    QualityMonth,
    RecordLink,
    ReviewCase,
    SourceIdentity,
    SourceRecord,
    Split,
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
    Linkage,
    Match,
    Matched,
    Records,
    checked_rows,
    is_theirs,
    linkage,
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
    settled_of,
    split,
    splits_of,
    written_between,
    written_since,
)
from wasl.patients.queries.names import (
    Entry,
    edits_at,
    given_name,
    given_names,
    name_versions,
    name_words,
    read_newest,
    spelling,
    unread_versions,
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
from wasl.patients.queries.quality import (
    pairs_behind,
    quality_counts,
    quality_months,
    quality_months_known,
    quality_of,
    quality_places,
    records_behind,
)
from wasl.patients.queries.search import (
    LIMIT,
    by_local_number,
    by_number,
    candidates,
    file_by_number,
    said_of_number,
    search,
)
from wasl.patients.queries.surviving import Otherwise, every_file, said_otherwise, spoken_of, taken_of
from wasl.patients.rules import name_form  # for doors that ask for names in their own SQL
from wasl.patients.rules.holding import Held, Kept, Moves, keepers, movers  # what modules say they keep on files

__all__ = [
    "Access", "Block", "COLUMNS", "Candidates", "CareRelationship", "CivilAct", "CivilStanding", "Entry", "GROUNDS",
    "Held", "Kept", "Known", "KnownName", "LIMIT", "Linkage", "Match", "Matched", "Merge", "Month", "Moves", "NotSame",
    "NumberBlock", "Otherwise", "Patient", "QualityCount", "QualityMonth", "RecordLink", "Records", "ReviewCase",
    "SourceIdentity", "SourceRecord", "Split", "accesses", "act_columns", "acts_by_month", "acts_of", "blocks",
    "both_hold_care", "by_local_number", "by_number", "candidates", "candidates_of", "caring_places", "checked_rows",
    "civil_act", "compared", "count_states", "difference", "differences_of", "edits_at", "effective_of", "every_file",
    "every_patient", "file_by_number", "given_name", "given_names", "ground", "grounds_of", "has_other_birth",
    "head_of", "holdings", "identities_of", "is_known_here", "is_one_person", "is_reviewing", "is_theirs", "keepers",
    "known_numbers", "linkage", "looks", "match", "match_person", "match_records", "merge", "merges_of", "model_mark",
    "movers", "name_form", "name_versions", "name_words", "numbers_left", "numbers_of", "numbers_of_number", "opened",
    "pairs_behind", "patient", "patient_for_record", "patients_for_record", "quality_counts", "quality_months",
    "quality_months_known", "quality_of", "quality_places", "read_newest", "records_behind", "records_of", "relations",
    "require_ground", "review", "reviewed_studies", "reviews", "said_of_number", "said_otherwise", "same_person",
    "search", "settled_acts", "settled_of", "spelling", "split", "splits_of", "spoken_of", "taken_of",
    "unread_versions", "waiting_acts", "whose", "written_between", "written_since",
]  # fmt: skip
