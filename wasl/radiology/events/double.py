"""What is told about double reading; none of it names the reader of the second or third but the journal's own `by`."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class DoubleRuleSet(Event):
    """Which signed reports are read a second time was set from a date on, for the country or a centre's readers."""

    rule: UUID
    place: UUID | None
    one_in: int
    since: date


@dataclass(frozen=True, kw_only=True)
class DoubleRuleWithdrawn(Event):
    """A rule of double reading holds no longer after a day."""

    rule: UUID
    place: UUID | None
    until: date


@dataclass(frozen=True, kw_only=True)
class SecondReadingOpened(Event):
    """A report that was just signed is to be read a second time, as these rules ask."""

    double: UUID
    report: UUID
    patient: UUID
    place: UUID
    due_at: datetime
    rules: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class SecondReadingMissed(Event):
    """A report was not read twice, or not decided about, by the time that its rules gave; told once."""

    double: UUID
    patient: UUID
    place: UUID
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class DoubleReadingClaimed(Event):
    """A reader who had no part in a report took its exam, to read it again or to decide between two readings."""

    opinion: UUID
    double: UUID
    patient: UUID
    place: UUID
    part: str


@dataclass(frozen=True, kw_only=True)
class DoubleReadingGivenBack(Event):
    """A reader gave an exam back that they had taken to read again, or let the time for it pass."""

    opinion: UUID
    double: UUID
    patient: UUID
    place: UUID
    part: str


@dataclass(frozen=True, kw_only=True)
class SecondReadingGiven(Event):
    """A second reader wrote down what they read before the first reading was shown; it never changes."""

    opinion: UUID
    double: UUID
    patient: UUID
    place: UUID
    part: str
    category: str
    newly_critical: bool  # the first report is not


@dataclass(frozen=True, kw_only=True)
class ReadingsCompared(Event):
    """A second reader compared their reading with the first; a discrepancy waits for an arbiter."""

    opinion: UUID
    double: UUID
    patient: UUID
    place: UUID
    part: str
    verdict: str


@dataclass(frozen=True, kw_only=True)
class ReadingsArbitrated(Event):
    """A third reader decided which of two readings stands."""

    opinion: UUID
    double: UUID
    patient: UUID
    place: UUID
    part: str
    stands: str
