"""What may be asked about orders, readings and the service as a whole."""

from wasl.radiology.models import Document, Link, Order, Procedure, Reading, Receipt, Report
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
    every_report,
    key_images,
    phrases,
    report,
    report_for_record,
    reports_of,
    signed_content,
    signed_report_of,
    templates,
    verified,
)
from wasl.radiology.queries.results import critical_minutes, obligation_of, receipts_of, results, waiting_results
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
    "GROUPS", "SPANS", "STEPS", "Case", "Document", "Line", "Link", "Order", "Procedure", "Question", "Reading",
    "Receipt", "Report", "Scheduled", "Span", "Suggestion", "Verified", "cases", "chain", "compare",
    "critical_minutes", "digest_of", "document", "doubles", "draft_of", "every_order", "every_report", "exam_of",
    "exams", "expected_order", "is_in_study", "key_images", "nobodys", "obligation_of", "order", "order_for_record",
    "order_of_step", "order_of_study", "orders", "orders_of", "orders_to_read", "phrases", "procedure", "procedures",
    "reading", "readings", "readings_of_study", "receipts_of", "recent_links", "report", "report_for_record",
    "reports_of", "reports_of_orders", "results", "sees", "signed_content", "signed_readings",
    "signed_report_of", "silent_readings", "story", "studies_of_order", "subject", "suggestions", "target_minutes",
    "templates", "turnaround", "verified", "volumes", "waiting_results", "worklist",
]  # fmt: skip
