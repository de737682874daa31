"""What is told about results: handed over, read, acknowledged."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


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
    category: int = 1


@dataclass(frozen=True, kw_only=True)
class PassingRuleSet(Event):
    """The shares of its time after which an unanswered critical result goes up were set, from a date on."""

    rule: UUID
    shares: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class CriticalResultRaised(Event):
    """A critical result waits to be acknowledged."""

    obligation: UUID
    report: UUID
    order: UUID
    patient: UUID
    place: UUID
    holder: UUID | None = None
    category: int = 1


@dataclass(frozen=True, kw_only=True)
class CriticalResultPassedUp(Event):
    """Nobody answered a critical result in its part of the time, and it went one level up."""

    obligation: UUID
    report: UUID
    order: UUID
    patient: UUID
    place: UUID
    holder: UUID
    level: int
    because: str
    due_at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class CriticalResultHandedOver(Event):
    """Who held a critical result handed it over to a named doctor of the hospital that asked."""

    obligation: UUID
    report: UUID
    order: UUID
    patient: UUID
    place: UUID
    holder: UUID
    level: int
    due_at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class CriticalResultAcknowledged(Event):
    """A named clinician acknowledged a critical result."""

    obligation: UUID
    report: UUID
    order: UUID
    patient: UUID
    place: UUID
    how: str = "page"


@dataclass(frozen=True, kw_only=True)
class WrongCodeEntered(Event):
    """Somebody entered a code that opens no critical result of their hospital."""

    person: UUID
    times: int


@dataclass(frozen=True, kw_only=True)
class ReportRead(Event):
    """The doctor who asked read the report."""

    receipt: UUID
    report: UUID
    order: UUID
    patient: UUID
    place: UUID
