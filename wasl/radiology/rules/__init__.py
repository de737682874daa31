"""Who may order, read and report, and what is refused."""

from wasl.radiology.rules import (
    agreements,
    comparing,
    conferences,
    conversation,
    dispatch,
    display,
    double,
    drills,
    escalation,
    expertise,
    finalising,
    followups,
    linking,
    ordering,
    quality,
    reading,
    regions,
    repeats,
    reporting,
    results,
    review,
    shown,
    vetting,
)

CAN: dict[str, frozenset[str]] = {
    **ordering.CAN, **linking.CAN, **reading.CAN, **reporting.CAN, **results.CAN, **agreements.CAN, **quality.CAN,
    **conversation.CAN, **followups.CAN, **dispatch.CAN, **finalising.CAN, **escalation.CAN,
    **review.CAN,
    **vetting.CAN,
    **expertise.CAN,
    **conferences.CAN,
    **display.CAN,
    **double.CAN,
    **comparing.CAN,
    **regions.CAN,
    **drills.CAN,
    **repeats.CAN,
}  # fmt: skip

__all__ = [
    "agreements", "CAN", "comparing", "conferences", "conversation", "dispatch", "display", "double", "drills",
    "escalation", "expertise", "finalising", "followups", "linking", "ordering", "quality", "reading", "regions",
    "repeats", "reporting", "results", "review", "shown", "vetting",
]  # fmt: skip
