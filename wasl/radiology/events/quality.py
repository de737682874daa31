"""What is told about the quality of images."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class SeriesRejected(Event):
    """A reader found a series not good enough."""

    reject: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    reason: str
    again: bool


@dataclass(frozen=True, kw_only=True)
class SeriesRejectWithdrawn(Event):
    """A reader took back that a series was not good enough."""

    reject: UUID
    reading: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class SeriesRejectAnswered(Event):
    """The hospital that made a rejected series said what it did about it."""

    reject: UUID
    reading: UUID
    patient: UUID
    place: UUID
    outcome: str
