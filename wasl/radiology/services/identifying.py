"""A person nobody knew is found to be somebody who is known: all that was done goes to that patient, in one act."""

from uuid import UUID

from django.utils import timezone

from wasl.archive import queries as archive
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.models import uuid7
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients
from wasl.radiology.events import IdentificationUndone, OrderCancelled, PatientIdentified
from wasl.radiology.models import Move, Order
from wasl.radiology.rules import linking as rules
from wasl.radiology.rules import ordering
from wasl.radiology.services.moving import carry_back, carry_study, link_of
from wasl.radiology.services.ordering import copy_order, drop_copy, order_to_change, save_state, set_state
from wasl.radiology.services.vetting import carry

CANCELLED = Order.State.CANCELLED


@verb
def identify_patient(unknown: UUID, *, patient: UUID, because: str, by: Actor) -> UUID:
    """Say that an unknown person is a known patient: their studies, orders, readings and reports are that patient's.

    Gives the key by which the act is undone.
    """
    rules.check_link_reason(because)
    person = patients.patient(unknown, viewer=by)
    rules.check_unknown(person.kind, same=patients.patient(patient, viewer=by).id == unknown)
    why, act = because.strip()[:200], uuid7()
    copies: dict[UUID, Order] = {}
    for study in archive.studies_of(unknown, viewer=by).filter(patient=unknown).order_by("uid"):
        standing = link_of(study.id)
        former = order_to_change(standing.order_id, *rules.LINKERS, by=by) if standing else None
        orders = (former, copies.get(former.id) if former else None)
        move = carry_study(standing, study.id, unknown, patient, orders, act=act, because=why, by=by, identified=True)
        if former and move.to_order:
            copies[former.id] = move.to_order
    for order in (
        Order.objects.select_for_update().filter(patient=unknown).exclude(state__in=Order.ENDED).order_by("id")
    ):
        if order.id not in copies:  # nothing was made for it yet
            order_to_change(order.id, *rules.LINKERS, by=by)
            copy = copy_order(order, patient=patient, by=by)
            Move.objects.create(
                study=None, from_patient_id=unknown, to_patient_id=patient, from_order=order,
                to_order=copy, from_state=order.state, to_state=order.state,
                order_made=True, act=act, identified=True, by=str(by), because=why,
            )  # fmt: skip
            copies[order.id] = copy
        carry(order.id, copies[order.id].id, by=by)
        order.state, order.cancelled_because = CANCELLED, ordering.IDENTIFIED
        save_state(order, "cancelled_because")
        emit(OrderCancelled(order=order.id, patient=unknown, place=order.place_id), by=by)
    emit(PatientIdentified(act=act, patient=patient, unknown=unknown, place=by.at), by=by)
    return act


@verb
def undo_identification(act: UUID, *, by: Actor) -> None:
    """Give the unknown person back all that one act carried to a patient."""
    moves = list(Move.objects.select_for_update().filter(act=act).order_by("-created_at", "-id"))
    if not moves:
        raise NotFound
    for key in sorted({move.from_order_id for move in moves if move.from_order_id}):
        order = order_to_change(key, *rules.LINKERS, by=by)
        if (order.state, order.cancelled_because) == (CANCELLED, ordering.IDENTIFIED):
            order.cancelled_because = ""
            set_state(order, Order.State.SENT, by=by)
    for move in moves:
        if move.study_id is None:
            _give_back(move, by)
        else:
            carry_back(move, by=by)
        if move.order_made and move.from_order_id and move.to_order_id:
            carry(move.to_order_id, move.from_order_id, by=by)
    emit(IdentificationUndone(act=act, patient=moves[0].to_patient_id, unknown=moves[0].from_patient_id), by=by)


def _give_back(move: Move, by: Actor) -> None:
    """Undo the copy of an order that no study answers."""
    rules.check_undoable(undone=move.undone_at is not None, later=False, stands=True)
    if move.from_order and move.to_order:
        set_state(order_to_change(move.from_order.id, *rules.LINKERS, by=by), move.from_state, by=by)
        drop_copy(order_to_change(move.to_order.id, *rules.LINKERS, by=by), by=by)
    move.undone_at, move.undone_by = timezone.now(), str(by)
    move.save(update_fields=("undone_at", "undone_by"))
