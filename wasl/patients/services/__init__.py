"""What is done with patients."""

from wasl.patients.services.access import break_glass, close_for_care, log_access, open_for_care, present_card
from wasl.patients.services.registration import add_identity, correct_patient, register_patient

__all__ = [
    "add_identity", "break_glass", "close_for_care", "correct_patient", "log_access", "open_for_care", "present_card",
    "register_patient",
]  # fmt: skip
