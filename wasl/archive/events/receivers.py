"""What is told about copies without names that are sent outside."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class ReceiverAdded(Event):
    """A system outside was made known, to which copies without names may be sent."""

    receiver: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ReceiverClosed(Event):
    """Nothing is sent to a system outside any more."""

    receiver: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class CopiesSentOff(Event):
    """Somebody sent the copies of a release to a system outside."""

    sending: UUID
    release: UUID
    receiver: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class CopiesDelivered(Event):
    """A system outside said of each copy whether it takes it, or nothing more is sent to it."""

    sending: UUID
    release: UUID
    receiver: UUID
    place: UUID
    taken: int
    refused: int
    why: str
