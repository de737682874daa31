"""What may be asked about acts, sessions, scales, money and statements."""

from wasl.contracts.models import (
    Act,
    ClosingRule,
    Dispute,
    Doubt,
    DoubtRule,
    Fee,
    Hold,
    Paper,
    Part,
    Price,
    Scale,
    Session,
    Statement,
    Suspicion,
)
from wasl.contracts.models import (
    Line as StatementLine,
)
from wasl.contracts.queries.acts import Line, acts, lines
from wasl.contracts.queries.doubts import doubt_rules, doubts, doubts_to_clear, in_doubt
from wasl.contracts.queries.evaluation import providers_of
from wasl.contracts.queries.paying import (
    Sum,
    acts_to_decide,
    held,
    held_readings,
    is_invented,
    paid_acts,
    readings_of_session,
    sums,
)
from wasl.contracts.queries.scales import acts_among, is_act, scale, scales
from wasl.contracts.queries.sessions import sessions, sessions_waiting, validated
from wasl.contracts.queries.statements import (
    Comparison,
    closing_days,
    closing_rule,
    compared,
    disputes_of,
    disputes_to_answer,
    lines_of,
    months_to_close,
    paper_of,
    statement,
    statement_of_dispute,
    statements,
    statements_waiting,
)
from wasl.contracts.rules.scales import Kind

__all__ = [
    "Act", "acts", "acts_among", "acts_to_decide", "closing_days", "closing_rule", "ClosingRule", "compared",
    "Comparison", "Dispute", "disputes_of", "disputes_to_answer", "Doubt", "doubt_rules", "DoubtRule", "doubts",
    "doubts_to_clear", "Fee", "held", "held_readings", "Hold", "in_doubt", "is_act", "is_invented", "Kind",
    "Line", "lines", "lines_of", "months_to_close", "paid_acts", "Paper", "paper_of", "Part", "Price", "providers_of",
    "readings_of_session", "Scale", "scale", "scales", "Session", "sessions", "sessions_waiting", "Statement",
    "statement", "statement_of_dispute", "StatementLine", "statements", "statements_waiting", "Sum", "sums",
    "Suspicion", "validated",
]  # fmt: skip
