"""What is told about studies that are shared with somebody outside; who that is stays in the share."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class StudyShared(Event):
    """A study was opened to somebody outside, by a link and a code, until a moment."""

    share: UUID
    study: UUID
    patient: UUID
    place: UUID | None
    until: datetime.datetime
    with_report: bool


@dataclass(frozen=True, kw_only=True)
class ShareOpened(Event):
    """Somebody outside said the code of a share, and saw its study."""

    share: UUID
    study: UUID
    patient: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class ShareCodeRefused(Event):
    """Somebody said a wrong code of a share; `locked`: once too often, and it opens no more."""

    share: UUID
    study: UUID
    patient: UUID
    place: UUID | None
    locked: bool


@dataclass(frozen=True, kw_only=True)
class ShareFetched(Event):
    """Somebody outside took the `images` or the `report` of a share away."""

    share: UUID
    study: UUID
    patient: UUID
    place: UUID | None
    what: str


@dataclass(frozen=True, kw_only=True)
class ShareWithdrawn(Event):
    """A share ended before its time; `why` says whether it was withdrawn, or what became of the study."""

    share: UUID
    study: UUID
    patient: UUID
    place: UUID | None
    why: str
