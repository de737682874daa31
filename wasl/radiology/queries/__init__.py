"""What may be asked about orders, readings and the service as a whole."""

from wasl.radiology.models import Link, Order, Procedure
from wasl.radiology.queries.linking import (
    Suggestion,
    compare,
    expected_order,
    nobodys,
    order_of_study,
    recent_links,
    studies_of_order,
    suggestions,
)
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
    reports_of_orders,
    sees,
    story,
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
from wasl.radiology.queries.worklist import Scheduled, worklist

__all__ = [
    "Link", "Order", "Procedure",  # what the queries return, for the faces to name
    "GROUPS", "SPANS", "STEPS", "Case", "Line", "Question", "Scheduled", "Span", "Suggestion", "cases", "compare",
    "doubles", "every_order", "exam_of", "exams", "expected_order", "nobodys", "order", "order_for_record",
    "order_of_step", "order_of_study", "orders", "orders_of", "procedure", "procedures", "recent_links",
    "reports_of_orders", "sees", "story",
    "studies_of_order", "subject", "suggestions", "target_minutes", "turnaround", "volumes", "worklist",
]  # fmt: skip
