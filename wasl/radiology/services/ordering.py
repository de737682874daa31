"""Ordering exams: the catalogue, the targets, sending an order and taking it back."""

import datetime
import uuid
from collections.abc import Mapping
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.text import fold
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.radiology import queries
from wasl.radiology.events import OrderCancelled, OrderSent, ProcedureAdded, TargetSet
from wasl.radiology.models import Order, Procedure, Target
from wasl.radiology.rules import ordering as rules
from wasl.radiology.rules import safety


@verb
def add_procedure(
    *, code: str, names: tuple[str, str, str], modality: str, region: str, region_name: str, by: Actor,
    sided: bool = False, contrast: bool = False, loinc: str = "", questions: tuple[str, ...] = (),
) -> Procedure:  # fmt: skip
    """Enter an exam in the catalogue; `names` are Arabic, French, English, `region` is a code of DICOM CID 4."""
    rules.check_questions(questions)
    try:
        with transaction.atomic():
            procedure = Procedure.objects.create(
                code=code, name_ar=names[0], name_fr=names[1], name_en=names[2], modality=modality, region=region,
                region_name=region_name, sided=sided, contrast=contrast, loinc=loinc, questions=list(questions),
                folded=fold(" ".join((code, modality, region_name, *names))),
            )  # fmt: skip
    except IntegrityError as taken:
        raise rules.ProcedureCodeTaken(code=code) from taken
    emit(ProcedureAdded(procedure=procedure.id), by=by)
    return procedure


@verb
def set_target(urgency: str, *, minutes: int, since: datetime.date, by: Actor) -> Target:
    """Set in how many minutes exams of an urgency class are to be reported from a date on; what held before stays."""
    rules.check_urgency(urgency)
    current = Target.objects.select_for_update().filter(urgency=urgency, period__upper_inf=True).first()
    rules.check_target(since=since, current=current.period.lower if current else None)
    if current:
        current.period = DateRange(current.period.lower, since)
        current.save(update_fields=("period",))
    try:
        with transaction.atomic():
            target = Target.objects.create(urgency=urgency, minutes=minutes, period=DateRange(since, None))
    except IntegrityError as other:
        raise rules.TargetNotLater(since=since.isoformat()) from other
    emit(TargetSet(target=target.id, urgency=urgency, minutes=minutes), by=by)
    return target


@verb
def send_order(
    *, patient: UUID, place: UUID, procedure: UUID, urgency: str, question: str, answers: Mapping[str, str], by: Actor,
    side: str = "", scheduled_for: datetime.datetime | None = None,
) -> Order:  # fmt: skip
    """Order an exam at a place where `by` asks for exams; it is on the modality worklist when this returns.

    Ordering needs a ground on the patient's record, and opens it for care to the place that asks.
    """
    if not by.holds("requester", place) or by.id is None:
        raise rules.NotYourHospital
    patients.require_ground(patient, viewer=by)
    exam = queries.procedure(procedure, viewer=by)
    if not exam.active:
        raise rules.NotOnOffer
    asks, subject = queries.exam_of(exam, viewer=by), queries.subject(patient, viewer=by)
    given = safety.kept(asks, subject, answers)
    rules.check_complete(
        asks, subject, urgency=urgency, question=question, side=side, answers=given, today=timezone.localdate()
    )
    order = Order.objects.create(
        accession=_next_accession(), study_uid=f"2.25.{uuid.uuid4().int}", patient_id=patient, place_id=place,
        requester_id=by.id, procedure=exam, side=side, urgency=urgency, question=question.strip(), answers=given,
        scheduled_for=scheduled_for or timezone.now(),
    )  # fmt: skip
    until = order.scheduled_for + datetime.timedelta(days=rules.DAYS_OF_CARE)
    patients_services.open_for_care(patient, place=place, source=order.id, because=OrderSent.name(), until=until, by=by)
    emit(
        OrderSent(
            order=order.id, patient=patient, place=place, procedure=exam.code, modality=exam.modality, urgency=urgency
        ),
        by=by,
    )
    return order


@verb
def cancel_order(key: UUID, *, because: str, by: Actor) -> Order:
    """Take back an order whose exam has not begun, with a reason; it leaves the modality worklist."""
    order = order_to_change(key, "requester", "radiographer", "chief", by=by)
    rules.check_cancellable(order.state, because)
    order.state = Order.State.CANCELLED
    order.cancelled_because = because.strip()[:300]
    save_state(order, "cancelled_because")
    emit(OrderCancelled(order=order.id, patient=order.patient_id, place=order.place_id), by=by)
    return order


def order_to_change(key: UUID, *roles: str, by: Actor) -> Order:
    """The order, locked for this transaction, when `by` holds one of the roles at its place or is Wasl itself."""
    order = Order.objects.select_for_update().filter(id=key).first()
    if order is None or not (by.is_system or queries.sees(order, viewer=by)):
        raise NotFound
    if not by.is_system and not any(by.holds(role, order.place_id) for role in roles):
        raise rules.NotYourHospital
    return order


def save_state(order: Order, *fields: str) -> None:
    """Save the state of an order, and these fields, as its next version."""
    order.version += 1
    order.save(update_fields=("state", "version", *fields))


def _next_accession() -> str:
    with connection.cursor() as cursor:
        cursor.execute("select nextval('radiology_accession')")
        return rules.accession(cursor.fetchone()[0])
