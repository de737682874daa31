"""What is done about orders, readings and reports."""

from wasl.radiology.services.exams import perform_exam, start_exam
from wasl.radiology.services.linking import link_study, unlink_study
from wasl.radiology.services.ordering import add_procedure, cancel_order, send_order, set_target

__all__ = [
    "add_procedure", "cancel_order", "link_study", "perform_exam", "send_order", "set_target", "start_exam",
    "unlink_study",
]  # fmt: skip
