"""When a study is whole: its site named every image and all are here, or the modality said so, or as many came as
announced, or nothing came for a while.
"""

import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.events import CompletenessConfirmed, ImagesAnnounced, StudyCompleted
from wasl.archive.models import Instance, Manifest, Named, PerformedStep, Regrouping, Study
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

How = Study.Completeness
OWED = Q(decides=True) & (Q(whole=False) | Q(held__lt=F("named")))  # manifests of which something is still to come


@verb
def complete_study(study: UUID, *, how: str, by: Actor) -> None:
    """Take a study for complete; one known to be so already is only confirmed by what is trusted more."""
    row = _locked(study)
    rules.check_own_place(row.place_id, by=by)
    _complete(row, how, by)


@verb
def announce(study_uid: str, *, instances: int, by: Actor) -> Study:
    """Say how many images a study will have, before or while they come."""
    rules.check_announcement(study_uid, instances)
    row = lock_study(study_uid, place=next(iter(sorted(by.places())), None))
    rules.check_own_place(row.place_id, by=by)
    row.expected = instances
    row.save(update_fields=("expected",))
    emit(ImagesAnnounced(study=row.id, instances=instances, place=row.place_id), by=by)
    look_again(row, by=by)
    return row


@verb
def complete_quiet(*, by: Actor) -> int:
    """Take for complete what has had no new image for a while; how many studies that were.

    A study whose modality is still at work, or of which announced images are missing, is waited for much longer; one of
    which a manifest names images that are still to come is never taken for complete. What came before the clock was set
    back came now: it is not waited for until the clock is there again.
    """
    now, quiet = timezone.now(), datetime.timedelta(seconds=settings.QUIET_SECONDS)
    ahead = Study.objects.filter(complete_at__isnull=True, last_arrival_at__gt=now + quiet)
    keys = list(ahead.select_for_update(skip_locked=True).values_list("id", flat=True))
    Study.objects.filter(id__in=keys).update(last_arrival_at=now)
    at_work = PerformedStep.objects.filter(study_uid=OuterRef("uid"), state=PerformedStep.State.IN_PROGRESS)
    owed = Manifest.objects.filter(OWED, study=OuterRef("pk"))
    waiting = Study.objects.filter(~Exists(owed), complete_at__isnull=True, instance_count__gt=0).filter(
        Q(last_arrival_at__lte=now - quiet * rules.PATIENT)
        | Q(~Exists(at_work), Q(expected__isnull=True), last_arrival_at__lte=now - quiet)
    )
    rows = list(waiting.select_for_update(skip_locked=True).order_by("last_arrival_at")[:500])
    for row in rows:
        _complete(row, How.QUIET, by)
    return len(rows)


def lock_study(uid: str, *, place: UUID | None) -> Study:
    """The study of this UID, locked; made when its first word comes before its first image, and seen by nobody then."""
    new = Study(uid=uid, place_id=place, last_arrival_at=timezone.now())
    Study.objects.bulk_create([new], ignore_conflicts=True)
    return Study.objects.select_for_update().get(uid=uid)


def look_again(study: Study, *, by: Actor) -> None:
    """Complete a locked study when its modality's word or its announced number says that all is here."""
    if study.instance_count == 0:
        return
    owed = study.manifests.filter(OWED).exists() if study.announced else False
    if owed:  # whatever else says that all is here
        return
    if study.announced and _site_said_so(study):
        _complete(study, How.MANIFEST, by)
    elif _modality_said_so(study):
        _complete(study, How.MPPS, by)
    elif study.expected == study.instance_count + study.rejected_count and study.complete_at is None:
        _complete(study, How.EXPECTED, by)


def _complete(study: Study, how: str, by: Actor) -> None:
    if study.complete_at is not None:
        if rules.more_trusted(how, study.complete_by):
            study.complete_by = how
            study.save(update_fields=("complete_by",))
            emit(CompletenessConfirmed(study=study.id, how=how, place=study.place_id, patient=study.patient_id), by=by)
        return
    study.complete_at, study.complete_by = timezone.now(), how
    study.save(update_fields=("complete_at", "complete_by"))
    emit(
        StudyCompleted(
            study=study.id, how=how, instances=study.instance_count, place=study.place_id, patient=study.patient_id
        ),
        by=by,
    )


def _site_said_so(study: Study) -> bool:
    """Whether a site named all images that came; one that none names is a sign of more.

    One that was moved here from another study is none.
    """
    if not study.manifests.filter(decides=True).exists():
        return False
    strays = Instance.objects.filter(series__study=study, frames__gt=0, rejected=False).exclude(
        uid__in=Named.objects.filter(manifest__study=study, manifest__decides=True).values("uid")
    )
    moved = Regrouping.objects.filter(to_study=study, undone_at__isnull=True)
    return not strays.exclude(series__in=moved.values("series")).exists()


def _modality_said_so(study: Study) -> bool:
    """Whether every step of the study is over, and the images that they name are those that are here."""
    with connection.cursor() as cursor:  # asked for every batch of images
        cursor.execute("select state, instance_uids from archive_performedstep where study_uid = %s", [study.uid])
        steps: list[tuple[str, list[str]]] = cursor.fetchall()
    if not steps or any(state == PerformedStep.State.IN_PROGRESS for state, _ in steps):
        return False
    named = {uid for _, uids in steps for uid in uids}
    if not named or len(named) > study.instance_count + study.rejected_count:
        return False
    here = dict(Instance.objects.filter(series__study=study).values_list("uid", "frames"))
    # what has no pixels (dose reports, notes) need not be named; an image that no step names is a sign of more
    return named <= set(here) and {uid for uid, frames in here.items() if frames} <= named


def _locked(study: UUID) -> Study:
    row = Study.objects.select_for_update().filter(id=study).first()
    if row is None:
        raise rules.NoSuchStudy
    return row
