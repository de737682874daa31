"""Reading: cases are opened, claimed by one reader at a time, kept alive, handed back, timed out, withdrawn."""

import datetime
from typing import cast
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import services as patients
from wasl.radiology import queries
from wasl.radiology.events import (
    ReadingClaimed,
    ReadingFlagged,
    ReadingHandedBack,
    ReadingOpened,
    ReadingTimedOut,
    ReadingWithdrawn,
)  # fmt: skip
from wasl.radiology.models import Link, Reading, Report
from wasl.radiology.rules import reading as rules
from wasl.workforce import queries as workforce

State = Reading.State


@verb
def open_reading(order: UUID, *, study: UUID, by: Actor) -> Reading:
    """Offer a complete study to the readers of its hospital; told twice, it is one reading.

    Its clock runs from the moment of completeness, for the target of its urgency on that day.
    """
    link = (
        Link.objects.select_related("order__procedure", "study")
        .filter(order=order, study=study, undone_at__isnull=True)
        .first()
    )
    if link is None:
        raise rules.NotLinked
    complete_at = link.study.complete_at
    if complete_at is None:
        raise rules.NotComplete
    asked = link.order
    minutes = queries.target_minutes(asked.urgency, on=complete_at)
    try:
        with transaction.atomic():
            reading = Reading.objects.create(
                order=asked, study_id=study, patient_id=asked.patient_id, place_id=asked.place_id,
                modality=asked.procedure.modality, urgency=asked.urgency,
                due_at=complete_at + datetime.timedelta(minutes=minutes),
            )  # fmt: skip
    except IntegrityError:
        return Reading.objects.exclude(state=State.WITHDRAWN).get(order=order, study=study)
    opened = ReadingOpened(
        reading=reading.id, order=order, study=study, patient=reading.patient_id, place=reading.place_id,
        urgency=reading.urgency, due_at=reading.due_at,
    )  # fmt: skip
    emit(opened, by=by)
    return reading


@verb
def flag_reading(key: UUID, *, by: Actor) -> Reading:
    """Tell the reader that more images came after the study was taken for complete; the case stays where it is."""
    reading = locked_reading(key)
    reading.more_at = timezone.now()
    reading.save(update_fields=("more_at",))
    emit(ReadingFlagged(reading=key, **_about(reading)), by=by)
    return reading


@verb
def withdraw_reading(key: UUID, *, by: Actor) -> Reading:
    """Withdraw a case whose study no longer answers its order; a report signed already is kept, and marked as wrong."""
    reading = locked_reading(key)
    if reading.state == State.WITHDRAWN:
        return reading
    reading.state = State.WITHDRAWN
    reading.claimed_until = None
    reading.save(update_fields=("state", "claimed_until"))
    patients.close_for_care(source=key, by=by)
    signed = Report.objects.filter(reading=reading, state=Report.State.SIGNED, adds_to__isnull=True).first()
    emit(ReadingWithdrawn(reading=key, report=signed.id if signed else None, **_about(reading)), by=by)
    return reading


@verb
def claim_reading(key: UUID, *, by: Actor) -> Reading:
    """Take a case to read; of two readers at once exactly one has it. The patient's record opens to the reader."""
    reading = locked_reading(key)
    rules.check_claimable(reading.state)
    person = rules.reader(by)
    if not workforce.serves(person, place=reading.place_id, modality=reading.modality, viewer=by):
        raise rules.NotYourHospitals
    if rules.is_held(reading.state, reading.claimed_until, timezone.now()):
        if reading.claimed_by_id == person:
            return _keep(reading)
        raise rules.AlreadyClaimed(reader=reading.claimed_by)
    if reading.state == State.CLAIMED:  # silent for too long, and the clock's job has not come by yet
        _let_go(reading, ReadingTimedOut, by=by)
    reading.state = State.CLAIMED
    reading.claimed_by_id = person
    _keep(reading)
    patients.open_for_care(reading.patient_id, person=person, source=key, because=ReadingClaimed.name(), by=by)
    emit(ReadingClaimed(reading=key, reader=person, **_about(reading)), by=by)
    return reading


@verb
def keep_reading(key: UUID, *, by: Actor) -> Reading:
    """Give a sign of life of the reader at work; no fact, for nothing happened."""
    reading = locked_reading(key)
    rules.check_mine(reading.state, reading.claimed_by_id, by.id)
    return _keep(reading)


@verb
def hand_back_reading(key: UUID, *, by: Actor) -> Reading:
    """Give a case back to the worklist, with its draft."""
    reading = locked_reading(key)
    rules.check_mine(reading.state, reading.claimed_by_id, by.id)
    _let_go(reading, ReadingHandedBack, by=by)
    return reading


@verb
def time_out_reading(key: UUID, *, by: Actor) -> Reading:
    """Give a case back to the worklist, with its draft, when its reader gave no sign of life for too long."""
    reading = locked_reading(key)
    if reading.state == State.CLAIMED and not rules.is_held(reading.state, reading.claimed_until, timezone.now()):
        _let_go(reading, ReadingTimedOut, by=by)
    return reading


def locked_reading(key: UUID) -> Reading:
    """The reading, locked for this transaction."""
    reading = Reading.objects.select_for_update().filter(id=key).first()
    if reading is None:
        raise NotFound
    return reading


def _keep(reading: Reading) -> Reading:
    reading.claimed_until = timezone.now() + datetime.timedelta(minutes=rules.CLAIM_MINUTES)
    reading.save(update_fields=("state", "claimed_by", "claimed_until"))
    return reading


def _let_go(reading: Reading, fact: type[ReadingHandedBack] | type[ReadingTimedOut], *, by: Actor) -> None:
    told = fact(reading=reading.id, reader=cast(UUID, reading.claimed_by_id), **_about(reading))
    reading.state = State.WAITING
    reading.claimed_by = reading.claimed_until = None
    reading.save(update_fields=("state", "claimed_by", "claimed_until"))
    patients.close_for_care(source=reading.id, by=by)
    emit(told, by=by)


def _about(reading: Reading) -> dict[str, UUID]:
    return {"order": reading.order_id, "patient": reading.patient_id, "place": reading.place_id}
