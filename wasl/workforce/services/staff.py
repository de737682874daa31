"""What is done with staff."""

import datetime
from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.workforce.events import CoverBegun, CoverEnded, WorkerEnrolled
from wasl.workforce.models import Cover, Worker
from wasl.workforce.rules import staff as rules


@verb
def enrol_worker(
    person: UUID, *, place: UUID, specialty: str, licence: str, languages: Sequence[str], by: Actor
) -> Worker:
    """Enrol a health professional at a place, with specialty, licence and the languages of their reports."""
    try:
        with transaction.atomic():
            worker = Worker.objects.create(
                person_id=person, place_id=place, specialty=specialty, licence=licence, languages=list(languages)
            )
    except IntegrityError as error:
        raise rules.AlreadyEnrolled from error
    emit(WorkerEnrolled(worker=worker.id, person=person, place=place), by=by)
    return worker


@verb
def cover_place(
    worker: UUID, *, place: UUID, modalities: Sequence[str], by: Actor,
    since: datetime.datetime | None = None, until: datetime.datetime | None = None,
) -> Cover:  # fmt: skip
    """Let a reader read the exams of a hospital, of some modalities or (none named) of all, in a period."""
    begins = since or timezone.now()
    rules.check_period(begins, until)
    # one cover of a reader at a time: rows that a constraint sets against each other, written at once, deadlock
    reader = Worker.objects.select_for_update(no_key=True).filter(id=worker).first()
    if reader is None:
        raise NotFound
    rules.check_decides(reader.place_id, by)
    period = DateTimeTZRange(begins, until)
    try:
        with transaction.atomic():
            cover = Cover.objects.create(worker_id=worker, place_id=place, modalities=list(modalities), period=period)
    except IntegrityError as error:
        raise rules.AlreadyCovering from error
    emit(CoverBegun(cover=cover.id, worker=worker, place=place), by=by)
    return cover


@verb
def end_cover(key: UUID, *, by: Actor) -> None:
    """End a reader's cover of a hospital now."""
    cover = Cover.objects.select_for_update(of=("self",)).select_related("worker").filter(id=key).first()
    if cover is None:
        raise NotFound
    rules.check_decides(cover.worker.place_id, by)
    now = timezone.now()
    rules.check_running(cover.period.lower, cover.period.upper, now)
    cover.period = DateTimeTZRange(cover.period.lower, now)
    cover.save(update_fields=("period",))
    emit(CoverEnded(cover=cover.id, worker=cover.worker_id, place=cover.place_id), by=by)
