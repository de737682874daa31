"""What is told about readings that several readers share, region by region."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class ReadingSplit(Event):
    """A reading was split into body regions, each the task of one reader."""

    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    bodies: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RegionClaimed(Event):
    """A reader took a region of a reading, or took up again what they had handed in."""

    region: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    body: str
    reader: UUID


@dataclass(frozen=True, kw_only=True)
class RegionHandedBack(Event):
    """A reader gave a region back, with its text."""

    region: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    body: str
    reader: UUID


@dataclass(frozen=True, kw_only=True)
class RegionTimedOut(Event):
    """A region went back to the list, with its text, since its reader gave no sign of life for too long."""

    region: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    body: str
    reader: UUID


@dataclass(frozen=True, kw_only=True)
class RegionHandedIn(Event):
    """A reader handed in the text of a region, for the leading reader to put into the report."""

    region: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    body: str
    reader: UUID


@dataclass(frozen=True, kw_only=True)
class RegionTakenBack(Event):
    """The leading reader took a region back, to read it without its reader (None when it had none)."""

    region: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    body: str
    reader: UUID | None


@dataclass(frozen=True, kw_only=True)
class RegionsMerged(Event):
    """The leading reader put the texts of regions into the draft of the report."""

    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    bodies: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FindingReleased(Event):
    """The reader of a region released a critical finding alone, before the report is signed."""

    report: UUID
    region: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    body: str
    reader: UUID
    category: int
