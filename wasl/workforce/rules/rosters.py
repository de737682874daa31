"""Who may plan a month, what is refused, and which hours have too few on duty."""

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.utils import timezone

from wasl.kernel.errors import Invalid, Refused
from wasl.workforce.rules.groups import PLANNERS

CAN: dict[str, frozenset[str]] = {
    "set_session_rule": frozenset({"planner", "system"}),
    "draft_roster": PLANNERS,
    "add_shift": PLANNERS,
    "add_pattern": PLANNERS,
    "remove_shift": PLANNERS,
    "publish_roster": PLANNERS,
    "replace_worker": PLANNERS,
}
HOUR = datetime.timedelta(hours=1)
NAMED = 6  # gaps that a refusal names; all of them are on the page of the roster

Span = tuple[datetime.datetime, datetime.datetime]


@dataclass(frozen=True)
class Gap:
    """Hours in which too few are on duty, and how many there are."""

    since: datetime.datetime
    until: datetime.datetime
    present: int

    def __str__(self) -> str:
        since, until = (timezone.localtime(at) for at in (self.since, self.until))
        # isolated from left to right: in an Arabic sentence the figures would change places
        return f"\u2066{since:%d/%m %H:%M} – {until:%d/%m %H:%M}\u2069"


class AlreadyDrafted(Refused):
    """This group has a roster of this month already."""


class MonthOver(Invalid):
    """This month is over."""


class RosterPublished(Refused):
    """This roster is published: it changes by swaps and replacements alone."""


class RosterNotPublished(Refused):
    """This roster is not published yet."""


class GapsLeft(Refused):
    """Too few readers are on duty: {gaps}"""

    def __init__(self, gaps: Sequence[Gap]) -> None:
        self.gaps = tuple(gaps)
        more = " …" if len(gaps) > NAMED else "."
        super().__init__(gaps=", ".join(str(gap) for gap in gaps[:NAMED]) + more)


class AlreadyOnDuty(Refused):
    """{name} is on another shift in these hours."""


class OtherSpecialty(Invalid):
    """{name} is of another specialty than this group."""


class NoShift(Invalid):
    """Choose at least one day."""


class NotWholeHours(Invalid):
    """A shift begins and ends at a full hour, and ends after it begins."""


class ShiftTooLong(Invalid):
    """A shift lasts at most {hours} hours: the session of the decree."""


class OutsideMonth(Invalid):
    """A shift begins in the month of its roster."""


class UnknownKind(Invalid):
    """A reader is on duty on site, on call at home, or reads remotely."""


class BadSessionRule(Invalid):
    """A session lasts one hour at least, a month has one at least, and official hours open before they close."""


class SessionRuleNotLater(Invalid):
    """A new rule of sessions must begin after {since}, when the present one began."""


def bounds(month: datetime.date) -> Span:
    """From when until when a month lasts, on the country's clock."""
    following = (month.replace(day=1) + datetime.timedelta(days=31)).replace(day=1)
    return at(month.replace(day=1), 0), at(following, 0)


def at(day: datetime.date, hour: int) -> datetime.datetime:
    """An hour of a day, on the country's clock."""
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time(hour)), timezone.get_default_timezone())


def span(day: datetime.date, begins: int, ends: int) -> Span:
    """From an hour of a day until another: of the next day, when that is not later."""
    return at(day, begins), at(day + datetime.timedelta(days=ends <= begins), ends)


def gaps(first: datetime.datetime, last: datetime.datetime, shifts: Iterable[Span], minimum: int) -> list[Gap]:
    """The hours between two moments in which fewer than the minimum are on duty, those alike in one piece.

    A reader is on one shift at a time, so shifts are readers.
    """
    change: Counter[datetime.datetime] = Counter()
    for since, until in shifts:
        since, until = max(since, first), min(until, last)
        if since < until:
            change[since] += 1
            change[until] -= 1
    present, found = 0, list[Gap]()
    for since, until in pairwise(sorted({first, last, *change})):
        present += change[since]
        if present >= minimum:
            continue
        if found and (found[-1].until, found[-1].present) == (since, present):
            since = found.pop().since
        found.append(Gap(since, until, present))
    return found


def check_covered(left: Sequence[Gap]) -> None:
    """At every hour enough are on duty."""
    if left:
        raise GapsLeft(left)


def check_month(month: datetime.date, *, today: datetime.date) -> None:
    """A roster is planned before its month is over."""
    if month < today.replace(day=1):
        raise MonthOver


def check_draft(state: str) -> None:
    """What is published changes otherwise."""
    if state != "draft":
        raise RosterPublished


def check_published(state: str) -> None:
    """Drafts change freely, and are nobody's word yet."""
    if state != "published":
        raise RosterNotPublished


def check_specialty(specialty: str, *, group: str, name: str) -> None:
    """A group's hours are covered by its specialty."""
    if specialty != group:
        raise OtherSpecialty(name=name)


def check_shift(period: Span, *, month: datetime.date, longest: int | None) -> None:
    """A shift is of whole hours, begins in its month, and is no longer than the session of its day."""
    since, until = period
    if until <= since or any((moment.timestamp() % 3600) for moment in period):
        raise NotWholeHours
    first, last = bounds(month)
    if not first <= since < last:
        raise OutsideMonth
    if longest is not None and until - since > longest * HOUR:
        raise ShiftTooLong(hours=longest)


def check_session_rule(
    *, hours: int, most: int | None, opens: datetime.time | None, closes: datetime.time | None
) -> None:
    """A rule lets some session be, and official hours begin and end on one day."""
    both = opens is not None and closes is not None
    if hours < 1 or (most is not None and most < 1) or (opens is None) != (closes is None):
        raise BadSessionRule
    if both and opens >= closes:  # type: ignore[operator]  # both are there
        raise BadSessionRule


def check_session_later(*, since: datetime.date, current: datetime.date | None) -> None:
    """Another length holds after the present one began to."""
    if current is not None and since <= current:
        raise SessionRuleNotLater(since=current.isoformat())
