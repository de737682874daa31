"""What is told about preliminary reports, over-reading and the rules of both."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class PreliminaryIssued(Event):
    """A resident or a radiologist issued a preliminary report; a radiologist has until `due_at` to make it final."""

    report: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    reader: UUID
    critical: bool
    due_at: datetime
    pixels: str = "outside"


@dataclass(frozen=True, kw_only=True)
class OverReadingBegun(Event):
    """A second reader took a signed report to read its images again."""

    report: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    reader: UUID


@dataclass(frozen=True, kw_only=True)
class ReportOverRead(Event):
    """A second reader read the images of a signed report again, and agreed or found a discrepancy."""

    over_read: UUID
    report: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    reader: UUID
    verdict: str


@dataclass(frozen=True, kw_only=True)
class SupervisionSet(Event):
    """How soon preliminary reports are made final, and what is over-read, was set from a date on."""

    supervision: UUID
    final_minutes: int


@dataclass(frozen=True, kw_only=True)
class CriticalResultChanged(Event):
    """A final report added, changed or withdrew what its preliminary one said is critical; its holder is told again."""

    obligation: UUID
    report: UUID
    order: UUID
    patient: UUID
    place: UUID
    holder: UUID
    change: str
