"""What is told of studies that were another patient's, and of what followed their images."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class StudyMoved(Event):
    """A study was moved from the patient whose it was said to be to another; `undone`: it was moved back."""

    move: UUID
    study: UUID
    patient: UUID
    other: UUID
    place: UUID | None
    undone: bool


@dataclass(frozen=True, kw_only=True)
class PatientIdentified(Event):
    """An unknown person was found to be a known patient, and all that was done went there."""

    act: UUID
    patient: UUID
    unknown: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class IdentificationUndone(Event):
    """An unknown person is unknown again, with all that was done."""

    act: UUID
    patient: UUID
    unknown: UUID


@dataclass(frozen=True, kw_only=True)
class ReadingFollowed(Event):
    """A reading followed its study to the right patient; `former` is the one that was withdrawn for it."""

    reading: UUID
    former: UUID
    order: UUID
    study: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ReportFollowed(Event):
    """A signed report followed its study to the right patient; `former` is the one signed under the other's name."""

    report: UUID
    former: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    critical: bool


@dataclass(frozen=True, kw_only=True)
class ReportRecalled(Event):
    """A person who had a report was told that it was withdrawn."""

    recall: UUID
    reading: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class RecallRead(Event):
    """A person who had a report knows that it was withdrawn."""

    recall: UUID
    reading: UUID
    patient: UUID
    place: UUID
