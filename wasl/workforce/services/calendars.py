"""The secret address of a reader's own shifts: given, given anew, taken back."""

import hashlib
import secrets

from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.workforce.events import CalendarRenewed, CalendarRevoked
from wasl.workforce.models import Calendar, Worker
from wasl.workforce.rules import calendars as rules


@verb
def renew_calendar(*, by: Actor) -> str:
    """Give oneself a new secret address of one's shifts; what it ends with, which is shown this once only."""
    worker = _oneself(by)
    _revoke(worker, by=by)
    secret = secrets.token_urlsafe(32)
    calendar = Calendar.objects.create(worker=worker, digest=hashlib.sha256(secret.encode()).digest())
    emit(CalendarRenewed(calendar=calendar.id, worker=worker.id), by=by)
    return secret


@verb
def revoke_calendar(*, by: Actor) -> None:
    """Let the secret address of one's shifts open nothing any more."""
    if not _revoke(_oneself(by), by=by):
        raise rules.NoCalendar


def _oneself(by: Actor) -> Worker:
    """The professional who acts, locked: one address at a time."""
    worker = Worker.objects.select_for_update(no_key=True).filter(person=by.id).first()
    if worker is None:
        raise rules.NotEnrolled
    return worker


def _revoke(worker: Worker, *, by: Actor) -> bool:
    calendar = Calendar.objects.filter(worker=worker, revoked_at__isnull=True).first()
    if calendar is None:
        return False
    calendar.revoked_at = timezone.now()
    calendar.save(update_fields=("revoked_at",))
    emit(CalendarRevoked(calendar=calendar.id, worker=worker.id), by=by)
    return True
