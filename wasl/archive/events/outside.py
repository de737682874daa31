"""What is told about promises to, and exams from, outside systems."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class CommitmentRequested(Event):
    """A system asked us to promise that its images are kept."""

    commitment: UUID
    source: UUID
    instances: int
    place: UUID


@dataclass(frozen=True, kw_only=True)
class CommitmentAnswered(Event):
    """A system was told which of its images are kept, their files read again for it."""

    commitment: UUID
    source: UUID
    kept: int
    failed: int
    place: UUID


@dataclass(frozen=True, kw_only=True)
class CommitmentAsked(Event):
    """We asked a system to promise that it keeps images that we sent it."""

    commitment: UUID
    source: UUID
    instances: int
    place: UUID


@dataclass(frozen=True, kw_only=True)
class CommitmentHeard(Event):
    """A system said which of our images it keeps."""

    commitment: UUID
    source: UUID
    kept: int
    failed: int
    place: UUID


@dataclass(frozen=True, kw_only=True)
class StudiesAskedFor(Event):
    """An outside archive was asked for a patient's exams."""

    inquiry: UUID
    source: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class StudiesHeardOf(Event):
    """An outside archive said which exams of a patient it has."""

    inquiry: UUID
    source: UUID
    patient: UUID
    place: UUID
    studies: int


@dataclass(frozen=True, kw_only=True)
class StudiesSentFor(Event):
    """Exams of a patient are to be brought here from an outside archive."""

    inquiry: UUID
    source: UUID
    patient: UUID
    place: UUID
    studies: int


@dataclass(frozen=True, kw_only=True)
class StudyBrought(Event):
    """An exam was brought here from an outside archive, all its images or all but some."""

    bringing: UUID
    source: UUID
    patient: UUID | None  # none: it was announced, and is nobody's yet
    place: UUID
    study: UUID | None
    failed: int


@dataclass(frozen=True, kw_only=True)
class AvailabilityAnnounced(Event):
    """The systems that want to know are told that a study is whole and can be had."""

    study: UUID
    place: UUID | None
    sources: int


@dataclass(frozen=True, kw_only=True)
class StudyAnnounced(Event):
    """A system said that it has a study, which may not be here."""

    announced: UUID
    source: UUID
    place: UUID
    images: int


@dataclass(frozen=True, kw_only=True)
class StudySentFor(Event):
    """A study that an outside archive had announced is to be brought here."""

    bringing: UUID
    announced: UUID
    source: UUID
    place: UUID
