"""What follows from a fact, own or heard from below."""

from wasl.radiology.listeners import (
    agreements,
    conferences,
    exams,
    expertise,
    followups,
    linking,
    messages,
    priors,
    reading,
    results,
    sending,
)

__all__ = [
    "agreements", "conferences", "exams", "expertise", "followups", "linking", "messages", "priors", "reading",
    "results", "sending",
]  # fmt: skip
