"""What may be asked about results: the inbox of the doctor who asked, and the critical ones of a hospital."""

import datetime
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.radiology.models import CriticalTarget, Obligation, Receipt
from wasl.radiology.rules import results as rules

UNACKNOWLEDGED = Q(report__obligation__isnull=False, report__obligation__acknowledged_at__isnull=True)


def _visible_receipts(viewer: Actor) -> QuerySet[Receipt]:
    """One's own results, and whatever critical one of one's hospital nobody has acknowledged yet."""
    if viewer.id is None or not viewer.held:
        return Receipt.objects.none()
    ours = UNACKNOWLEDGED & Q(report__obligation__place__in=viewer.places(*rules.CLINICIANS))
    return Receipt.objects.filter(Q(person=viewer.id) | ours).exclude(report__reading__state="withdrawn")


def results(*, viewer: Actor, kind: str = "") -> QuerySet[Receipt]:
    """The results that lie before the viewer: `critical` ones not acknowledged, then `unread` ones, then the newest."""
    rank = Case(
        When(UNACKNOWLEDGED, then=Value(0)),
        When(read_at__isnull=True, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    rows = _visible_receipts(viewer).select_related(
        "report__reading__order__procedure", "report__author", "report__obligation", "report__reading__place"
    )
    rows = rows.filter(UNACKNOWLEDGED) if kind == "critical" else rows
    rows = rows.filter(person=viewer.id, read_at__isnull=True) if kind == "unread" else rows
    return rows.annotate(rank=rank).order_by("rank", "-report__signed_at", "id")


def waiting_results(*, viewer: Actor) -> int:
    """How many results wait for the viewer, unread or unacknowledged."""
    return _visible_receipts(viewer).filter(UNACKNOWLEDGED | Q(person=viewer.id, read_at__isnull=True)).count()


def obligation_of(report: UUID, *, viewer: Actor) -> Obligation | None:
    """What is owed for a report that the viewer has already been given."""
    return Obligation.objects.select_related("acknowledged_by").filter(report=report).first() if viewer.held else None


def receipts_of(reports: Iterable[UUID], *, viewer: Actor) -> list[Receipt]:
    """Before whom reports lie that the viewer has already been given, and when they were read."""
    rows = Receipt.objects.select_related("person").filter(report__in=list(reports))
    return list(rows.order_by("created_at")) if viewer.held else []


def critical_minutes(*, on: datetime.datetime, viewer: Actor) -> int:
    """In how many minutes a critical result is to be acknowledged, by the deadline in force at a moment."""
    dated = CriticalTarget.objects.filter(period__contains=timezone.localdate(on)).first()
    return dated.minutes if dated else rules.HOUSE_MINUTES
