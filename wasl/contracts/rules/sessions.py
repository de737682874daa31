"""Sessions: how long, how many, and who says so (decree 2024-715, art. 3); the figures are dated rules."""

import datetime
from collections.abc import Collection
from itertools import count
from uuid import UUID

from django.utils import timezone

from wasl.contracts.models import Mode
from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused

CAN: dict[str, frozenset[str]] = {
    "declare_session": frozenset({"radiologist", "chief"}),
    "withdraw_session": frozenset({"radiologist", "chief"}),
    "validate_session": frozenset({"chief"}),
    "refuse_session": frozenset({"chief"}),
    "cancel_session": frozenset({"chief"}),
}
BACK = datetime.timedelta(days=62)  # how long ago a session may have begun that is declared
AHEAD = datetime.timedelta(days=62)


class NoSessionRule(Refused):
    """No rule of sessions is set for {day}; the planner sets it."""


class NotAReader(Invalid):
    """Only a radiologist enrolled at your hospital can have a session there."""


class SessionTooFar(Invalid):
    """A session is declared at most two months before it begins or after."""


class SessionsOverlap(Refused):
    """This doctor has another session in these hours."""


class SessionDecided(Refused):
    """This session was decided already; look at it again."""


class MonthIsFull(Refused):
    """{most} sessions of this doctor are validated in this month; the law allows no more."""


class UnknownMode(Invalid):
    """Acts are scheduled or urgent."""


class NotYourOwn(Refused):
    """Nobody decides of their own session or their own acts."""


class ReasonMissing(Invalid):
    """Say why, in a few words."""


def check_declares(reader: UUID, *, provider: UUID | None, by: Actor) -> UUID:
    """A reader declares for themselves, a chief for the readers of their hospital; where the reader is enrolled."""
    if provider is None:
        raise NotAReader
    if reader != by.id and not by.holds("chief", provider):
        raise NotAllowed
    return provider


def check_begins(at: datetime.datetime, *, now: datetime.datetime) -> None:
    """Neither long ago nor far ahead."""
    if not now - BACK <= at <= now + AHEAD:
        raise SessionTooFar


def check_decides(reader: UUID, *, provider: UUID, by: Actor) -> None:
    """The chief of the provider decides, of everybody but themselves."""
    if not by.holds("chief", provider):
        raise NotAllowed
    if reader == by.id:
        raise NotYourOwn


def check_mode(mode: str) -> None:
    """A mode of the decree."""
    if mode not in Mode.values:
        raise UnknownMode


def check_reason(because: str) -> str:
    """A reason of some words."""
    if not because.strip():
        raise ReasonMissing
    return because.strip()[:300]


def month_of(moment: datetime.datetime) -> datetime.date:
    """The first day of a moment's month, in the country's time."""
    return timezone.localtime(moment).date().replace(day=1)


def midnight(day: datetime.date) -> datetime.datetime:
    """When a day begins, in the country's time."""
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time()))


def free_number(taken: Collection[int | None], *, most: int | None) -> int:
    """The first number of the month that no validated session has, while the rule (None: there is none) allows one."""
    number = next(number for number in count(1) if number not in taken)
    if most is not None and number > most:
        raise MonthIsFull(most=most)
    return number
