"""What is told about stored files and their copies."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class FolderAdded(Event):
    """A folder of stored files was used for the first time."""

    folder: UUID


@dataclass(frozen=True, kw_only=True)
class DamageFound(Event):
    """A copy of an image's file was found changed, or gone; `where` says whether in a folder or in the bucket."""

    study: UUID
    instance: UUID
    where: str
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class DamageHealed(Event):
    """A damaged copy of an image's file was written again from one that is whole, or its sender sent it again."""

    study: UUID
    instance: UUID
    where: str
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class FilesReleased(Event):
    """A study's files left a folder, each with a copy in the bucket that was read back whole."""

    study: UUID
    folder: UUID
    files: int
    size: int
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class RetentionAdded(Event):
    """It was said how long some images stay on fast disks, or must be kept."""

    retention: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class RetentionClosed(Event):
    """A rule about how long images stay holds no more."""

    retention: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class StudyCarried(Event):
    """What an export says of a study was taken over: what was taken back in it, whose it is, where its images are."""

    study: UUID
    place: UUID | None
    patient: UUID | None
