"""Orders, readings, reports, critical results, and the agreements by which hospitals read for one another."""

from wasl.radiology.models.agreements import AgreedExam, Agreement, EndWarning
from wasl.radiology.models.catalogue import Procedure, Side, Target, Urgency
from wasl.radiology.models.comparing import Comparison
from wasl.radiology.models.conversation import Remark, RemarkSeen
from wasl.radiology.models.critical import CriticalTarget, Handing, Obligation, PassingRule, WrongCode
from wasl.radiology.models.dispatch import DispatchRule, Effort, Skip
from wasl.radiology.models.display import DisplayCheck, DisplayRule
from wasl.radiology.models.finalising import OverRead, Supervision
from wasl.radiology.models.followups import Recommendation
from wasl.radiology.models.orders import Link, Move, Order
from wasl.radiology.models.quality import Reject
from wasl.radiology.models.reading import Reading, Viewing
from wasl.radiology.models.reporting import Document, KeyImage, Phrase, Report, Template
from wasl.radiology.models.results import Recall, Receipt

__all__ = [
    "AgreedExam", "Agreement", "Comparison", "CriticalTarget", "DispatchRule", "DisplayCheck", "DisplayRule",
    "Document", "Effort", "EndWarning", "Handing", "KeyImage", "Link", "Move", "Obligation", "Order", "OverRead",
    "PassingRule", "Phrase", "Procedure", "Reading", "Recall", "Receipt", "Recommendation", "Reject", "Remark",
    "RemarkSeen", "Report", "Side", "Skip", "Supervision", "Target", "Template", "Urgency", "Viewing", "WrongCode",
]  # fmt: skip
