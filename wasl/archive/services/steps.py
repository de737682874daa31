"""What modalities say about their exams (modality performed procedure steps, PS3.4, F.7)."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.events import StepChanged, StepCompleted, StepDiscontinued, StepsGivenUp, StepStarted
from wasl.archive.models import PerformedStep, Regrouping, Study
from wasl.archive.services.completing import lock_study, look_again
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

State = PerformedStep.State


@verb
def start_step(
    uid: str, *, study_uid: str, accession: str, place: UUID | None, source: UUID | None,
    at: datetime.datetime | None, attributes: Mapping[str, Any], by: Actor,
) -> PerformedStep:  # fmt: skip
    """Hear from a modality that it began an exam."""
    rules.check_step(uid, study_uid)
    rules.check_own_place(place, by=by)
    try:
        with transaction.atomic():
            step = PerformedStep.objects.create(
                uid=uid, state=State.IN_PROGRESS, study_uid=study_uid, accession=accession[:16], place_id=place,
                source_id=source, started_at=at, attributes=dict(attributes),
            )  # fmt: skip
    except IntegrityError as error:
        raise rules.StepKnown from error
    emit(StepStarted(step=step.id, study_uid=study_uid, accession=step.accession, place=place), by=by, at=at)
    return step


@verb
def change_step(uid: str, *, attributes: Mapping[str, Any], by: Actor) -> PerformedStep:
    """Hear more about an exam that is going on."""
    step = _open(uid, by)
    step.attributes, step.heard_at = {**step.attributes, **attributes}, timezone.now()
    step.save(update_fields=("attributes", "heard_at"))
    emit(StepChanged(step=step.id, study_uid=step.study_uid, place=step.place_id), by=by)
    return step


@verb
def complete_step(
    uid: str, *, instance_uids: Sequence[str], at: datetime.datetime | None, attributes: Mapping[str, Any], by: Actor
) -> PerformedStep:
    """Hear from a modality that it finished an exam, and which images it made; when all are here the study is whole."""
    step = _end(uid, State.COMPLETED, instance_uids, at, attributes, by)
    emit(
        StepCompleted(
            step=step.id, study_uid=step.study_uid, accession=step.accession, place=step.place_id,
            instances=len(step.instance_uids),
        ),
        by=by, at=at,
    )  # fmt: skip
    _look_again(step, by)
    return step


@verb
def discontinue_step(
    uid: str, *, instance_uids: Sequence[str], at: datetime.datetime | None, attributes: Mapping[str, Any], by: Actor
) -> PerformedStep:
    """Hear from a modality that an exam was broken off; the images it made are those it names."""
    step = _end(uid, State.DISCONTINUED, instance_uids, at, attributes, by)
    emit(
        StepDiscontinued(step=step.id, study_uid=step.study_uid, accession=step.accession, place=step.place_id),
        by=by, at=at,
    )  # fmt: skip
    _look_again(step, by)
    return step


@verb
def give_up_steps(study: UUID, *, by: Actor) -> int:
    """Wait no more for the ends of a study's steps: it was read; how many they were. They may still come."""
    row = Study.objects.get(id=study)
    moved = Regrouping.objects.filter(to_study=row, undone_at__isnull=True).values_list("from_study__uid", flat=True)
    steps = PerformedStep.objects.filter(study_uid__in=[row.uid, *moved], state=State.IN_PROGRESS, read_at__isnull=True)
    given_up = steps.update(read_at=timezone.now())
    if given_up:
        emit(StepsGivenUp(study=row.id, steps=given_up, place=row.place_id), by=by)
    return given_up


def _open(uid: str, by: Actor) -> PerformedStep:
    step = PerformedStep.objects.select_for_update().filter(uid=uid).first()
    if step is None:
        raise rules.NoStep
    rules.check_own_place(step.place_id, by=by)
    if step.state != State.IN_PROGRESS:
        raise rules.StepOver
    return step


def _end(
    uid: str, state: str, instance_uids: Sequence[str], at: datetime.datetime | None, attributes: Mapping[str, Any],
    by: Actor,
) -> PerformedStep:  # fmt: skip
    step = _open(uid, by)
    step.state, step.ended_at = state, at
    step.instance_uids = sorted({name for name in instance_uids if rules.is_uid(name)})
    step.attributes = {**step.attributes, **attributes}
    step.save(update_fields=("state", "ended_at", "instance_uids", "attributes"))
    return step


def _look_again(step: PerformedStep, by: Actor) -> None:
    # the lock makes this word and the last image wait for one another, so that whichever comes last sees the other
    look_again(lock_study(step.study_uid, place=step.place_id), by=by)
