"""What is done about acts, sessions, scales, money and statements."""

from wasl.contracts.services.acts import count_act, count_expertise, count_opinion
from wasl.contracts.services.disputes import accept_dispute, dispute_line, keep_line, settle_dispute
from wasl.contracts.services.doubts import clear_doubt, doubt_act, end_doubt_rule, set_doubt_rule
from wasl.contracts.services.papers import print_statement
from wasl.contracts.services.paying import refuse_act, release_act, settle_act
from wasl.contracts.services.scales import discard_scale, draft_scale, publish_scale
from wasl.contracts.services.sessions import (
    cancel_session,
    declare_session,
    refuse_session,
    validate_session,
    withdraw_session,
)
from wasl.contracts.services.statements import close_month, confirm_statement, set_closing_rule

__all__ = [
    "accept_dispute", "cancel_session", "clear_doubt", "close_month", "confirm_statement", "count_act",
    "count_expertise", "count_opinion",
    "declare_session", "discard_scale", "dispute_line", "doubt_act", "draft_scale", "end_doubt_rule", "keep_line",
    "print_statement", "publish_scale", "refuse_act", "refuse_session", "release_act", "set_closing_rule",
    "set_doubt_rule", "settle_act", "settle_dispute", "validate_session", "withdraw_session",
]  # fmt: skip
