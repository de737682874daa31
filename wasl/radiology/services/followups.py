"""Follow-up: a signed report's recommended exam waits until it is made, or a doctor says why not."""

import datetime
from uuid import UUID

from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries
from wasl.radiology.events import (
    RecommendationClosed,
    RecommendationDismissed,
    RecommendationOpened,
    RecommendationReopened,
)
from wasl.radiology.models import Order, Procedure, Recommendation
from wasl.radiology.rules import followups as rules
from wasl.radiology.services.results import signed

State = Recommendation.State


@verb
def open_recommendation(key: UUID, *, by: Actor) -> Recommendation | None:
    """Let the exam that a signed report recommends wait for its time; None when it recommends none."""
    report = signed(key)
    follow_up, reading = report.follow_up, report.reading
    if follow_up is None:
        return None
    key_of_exam = rules.exam_of(follow_up)
    exam = Procedure.objects.filter(id=key_of_exam).first() if key_of_exam else None
    row, made = Recommendation.objects.get_or_create(
        report=report,
        defaults={
            "patient_id": reading.patient_id, "place_id": reading.place_id, "procedure": exam,
            "modality": exam.modality if exam else follow_up["what"], "body": follow_up["body"],
            "reason": follow_up["reason"], "due_on": queries.follow_up_due(report, viewer=by),
        },
    )  # fmt: skip
    if made:
        emit(RecommendationOpened(recommendation=row.id, **_about(row)), by=by)
    return row


@verb
def close_recommendation(key: UUID, *, order: UUID, at: datetime.datetime, by: Actor) -> Recommendation:
    """Say that a recommended exam was made at a moment, by the order of an equivalent one; what is settled stays."""
    row = _locked(key)
    made = Order.objects.select_related("procedure").get(id=order)
    if row.state == State.OPEN and queries.fulfils(row, made, at=at, viewer=by):
        row.state, row.settled_at, row.order = State.DONE, timezone.now(), made
        row.save(update_fields=("state", "settled_at", "order"))
        emit(RecommendationClosed(recommendation=key, order=order, **_about(row)), by=by)
    return row


@verb
def reopen_recommendation(key: UUID, *, order: UUID, by: Actor) -> Recommendation:
    """Let a recommended exam wait again, when the one that was made turned out to be another's; told twice, once."""
    row = _locked(key)
    if row.state == State.DONE and row.order_id == order:
        row.state, row.settled_at, row.order = State.OPEN, None, None
        row.save(update_fields=("state", "settled_at", "order"))
        emit(RecommendationReopened(recommendation=key, order=order, **_about(row)), by=by)
    return row


@verb
def dismiss_recommendation(key: UUID, *, because: str, by: Actor) -> Recommendation:
    """Say why a recommended exam is not made; for a doctor of the hospital that asked."""
    row = _locked(key)
    there = row.place_id in by.places(*rules.CLINICIANS)
    rules.check_dismissal(state=row.state, works_there=there, because=because)
    row.state, row.settled_at, row.dismissed_by_id = State.DISMISSED, timezone.now(), by.id
    row.because = because.strip()[:300]
    row.save(update_fields=("state", "settled_at", "dismissed_by", "because"))
    emit(RecommendationDismissed(recommendation=key, **_about(row)), by=by)
    return row


def _locked(key: UUID) -> Recommendation:
    row = Recommendation.objects.select_for_update().filter(id=key).first()
    if row is None:
        raise NotFound
    return row


def _about(row: Recommendation) -> dict[str, UUID]:
    return {"report": row.report_id, "patient": row.patient_id, "place": row.place_id}
