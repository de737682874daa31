"""What is told about vetting: which exams need it, what was decided, and what went on without."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class VettingRuleSet(Event):
    """Whether an exam, or every exam of a modality, is vetted at a hospital was set, from a day on."""

    rule: UUID
    place: UUID
    modality: str
    procedure: UUID | None
    needed: bool
    since: date


@dataclass(frozen=True, kw_only=True)
class VettingTargetSet(Event):
    """The time in which exams of an urgency class are to be vetted was set, from a day on."""

    target: UUID
    urgency: str
    minutes: int
    since: date


@dataclass(frozen=True, kw_only=True)
class ProtocolAdded(Event):
    """A protocol entered the catalogue."""

    protocol: UUID


@dataclass(frozen=True, kw_only=True)
class VettingAsked(Event):
    """An exam was ordered that is vetted before it is made."""

    order: UUID
    vetting: UUID
    patient: UUID
    place: UUID
    due_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ExamAccepted(Event):
    """A radiologist accepted an exam, and set its protocol."""

    order: UUID
    vetting: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ExamChanged(Event):
    """A radiologist changed an exam into another one, and set its protocol."""

    order: UUID
    vetting: UUID
    patient: UUID
    place: UUID
    asked: str
    procedure: str


@dataclass(frozen=True, kw_only=True)
class ExamRefused(Event):
    """A radiologist refused an exam, with a reason and an alternative."""

    order: UUID
    vetting: UUID
    patient: UUID
    place: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class VettingBypassed(Event):
    """In a vital emergency an exam went on without being vetted; that is owed afterwards."""

    order: UUID
    vetting: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ExamUnvetted(Event):
    """The images of an exam came before anybody vetted it; that is owed afterwards."""

    order: UUID
    vetting: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ExamVettedAfterwards(Event):
    """A radiologist said of an exam that went on without vetting whether that was right."""

    order: UUID
    vetting: UUID
    patient: UUID
    place: UUID
    right: bool


@dataclass(frozen=True, kw_only=True)
class VettingFollowed(Event):
    """The vetting of an order went with it to the order's copy, or came back, for the patient proved to be another."""

    order: UUID
    vetting: UUID
    patient: UUID
    place: UUID
