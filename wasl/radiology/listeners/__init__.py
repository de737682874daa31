"""What follows from a fact, own or heard from below."""

from wasl.radiology.listeners import (
    agreements,
    comparing,
    exams,
    followups,
    linking,
    messages,
    priors,
    reading,
    results,
    sending,
)

__all__ = [
    "agreements",
    "comparing",
    "exams",
    "followups",
    "linking",
    "messages",
    "priors",
    "reading",
    "results",
    "sending",
]
