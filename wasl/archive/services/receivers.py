"""Copies without names sent to systems outside: one after another, each until its receiver said what became of it."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.archive import queries, rules
from wasl.archive.events import CopiesDelivered, CopiesSentOff, ReceiverAdded, ReceiverClosed
from wasl.archive.models import Receiver, Release, Sending, SentCopy, Study
from wasl.archive.services.errands import run_slow_errand
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import services as patient_services


@verb
def add_receiver(*, name: str, url: str, token: str, place: UUID, by: Actor) -> Receiver:
    """Make a system outside known, to which the copies of a place may be sent."""
    rules.check_own_place(place, by=by)
    rules.receivers.check_receiver(name, url, token)
    try:
        with transaction.atomic():
            row = Receiver.objects.create(name=name.strip()[:80], url=url.rstrip("/"), token=token, place_id=place)
    except IntegrityError as error:
        raise rules.receivers.ReceiverKnown from error
    emit(ReceiverAdded(receiver=row.id, place=place), by=by)
    return row


@verb
def close_receiver(key: UUID, *, by: Actor) -> None:
    """Send nothing more to a system outside; what it has, it has."""
    row = _receiver(key, by)
    row.active, row.token = False, ""
    row.save(update_fields=("active", "token"))
    emit(ReceiverClosed(receiver=row.id, place=row.place_id), by=by)


@verb
def send_release(key: UUID, *, receiver: UUID, by: Actor) -> Sending:
    """Send the copies of a release to a system outside; sent again, only what it did not take goes."""
    release = Release.objects.select_for_update(of=("self",)).select_related("project").filter(id=key).first()
    if release is None or not by.holds("steward", release.project.place_id):
        raise rules.NoSuchRelease
    to = _receiver(receiver, by)
    if to.place_id != release.project.place_id:
        raise rules.receivers.NoSuchReceiver
    rules.receivers.check_goes_outside(release.purpose)
    rules.check_approved(release.purpose, release.approved_by)
    if release.ended_at is None or release.gone_at is not None or queries.released_file(key, viewer=by) is None:
        raise rules.NothingToFetch
    row, new = Sending.objects.get_or_create(release=release, receiver=to, defaults={"asked_by": str(by)})
    refused = row.copies.exclude(refused="")
    if not new and row.why == Sending.Why.TOLD and not refused.exists():
        raise rules.receivers.SentAlready
    refused.delete()
    row.asked_by, row.error, row.why, row.ended_at = str(by), "", "", None
    row.save(update_fields=("asked_by", "error", "why", "ended_at"))
    for study in Study.objects.filter(releases__release=release, patient__isnull=False):
        if study.patient_id:
            patient_services.log_access(
                study.patient_id, what="archive.release_copies", ground="release", by=by, subject=study.id
            )
    emit(CopiesSentOff(**_about(row)), by=by)
    run_slow_errand("send_copies", row.id)
    return row


@verb
def note_copy(key: UUID, *, name: str, uid: str, refused: str, by: Actor) -> None:
    """Write down what a receiver said of one copy; said once, it stays until somebody sends again."""
    row = _locked(key)
    if row.ended_at is None:
        SentCopy.objects.get_or_create(sending=row, name=name, defaults={"uid": uid, "refused": refused})
        row.error = ""
        row.save(update_fields=("error",))


@verb
def note_standstill(key: UUID, *, error: str, by: Actor) -> None:
    """Write down why nothing is sent now; it is tried again."""
    row = _locked(key)
    if row.ended_at is None:
        row.error = error[:40]
        row.save(update_fields=("error",))


@verb
def end_sending(key: UUID, *, why: str, by: Actor) -> None:
    """Nothing more is sent: the receiver said something of each copy, or there is none, or no receiver."""
    row = _locked(key)
    if row.ended_at is not None:
        return
    row.why, row.error, row.ended_at = Sending.Why(why), "", timezone.now()
    row.save(update_fields=("why", "error", "ended_at"))
    refused = row.copies.exclude(refused="").count()
    emit(CopiesDelivered(**_about(row), taken=row.copies.count() - refused, refused=refused, why=row.why), by=by)


def _receiver(key: UUID, by: Actor) -> Receiver:
    row = Receiver.objects.select_for_update().filter(id=key, active=True).first()
    if row is None or not by.holds("steward", row.place_id):
        raise rules.receivers.NoSuchReceiver
    return row


def _locked(key: UUID) -> Sending:
    row = Sending.objects.select_for_update(of=("self",)).select_related("release__project").filter(id=key).first()
    if row is None:
        raise rules.receivers.NoSuchReceiver
    return row


def _about(row: Sending) -> dict[str, UUID]:
    place = row.release.project.place_id
    return {"sending": row.id, "release": row.release_id, "receiver": row.receiver_id, "place": place}
