"""Ordering exams: the catalogue, the targets, sending an order and taking it back."""

import datetime
import uuid
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.text import fold
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.radiology import queries
from wasl.radiology.events import (
    ExamPerformed,
    ExamRegionsSet,
    OrderCancelled,
    OrderReopened,
    OrderSent,
    ProcedureAdded,
    TargetSet,
    VettingAsked,
)  # fmt: skip
from wasl.radiology.models import Order, Procedure, Target, Verdict, Vetting
from wasl.radiology.rules import ordering as rules
from wasl.radiology.rules import regions as region_rules
from wasl.radiology.rules import repeats as repeat_rules
from wasl.radiology.rules import safety
from wasl.radiology.services import dated
from wasl.radiology.services.repeats import note_repeated, repeating, take_turn


@verb
def add_procedure(
    *, code: str, names: tuple[str, str, str], modality: str, region: str, region_name: str, by: Actor,
    sided: bool = False, contrast: bool = False, loinc: str = "", questions: tuple[str, ...] = (),
    regions: tuple[str, ...] = (),
) -> Procedure:  # fmt: skip
    """Enter an exam in the catalogue; `names` are Arabic, French, English, `region` is a code of DICOM CID 4.

    `regions` are the body regions into which each reading of such an exam is split as soon as it is opened.
    """
    rules.check_questions(questions)
    rules.check_regions(regions)
    try:
        with transaction.atomic():
            procedure = Procedure.objects.create(
                code=code, name_ar=names[0], name_fr=names[1], name_en=names[2], modality=modality, region=region,
                region_name=region_name, sided=sided, contrast=contrast, loinc=loinc, questions=list(questions),
                regions=_in_order(regions),
                folded=fold(" ".join((code, modality, region_name, *names))),
            )  # fmt: skip
    except IntegrityError as taken:
        raise rules.ProcedureCodeTaken(code=code) from taken
    emit(ProcedureAdded(procedure=procedure.id), by=by)
    return procedure


@verb
def set_exam_regions(key: UUID, *, regions: Collection[str], by: Actor) -> Procedure:
    """Say into which body regions readings of an exam are split as soon as they are opened; none: by hand alone.

    It holds for what is opened afterwards. Said again, nothing is told.
    """
    rules.check_catalogue(by)
    rules.check_regions(regions)
    procedure = Procedure.objects.select_for_update().filter(id=key, active=True).first()
    if procedure is None:
        raise NotFound
    chosen = _in_order(regions)
    if chosen != procedure.regions:
        procedure.regions = chosen
        procedure.save(update_fields=("regions",))
        emit(ExamRegionsSet(procedure=key, regions=tuple(chosen)), by=by)
    return procedure


def _in_order(regions: Collection[str]) -> list[str]:
    return [body for body in region_rules.BODIES if body in regions]


@verb
def set_target(urgency: str, *, minutes: int, since: datetime.date, by: Actor) -> Target:
    """Set in how many minutes exams of an urgency class are to be reported from a date on; what held before stays."""
    rules.check_urgency(urgency)
    target = dated.begin(
        Target.objects.filter(urgency=urgency), since=since, urgency=urgency, minutes=minutes,
        check=lambda current: rules.check_target(since=since, current=current),
        overtaken=rules.TargetNotLater(since=since.isoformat()),
    )  # fmt: skip
    emit(TargetSet(target=target.id, urgency=urgency, minutes=minutes), by=by)
    return target


@verb
def send_order(
    *, patient: UUID, place: UUID, procedure: UUID, urgency: str, question: str, answers: Mapping[str, str], by: Actor,
    side: str = "", scheduled_for: datetime.datetime | None = None, repeat_because: str = "", repeat_note: str = "",
) -> Order:  # fmt: skip
    """Order an exam at a place where `by` asks for exams; it is on the modality worklist when this returns.

    Where a rule has such exams vetted first, it is only once a radiologist has accepted it. Ordering needs
    a ground on the patient's record, and opens it for care to the place that asks. Where an earlier exam stands for
    this one, `repeat_because` says why it is not enough (decision 78).
    """
    return write_order(
        patient=patient, place=place, procedure=procedure, urgency=urgency, question=question, answers=answers, by=by,
        side=side, scheduled_for=scheduled_for, repeat_because=repeat_because, repeat_note=repeat_note,
    )  # fmt: skip


def write_order(
    *, patient: UUID, place: UUID, procedure: UUID, urgency: str, question: str, answers: Mapping[str, str], by: Actor,
    side: str, scheduled_for: datetime.datetime | None, repeat_because: str, repeat_note: str,
    at: datetime.datetime | None = None,
) -> Order:  # fmt: skip
    """Check an order and write it; part of a verb. `at` is when it was asked for, if that was told later."""
    if not by.holds("requester", place) or by.id is None:
        raise rules.NotYourHospital
    patients.require_ground(patient, viewer=by)
    exam = queries.procedure(procedure, viewer=by)
    if not exam.active:
        raise rules.NotOnOffer
    asks, subject = queries.exam_of(exam, viewer=by), queries.subject(patient, viewer=by)
    given, vital, moment = safety.kept(asks, subject, answers), urgency == "P0", scheduled_for or timezone.now()
    take_turn(patient, by=by)
    found = queries.earlier_exams(patient, procedure=exam, side=side, at=moment, made=at is not None, viewer=by)
    earlier = next(iter(found), None)
    wrong = {}
    if earlier and not vital:
        wrong = repeat_rules.wrong_reason(Order.Because.values, because=repeat_because, note=repeat_note)
    rules.check_complete(
        asks, subject, urgency=urgency, question=question, side=side, answers=given, today=timezone.localdate(),
        wrong_repeat=wrong,
    )  # fmt: skip
    vetted = queries.needs_vetting(exam, place=place, on=timezone.localdate(), viewer=by)
    order = _insert(
        patient, place, by, at=at, requester_id=by.id, procedure=exam, side=side, urgency=urgency,
        question=question.strip(), answers=given, scheduled_for=moment,
        state=Order.State.VETTING if vetted else Order.State.SENT,
        **repeating(earlier, vital=vital, because=repeat_because, note=repeat_note),
    )  # fmt: skip
    note_repeated(order, by=by)
    if vetted:
        _ask_vetting(order, by=by)
    return order


def _ask_vetting(order: Order, *, by: Actor) -> None:
    """Let an order's exam wait until it is vetted; its clock runs from now on."""
    minutes = queries.vetting_minutes(order.urgency, on=timezone.localdate(), viewer=by)
    due = None if minutes is None else order.created_at + datetime.timedelta(minutes=minutes)
    vetting = Vetting.objects.create(order=order, asked=order.procedure, due_at=due)
    asked = VettingAsked(
        order=order.id, vetting=vetting.id, patient=order.patient_id, place=order.place_id, due_at=due
    )  # fmt: skip
    emit(asked, by=by)


def copy_order(order: Order, *, patient: UUID, by: Actor) -> Order:
    """An order written again for another patient, as far on its way as it is; part of a verb."""
    names = ("requester_id", "procedure_id", "side", "urgency", "question", "scheduled_for", "state")
    # what was answered about one person's safety is not true of another
    values = {name: getattr(order, name) for name in names}
    if order.state == Order.State.VETTING:  # which goes with the order, or stays (services.vetting.carry)
        values["state"] = Order.State.SENT
    return _insert(patient, order.place_id, by, answers={}, **values)


def drop_copy(order: Order, *, by: Actor) -> None:
    """Cancel an order that a move had made, because the move was undone; part of a verb."""
    order.state, order.cancelled_because = Order.State.CANCELLED, rules.MOVED_BACK
    save_state(order, "cancelled_because")
    patients_services.close_for_care(source=order.id, by=by)
    emit(OrderCancelled(order=order.id, patient=order.patient_id, place=order.place_id), by=by)


def set_state(order: Order, state: str, *, by: Actor) -> None:
    """Put a locked order as far on its way as its images and its vetting say now; part of a verb."""
    state = as_vetted(order, state)
    if order.state == state:
        return
    order.state = state
    save_state(order, "cancelled_because")
    fact = ExamPerformed if state == Order.State.PERFORMED else OrderReopened
    emit(fact(order=order.id, patient=order.patient_id, place=order.place_id), by=by)


def as_vetted(order: Order, state: str) -> str:
    """The state of an order that is to be made, or to be vetted first, by what its vetting says."""
    if state not in (Order.State.SENT, Order.State.VETTING):
        return state
    vetting = Vetting.objects.filter(order=order).first()
    if vetting is None:
        return Order.State.SENT
    said = Verdict.objects.filter(vetting=vetting).exclude(kind__in=Verdict.AFTERWARDS).first()
    if said is None:
        return Order.State.VETTING
    return Order.State.REFUSED if said.kind == Verdict.Kind.REFUSED else Order.State.SENT


def _insert(
    patient: UUID, place: UUID, by: Actor, at: datetime.datetime | None = None, **values: Any  # noqa: ANN401  fields
) -> Order:  # fmt: skip
    order = Order.objects.create(
        accession=_next_accession(), study_uid=f"2.25.{uuid.uuid4().int}", patient_id=patient, place_id=place, **values
    )
    exam = order.procedure
    until = order.scheduled_for + datetime.timedelta(days=rules.DAYS_OF_CARE)
    patients_services.open_for_care(patient, place=place, source=order.id, because=OrderSent.name(), until=until, by=by)
    sent = OrderSent(
        order=order.id, patient=patient, place=place, procedure=exam.code, modality=exam.modality,
        urgency=order.urgency,
    )  # fmt: skip
    emit(sent, by=by, at=at)
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
