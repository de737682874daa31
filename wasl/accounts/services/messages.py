"""What people are told: written once by whoever knows it, kept on the page, sent out by the channels they chose."""

import datetime
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from procrastinate.contrib.django import app as jobs

from wasl.accounts import queries, rules
from wasl.accounts.events import MessageGivenUp, MessageRead, MessageSent, MessagesRead, MessageWritten
from wasl.accounts.models import Message, Person, Reach, Sending
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

MESSAGES = "messages"  # of its own: a mail server that hangs keeps nobody else waiting
URGENT = 10  # what is urgent goes before what is not
OPEN = (Sending.State.WAITING, Sending.State.FAILED)


def declare(kind: str, *, title: str | Promise) -> None:
    """Say what people are told by messages of a kind (`module.thing`); the title names no patient, for it goes out."""
    rules.KINDS[kind] = title


@verb
def write_message(
    person: UUID, *, kind: str, link: str, source: UUID, by: Actor, urgent: bool = False
) -> Message:  # fmt: skip
    """Tell a person something, on the page and by the channels they chose; told twice, it is one message.

    `source` is what it is about, and `link` the page of Wasl where it is read. What is not urgent waits for the end of
    the person's quiet hours before it goes out.
    """
    rules.check_message(kind, link)
    told, made = Message.objects.get_or_create(
        person_id=person, kind=kind, source=source, defaults={"link": link, "urgent": urgent}
    )
    if made:
        _send_out(told)
        emit(MessageWritten(message=told.id, person=person, kind=kind, urgent=urgent), by=by)
    return told


def _send_out(told: Message) -> None:
    whom = Person.objects.get(id=told.person_id)
    now = timezone.now()
    due = now if told.urgent else rules.due(now, quiet=(whom.quiet_from, whom.quiet_until))
    ways = Reach.objects.filter(
        person=whom, active=True, confirmed_at__isnull=False, channel__in=queries.channels(viewer=SYSTEM)
    )
    for way in ways.order_by("channel") if whom.is_active else ():
        sending = Sending.objects.create(message=told, channel=way.channel, due_at=due)
        run_errand("send_message", sending.id, due=due, urgent=told.urgent)


def run_errand(name: str, key: UUID, *, due: datetime.datetime | None = None, urgent: bool = False) -> None:
    """Owe that something is sent. What speaks with mail servers and gateways lives at the edge (`edges/messages`)."""
    priority = URGENT if urgent else 0
    task = jobs.configure_task(
        f"messages.{name}", queue=MESSAGES, lock=f"messages.{key}", schedule_at=due, priority=priority
    )
    task.defer(key=str(key))


@verb
def read_message(key: UUID, *, by: Actor) -> Message:
    """Open a message of one's own."""
    told = Message.objects.select_for_update().filter(id=key, person=by.id).first()
    if told is None:
        raise NotFound
    if told.read_at is None:
        told.read_at = timezone.now()
        told.save(update_fields=("read_at",))
        emit(MessageRead(message=told.id, person=told.person_id), by=by)
    return told


@verb
def read_messages(*, by: Actor) -> int:
    """Mark every message of one's own as read; how many there were."""
    if by.id is None:
        raise NotFound
    read = Message.objects.filter(person=by.id, read_at__isnull=True).update(read_at=timezone.now())
    if read:
        emit(MessagesRead(person=by.id, messages=read), by=by)
    return read


@verb
def note_seen(person: UUID, *, link: str, by: Actor) -> int:
    """Mark as read what leads to a page that its person has seen anyway; how many messages there were."""
    rows = Message.objects.filter(person=person, link=link, read_at__isnull=True)
    read = rows.update(read_at=timezone.now())
    if read:
        emit(MessagesRead(person=person, messages=read), by=by)
    return read


@verb
def note_sent(key: UUID, *, by: Actor) -> None:
    """Write down that a message went out; said twice, it went out once."""
    row = _locked(key)
    if row.state in OPEN:
        row.state, row.sent_at, row.last_error, row.tries = Sending.State.SENT, timezone.now(), "", row.tries + 1
        row.save(update_fields=("state", "sent_at", "last_error", "tries"))
        emit(MessageSent(sending=row.id, message=row.message_id, channel=row.channel), by=by)


@verb
def note_failure(key: UUID, *, error: str, by: Actor, final: bool = False) -> bool:
    """Write down why a message did not go out, in words without an address; whether it is tried again.

    It is given up when the other side says that it never will, or when it has been due for too long.
    """
    row = _locked(key)
    if row.state not in OPEN:
        return False
    late = timezone.now() - row.due_at > datetime.timedelta(hours=settings.MESSAGE_HOURS)
    row.state = Sending.State.GIVEN_UP if final or late else Sending.State.FAILED
    row.tries, row.last_error = row.tries + 1, error[:80]
    row.save(update_fields=("state", "tries", "last_error"))
    if row.state == Sending.State.GIVEN_UP:
        emit(MessageGivenUp(sending=row.id, message=row.message_id, channel=row.channel), by=by)
    return row.state == Sending.State.FAILED


@verb
def drop_sending(key: UUID, *, by: Actor) -> None:
    """Send a message out no more: it was read on the page first, or its channel was closed."""
    row = _locked(key)
    if row.state in OPEN:
        row.state = Sending.State.UNNEEDED
        row.save(update_fields=("state",))


def _locked(key: UUID) -> Sending:
    row = Sending.objects.select_for_update().filter(id=key).first()
    if row is None:
        raise NotFound
    return row
