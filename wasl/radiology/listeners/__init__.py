"""What follows from a fact, own or heard from below."""

from wasl.radiology.listeners import (
    agreements,
    escalation,
    exams,
    followups,
    linking,
    messages,
    priors,
    reading,
    results,
    review,
    sending,
)

__all__ = [
    "agreements",
    "escalation",
    "exams",
    "followups",
    "linking",
    "messages",
    "priors",
    "reading",
    "results",
    "review",
    "sending",
]  # fmt: skip
