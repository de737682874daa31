"""What members send: written down before it is acknowledged, then done in the order in which it came.

Of one patient what came later waits for what came earlier, a parked message included; other patients wait for nobody.
"""

import contextlib
import hashlib
import logging
from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from wasl.accounts import queries as accounts
from wasl.exchange import queries, rules
from wasl.exchange.events import (
    MessageDone,
    MessageParked,
    MessageRetried,
    MessageSetAside,
    MessageShown,
    MessageTaken,
)
from wasl.exchange.models import Member, Message
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound, Refused
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries as known
from wasl.patients import services as patients

State, Act = Message.State, Message.Act
OPEN = (State.WAITING, State.PARKED)
# messages of one member are done one after the other; who takes a new one does not wait for it
TURN = "select pg_advisory_xact_lock(hashtextextended('exchange:' || %s, 0))"
log = logging.getLogger(__name__)


class Incoming(NamedTuple):
    """A message as a door read it: the bytes that came, and what they ask for."""

    control_id: str
    kind: str
    version: str
    raw: bytes
    act: str
    numbers: tuple[str, ...]
    said: Mapping[str, str]


@verb
def take_message(member: UUID, read: Incoming, *, by: Actor) -> Message:
    """Write a member's message down, once by its control id: whoever is answered after that may forget it."""
    row = Member.objects.select_for_update().filter(id=member, client=by.id, revoked_at=None).first()
    if row is None:
        raise rules.MemberRevoked
    digest = hashlib.sha256(read.raw).digest()
    before = Message.objects.filter(member=row, control_id=read.control_id).defer("raw").first()
    if before is not None:
        rules.check_same(bytes(before.digest), digest)
        return before
    row.taken, row.heard_at = row.taken + 1, timezone.now()
    row.save(update_fields=("taken", "heard_at"))
    message = Message.objects.create(
        member=row, position=row.taken, control_id=read.control_id, kind=read.kind, version=read.version,
        address=by.address, raw=read.raw, digest=digest, act=read.act, numbers=list(read.numbers),
        said=dict(read.said),
    )  # fmt: skip
    emit(MessageTaken(member=row.id, message=message.id, place=row.place_id), by=by)
    return message


@verb
def handle_messages(key: UUID, *, by: Actor) -> None:
    """Do what a message and others of its patients say that wait for nothing earlier, in their order; once each."""
    message = Message.objects.only("member", "numbers").get(id=key)
    _take_turn(message.member_id)
    numbers = set(message.numbers)
    while row := _next(message.member_id, numbers):
        _attempt(row)
        numbers |= set(row.numbers)  # who waited for this one may be of another number


@verb
def retry_message(key: UUID, *, by: Actor) -> Message:
    """Try a parked message again; where it is refused again, it stays parked."""
    message = _parked(key, by)
    _attempt(message)
    emit(MessageRetried(member=message.member_id, message=message.id, place=message.member.place_id), by=by)
    return message


@verb
def set_aside_message(key: UUID, *, because: str, by: Actor) -> None:
    """Say that nothing follows from a parked message, and why; what waited for it goes on."""
    why = rules.check_aside_reason(because)
    message = _parked(key, by)
    message.state, message.because = State.ASIDE, why
    message.settled_at, message.settled_by = timezone.now(), str(by)
    message.save(update_fields=("state", "because", "settled_at", "settled_by"))
    place = message.member.place_id
    emit(MessageSetAside(member=message.member_id, message=message.id, because=why, place=place), by=by)


@verb
def show_message(key: UUID, *, by: Actor) -> Message:
    """A message as it came, for a data steward: that it was read is written down, also for whose it is."""
    message = queries.message(key, viewer=by)
    place = message.member.place_id
    emit(MessageShown(message=message.id, member=message.member_id, place=place), by=by)
    whose = known.by_local_number(message.numbers[0], place=place, viewer=SYSTEM)
    if file := message.patient_id or (whose and whose.id):
        head = known.head_of(file, viewer=SYSTEM)
        patients.log_accesses({head: "none"}, what="exchange.show_message", by=by)
    return message


def _parked(key: UUID, by: Actor) -> Message:
    """A parked message that the actor decides about, in its member's turn and locked."""
    found = queries.message(key, viewer=by)
    _take_turn(found.member_id)
    message = Message.objects.select_for_update(of=("self",)).select_related("member").defer("raw").get(id=found.id)
    rules.check_parked(message.state == State.PARKED)
    return message


def _take_turn(member: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(TURN, [str(member)])


def _next(member: UUID, numbers: set[str]) -> Message | None:
    """The first message of some numbers that waits, and for no earlier one of its own numbers."""
    earlier = Message.objects.filter(
        member=member, state__in=OPEN, position__lt=OuterRef("position"), numbers__overlap=OuterRef("numbers")
    )
    rows = Message.objects.select_for_update(of=("self",)).select_related("member").defer("raw")
    rows = rows.filter(~Exists(earlier), member=member, state=State.WAITING, numbers__overlap=list(numbers))
    return rows.order_by("position").first()


def _attempt(message: Message) -> None:
    """Do what a message says, wholly or not at all; what is refused parks it. A database that is away parks nothing."""
    message.tries += 1
    try:
        with transaction.atomic():
            message.patient_id = _act(message)
    except Refused as refusal:
        _park(message, refusal.code)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # whatever one message runs into, others go on; its words may name a patient
        log.error("A message could not be handled: %s, message %s.", type(error).__name__, message.id)
        _park(message, rules.HandlingFailed().code)
    else:
        message.state, message.settled_at = State.DONE, timezone.now()
        message.settled_by = str(SYSTEM)
        message.save(update_fields=("state", "settled_at", "settled_by", "tries", "patient"))
        told = MessageDone(
            message=message.id, member=message.member_id, patient=message.patient_id, place=message.member.place_id
        )
        emit(told, by=SYSTEM)


def _park(message: Message, reason: str) -> None:
    message.state, message.reason = State.PARKED, reason
    message.save(update_fields=("state", "reason", "tries"))
    place = message.member.place_id
    emit(MessageParked(message=message.id, member=message.member_id, reason=reason, place=place), by=SYSTEM)


def _act(message: Message) -> UUID | None:
    """What a message asks for, as the member itself; whose file it was about."""
    rules.check_member(message.member.revoked_at is not None)
    place, by = message.member.place_id, accounts.actor_of_client(message.member.client_id, address=message.address)
    number, said = message.numbers[0], message.said
    if message.act == Act.REMOVE:
        with contextlib.suppress(NotFound):  # what was never told needs no taking back
            patients.remove_number(place=place, local_id=number, by=by)
        return None
    heard = patients.receive_record(place=place, local_id=number, said=said, amend=True, by=by)
    if message.act == Act.REPLACE:
        gone = message.numbers[1]
        # of a number that was told of, what it said stands: people may have to decide by it
        about = {} if known.is_told(gone, place=place, viewer=by) else said
        patients.replace_number(place=place, local_id=gone, survivor=number, said=about, amend=True, by=by)
    return heard.patient.id
