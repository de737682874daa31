"""What is told about lines that are silent, earlier exams wanted over them, and corrections that cross them."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class PriorWanted(Event):
    """An earlier exam is wanted of the site that named it, since a case of its patient is to be read."""

    want: UUID
    study: UUID
    place: UUID | None
    patient: UUID


@dataclass(frozen=True, kw_only=True)
class PriorSentFor(Event):
    """The other side of a line wants an earlier exam before a case is read: it goes right after the urgent."""

    transfer: UUID
    study: UUID
    link: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class CorrectionHeard(Event):
    """The other end of a line said that images were taken back, or put back (`restored`), and so they are here."""

    rejection: UUID
    study: UUID
    place: UUID | None
    restored: bool


@dataclass(frozen=True, kw_only=True)
class LineMissed(Event):
    """A line said nothing for too long: a link of ours, or the gateway of a place."""

    silence: UUID
    place: UUID | None
    link: UUID | None = None
    gateway: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class LineHeard(Event):
    """A silent line is heard again; or nobody waits for it any more, since it was closed (not `heard`)."""

    silence: UUID
    place: UUID | None
    heard: bool
    link: UUID | None = None
    gateway: UUID | None = None
