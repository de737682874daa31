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
from wasl.radiology.queries.reading import (
    is_in_study,
    orders_to_read,
    reading,
    readings,
    readings_of_study,
    signed_readings,
    silent_readings,
)
from wasl.radiology.queries.reports import (
    Verified,
    chain,
    digest_of,
    document,
    draft_of,
    key_images,
    phrases,
    report,
    reports_of,
    templates,
    verified,
)
from wasl.radiology.queries.results import critical_minutes, results, waiting_results
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
    "GROUPS", "SPANS", "STEPS", "Case", "Line", "Question", "Span", "Verified", "cases", "chain", "critical_minutes",
    "digest_of", "document", "doubles", "draft_of", "every_order", "exam_of", "exams", "is_in_study", "key_images",
    "order", "order_for_record", "order_of_step", "orders", "orders_of", "orders_to_read", "phrases", "procedure",
    "procedures", "reading", "readings", "readings_of_study", "report", "reports_of", "results", "sees",
    "signed_readings", "silent_readings", "subject", "target_minutes", "templates", "turnaround", "verified",
    "volumes", "waiting_results",
]  # fmt: skip
