"""What is done about orders, readings and reports."""

from wasl.radiology.services.documents import file_document, make_document, verification_address
from wasl.radiology.services.exams import break_off_exam, perform_exam, start_exam
from wasl.radiology.services.linking import link_study, unlink_study
from wasl.radiology.services.ordering import add_procedure, cancel_order, send_order, set_target
from wasl.radiology.services.reading import (
    claim_reading,
    flag_reading,
    hand_back_reading,
    keep_reading,
    open_reading,
    time_out_reading,
    withdraw_reading,
)
from wasl.radiology.services.reporting import (
    add_phrase,
    add_template,
    begin_addendum,
    mark_key_image,
    save_draft,
    sign_report,
    unmark_key_image,
)
from wasl.radiology.services.results import (
    acknowledge_result,
    hand_over_report,
    raise_critical_result,
    read_report,
    set_critical_target,
)

__all__ = [
    "acknowledge_result", "add_phrase", "add_procedure", "add_template", "begin_addendum", "break_off_exam",
    "cancel_order",
    "claim_reading", "file_document", "flag_reading", "hand_back_reading", "hand_over_report", "keep_reading",
    "link_study", "make_document", "mark_key_image", "open_reading", "perform_exam", "raise_critical_result",
    "read_report", "save_draft", "send_order", "set_critical_target", "set_target", "sign_report", "start_exam",
    "time_out_reading", "unlink_study", "unmark_key_image", "verification_address", "withdraw_reading",
]  # fmt: skip
