"""Results: a signed report is laid before the doctor who asked; who had one that was withdrawn says so."""

from uuid import UUID

from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology.events import RecallRead, ReportHandedOver, ReportRead
from wasl.radiology.models import Recall, Receipt, Report
from wasl.radiology.rules import reporting as reporting_rules


@verb
def hand_over_report(key: UUID, *, by: Actor) -> Receipt:
    """Lay a signed report, or an addendum, before the doctor who asked; told twice, it lies there once."""
    report = signed(key)
    receipt, made = Receipt.objects.get_or_create(report=report, person_id=report.reading.order.requester_id)
    if made:
        emit(ReportHandedOver(receipt=receipt.id, **about(report)), by=by)
    return receipt


@verb
def read_report(key: UUID, *, by: Actor) -> Receipt | None:
    """Note that the doctor before whom a report lies has opened it; of other readers the access log alone speaks."""
    receipt = Receipt.objects.select_for_update().filter(report=key, person=by.id).first()
    if receipt and receipt.read_at is None:
        receipt.read_at = timezone.now()
        receipt.save(update_fields=("read_at",))
        emit(ReportRead(receipt=receipt.id, **about(signed(key))), by=by)
    return receipt


@verb
def read_recall(key: UUID, *, by: Actor) -> Recall:
    """Say that one knows that a report which one had was withdrawn."""
    recall = Recall.objects.select_for_update().select_related("reading").filter(id=key, person=by.id).first()
    if recall is None:
        raise NotFound
    if recall.read_at is None:
        recall.read_at = timezone.now()
        recall.save(update_fields=("read_at",))
        reading = recall.reading
        fact = RecallRead(recall=key, reading=reading.id, patient=reading.patient_id, place=reading.place_id)
        emit(fact, by=by)
    return recall


def signed(key: UUID) -> Report:
    """A report that is signed, with its order."""
    report = Report.objects.select_related("reading__order").filter(id=key).first()
    if report is None:
        raise NotFound
    if report.state not in Report.ISSUED:
        raise reporting_rules.NotSigned
    return report


def about(report: Report) -> dict[str, UUID]:
    """What a fact says of the report that it is about."""
    reading = report.reading
    return {"report": report.id, "order": reading.order_id, "patient": reading.patient_id, "place": reading.place_id}
