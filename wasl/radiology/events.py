"""What is told about orders, readings and reports; turnaround is always recomputed from these facts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class ProcedureAdded(Event):
    """An exam entered the catalogue."""

    procedure: UUID


@dataclass(frozen=True, kw_only=True)
class TargetSet(Event):
    """The time in which exams of an urgency class are to be reported was set, from a date on."""

    target: UUID
    urgency: str
    minutes: int


@dataclass(frozen=True, kw_only=True)
class OrderSent(Event):
    """A requesting doctor ordered an exam."""

    order: UUID
    patient: UUID
    place: UUID
    procedure: str
    modality: str
    urgency: str


@dataclass(frozen=True, kw_only=True)
class OrderCancelled(Event):
    """An order was cancelled, with a reason."""

    order: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ExamStarted(Event):
    """The exam of an order began at the modality."""

    order: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ExamBrokenOff(Event):
    """The exam of an order was broken off before it was done; it is still to be made."""

    order: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ExamPerformed(Event):
    """The exam of an order was performed."""

    order: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class StudyLinked(Event):
    """A study was said to answer an order."""

    link: UUID
    order: UUID
    study: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class StudyUnlinked(Event):
    """A study was taken back from an order."""

    link: UUID
    order: UUID
    study: UUID
    patient: UUID
    place: UUID


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
    """A reader took a reading."""

    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    reader: UUID


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
class TemplateAdded(Event):
    """A report template was written."""

    template: UUID


@dataclass(frozen=True, kw_only=True)
class PhraseAdded(Event):
    """A phrase was put at a reader's hand, or at everybody's."""

    phrase: UUID


@dataclass(frozen=True, kw_only=True)
class ReportSigned(Event):
    """A reader signed a report; it can no longer change."""

    report: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    reader: UUID
    critical: bool


@dataclass(frozen=True, kw_only=True)
class AddendumBegun(Event):
    """A reader began an addendum to a signed report."""

    report: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    reader: UUID


@dataclass(frozen=True, kw_only=True)
class AddendumSigned(Event):
    """A reader signed an addendum to a signed report."""

    report: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    reader: UUID
    critical: bool


@dataclass(frozen=True, kw_only=True)
class DocumentMade(Event):
    """The signed PDF of a report was made."""

    document: UUID
    report: UUID
    reading: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class DocumentFiled(Event):
    """The document of a report was put into its study, as DICOM objects."""

    document: UUID
    report: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ReportHandedOver(Event):
    """A signed report was laid before the doctor who asked."""

    receipt: UUID
    report: UUID
    order: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class CriticalTargetSet(Event):
    """The time in which critical results are to be acknowledged was set, from a date on."""

    target: UUID
    minutes: int


@dataclass(frozen=True, kw_only=True)
class CriticalResultRaised(Event):
    """A critical result waits to be acknowledged."""

    obligation: UUID
    report: UUID
    order: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class CriticalResultAcknowledged(Event):
    """A named clinician acknowledged a critical result."""

    obligation: UUID
    report: UUID
    order: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ReportRead(Event):
    """The doctor who asked read the report."""

    receipt: UUID
    report: UUID
    order: UUID
    patient: UUID
    place: UUID
