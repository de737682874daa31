"""What may be asked about results: the inbox of the doctor who asked, and the critical ones of a hospital."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When

from wasl.kernel.access import Actor
from wasl.radiology.models import Receipt
from wasl.radiology.rules import results as rules

UNACKNOWLEDGED = Q(report__obligation__isnull=False, report__obligation__acknowledged_at__isnull=True)


def _visible_receipts(viewer: Actor) -> QuerySet[Receipt]:
    """One's own results, and whatever critical one that one holds or one's hospital owes, until somebody answers."""
    if viewer.id is None or not viewer.held:
        return Receipt.objects.none()
    held = Q(report__obligation__holder=viewer.id) | Q(report__obligation__place__in=viewer.places(*rules.CLINICIANS))
    rows = Receipt.objects.filter(Q(person=viewer.id) | (UNACKNOWLEDGED & held))
    # a preliminary report that is final by now lies there no more, unless somebody must still acknowledge it
    rows = rows.exclude(report__reading__state="withdrawn").filter(Q(report__final__isnull=True) | UNACKNOWLEDGED)
    # nor does a finding that was told before its report, once that is signed
    return rows.filter(~Q(report__state="partial", report__reading__state="signed") | UNACKNOWLEDGED)


def results(*, viewer: Actor, kind: str = "") -> QuerySet[Receipt]:
    """The results that lie before the viewer: `critical` ones, the most pressing first, `unread` ones, the newest."""
    rank = Case(
        When(UNACKNOWLEDGED, then=Value(0)),
        When(read_at__isnull=True, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    rows = _visible_receipts(viewer).select_related(
        "report__reading__order__procedure",
        "report__author",
        "report__obligation__holder",
        "report__reading__place",
        "report__drafted_by",
    )
    rows = rows.filter(UNACKNOWLEDGED) if kind == "critical" else rows
    rows = rows.filter(person=viewer.id, read_at__isnull=True) if kind == "unread" else rows
    pressing = Case(When(UNACKNOWLEDGED, then=F("report__obligation__due_at")))
    return rows.annotate(rank=rank).order_by("rank", pressing, "-report__signed_at", "id")


def waiting_results(*, viewer: Actor) -> int:
    """How many results wait for the viewer, unread or unacknowledged."""
    return _visible_receipts(viewer).filter(UNACKNOWLEDGED | Q(person=viewer.id, read_at__isnull=True)).count()


def receipts_of(reports: Iterable[UUID], *, viewer: Actor) -> list[Receipt]:
    """Before whom reports lie that the viewer has already been given, and when they were read."""
    rows = Receipt.objects.select_related("person").filter(report__in=list(reports))
    return list(rows.order_by("created_at")) if viewer.held else []
