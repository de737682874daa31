"""What is told about text in pixels and de-identified copies."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class BurnedTextFound(Event):
    """Text was found in the pixels of an image."""

    instance: UUID
    study: UUID
    place: UUID | None
    boxes: int


@dataclass(frozen=True, kw_only=True)
class WrongPatientSuspected(Event):
    """The pixels of an image name somebody else than its header does."""

    study: UUID
    instance: UUID
    place: UUID | None
    patient: UUID | None


@dataclass(frozen=True, kw_only=True)
class ProjectOpened(Event):
    """A project was opened, for which de-identified copies are made."""

    project: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class PseudonymGiven(Event):
    """A person got a pseudonym in a project."""

    pseudonym: UUID
    project: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class PseudonymResolved(Event):
    """Somebody who holds the right to it learned for whom a pseudonym stands."""

    pseudonym: UUID
    project: UUID
    place: UUID
    patient: UUID | None


@dataclass(frozen=True, kw_only=True)
class ReleaseAsked(Event):
    """De-identified copies of some studies were asked for."""

    release: UUID
    project: UUID
    place: UUID
    purpose: str
    studies: int


@dataclass(frozen=True, kw_only=True)
class ReleaseApproved(Event):
    """Somebody else approved that de-identified copies go outside."""

    release: UUID
    project: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ReleaseMade(Event):
    """De-identified copies were made, of all images or all but some."""

    release: UUID
    project: UUID
    place: UUID
    images: int
    left_out: int


@dataclass(frozen=True, kw_only=True)
class ReleaseRefused(Event):
    """Somebody else refused that de-identified copies go outside."""

    release: UUID
    project: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ReleaseFetched(Event):
    """Somebody took the de-identified copies away."""

    release: UUID
    project: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ReleaseCleared(Event):
    """The time of de-identified copies was over, and they were removed."""

    release: UUID
    project: UUID
    place: UUID
