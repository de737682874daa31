"""What is told about the catalogue, orders, their exams, and the studies that answer them."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class ProcedureAdded(Event):
    """An exam entered the catalogue."""

    procedure: UUID


@dataclass(frozen=True, kw_only=True)
class ExamRegionsSet(Event):
    """It was said into which body regions readings of an exam are split as soon as they are opened; none: by hand."""

    procedure: UUID
    regions: tuple[str, ...]


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
class OrderReopened(Event):
    """An order's exam is to be made again, or goes on, for the images that seemed to answer it are others."""

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
