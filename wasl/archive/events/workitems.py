"""What is told about work that is given to algorithms and stations."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class WorkitemCreated(Event):
    """A workitem was put on the worklist."""

    workitem: UUID
    place: UUID
    patient: UUID | None


@dataclass(frozen=True, kw_only=True)
class WorkitemUpdated(Event):
    """Something was changed in a workitem, or how far it is was told."""

    workitem: UUID
    place: UUID
    patient: UUID | None


@dataclass(frozen=True, kw_only=True)
class WorkitemStateChanged(Event):
    """A workitem was claimed, completed or canceled."""

    workitem: UUID
    place: UUID
    patient: UUID | None
    state: str


@dataclass(frozen=True, kw_only=True)
class WorkitemCancellationAsked(Event):
    """Somebody asked the performer of a workitem to cancel it."""

    workitem: UUID
    place: UUID
    patient: UUID | None


@dataclass(frozen=True, kw_only=True)
class WorkitemSubscriberAdded(Event):
    """Somebody took an AE title under which they hear of workitems."""

    subscriber: UUID


@dataclass(frozen=True, kw_only=True)
class WorkitemsSubscribed(Event):
    """A subscriber asked to hear of a workitem, or of every one that is put on the worklist of its places."""

    subscriber: UUID
    workitem: UUID | None


@dataclass(frozen=True, kw_only=True)
class WorkitemsUnsubscribed(Event):
    """A subscriber no longer hears of a workitem, or of any."""

    subscriber: UUID
    workitem: UUID | None


@dataclass(frozen=True, kw_only=True)
class WorkitemsSuspended(Event):
    """A subscriber hears of no new workitems, but still of those that it knows."""

    subscriber: UUID
