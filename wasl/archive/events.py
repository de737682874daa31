"""What is told about studies."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class SourceAdded(Event):
    """A modality or system was allowed to send."""

    source: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class SourceClosed(Event):
    """A modality or system may no longer send."""

    source: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class StudyArrived(Event):
    """The first image of a study was received."""

    study: UUID
    study_uid: str
    accession: str
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class StudyCompleted(Event):
    """A study is known to be complete; `how` says by what."""

    study: UUID
    how: str
    instances: int
    place: UUID | None
    patient: UUID | None


@dataclass(frozen=True, kw_only=True)
class CompletenessConfirmed(Event):
    """A study taken for complete is now known to be so by something more trusted."""

    study: UUID
    how: str
    place: UUID | None
    patient: UUID | None


@dataclass(frozen=True, kw_only=True)
class ImagesAnnounced(Event):
    """A sender said how many images a study will have."""

    study: UUID
    instances: int
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class StudyExtended(Event):
    """Reports or notes were added to a complete study, which stays complete."""

    study: UUID
    place: UUID | None
    patient: UUID | None


@dataclass(frozen=True, kw_only=True)
class StudyReopened(Event):
    """More images came after a study was taken for complete."""

    study: UUID
    place: UUID | None
    patient: UUID | None


@dataclass(frozen=True, kw_only=True)
class StudyMatched(Event):
    """A study was said to be a patient's."""

    study: UUID
    match: UUID
    patient: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class StudyUnmatched(Event):
    """A study was taken back from a patient."""

    study: UUID
    match: UUID
    patient: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class InstanceConflicted(Event):
    """An image came again under the same UID with other content, and was kept aside."""

    conflict: UUID
    study: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class ConflictSettled(Event):
    """Somebody looked at an image kept aside and settled which one is shown."""

    conflict: UUID
    study: UUID
    place: UUID | None
    replaced: bool


@dataclass(frozen=True, kw_only=True)
class StepStarted(Event):
    """A modality said that it began an exam."""

    step: UUID
    study_uid: str
    accession: str
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class StepChanged(Event):
    """A modality said more about an exam that is going on."""

    step: UUID
    study_uid: str
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class StepCompleted(Event):
    """A modality said that it finished an exam, and named the images it made."""

    step: UUID
    study_uid: str
    accession: str
    place: UUID | None
    instances: int


@dataclass(frozen=True, kw_only=True)
class StepDiscontinued(Event):
    """A modality said that an exam was broken off."""

    step: UUID
    study_uid: str
    accession: str
    place: UUID | None
