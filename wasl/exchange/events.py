"""What is told about members and their messages; a message is named by its key, never by what it says."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class MemberAdded(Event):
    """An outside system may send from now on, as a client of its own."""

    member: UUID
    client: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class MemberRevoked(Event):
    """Nothing more is taken from an outside system."""

    member: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class MessageTaken(Event):
    """A member's message was written down, and the member may forget it."""

    member: UUID
    message: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class MessageDone(Event):
    """What a member's message says was done; a message that takes a number back may be of nobody."""

    message: UUID
    member: UUID
    patient: UUID | None
    place: UUID


@dataclass(frozen=True, kw_only=True)
class MessageParked(Event):
    """What a member's message says was refused: it waits for a person, and later ones of the same patient for it."""

    message: UUID
    member: UUID
    reason: str
    place: UUID


@dataclass(frozen=True, kw_only=True)
class MessageRetried(Event):
    """A person had a parked message tried again."""

    member: UUID
    message: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class MessageSetAside(Event):
    """A person decided that nothing follows from a parked message, and why."""

    member: UUID
    message: UUID
    because: str
    place: UUID


@dataclass(frozen=True, kw_only=True)
class MessageShown(Event):
    """A person read a message as it came."""

    message: UUID
    member: UUID
    place: UUID
