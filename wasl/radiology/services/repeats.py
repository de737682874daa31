"""Repeated exams: for how long an exam stands for another, and what a doctor does who is shown an earlier one."""

import datetime
from typing import Any, cast
from uuid import UUID

from django.db import connection
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients
from wasl.radiology import queries
from wasl.radiology.events import EarlierExamShown, EarlierExamUsed, ExamRepeated, ValiditySet
from wasl.radiology.models import EarlierShown, Order, Procedure, Validity
from wasl.radiology.rules import ordering as ordering_rules
from wasl.radiology.rules import repeats as rules
from wasl.radiology.services import dated

# two doctors who order the same exam at once: the second one is told of the first one's
TURN = "select pg_advisory_xact_lock(hashtextextended('radiology.order:' || p, 0)) from unnest(%s::text[]) p"
Outcome = EarlierShown.Outcome


@verb
def set_validity(
    modality: str, *, days: int, owner: str, since: datetime.date, by: Actor, region: str = ""
) -> Validity:  # fmt: skip
    """Say for how many days exams of a modality, or of one of its regions, stand for another, from a day on."""
    ordering_rules.check_catalogue(by)
    exams = Procedure.objects.filter(active=True, modality=modality)
    rules.check_validity(days, owner, known=(exams.filter(region=region) if region else exams).exists())
    validity = dated.begin(
        Validity.objects.filter(modality=modality, region=region), since=since, modality=modality, region=region,
        days=days, owner=owner.strip()[:120], check=lambda current: rules.check_later(since=since, current=current),
        overtaken=rules.ValidityNotLater(since=since.isoformat()),
    )  # fmt: skip
    emit(ValiditySet(validity=validity.id, modality=modality, region=region, days=days), by=by)
    return validity


@verb
def show_earlier_exam(
    patient: UUID, *, procedure: UUID, place: UUID, by: Actor, side: str = "", at: datetime.datetime | None = None
) -> list[Order]:  # fmt: skip
    """The earlier exams that stand for the one a doctor chose; that they were shown is counted, once a day."""
    exam = _asked(patient, procedure, place, by=by)
    found = queries.earlier_exams(patient, procedure=exam, side=side, at=at or timezone.now(), viewer=by)
    if found:
        _shown(patient, exam, place, found[0], by=by)
    return found


@verb
def use_earlier_exam(
    patient: UUID, *, procedure: UUID, place: UUID, by: Actor, side: str = "", at: datetime.datetime | None = None
) -> Order:  # fmt: skip
    """Use the latest exam that stands for the one chosen; none is ordered. Said again, nothing is told."""
    exam = _asked(patient, procedure, place, by=by)
    take_turn(patient, by=by)
    found = queries.earlier_exams(patient, procedure=exam, side=side, at=at or timezone.now(), viewer=by)
    # what one ordered oneself today stands for it too, and is not what was shown
    shown = queries.shown_today(patient, procedure=procedure, viewer=by)
    mine = shown.ordered if shown else None
    rules.check_usable(stands=bool(found), ordered=mine is not None and mine.state not in Order.ENDED)
    shown = _shown(patient, exam, place, found[0], by=by)
    if shown.outcome != Outcome.USED:
        shown.outcome, shown.ordered, shown.earlier = Outcome.USED, None, found[0]
        shown.save(update_fields=("outcome", "ordered", "earlier"))
        emit(EarlierExamUsed(shown=shown.id, earlier=found[0].id, patient=patient, place=place), by=by)
    return found[0]


def _asked(patient: UUID, procedure: UUID, place: UUID, *, by: Actor) -> Procedure:
    """The exam chosen, by who may order it there for this patient."""
    if not by.holds("requester", place) or by.id is None:
        raise ordering_rules.NotYourHospital
    patients.require_ground(patient, viewer=by)
    return queries.procedure(procedure, viewer=by)


def _shown(patient: UUID, exam: Procedure, place: UUID, earlier: Order, *, by: Actor) -> EarlierShown:
    """The row of this doctor, patient, exam and day, locked; made where there is none."""
    shown, made = EarlierShown.objects.select_for_update().get_or_create(
        person_id=cast(UUID, by.id), patient_id=patient, procedure=exam, day=timezone.localdate(),
        defaults={"place_id": place, "earlier": earlier},
    )  # fmt: skip
    if made:
        emit(EarlierExamShown(shown=shown.id, earlier=earlier.id, patient=patient, place=place), by=by)
    return shown


def take_turn(patient: UUID, *, by: Actor) -> None:
    """Order exams of one person one after the other, in this transaction; part of a verb."""
    with connection.cursor() as cursor:
        cursor.execute(TURN, [sorted(map(str, patients.same_person(patient, viewer=by)))])


def repeating(earlier: Order | None, *, vital: bool, because: str, note: str) -> dict[str, Any]:
    """What an order says of the exam it repeats; part of a verb. A reason for what is no repeat is not kept."""
    if earlier is None:
        return {}
    reason = Order.Because.VITAL if vital else because
    return {"repeats": earlier, "repeat_because": reason, "repeat_note": "" if vital else note.strip()[:300]}


def note_repeated(order: Order, *, by: Actor) -> None:
    """Count an order that repeats an earlier exam, and tell of it; part of a verb."""
    if order.repeats is None:
        return
    shown = _shown(order.patient_id, order.procedure, order.place_id, order.repeats, by=by)
    if shown.ordered is None or shown.ordered.state in Order.ENDED:
        shown.outcome, shown.ordered, shown.earlier = Outcome.ORDERED, order, order.repeats
        shown.save(update_fields=("outcome", "ordered", "earlier"))
    told = ExamRepeated(
        order=order.id, patient=order.patient_id, place=order.place_id, repeats=order.repeats.id,
        because=order.repeat_because,
    )  # fmt: skip
    emit(told, by=by)
