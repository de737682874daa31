"""Orders that were written on paper while Wasl could not be reached, of exams that were made meanwhile."""

import datetime
from collections.abc import Mapping
from uuid import UUID

from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology.events import ExamPerformed
from wasl.radiology.models import Order
from wasl.radiology.rules import ordering as rules
from wasl.radiology.services.ordering import save_state, write_order
from wasl.radiology.services.vetting import note_unvetted


@verb
def enter_order(
    *, patient: UUID, place: UUID, procedure: UUID, urgency: str, question: str, answers: Mapping[str, str],
    made_at: datetime.datetime, by: Actor, side: str = "", repeat_because: str = "", repeat_note: str = "",
) -> Order:  # fmt: skip
    """Enter an order of an exam that was made already, and when; no modality is asked to make it again.

    It was asked for by the time it was made, at the latest. Its images find it, or it finds them (decision 58).
    """
    rules.check_made(made_at, now=timezone.now())
    order = write_order(
        patient=patient, place=place, procedure=procedure, urgency=urgency, question=question, answers=answers, by=by,
        side=side, scheduled_for=made_at, at=made_at, repeat_because=repeat_because, repeat_note=repeat_note,
    )  # fmt: skip
    if order.state == Order.State.VETTING:
        note_unvetted(order)
    order.state = Order.State.PERFORMED
    save_state(order)
    emit(ExamPerformed(order=order.id, patient=order.patient_id, place=order.place_id), by=by, at=made_at)
    return order
