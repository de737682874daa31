"""What may be asked about orders, readings and the service as a whole."""

from wasl.radiology.queries.orders import (
    doubles,
    every_order,
    exam_of,
    exams,
    order,
    order_for_record,
    order_of_step,
    orders,
    orders_of,
    procedure,
    procedures,
    sees,
    subject,
    target_minutes,
)
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

__all__ = [
    "GROUPS", "SPANS", "STEPS", "Case", "Line", "Question", "Span", "cases", "doubles", "every_order", "exam_of",
    "exams", "order", "order_for_record", "order_of_step", "orders", "orders_of", "procedure", "procedures", "sees",
    "subject", "target_minutes", "turnaround", "volumes",
]  # fmt: skip
