"""What is done with patients."""

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
from wasl.patients.services.records import Saying
from wasl.patients.services.registration import add_identity, correct_patient, register_patient

__all__ = [
    "WRONG_NUMBER", "Saying", "add_identity", "break_glass", "close_for_care", "close_for_review", "correct_patient",
    "count_rarity", "index_patients", "load_patients", "log_access", "log_accesses", "open_for_care",
    "open_for_review", "present_card", "receive_record", "register_patient",
]  # fmt: skip
