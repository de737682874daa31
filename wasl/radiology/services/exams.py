"""Performing exams: what the radiographer, or the modality itself, says of an order's exam."""

import datetime
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology.events import ExamBrokenOff, ExamPerformed, ExamStarted
from wasl.radiology.models import Order
from wasl.radiology.rules import ordering as rules
from wasl.radiology.rules import vetting
from wasl.radiology.services.ordering import order_to_change, save_state
from wasl.radiology.services.vetting import note_unvetted


@verb
def start_exam(key: UUID, *, by: Actor, at: datetime.datetime | None = None) -> Order:
    """Say that an exam has begun, now or when the modality's clock says (`at`, never in the future)."""
    order = order_to_change(key, "radiographer", by=by)
    _as_if_vetted(order, by=by)
    rules.check_startable(order.state)
    order.state = Order.State.STARTED
    save_state(order)
    emit(ExamStarted(order=order.id, patient=order.patient_id, place=order.place_id), by=by, at=at)
    return order


@verb
def break_off_exam(key: UUID, *, by: Actor, at: datetime.datetime | None = None) -> Order:
    """Say that an exam was broken off; it is still to be made, or the order can be cancelled."""
    order = order_to_change(key, "radiographer", by=by)
    rules.check_breakable(order.state)
    order.state = Order.State.SENT
    save_state(order)
    emit(ExamBrokenOff(order=order.id, patient=order.patient_id, place=order.place_id), by=by, at=at)
    return order


@verb
def perform_exam(key: UUID, *, by: Actor, at: datetime.datetime | None = None) -> Order:
    """Say that an exam is done, now or when the modality's clock says; it leaves the modality worklist."""
    order = order_to_change(key, "radiographer", by=by)
    _as_if_vetted(order, by=by)
    rules.check_performable(order.state)
    order.state = Order.State.PERFORMED
    save_state(order)
    emit(ExamPerformed(order=order.id, patient=order.patient_id, place=order.place_id), by=by, at=at)
    return order


def _as_if_vetted(order: Order, *, by: Actor) -> None:
    """Nobody begins an exam that waits to be vetted; of what a machine has made already, the vetting is owed."""
    if order.state == Order.State.VETTING:
        if not by.is_system:
            raise vetting.NotVetted
        note_unvetted(order)
