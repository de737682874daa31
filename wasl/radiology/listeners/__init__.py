"""What follows from a fact, own or heard from below."""

from wasl.radiology.listeners import (
    agreements,
    comparing,
    conferences,
    deaths,
    double,
    escalation,
    exams,
    expertise,
    followups,
    holding,
    linking,
    messages,
    priors,
    reading,
    regions,
    results,
    review,
    sending,
)

__all__ = [
    "agreements", "comparing", "conferences", "deaths", "double", "escalation", "exams", "expertise", "followups",
    "holding", "linking", "messages", "priors", "reading", "regions", "results", "review", "sending",
]  # fmt: skip
