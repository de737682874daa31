"""Who may order, read and report, and what is refused."""

from wasl.radiology.rules import (
    agreements,
    conferences,
    conversation,
    dispatch,
    escalation,
    expertise,
    finalising,
    followups,
    linking,
    ordering,
    quality,
    reading,
    reporting,
    results,
    review,
    vetting,
)

CAN: dict[str, frozenset[str]] = {
    **ordering.CAN, **linking.CAN, **reading.CAN, **reporting.CAN, **results.CAN, **agreements.CAN, **quality.CAN,
    **conversation.CAN, **followups.CAN, **dispatch.CAN, **finalising.CAN, **escalation.CAN,
    **review.CAN,
    **vetting.CAN,
    **expertise.CAN,
    **conferences.CAN,
}  # fmt: skip

__all__ = [
    "CAN",
    "agreements",
    "conferences",
    "conversation",
    "dispatch",
    "escalation",
    "expertise",
    "finalising",
    "followups",
    "linking",
    "ordering",
    "quality",
    "reading",
    "reporting",
    "results",
    "review",
    "vetting",
]  # fmt: skip
