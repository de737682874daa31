"""What is told about readings: offered, claimed, given back, withdrawn."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class ReadingOpened(Event):
    """A complete study waits for a reader; its clock runs from when the study was complete."""

    reading: UUID
    order: UUID
    study: UUID
    patient: UUID
    place: UUID
    urgency: str
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class ReadingFlagged(Event):
    """More images came for a study that was already offered to readers, or already read."""

    reading: UUID
    order: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ReadingClaimed(Event):
    """A reader took a reading: the `next` one proposed, or one `picked` from the list, at which rank by which rule."""

    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    reader: UUID
    how: str = ""
    rule: int | None = None  # the version; 0 is what is built in
    rank: int | None = None  # None: it was not proposed at all
    because: tuple[str, ...] = ()
    points: int = 0


@dataclass(frozen=True, kw_only=True)
class ReadingHandedBack(Event):
    """A reader gave a reading back, with its draft."""

    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    reader: UUID


@dataclass(frozen=True, kw_only=True)
class ReadingTimedOut(Event):
    """A reader gave no sign of life and the reading went back to the worklist, with its draft."""

    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    reader: UUID


@dataclass(frozen=True, kw_only=True)
class ReadingWithdrawn(Event):
    """A reading was withdrawn because its study does not answer the order; `report` if one was signed already."""

    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    report: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class ReadingReinstated(Event):
    """A withdrawn reading is in force again, for its study answers the order after all; `report` if it was signed."""

    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    report: UUID | None = None
