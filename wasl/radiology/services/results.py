"""Results: a signed report is laid before the doctor who asked; a critical one must be acknowledged."""

import datetime
from uuid import UUID

from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries
from wasl.radiology.events import (
    CriticalResultAcknowledged,
    CriticalResultRaised,
    CriticalTargetSet,
    ReportHandedOver,
    ReportRead,
)  # fmt: skip
from wasl.radiology.models import CriticalTarget, Obligation, Receipt, Report
from wasl.radiology.rules import reporting as reporting_rules
from wasl.radiology.rules import results as rules


@verb
def set_critical_target(*, minutes: int, since: datetime.date, by: Actor) -> CriticalTarget:
    """Set in how many minutes critical results are to be acknowledged from a date on; what held before stays known."""
    current = CriticalTarget.objects.select_for_update().filter(period__upper_inf=True).first()
    rules.check_critical_target(since=since, current=current.period.lower if current else None)
    if current:
        current.period = DateRange(current.period.lower, since)
        current.save(update_fields=("period",))
    target = CriticalTarget.objects.create(minutes=minutes, period=DateRange(since, None))
    emit(CriticalTargetSet(target=target.id, minutes=minutes), by=by)
    return target


@verb
def hand_over_report(key: UUID, *, by: Actor) -> Receipt:
    """Lay a signed report, or an addendum, before the doctor who asked; told twice, it lies there once."""
    report = _signed(key)
    receipt, made = Receipt.objects.get_or_create(report=report, person_id=report.reading.order.requester_id)
    if made:
        emit(ReportHandedOver(receipt=receipt.id, **_about(report)), by=by)
    return receipt


@verb
def raise_critical_result(key: UUID, *, by: Actor) -> Obligation:
    """Ask the requesting doctor, and with them their hospital, to acknowledge a critical result before a deadline."""
    report = _signed(key)
    signed_at = report.signed_at or report.saved_at
    minutes = queries.critical_minutes(on=signed_at, viewer=by)
    obligation, made = Obligation.objects.get_or_create(
        report=report,
        defaults={
            "holder_id": report.reading.order.requester_id, "place_id": report.reading.place_id,
            "what": report.critical_what, "due_at": signed_at + datetime.timedelta(minutes=minutes),
        },
    )  # fmt: skip
    if made:
        emit(CriticalResultRaised(obligation=obligation.id, **_about(report)), by=by)
    return obligation


@verb
def read_report(key: UUID, *, by: Actor) -> Receipt | None:
    """Note that the doctor before whom a report lies has opened it; of other readers the access log alone speaks."""
    receipt = Receipt.objects.select_for_update().filter(report=key, person=by.id).first()
    if receipt and receipt.read_at is None:
        receipt.read_at = timezone.now()
        receipt.save(update_fields=("read_at",))
        emit(ReportRead(receipt=receipt.id, **_about(_signed(key))), by=by)
    return receipt


@verb
def acknowledge_result(key: UUID, *, by: Actor) -> Obligation:
    """Acknowledge the critical result of a report: the doctor who asked, or a clinician of the same hospital."""
    obligation = Obligation.objects.select_for_update().filter(report=key).first()
    if obligation is None or (
        obligation.place_id not in by.places(*rules.CLINICIANS) and by.id != obligation.holder_id
    ):
        raise rules.NotYourResult
    if obligation.acknowledged_at is not None:
        raise rules.AlreadyAcknowledged(reader=obligation.acknowledged_by)
    obligation.acknowledged_at = timezone.now()
    obligation.acknowledged_by_id = by.id
    obligation.save(update_fields=("acknowledged_at", "acknowledged_by"))
    emit(CriticalResultAcknowledged(obligation=obligation.id, **_about(_signed(key))), by=by)
    return obligation


def _signed(key: UUID) -> Report:
    report = Report.objects.select_related("reading__order").filter(id=key).first()
    if report is None:
        raise NotFound
    if report.state != Report.State.SIGNED:
        raise reporting_rules.NotSigned
    return report


def _about(report: Report) -> dict[str, UUID]:
    reading = report.reading
    return {"report": report.id, "order": reading.order_id, "patient": reading.patient_id, "place": reading.place_id}
