"""Sessions: declared by the reader, validated by the chief of the provider, of which a month has only so many."""

import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from wasl.contracts.events import (
    SessionCancelled,
    SessionDeclared,
    SessionRefused,
    SessionValidated,
    SessionWithdrawn,
)
from wasl.contracts.models import Session
from wasl.contracts.rules import sessions as rules
from wasl.contracts.services.turns import take_turn
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.workforce import queries as workforce


@verb
def declare_session(reader: UUID, *, begins_at: datetime.datetime, mode: str, by: Actor) -> Session:
    """Declare consecutive hours of remote reading; how many, the rule of that day says."""
    worker = workforce.worker_of(reader, viewer=by)
    provider = rules.check_declares(reader, provider=worker.place_id if worker else None, by=by)
    rules.check_mode(mode)
    rules.check_begins(begins_at, now=timezone.now())
    day = timezone.localtime(begins_at).date()
    rule = workforce.session_rule(day, viewer=by)
    if rule is None:
        raise rules.NoSessionRule(day=day.isoformat())
    take_turn(f"sessions:{reader}")  # sessions that overlap, written at once, would deadlock
    try:
        with transaction.atomic():
            session = Session.objects.create(
                reader_id=reader, provider_id=provider, mode=mode, month=rules.month_of(begins_at), most=rule.most,
                period=DateTimeTZRange(begins_at, begins_at + datetime.timedelta(hours=rule.hours)),
            )  # fmt: skip
    except IntegrityError as error:
        raise rules.SessionsOverlap from error
    emit(SessionDeclared(session=session.id, reader=reader, place=provider), by=by)
    return session


@verb
def withdraw_session(key: UUID, *, by: Actor) -> None:
    """Take back what was declared and not yet decided."""
    session = _declared(key)
    rules.check_declares(session.reader_id, provider=session.provider_id, by=by)
    session.state = Session.State.WITHDRAWN
    session.save(update_fields=("state",))
    emit(SessionWithdrawn(session=key, reader=session.reader_id, place=session.provider_id), by=by)


@verb
def validate_session(key: UUID, *, by: Actor) -> None:
    """Say that a session is one: it takes the first free number of the reader's month, while there is one."""
    session = _declared(key)
    rules.check_decides(session.reader_id, provider=session.provider_id, by=by)
    month = Session.objects.filter(reader=session.reader_id, month=session.month)
    session.number = rules.free_number(set(month.values_list("number", flat=True)), most=session.most)
    session.state, session.decided_by_id = Session.State.VALIDATED, by.id
    session.save(update_fields=("state", "number", "decided_by"))
    emit(SessionValidated(session=key, reader=session.reader_id, place=session.provider_id), by=by)


@verb
def refuse_session(key: UUID, *, because: str, by: Actor) -> None:
    """Say that a session is none, and why; its acts are held."""
    session = _declared(key)
    rules.check_decides(session.reader_id, provider=session.provider_id, by=by)
    session.state, session.decided_by_id = Session.State.REFUSED, by.id
    session.because = rules.check_reason(because)
    session.save(update_fields=("state", "decided_by", "because"))
    emit(SessionRefused(session=key, reader=session.reader_id, place=session.provider_id), by=by)


@verb
def cancel_session(key: UUID, *, because: str, by: Actor) -> None:
    """Undo a validation, and say why: its number is free again, and what its acts were paid is taken back."""
    session = _locked(key)
    rules.check_decides(session.reader_id, provider=session.provider_id, by=by)
    if session.state != Session.State.VALIDATED:
        raise rules.SessionDecided
    session.state, session.number, session.decided_by_id = Session.State.CANCELLED, None, by.id
    session.because = rules.check_reason(because)
    session.save(update_fields=("state", "number", "decided_by", "because"))
    emit(SessionCancelled(session=key, reader=session.reader_id, place=session.provider_id), by=by)


def _declared(key: UUID) -> Session:
    session = _locked(key)
    if session.state != Session.State.DECLARED:
        raise rules.SessionDecided
    return session


def _locked(key: UUID) -> Session:
    """A session, and nobody else decides of its reader's month meanwhile."""
    reader = Session.objects.filter(id=key).values_list("reader", flat=True).first()
    if reader is None:
        raise NotFound
    take_turn(f"sessions:{reader}")
    return Session.objects.select_for_update(no_key=True).get(id=key)
