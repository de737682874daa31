"""What is told of case conferences; a digest of each decision binds it to the journal."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class ConferenceOpened(Event):
    """A doctor called a conference."""

    conference: UUID
    place: UUID
    starts_at: datetime.datetime


@dataclass(frozen=True, kw_only=True)
class ConferenceJoined(Event):
    """An invited doctor joined a conference; its cases are open to them."""

    conference: UUID
    place: UUID
    person: UUID


@dataclass(frozen=True, kw_only=True)
class ConferenceCaseAdded(Event):
    """A case was brought to a conference."""

    case: UUID
    conference: UUID
    order: UUID
    patient: UUID
    place: UUID
    images: int


@dataclass(frozen=True, kw_only=True)
class ConferenceCaseDecided(Event):
    """A conference decided about a case."""

    case: UUID
    conference: UUID
    order: UUID
    patient: UUID
    place: UUID
    present: tuple[UUID, ...]
    digest: str  # SHA-256 of the decision in UTF-8


@dataclass(frozen=True, kw_only=True)
class ConferenceClosed(Event):
    """A conference was closed: its cases are closed to those who joined, and its decisions stay."""

    conference: UUID
    place: UUID
