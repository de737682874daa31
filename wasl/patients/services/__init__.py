"""What is done with patients."""

from wasl.patients.rules.holding import keeps, moves  # for modules that keep something on files, and move it
from wasl.patients.services.access import (
    WRONG_NUMBER,
    break_glass,
    close_for_care,
    close_for_review,
    log_access,
    log_accesses,
    open_for_care,
    open_for_review,
    present_card,
)
from wasl.patients.services.civil import decide_act, follow_register, receive_act, try_acts, undo_act
from wasl.patients.services.duplicates import Replaced, replace_number
from wasl.patients.services.feeding import Heard, receive_record
from wasl.patients.services.indexing import count_rarity, index_patients
from wasl.patients.services.labels import label
from wasl.patients.services.loading import load_patients
from wasl.patients.services.merging import undo_merge, withdraw_difference
from wasl.patients.services.names import (
    add_given_name,
    add_spelling,
    read_names_again,
    relate_names,
    withdraw_spelling,
)
from wasl.patients.services.numbering import remove_number
from wasl.patients.services.numbers import draw_numbers, withdraw_numbers
from wasl.patients.services.quality import count_quality
from wasl.patients.services.records import Saying
from wasl.patients.services.registration import add_identity, correct_patient, register_patient
from wasl.patients.services.reviewing import judge_review, open_review, take_review
from wasl.patients.services.splitting import settle_held, split_record, undo_split
from wasl.patients.services.surviving import Derived, follow_said, rebuild_file, take_value

__all__ = [
    "Derived", "Heard", "Replaced", "Saying", "WRONG_NUMBER", "add_given_name", "add_identity", "add_spelling",
    "break_glass", "close_for_care", "close_for_review", "correct_patient", "count_quality", "count_rarity",
    "decide_act", "draw_numbers", "follow_register", "follow_said", "index_patients", "judge_review", "keeps", "label",
    "load_patients", "log_access", "log_accesses", "moves", "open_for_care", "open_for_review", "open_review",
    "present_card", "read_names_again", "rebuild_file", "receive_act", "receive_record", "register_patient",
    "relate_names", "remove_number", "replace_number", "settle_held", "split_record", "take_review", "take_value",
    "try_acts", "undo_act", "undo_merge", "undo_split", "withdraw_difference", "withdraw_numbers", "withdraw_spelling",
]  # fmt: skip
