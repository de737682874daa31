"""What is done about orders, readings and reports."""

from wasl.radiology.services.afterwards import enter_order
from wasl.radiology.services.agreements import (
    Terms,
    change_agreement,
    draft_agreement,
    end_agreement,
    read_end_warning,
    sign_agreement,
    tell_of_end,
    warn_of_end,
)
from wasl.radiology.services.comparing import note_comparison
from wasl.radiology.services.conferences import (
    add_case,
    close_conference,
    decide_case,
    join_conference,
    open_conference,
)
from wasl.radiology.services.conversation import log_call, see_remarks, write_remark
from wasl.radiology.services.critical import (
    acknowledge_by_code,
    acknowledge_result,
    hand_over_result,
    pass_up_result,
    raise_critical_result,
    record_communication,
    set_critical_target,
    set_passing_rule,
)
from wasl.radiology.services.deaths import cancel_for_death
from wasl.radiology.services.dispatch import (
    adopt_efforts,
    draft_rule,
    publish_rule,
    set_effort,
    skip_reading,
    take_next_reading,
)
from wasl.radiology.services.display import answer_display_check, begin_display_check, set_display_rule
from wasl.radiology.services.documents import file_document, make_document, try_document, verification_address
from wasl.radiology.services.double import (
    arbitrate_readings,
    claim_double_reading,
    compare_readings,
    give_back_double_reading,
    give_second_reading,
    miss_second_reading,
)
from wasl.radiology.services.double_rules import end_double_rule, set_double_rule
from wasl.radiology.services.drills import Score, keep_drill
from wasl.radiology.services.escalation import (
    Limits,
    acknowledge_step,
    declare_centre_back,
    declare_centre_dark,
    escalate_reading,
    find_centre_back,
    find_centre_dark,
    note_presence,
    pass_on_reading,
    redistribute_readings,
    set_escalation_rule,
)
from wasl.radiology.services.exams import break_off_exam, perform_exam, start_exam
from wasl.radiology.services.expertise import (
    answer_expertise,
    decline_expertise,
    request_expertise,
    set_expertise_target,
    take_expertise,
    withdraw_expertise,
)
from wasl.radiology.services.finalising import begin_over_reading, issue_preliminary, over_read_report, set_supervision
from wasl.radiology.services.followups import (
    close_recommendation,
    dismiss_recommendation,
    open_recommendation,
    reopen_recommendation,
)
from wasl.radiology.services.identifying import identify_patient, undo_identification
from wasl.radiology.services.importing import import_disc
from wasl.radiology.services.linking import link_study, unlink_study
from wasl.radiology.services.merging import follow_images, follow_images_back
from wasl.radiology.services.moving import move_study, undo_move
from wasl.radiology.services.ordering import add_procedure, cancel_order, send_order, set_exam_regions, set_target
from wasl.radiology.services.quality import answer_reject, reject_series, withdraw_reject
from wasl.radiology.services.reading import (
    claim_reading,
    flag_reading,
    hand_back_reading,
    keep_reading,
    open_reading,
    time_out_reading,
    withdraw_reading,
)
from wasl.radiology.services.regions import (
    claim_region,
    hand_back_region,
    hand_in_region,
    keep_region,
    merge_regions,
    release_finding,
    save_region,
    split_reading,
    take_back_regions,
    time_out_region,
)
from wasl.radiology.services.repeats import set_validity, show_earlier_exam, use_earlier_exam
from wasl.radiology.services.reporting import (
    add_phrase,
    add_template,
    begin_addendum,
    mark_key_image,
    save_draft,
    sign_report,
    unmark_key_image,
)
from wasl.radiology.services.results import hand_over_report, read_recall, read_report
from wasl.radiology.services.review import (
    add_to_learning_file,
    answer_review,
    assign_review,
    decline_review,
    draw_review,
    score_review,
    set_review_rule,
    take_review,
)
from wasl.radiology.services.signing import seal
from wasl.radiology.services.vetting import (
    accept_exam,
    add_protocol,
    bypass_vetting,
    change_exam,
    refuse_exam,
    set_vetting_rule,
    set_vetting_target,
    vet_afterwards,
)
from wasl.radiology.services.viewing import state_pixels

__all__ = [
    "accept_exam", "acknowledge_by_code", "acknowledge_result", "acknowledge_step", "add_case", "add_phrase",
    "add_procedure", "add_protocol", "add_template", "add_to_learning_file", "adopt_efforts", "answer_display_check",
    "answer_expertise", "answer_reject", "answer_review", "arbitrate_readings", "assign_review", "begin_addendum",
    "begin_display_check", "begin_over_reading", "break_off_exam", "bypass_vetting", "cancel_for_death", "cancel_order",
    "change_agreement", "change_exam", "claim_double_reading", "claim_reading", "claim_region", "close_conference",
    "close_recommendation", "compare_readings", "decide_case", "declare_centre_back", "declare_centre_dark",
    "decline_expertise", "decline_review", "dismiss_recommendation", "draft_agreement", "draft_rule", "draw_review",
    "end_agreement", "end_double_rule", "enter_order", "escalate_reading", "file_document", "find_centre_back",
    "find_centre_dark", "flag_reading", "follow_images", "follow_images_back", "give_back_double_reading",
    "give_second_reading", "hand_back_reading", "hand_back_region", "hand_in_region", "hand_over_report",
    "hand_over_result", "identify_patient", "import_disc", "issue_preliminary", "join_conference", "keep_drill",
    "keep_reading", "keep_region", "Limits", "link_study", "log_call", "make_document", "mark_key_image",
    "merge_regions", "miss_second_reading", "move_study", "note_comparison", "note_presence", "open_conference",
    "open_reading", "open_recommendation", "over_read_report", "pass_on_reading", "pass_up_result", "perform_exam",
    "publish_rule", "raise_critical_result", "read_end_warning", "read_recall", "read_report", "record_communication",
    "redistribute_readings", "refuse_exam", "reject_series", "release_finding", "reopen_recommendation",
    "request_expertise", "save_draft", "save_region", "Score", "score_review", "seal", "see_remarks", "send_order",
    "set_critical_target", "set_display_rule", "set_double_rule", "set_effort", "set_escalation_rule",
    "set_exam_regions",
    "set_expertise_target", "set_passing_rule", "set_review_rule", "set_supervision", "set_target", "set_validity",
    "set_vetting_rule", "set_vetting_target", "show_earlier_exam", "sign_agreement", "sign_report", "skip_reading",
    "split_reading", "start_exam",
    "state_pixels", "take_back_regions", "take_expertise", "take_next_reading", "take_review", "tell_of_end", "Terms",
    "time_out_reading", "time_out_region", "try_document", "undo_identification", "undo_move", "unlink_study",
    "unmark_key_image", "use_earlier_exam", "verification_address", "vet_afterwards", "warn_of_end",
    "withdraw_expertise",
    "withdraw_reading", "withdraw_reject", "write_remark",
]  # fmt: skip
