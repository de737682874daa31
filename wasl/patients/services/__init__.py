"""What is done with patients."""

from wasl.patients.rules.holding import keeps  # for modules that keep something on files
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
from wasl.patients.services.feeding import receive_record
from wasl.patients.services.indexing import count_rarity, index_patients
from wasl.patients.services.loading import load_patients
from wasl.patients.services.merging import undo_merge, withdraw_difference
from wasl.patients.services.quality import count_quality
from wasl.patients.services.records import Saying
from wasl.patients.services.registration import add_identity, correct_patient, register_patient
from wasl.patients.services.reviewing import judge_review, open_review, take_review
from wasl.patients.services.splitting import split_record, undo_split

__all__ = [
    "WRONG_NUMBER", "Saying", "add_identity", "break_glass", "close_for_care", "close_for_review",
    "correct_patient", "count_quality", "count_rarity", "index_patients", "judge_review", "keeps",
    "load_patients", "log_access", "log_accesses", "open_for_care", "open_for_review", "open_review",
    "present_card", "receive_record", "register_patient", "split_record", "take_review", "undo_merge",
    "undo_split", "withdraw_difference",
]  # fmt: skip
