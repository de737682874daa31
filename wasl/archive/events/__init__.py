"""What is told about studies."""

from dataclasses import dataclass
from uuid import UUID

from wasl.archive.events.copies import DamageFound as DamageFound
from wasl.archive.events.copies import DamageHealed as DamageHealed
from wasl.archive.events.copies import FilesReleased as FilesReleased
from wasl.archive.events.copies import FolderAdded as FolderAdded
from wasl.archive.events.copies import RetentionAdded as RetentionAdded
from wasl.archive.events.copies import RetentionClosed as RetentionClosed
from wasl.archive.events.copies import StudyCarried as StudyCarried
from wasl.archive.events.discs import DiscBegun as DiscBegun
from wasl.archive.events.discs import DiscDropped as DiscDropped
from wasl.archive.events.discs import DiscTaken as DiscTaken
from wasl.archive.events.layouts import LayoutForgotten as LayoutForgotten
from wasl.archive.events.layouts import LayoutImported as LayoutImported
from wasl.archive.events.layouts import LayoutRenamed as LayoutRenamed
from wasl.archive.events.layouts import LayoutSaved as LayoutSaved
from wasl.archive.events.layouts import LayoutTurned as LayoutTurned
from wasl.archive.events.lines import CorrectionHeard as CorrectionHeard
from wasl.archive.events.lines import LineHeard as LineHeard
from wasl.archive.events.lines import LineMissed as LineMissed
from wasl.archive.events.lines import PriorSentFor as PriorSentFor
from wasl.archive.events.lines import PriorWanted as PriorWanted
from wasl.archive.events.marks import MarksSaved as MarksSaved
from wasl.archive.events.outside import AvailabilityAnnounced as AvailabilityAnnounced
from wasl.archive.events.outside import CommitmentAnswered as CommitmentAnswered
from wasl.archive.events.outside import CommitmentAsked as CommitmentAsked
from wasl.archive.events.outside import CommitmentHeard as CommitmentHeard
from wasl.archive.events.outside import CommitmentRequested as CommitmentRequested
from wasl.archive.events.outside import StudiesAskedFor as StudiesAskedFor
from wasl.archive.events.outside import StudiesHeardOf as StudiesHeardOf
from wasl.archive.events.outside import StudiesSentFor as StudiesSentFor
from wasl.archive.events.outside import StudyAnnounced as StudyAnnounced
from wasl.archive.events.outside import StudyBrought as StudyBrought
from wasl.archive.events.outside import StudySentFor as StudySentFor
from wasl.archive.events.preliminary import PreliminaryWritten as PreliminaryWritten
from wasl.archive.events.receivers import CopiesDelivered as CopiesDelivered
from wasl.archive.events.receivers import CopiesSentOff as CopiesSentOff
from wasl.archive.events.receivers import ReceiverAdded as ReceiverAdded
from wasl.archive.events.receivers import ReceiverClosed as ReceiverClosed
from wasl.archive.events.releases import BurnedTextFound as BurnedTextFound
from wasl.archive.events.releases import ProjectOpened as ProjectOpened
from wasl.archive.events.releases import PseudonymGiven as PseudonymGiven
from wasl.archive.events.releases import PseudonymResolved as PseudonymResolved
from wasl.archive.events.releases import ReleaseApproved as ReleaseApproved
from wasl.archive.events.releases import ReleaseAsked as ReleaseAsked
from wasl.archive.events.releases import ReleaseCleared as ReleaseCleared
from wasl.archive.events.releases import ReleaseFetched as ReleaseFetched
from wasl.archive.events.releases import ReleaseMade as ReleaseMade
from wasl.archive.events.releases import ReleaseRefused as ReleaseRefused
from wasl.archive.events.releases import WrongPatientSuspected as WrongPatientSuspected
from wasl.archive.events.sharing import ShareCodeRefused as ShareCodeRefused
from wasl.archive.events.sharing import ShareFetched as ShareFetched
from wasl.archive.events.sharing import ShareOpened as ShareOpened
from wasl.archive.events.sharing import ShareWithdrawn as ShareWithdrawn
from wasl.archive.events.sharing import StudyShared as StudyShared
from wasl.archive.events.traffic import PhantomEnded as PhantomEnded
from wasl.archive.events.traffic import PhantomQueued as PhantomQueued
from wasl.archive.events.traffic import PhantomSent as PhantomSent
from wasl.archive.events.traffic import StepsGivenUp as StepsGivenUp
from wasl.archive.events.workitems import WorkitemCancellationAsked as WorkitemCancellationAsked
from wasl.archive.events.workitems import WorkitemCreated as WorkitemCreated
from wasl.archive.events.workitems import WorkitemsSubscribed as WorkitemsSubscribed
from wasl.archive.events.workitems import WorkitemsSuspended as WorkitemsSuspended
from wasl.archive.events.workitems import WorkitemStateChanged as WorkitemStateChanged
from wasl.archive.events.workitems import WorkitemSubscriberAdded as WorkitemSubscriberAdded
from wasl.archive.events.workitems import WorkitemsUnsubscribed as WorkitemsUnsubscribed
from wasl.archive.events.workitems import WorkitemUpdated as WorkitemUpdated
from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class SourceAdded(Event):
    """A modality or system was allowed to send."""

    source: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class KeepingChanged(Event):
    """It was said how the images of a modality or system are kept."""

    source: UUID
    keeping: str
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
class StudyUnidentified(Event):
    """The header of a study that no order expects does not say whose it is: it stays nobody's until somebody does."""

    study: UUID
    because: str
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class StudyUnmatched(Event):
    """A study was taken back from a patient."""

    study: UUID
    match: UUID
    patient: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class StudyRegrouped(Event):
    """Images came into a study from another (`other`), or went there; `undone`: they were put back."""

    study: UUID
    other: UUID
    act: UUID
    instances: int
    place: UUID | None
    patient: UUID | None
    undone: bool


@dataclass(frozen=True, kw_only=True)
class InstanceConflicted(Event):
    """An image came again under the same UID with other content, and was kept aside."""

    conflict: UUID
    study: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class ImagesSeparated(Event):
    """Images kept aside were said to be another exam, and became a study under new UIDs."""

    study: UUID
    out_of: UUID
    place: UUID | None
    images: int
    because: str


@dataclass(frozen=True, kw_only=True)
class SeparationUndone(Event):
    """Images that had become a study of their own are kept aside again."""

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
class ImagesTranscoded(Event):
    """Images of a study were encoded again without loss; `saved` says how many bytes fewer they are."""

    study: UUID
    images: int
    saved: int
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class ImagesRejected(Event):
    """Images were taken back: they are kept and shown to nobody; `reason` is the code of the note's title."""

    rejection: UUID
    study: UUID
    reason: str
    images: int
    place: UUID | None
    patient: UUID | None


@dataclass(frozen=True, kw_only=True)
class ImagesRestored(Event):
    """Images that had been taken back are shown again."""

    rejection: UUID
    study: UUID
    images: int
    place: UUID | None
    patient: UUID | None


@dataclass(frozen=True, kw_only=True)
class StudyGiven(Event):
    """A system was given images of a study for the first time."""

    study: UUID
    source: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class RejectionPassedOn(Event):
    """The systems that hold images that were taken back are to be told."""

    rejection: UUID
    study: UUID
    sources: int
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class RejectionTold(Event):
    """A system was sent the note that takes images back, and took it or not."""

    rejection: UUID
    study: UUID
    source: UUID
    taken: bool
    place: UUID | None


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


@dataclass(frozen=True, kw_only=True)
class CentreNamed(Event):
    """A gateway learned which centre it works for, and for which hospital."""

    centre: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class CentreFellSilent(Event):
    """The centre no longer answers a gateway."""

    centre: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class CentreAnswered(Event):
    """The centre answers a gateway again."""

    centre: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ExamsListed(Event):
    """A gateway took over the centre's worklist: how many exams it names, how many are new and how many are gone."""

    centre: UUID
    place: UUID
    exams: int
    new: int
    gone: int


@dataclass(frozen=True, kw_only=True)
class StudyRecycled(Event):
    """A gateway gave up its copy of a study, every image of which the centre has proven to hold."""

    study: UUID
    place: UUID | None
    instances: int
    size: int


@dataclass(frozen=True, kw_only=True)
class LinkAdded(Event):
    """A line to another Wasl was made known."""

    link: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class LinkClosed(Event):
    """Nothing more is sent over a line."""

    link: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class LinkFellSilent(Event):
    """The other side of a line answers no more."""

    link: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class LinkAnswered(Event):
    """The other side of a line answers again."""

    link: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class TransferQueued(Event):
    """A study is to be sent over a line."""

    transfer: UUID
    study: UUID
    link: UUID
    rank: int
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class TransferRanked(Event):
    """A study on its way became more urgent, or less."""

    transfer: UUID
    study: UUID
    rank: int
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class TransferBegun(Event):
    """The first words about a study went over a line."""

    transfer: UUID
    study: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class TransferSent(Event):
    """The other side of a line has every image of a study."""

    transfer: UUID
    study: UUID
    images: int
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class TransferFailed(Event):
    """A study could not be sent whole; the transfer says why."""

    transfer: UUID
    study: UUID
    place: UUID | None
