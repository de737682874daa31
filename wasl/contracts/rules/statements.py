"""Who closes a month, who confirms and disputes a statement, and what is refused of it."""

import datetime
from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from wasl.contracts.models import Line
from wasl.kernel.access import Actor, Held
from wasl.kernel.errors import Invalid, NotAllowed, Refused

# who binds a hospital, as in its agreements: the head of its imaging department, or who plans for it
BINDING = ("chief", "planner")
CAN: dict[str, frozenset[str]] = {
    "set_closing_rule": frozenset({"planner", "system"}),
    "close_month": frozenset({"chief", "system"}),
    "print_statement": frozenset({"system"}),
    "confirm_statement": frozenset(BINDING),
    "dispute_line": frozenset(BINDING),
    "accept_dispute": frozenset(BINDING),
    "keep_line": frozenset(BINDING),
    "settle_dispute": frozenset({"planner"}),
}
SIDES = ("provider", "beneficiary")
HOUSE_DAYS = 5  # after its end a month is closed, where no rule says when: no text was found that does
MOST_DAYS = 60
# what a line adds to the acts of its reading
WEIGHT = {Line.State.PAID: 1, Line.State.REVERSED: -1, Line.State.OPEN: 1, Line.State.REFUSED: 1}


class BadClosingRule(Invalid):
    """A month is closed between one day and sixty days after its end, as a text or a decision says; name it."""


class ClosingRuleNotLater(Invalid):
    """This rule must begin after {since}, when the rule before it began, and not in the past."""


class MonthNotOver(Refused):
    """A month is closed once it is over."""


class MonthIsClosed(Refused):
    """This month, or a later one, is closed already; what comes now is on the next statement."""


class NothingToClose(Refused):
    """Nothing was read for another hospital up to the end of this month that is not on a statement already."""


class NotOfAPair(Refused):
    """Two hospitals confirm what one owes the other; the statement of a reader is only read."""


class UnknownParty(Invalid):
    """A statement is confirmed and disputed for its provider or for its beneficiary."""


class NamesWhoIsHidden(Refused):
    """You read an exam of this statement without knowing who read it. Finish that, or give it back, first."""


class SideHasConfirmed(Refused):
    """This hospital has confirmed the statement already."""


class TwoMustConfirm(Refused):
    """You confirmed for the other hospital: somebody else confirms for this one."""


class LinesDisputed(Refused):
    """Lines of this statement are disputed: they are settled before anybody confirms it."""


class CountsDiffer(Refused):
    """The provider counts {given} acts, the beneficiary {received}: the lines that differ are disputed first."""


class NotDisputable(Refused):
    """This line moves nothing that could be disputed."""


class StatementAgreed(Refused):
    """Both hospitals have confirmed this statement: nothing of it is disputed any more."""


class DisputedAlready(Refused):
    """This line is disputed already, or was."""


class DisputeEnded(Refused):
    """This dispute does not wait for you any more; look at it again."""


class AnotherMustDecide(Refused):
    """You took part in this dispute: somebody else decides of it."""


def standing(lines: Iterable[tuple[UUID, str]]) -> set[UUID]:
    """The readings whose lines, each with its state, leave an act that stands."""
    sums: Counter[UUID] = Counter()
    for reading, state in lines:
        sums[reading] += WEIGHT[Line.State(state)]
    return {reading for reading, sum_ in sums.items() if sum_ > 0}


def next_month(month: datetime.date) -> datetime.date:
    """The first day of the month after one."""
    return (month + datetime.timedelta(days=31)).replace(day=1)


def closes_on(month: datetime.date, *, days: int) -> datetime.date:
    """The day on which a month is closed by itself."""
    return next_month(month) + datetime.timedelta(days=days)


def check_closing_rule(*, days: int, source: str) -> None:
    """Neither at once nor next season, and somebody says so."""
    if not 1 <= days <= MOST_DAYS or not source.strip():
        raise BadClosingRule


def check_closing_later(since: datetime.date, *, current: datetime.date | None, today: datetime.date) -> None:
    """What held before stays known."""
    if since < today or (current is not None and since <= current):
        raise ClosingRuleNotLater(since=(current or today).isoformat())


def check_closes(provider: UUID, month: datetime.date, *, today: datetime.date, by: Actor) -> None:
    """The chief of the provider closes a month, or Wasl itself; once it is over."""
    if not by.is_system and not by.holds("chief", provider):
        raise NotAllowed
    if next_month(month) > today:
        raise MonthNotOver


def binds(place: UUID, by: Actor) -> bool:
    """Whether an actor speaks for a hospital."""
    return any(by.holds(role, place) for role in BINDING)


def check_side(side: str) -> None:
    """One of the two."""
    if side not in SIDES:
        raise UnknownParty


def check_confirms(*, confirmed: UUID | None, other: UUID | None, disputed: int, person: UUID | None) -> None:
    """A side confirms once, by somebody who did not confirm for the other, while nothing is disputed."""
    if person is None:
        raise NotAllowed
    if confirmed is not None:
        raise SideHasConfirmed
    if other == person:
        raise TwoMustConfirm
    if disputed:
        raise LinesDisputed


def check_settles(by: Actor) -> None:
    """The ministry's planner, who plans for the whole country, decides between hospitals."""
    if Held("planner", None) not in by.held:
        raise NotAllowed
