"""What is told of exams for which an earlier one stands."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class ValiditySet(Event):
    """The days for which exams of a modality, or of one of its regions, stand for another were set, from a date on."""

    validity: UUID
    modality: str
    region: str
    days: int


@dataclass(frozen=True, kw_only=True)
class EarlierExamShown(Event):
    """A doctor who chose an exam was shown that an earlier one stands for it."""

    shown: UUID
    earlier: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class EarlierExamUsed(Event):
    """A doctor used an earlier exam and ordered none."""

    shown: UUID
    earlier: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ExamRepeated(Event):
    """An exam was ordered in spite of an earlier one that stands for it, and why."""

    order: UUID
    patient: UUID
    place: UUID
    repeats: UUID
    because: str
