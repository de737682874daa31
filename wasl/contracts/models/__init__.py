"""Acts counted once, the sessions they are done in, the scale they are paid by, and the money that is owed for them."""

from wasl.contracts.models.acts import Act, Part
from wasl.contracts.models.doubts import Doubt, DoubtRule, Suspicion
from wasl.contracts.models.paying import Account, Entry, Fee, Hold, Posting
from wasl.contracts.models.scales import Hours, Price, Scale
from wasl.contracts.models.sessions import Mode, Session
from wasl.contracts.models.statements import Closing, ClosingRule, Dispute, Line, Paper, Statement

__all__ = [
    "Account", "Act", "Closing", "ClosingRule", "Dispute", "Doubt", "DoubtRule", "Entry", "Fee", "Hold", "Hours",
    "Line", "Mode", "Paper", "Part", "Posting", "Price", "Scale", "Session", "Statement", "Suspicion",
]  # fmt: skip
