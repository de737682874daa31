"""Who may count, publish and say of how few nothing is said, and what is refused."""

import datetime
from uuid import NAMESPACE_URL, uuid5

from wasl.kernel.errors import Invalid, Refused

CAN: dict[str, frozenset[str]] = {
    "note_cases": frozenset({"system"}),
    "note_reading": frozenset({"system"}),
    "forget_cases": frozenset({"system"}),
    "count_month": frozenset({"system"}),
    "set_disclosure": frozenset({"planner"}),
    "release_month": frozenset({"planner", "system"}),
    "print_release": frozenset({"system"}),
}
HOUSE_MINIMUM = 5  # where no rule is set: fewer than five are not told
MOST = 100
MEASURE = uuid5(NAMESPACE_URL, "urn:wasl:measure:evaluation")  # the key of the definitions, one resource
EARLIEST = datetime.date(2000, 1, 1)


class MonthNotCounted(Refused):
    """Nothing was counted in this month yet."""


class MonthNotOver(Refused):
    """This month is not over: it is published when it is."""


class NothingNew(Refused):
    """The evaluation of this month was published, and nothing came in since."""


class NoSuchMinimum(Invalid):
    """Say a number from 1 to 100, and where it is set."""


class MinimumNotLater(Invalid):
    """A new minimum must begin after {since}, when the present one began, and not before this month."""


class MinimumOvertaken(Refused):
    """Somebody else set the minimum at the same moment; look again."""


def check_disclosure(minimum: int, source: str) -> None:
    """A minimum is a number that withholds something, and rests on a text."""
    if not 1 <= minimum <= MOST or not source.strip():
        raise NoSuchMinimum


def check_later(since: datetime.date, *, current: datetime.date | None, today: datetime.date) -> None:
    """What holds begins after what held before, and changes nothing of months that are over."""
    begun = current or EARLIEST
    if since <= begun or since < today.replace(day=1):
        raise MinimumNotLater(since=f"{begun:%d/%m/%Y}")


def check_releasable(month: datetime.date, *, today: datetime.date) -> None:
    """A month is published when it is over."""
    if month >= today.replace(day=1):
        raise MonthNotOver


def next_month(month: datetime.date) -> datetime.date:
    """The first day of the month after."""
    return (month.replace(day=1) + datetime.timedelta(days=31)).replace(day=1)


def month_before(day: datetime.date) -> datetime.date:
    """The first day of the month before that of a day."""
    return (day.replace(day=1) - datetime.timedelta(days=1)).replace(day=1)
