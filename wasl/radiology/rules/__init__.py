"""Who may order, read and report, and what is refused."""

from wasl.radiology.rules import (
    agreements,
    comparing,
    conversation,
    dispatch,
    display,
    finalising,
    followups,
    linking,
    ordering,
    quality,
    reading,
    reporting,
    results,
)

CAN: dict[str, frozenset[str]] = {
    **ordering.CAN, **linking.CAN, **reading.CAN, **reporting.CAN, **results.CAN, **agreements.CAN, **quality.CAN,
    **conversation.CAN, **followups.CAN, **dispatch.CAN, **finalising.CAN, **display.CAN,
    **comparing.CAN,
}  # fmt: skip

__all__ = [
    "CAN",
    "agreements", "comparing", "conversation", "dispatch", "display", "finalising", "followups", "linking",
    "ordering", "quality", "reading", "reporting", "results",
]  # fmt: skip
