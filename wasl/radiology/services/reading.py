"""Reading: cases are opened, claimed by one reader at a time, kept alive, handed back, timed out, withdrawn."""

import datetime
from typing import cast
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
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
    ReadingReinstated,
    ReadingTimedOut,
    ReadingWithdrawn,
    ReportRecalled,
)  # fmt: skip
from wasl.radiology.models import Link, Reading, Recall, Report
from wasl.radiology.rules import finalising
from wasl.radiology.rules import reading as rules
from wasl.radiology.rules.dispatch import Proposal
from wasl.radiology.services.seen import see

State = Reading.State


@verb
def open_reading(order: UUID, *, study: UUID, by: Actor) -> Reading:
    """Offer a complete study to the readers of its hospital; told twice, it is one reading.

    Its clock runs from when the study is complete here and somebody asks for it (decision 58), for the response time
    that an agreement in force then promises, else for the country's target of its urgency on that day.
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
    if former := withdrawn_reading(asked.id, study):
        return reinstate(former, by=by)
    begins = max(complete_at, asked.created_at)
    minutes = queries.agreed_minutes(asked, at=begins) or queries.target_minutes(asked.urgency, on=begins)
    try:
        with transaction.atomic():
            reading = Reading.objects.create(
                order=asked, study_id=study, patient_id=asked.patient_id, place_id=asked.place_id,
                modality=asked.procedure.modality, urgency=asked.urgency,
                due_at=begins + datetime.timedelta(minutes=minutes),
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
    if reading.state != State.WITHDRAWN:
        withdraw(reading, by=by)
    return reading


def withdraw(reading: Reading, *, by: Actor) -> None:
    """Withdraw a locked reading; everybody who had its signed report is told."""
    reading.state = State.WITHDRAWN
    reading.claimed_until = None
    reading.save(update_fields=("state", "claimed_until"))
    for source in (reading.id, *reading.regions.values_list("id", flat=True)):
        patients.close_for_care(source=source, by=by)
    signed = signed_of(reading)
    emit(ReadingWithdrawn(reading=reading.id, report=signed.id if signed else None, **_about(reading)), by=by)
    if Report.objects.filter(reading=reading, state__in=Report.ISSUED).exists():
        _recall(reading, by=by)


def withdrawn_reading(order: UUID, study: UUID) -> Reading | None:
    """The reading of a study for an order that was withdrawn last, locked; None while one is in force."""
    rows = Reading.objects.select_for_update().filter(order=order, study=study)
    if rows.exclude(state=State.WITHDRAWN).exists():
        return None
    return rows.order_by("-created_at").first()


def reinstate(reading: Reading, *, by: Actor) -> Reading:
    """Put a locked, withdrawn reading in force again: signed if its report was, else waiting with its draft."""
    signed = signed_of(reading)
    reading.state = State.SIGNED if signed else State.WAITING
    reading.claimed_by_id = reading.claimed_by_id if signed else None
    reading.save(update_fields=("state", "claimed_by"))
    emit(ReadingReinstated(reading=reading.id, report=signed.id if signed else None, **_about(reading)), by=by)
    return reading


def signed_of(reading: Reading) -> Report | None:
    """The first signed report of a reading."""
    return Report.objects.filter(reading=reading, state=Report.State.SIGNED, adds_to__isnull=True).first()


def _recall(reading: Reading, *, by: Actor) -> None:
    """Tell everybody who had a report of this reading, or acted on it, that it was withdrawn."""
    for person in sorted(queries.readers_of(reading, viewer=SYSTEM)):
        recall, made = Recall.objects.get_or_create(reading=reading, person_id=person)
        if not made and recall.read_at is not None:  # withdrawn once more
            recall.read_at = None
            recall.save(update_fields=("read_at",))
        told = ReportRecalled(recall=recall.id, reading=reading.id, patient=reading.patient_id, place=reading.place_id)
        emit(told, by=by)


@verb
def claim_reading(key: UUID, *, by: Actor) -> Reading:
    """Take a case to read; of two readers at once exactly one has it. The patient's record opens to the reader.

    What is claimed may be finished, though the agreement that let it be claimed ends meanwhile.
    """
    reading = locked_reading(key)
    rules.check_claimable(reading.state)
    person = rules.reader(by)
    if not queries.is_served(reading, reader=person, viewer=by):
        raise rules.NotYourHospitals
    if rules.is_held(reading.state, reading.claimed_until, timezone.now()):
        if reading.claimed_by_id == person:
            return _keep(reading)
        raise rules.AlreadyClaimed(reader=reading.claimed_by)
    if not queries.is_agreed(reading, reader=person, viewer=by):
        raise rules.NoAgreement
    if finalising.is_junior(by.roles) and queries.preliminary_of(key, viewer=by):
        raise finalising.NeedsSenior
    if reading.state == State.CLAIMED:  # silent for too long, and the clock's job has not come by yet
        _let_go(reading, ReadingTimedOut, by=by)
    line = queries.line(viewer=by)
    proposed = line.at(key)
    claim(reading, person, proposed, how="picked", rule=line.rule, by=by)
    return reading


def claim(reading: Reading, person: UUID, proposed: Proposal | None, *, how: str, rule: int, by: Actor) -> None:
    """Give a locked, waiting case to a reader, and remember where in the line it stood; part of a verb."""
    reading.state = State.CLAIMED
    reading.claimed_by_id = person
    _keep(reading)
    because = ReadingClaimed.name()
    patients.open_for_care(reading.patient_id, person=person, source=reading.id, because=because, by=by)
    claimed = ReadingClaimed(
        reading=reading.id, reader=person, how=how, rule=rule, rank=proposed.rank if proposed else None,
        because=tuple(reason.name for reason in proposed.reasons) if proposed else (),
        points=round(proposed.case.points) if proposed else 0, **_about(reading),
    )  # fmt: skip
    emit(claimed, by=by)


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
    see(cast(UUID, reading.claimed_by_id))
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
