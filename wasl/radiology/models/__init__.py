"""Orders, readings, reports, critical results, and the agreements by which hospitals read for one another."""

from wasl.radiology.models.agreements import AgreedExam, Agreement, EndWarning
from wasl.radiology.models.catalogue import Procedure, Side, Target, Urgency
from wasl.radiology.models.comparing import Comparison
from wasl.radiology.models.conferences import Conference, ConferenceCase, ConferenceImage, Invitation, Seat
from wasl.radiology.models.conversation import Remark, RemarkSeen
from wasl.radiology.models.critical import CriticalTarget, Handing, Obligation, PassingRule, WrongCode
from wasl.radiology.models.dispatch import DispatchRule, Effort, Skip
from wasl.radiology.models.display import DisplayCheck, DisplayRule
from wasl.radiology.models.double import DoubleCause, DoubleReading, DoubleRule, Opinion
from wasl.radiology.models.drills import Drill
from wasl.radiology.models.escalation import EscalationRule, EscalationStep, Opening, Outage, Presence
from wasl.radiology.models.expertise import Expertise, ExpertiseTarget
from wasl.radiology.models.finalising import OverRead, Supervision
from wasl.radiology.models.followups import Recommendation
from wasl.radiology.models.orders import Link, Move, Order
from wasl.radiology.models.quality import Reject
from wasl.radiology.models.reading import Reading, Viewing
from wasl.radiology.models.regions import Region
from wasl.radiology.models.repeats import EarlierShown, Validity
from wasl.radiology.models.reporting import Document, KeyImage, Phrase, Report, Template
from wasl.radiology.models.results import Recall, Receipt
from wasl.radiology.models.review import Assessment, LearningCase, Lot, Review, ReviewMonth, ReviewRule
from wasl.radiology.models.vetting import Protocol, Verdict, Vetting, VettingRule, VettingTarget

__all__ = [
    "AgreedExam", "Agreement", "Assessment", "Comparison", "Conference", "ConferenceCase", "ConferenceImage",
    "CriticalTarget", "DispatchRule", "DisplayCheck", "DisplayRule", "Document", "DoubleCause", "DoubleReading",
    "DoubleRule", "Drill", "EarlierShown", "Effort", "EndWarning", "EscalationRule", "EscalationStep", "Expertise",
    "ExpertiseTarget",
    "Handing", "Invitation", "KeyImage", "LearningCase", "Link", "Lot", "Move", "Obligation", "Opening", "Opinion",
    "Order", "Outage", "OverRead", "PassingRule", "Phrase", "Presence", "Procedure", "Protocol", "Reading", "Recall",
    "Receipt", "Recommendation", "Region", "Reject", "Remark", "RemarkSeen", "Report", "Review", "ReviewMonth",
    "ReviewRule", "Seat", "Side", "Skip", "Supervision", "Target", "Template", "Urgency", "Validity", "Verdict",
    "Vetting",
    "VettingRule", "VettingTarget", "Viewing", "WrongCode",
]  # fmt: skip
