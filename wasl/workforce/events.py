"""What is told about staff."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class WorkerEnrolled(Event):
    """A health professional was enrolled, with specialty and licence."""

    worker: UUID
    person: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class CoverBegun(Event):
    """A reader began to read the exams of a hospital."""

    cover: UUID
    worker: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class CoverEnded(Event):
    """A reader no longer reads the exams of a hospital."""

    cover: UUID
    worker: UUID
    place: UUID
