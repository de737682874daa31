"""Tele-expertise: asked of another hospital, taken by one expert, answered under signature, declined, withdrawn."""

import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients_queries
from wasl.patients import services as patients
from wasl.radiology import queries
from wasl.radiology.events import (
    ExpertiseAnswered,
    ExpertiseDeclined,
    ExpertiseRequested,
    ExpertiseTaken,
    ExpertiseTargetSet,
    ExpertiseWithdrawn,
)
from wasl.radiology.models import Expertise, ExpertiseTarget, Link, Urgency
from wasl.radiology.rules import expertise as rules
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.services import dated

State = Expertise.State


@verb
def request_expertise(
    order: UUID, *, place: UUID, expert_place: UUID, question: str, urgency: str, by: Actor, expert: UUID | None = None,
    study: UUID | None = None,
) -> Expertise:  # fmt: skip
    """Ask another hospital, or one doctor there, for an opinion on the images of an order; on a ground.

    `study` is one of the order's, the latest when none is named. The clock runs from now, where a time was set.
    """
    found = queries.order(order, viewer=by)
    patients_queries.require_ground(found.patient_id, viewer=by)
    asked = rules.question(question)
    rules.check_urgency(urgency, Urgency.values)
    doctors = queries.doctors_at(expert_place, viewer=SYSTEM)
    rules.check_asked(place=place, expert_place=expert_place, expert=expert, doctors=doctors, by=by)
    links = Link.objects.filter(order=found, undone_at__isnull=True).order_by("-created_at")
    link = (links.filter(study=study) if study else links).first()
    if link is None:
        raise rules.ExpertiseWithoutImages
    now = timezone.now()
    minutes = queries.expertise_minutes(urgency, on=timezone.localdate(now), viewer=by)
    due_at = now + datetime.timedelta(minutes=minutes) if minutes else None
    try:
        with transaction.atomic():
            row = Expertise.objects.create(
                order=found, study_id=link.study_id, place_id=place, asker_id=reading_rules.reader(by), question=asked,
                urgency=urgency, created_at=now, due_at=due_at, expert_place_id=expert_place, expert_asked_id=expert,
            )  # fmt: skip
    except IntegrityError as twice:
        raise rules.ExpertiseAlreadyAsked from twice
    told = ExpertiseRequested(
        **_about(row), expert_place=expert_place, expert_asked=expert, urgency=urgency, due_at=due_at
    )
    emit(told, by=by)
    return row


@verb
def take_expertise(key: UUID, *, by: Actor) -> Expertise:
    """Take a question to answer it; of two experts at once exactly one has it. The record opens to the expert."""
    row, person = _asked(key, by=by)
    if row.state == State.TAKEN:
        if row.expert_id == person:
            return row
        raise rules.ExpertiseTakenAlready(expert=row.expert)
    row.state, row.expert_id, row.taken_at = State.TAKEN, person, timezone.now()
    row.save(update_fields=("state", "expert", "taken_at"))
    patient, because = row.order.patient_id, ExpertiseTaken.name()
    patients.open_for_care(patient, person=person, source=row.id, because=because, by=by)
    emit(ExpertiseTaken(**_about(row), expert=person), by=by)
    return row


@verb
def answer_expertise(key: UUID, *, text: str, by: Actor) -> Expertise:
    """Sign the answer to a question that one took; from now on nobody can change it. The record stays open to one."""
    said = rules.answer(text)
    row, person = _asked(key, by=by)
    if row.state != State.TAKEN or row.expert_id != person:
        raise rules.NotYourExpertise
    row.answer = said
    row.state, row.ended_at = State.ANSWERED, timezone.now()
    row.digest = queries.digest_of_expertise(row, viewer=by)
    row.save(update_fields=("answer", "state", "ended_at", "digest"))
    told = ExpertiseAnswered(**_about(row), expert=person, expert_place=row.expert_place_id, digest=row.digest)
    emit(told, by=by)
    return row


@verb
def decline_expertise(key: UUID, *, because: str, by: Actor) -> Expertise:
    """Say why one gives no opinion; who asked may ask another. The record closes to who had taken it."""
    why = rules.reason(because)
    row, person = _asked(key, by=by)
    if row.state == State.TAKEN and row.expert_id != person:
        raise rules.ExpertiseTakenAlready(expert=row.expert)
    _end(row, State.DECLINED, why, by=by)
    emit(ExpertiseDeclined(**_about(row), expert_place=row.expert_place_id), by=by)
    return row


@verb
def withdraw_expertise(key: UUID, *, because: str, by: Actor) -> Expertise:
    """Take a question back before it is answered, and say why; the record closes to who had taken it."""
    why = rules.reason(because)
    row = _locked(key, by=by)
    if not by.is_system and row.place_id not in by.places(*rules.DOCTORS):
        raise rules.NotYourQuestion
    rules.check_open(row.state)
    _end(row, State.WITHDRAWN, why, by=by)
    told = ExpertiseWithdrawn(**_about(row), expert_place=row.expert_place_id, expert=row.expert_id)
    emit(told, by=by)
    return row


@verb
def set_expertise_target(urgency: str, *, minutes: int, since: datetime.date, by: Actor) -> ExpertiseTarget:
    """Set in how many minutes opinions of a class are to be answered from a date on; what held before stays known."""
    rules.check_urgency(urgency, Urgency.values)
    target = dated.begin(
        ExpertiseTarget.objects.filter(urgency=urgency), since=since, urgency=urgency, minutes=minutes,
        check=lambda current: rules.check_target(minutes, since=since, current=current),
        overtaken=rules.ExpertiseTargetNotLater(since=since.isoformat()),
    )  # fmt: skip
    emit(ExpertiseTargetSet(target=target.id, urgency=urgency, minutes=minutes), by=by)
    return target


def _locked(key: UUID, *, by: Actor) -> Expertise:
    """An expertise that `by` sees, locked for this transaction."""
    queries.expertise(key, viewer=by)
    rows = Expertise.objects.select_related("order__procedure", "study", "expert")
    row = rows.select_for_update(of=("self",)).filter(id=key).first()
    if row is None:
        raise NotFound
    return row


def _asked(key: UUID, *, by: Actor) -> tuple[Expertise, UUID]:
    """An open expertise that `by` may take, answer or decline, locked, and who that is."""
    row = _locked(key, by=by)
    rules.check_expert(expert_place=row.expert_place_id, expert_asked=row.expert_asked_id, by=by)
    rules.check_open(row.state)
    return row, reading_rules.reader(by)


def _end(row: Expertise, state: State, why: str, *, by: Actor) -> None:
    row.state, row.because, row.ended_at = state, why, timezone.now()
    row.save(update_fields=("state", "because", "ended_at"))
    patients.close_for_care(source=row.id, by=by)


def _about(row: Expertise) -> dict[str, UUID]:
    return {
        "expertise": row.id, "order": row.order_id, "patient": row.order.patient_id, "place": row.place_id
    }  # fmt: skip
