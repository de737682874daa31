"""What is told of opinions asked of other hospitals; the digest binds an answer to the journal."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class ExpertiseRequested(Event):
    """A doctor asked another hospital for an opinion on images."""

    expertise: UUID
    order: UUID
    patient: UUID
    place: UUID
    expert_place: UUID
    expert_asked: UUID | None
    urgency: str
    due_at: datetime.datetime | None


@dataclass(frozen=True, kw_only=True)
class ExpertiseTaken(Event):
    """An expert took a question; the images are open to them."""

    expertise: UUID
    order: UUID
    patient: UUID
    place: UUID
    expert: UUID


@dataclass(frozen=True, kw_only=True)
class ExpertiseAnswered(Event):
    """An expert signed the answer to a question."""

    expertise: UUID
    order: UUID
    patient: UUID
    place: UUID
    expert: UUID
    expert_place: UUID
    digest: str  # SHA-256 of what was signed, hexadecimal


@dataclass(frozen=True, kw_only=True)
class ExpertiseDeclined(Event):
    """The hospital that was asked said why it gives no opinion; another may be asked."""

    expertise: UUID
    order: UUID
    patient: UUID
    place: UUID
    expert_place: UUID


@dataclass(frozen=True, kw_only=True)
class ExpertiseWithdrawn(Event):
    """A question was taken back before it was answered."""

    expertise: UUID
    order: UUID
    patient: UUID
    place: UUID
    expert_place: UUID
    expert: UUID | None


@dataclass(frozen=True, kw_only=True)
class ExpertiseTargetSet(Event):
    """How soon opinions of an urgency class are to be given was set."""

    target: UUID
    urgency: str
    minutes: int
