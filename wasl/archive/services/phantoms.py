"""The hourly phantom of each site: begun by the clock, sent by the DICOM edge, queued and read as an exam, removed."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from wasl.archive.events import PhantomEnded, PhantomQueued, PhantomSent
from wasl.archive.models import Instance, PhantomRun, Series, Source, Study
from wasl.archive.rules import traffic as rules
from wasl.archive.services.errands import run_errand
from wasl.archive.services.meta import read_digests
from wasl.archive.services.metadata import forget_metadata
from wasl.archive.services.store import discard
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.models import uuid7
from wasl.kernel.verbs import verb

IMAGES = 3  # of a phantom


@verb
def send_phantoms(*, by: Actor) -> int:
    """Begin a phantom of every place with a machine that may send, one an hour; how many were begun.

    Its study is known before its first image, as of no patient and no place, so that nobody is ever shown it.
    """
    now = timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    places = Source.objects.filter(active=True, phantom=False).values_list("place", flat=True).distinct()
    runs = [
        PhantomRun(place_id=place, source=_sender(place), hour=hour, study=uuid7(), started_at=now)
        for place in sorted(places)
    ]
    PhantomRun.objects.bulk_create(runs, ignore_conflicts=True)  # another worker may have been quicker
    begun = list(PhantomRun.objects.filter(id__in=[run.id for run in runs]))
    for run in begun:
        Study.objects.create(
            id=run.study, uid=f"2.25.{run.study.int}", phantom=True, expected=IMAGES, last_arrival_at=now
        )
        emit(PhantomSent(run=run.id, study=run.study, place=run.place_id), by=by)
        run_errand("send_phantom", run.id)
    return len(begun)


@verb
def note_phantom_stored(run: UUID, *, at: datetime, by: Actor) -> None:
    """The archive acknowledged every image of a phantom, the last at this moment."""
    PhantomRun.objects.filter(id=run, stored_at=None, ended_at=None).update(stored_at=at)


@verb
def note_phantom_queued(study: UUID, *, by: Actor) -> None:
    """The readers' queue has looked at a complete study, which may be a phantom's."""
    run = PhantomRun.objects.filter(study=study, queued_at=None, ended_at=None).select_for_update().first()
    if run is not None:
        run.queued_at = timezone.now()
        run.save(update_fields=("queued_at",))
        emit(PhantomQueued(run=run.id, study=run.study, place=run.place_id), by=by)


@verb
def note_phantom_read(study: UUID, *, by: Actor) -> None:
    """A phantom was drawn and a report of it sealed; where its files are as they came, its way is made.

    Raises ValueError where they are not.
    """
    for path, sha256 in Instance.objects.filter(series__study=study).values_list("path", "sha256"):
        if read_digests(settings.STORAGE / path).data_set != bytes(sha256):
            raise ValueError("A phantom's file is not as it came.")
    rows = PhantomRun.objects.filter(study=study, queued_at__isnull=False, read_at=None, ended_at=None)
    rows.update(read_at=timezone.now())


@verb
def end_phantoms(*, by: Actor) -> int:
    """End the phantoms that came all the way, and those that are late; their images go. How many were ended."""
    now, ended = timezone.now(), 0
    for run in PhantomRun.objects.select_for_update(skip_locked=True).filter(ended_at=None).order_by("started_at"):
        failed = rules.failed_at(run.stored_at, run.queued_at, run.read_at)
        late = now - run.started_at > rules.PHANTOM_WITHIN
        if late or (run.read_at and not failed and now - run.read_at > rules.PHANTOM_STAYS):
            _end(run, failed, by)
            ended += 1
    return ended


@verb
def fail_phantom(run: UUID, *, by: Actor) -> None:
    """The archive did not take a phantom; what it took of it goes."""
    row = PhantomRun.objects.select_for_update().get(id=run)
    if row.ended_at is None:
        _end(row, PhantomRun.Failed.SEND, by)


def _end(run: PhantomRun, failed: str, by: Actor) -> None:
    run.ended_at, run.failed = timezone.now(), failed
    run.save(update_fields=("ended_at", "failed"))
    _remove(run.study)
    emit(PhantomEnded(run=run.id, study=run.study, place=run.place_id, failed=failed), by=by)


def _remove(key: UUID) -> None:
    """Remove a phantom's study, which nothing medical hangs on: the only one that is ever removed with its row."""
    study = Study.objects.select_for_update().filter(id=key, phantom=True).first()
    if study is None:
        return
    series = Series.objects.filter(study=study)
    forget_metadata(set(series.values_list("id", flat=True)))
    images = Instance.objects.filter(series__in=series)
    paths = list(images.values_list("path", flat=True))
    images.delete()
    series.delete()
    study.delete()
    transaction.on_commit(lambda: _discard(paths))


def _discard(paths: Iterable[str]) -> None:
    for path in paths:
        discard(path)


def _sender(place: UUID) -> Source:
    """The sender of a place's phantoms, made when it is first needed; it may call from one address alone."""
    found = Source.objects.filter(place=place, phantom=True).first()
    if found is None:
        title = f"PH{place.int % 16**14:014X}"  # the random end of the key
        new = Source(place_id=place, phantom=True, ae_title=title, name="PHANTOM^WASL", modality="OT")
        new.address = settings.PHANTOM_FROM
        Source.objects.bulk_create([new], ignore_conflicts=True)
        found = Source.objects.get(place=place, phantom=True)
    if found.address != settings.PHANTOM_FROM:
        found.address = settings.PHANTOM_FROM
        found.save(update_fields=("address",))
    return found
