"""What may be asked about orders, readings and the service as a whole."""

from wasl.radiology.queries.turnaround import (
    GROUPS,
    SPANS,
    STEPS,
    Case,
    Line,
    Question,
    Span,
    cases,
    turnaround,
    volumes,
)

__all__ = ["GROUPS", "SPANS", "STEPS", "Case", "Line", "Question", "Span", "cases", "turnaround", "volumes"]
