"""What is told about staff and rosters."""

import datetime
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


@dataclass(frozen=True, kw_only=True)
class SessionRuleSet(Event):
    """What the law says of sessions was set, from a day on."""

    rule: UUID
    hours: int
    most: int | None


@dataclass(frozen=True, kw_only=True)
class PostsEstablished(Event):
    """How many posts of a specialty a hospital has was written down, from a day on."""

    posts: UUID
    place: UUID
    specialty: str
    number: int
    since: datetime.date


@dataclass(frozen=True, kw_only=True)
class GroupFounded(Event):
    """Hospitals were joined in a group whose hours of a specialty are covered together."""

    group: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class MinimumSet(Event):
    """A group was told how many are to be on duty at every hour."""

    group: UUID
    minimum: int


@dataclass(frozen=True, kw_only=True)
class GroupJoined(Event):
    """A hospital's hours are covered by a group from now on."""

    membership: UUID
    group: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class GroupLeft(Event):
    """A hospital's hours are no longer covered by a group."""

    membership: UUID
    group: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class RosterDrafted(Event):
    """A group's roster of a month was begun."""

    roster: UUID
    group: UUID
    month: datetime.date


@dataclass(frozen=True, kw_only=True)
class ShiftAdded(Event):
    """A reader was put on duty for a period, in a draft."""

    shift: UUID
    roster: UUID
    worker: UUID


@dataclass(frozen=True, kw_only=True)
class ShiftRemoved(Event):
    """A reader was taken off a shift again, in a draft."""

    shift: UUID
    roster: UUID
    worker: UUID


@dataclass(frozen=True, kw_only=True)
class RosterPublished(Event):
    """A month's roster was published: at every hour enough readers are on duty."""

    roster: UUID
    group: UUID
    month: datetime.date


@dataclass(frozen=True, kw_only=True)
class ShiftHandedOver(Event):
    """A shift of a published roster went from one reader to another."""

    shift: UUID
    replaces: UUID
    worker: UUID
    before: UUID


@dataclass(frozen=True, kw_only=True)
class SwapProposed(Event):
    """A reader offered a shift to a colleague, against another or as a gift."""

    swap: UUID
    shift: UUID
    colleague: UUID
    against: UUID | None


@dataclass(frozen=True, kw_only=True)
class SwapAccepted(Event):
    """A colleague agreed to a swap, and it took effect."""

    swap: UUID
    shift: UUID


@dataclass(frozen=True, kw_only=True)
class SwapDeclined(Event):
    """A colleague did not agree to a swap."""

    swap: UUID
    shift: UUID


@dataclass(frozen=True, kw_only=True)
class SwapWithdrawn(Event):
    """A reader took back the offer of a shift."""

    swap: UUID
    shift: UUID


@dataclass(frozen=True, kw_only=True)
class SwapOvertaken(Event):
    """The offer of a shift fell, because the shift went another way."""

    swap: UUID
    shift: UUID


@dataclass(frozen=True, kw_only=True)
class CalendarRenewed(Event):
    """A reader was given a new secret address of their shifts; the one before opens nothing."""

    calendar: UUID
    worker: UUID


@dataclass(frozen=True, kw_only=True)
class CalendarRevoked(Event):
    """The secret address of a reader's shifts opens nothing any more."""

    calendar: UUID
    worker: UUID
