"""Who may say how many posts a hospital has, and what is refused."""

import datetime
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed
from wasl.workforce.rules.rosters import bounds

# those who fill posts do not say how many there are: heads of department see them, planners write them
CAN: dict[str, frozenset[str]] = {"establish_posts": frozenset({"planner", "system"})}
MOST = 500  # of a specialty at one hospital: more is a slip of the hand


class NotYourPosts(NotAllowed):
    """The posts of a hospital are written down by the planners of the country and of that hospital."""


class BadPosts(Invalid):
    """Say a number of posts from 0 to {most}, and the text that establishes them."""


class NoSuchSpecialty(Invalid):
    """There is no such specialty here."""


class NoSuchHospital(Invalid):
    """There is no such hospital here."""


class PostsTooEarly(Invalid):
    """Posts are written down from this month on: months that are over stay as they were counted."""


class PostsNotLater(Invalid):
    """What replaces these posts must begin after {since}, when they began."""


def establishes(place: UUID, actor: Actor) -> bool:
    """Whether somebody says how many posts this hospital has."""
    return actor.is_system or actor.holds("planner", place)


def check_establishes(place: UUID, by: Actor) -> None:
    """Who says how many posts a hospital has."""
    if not establishes(place, by):
        raise NotYourPosts


def check_posts(number: int, reference: str) -> None:
    """Posts are none or more, and rest on a text."""
    if not 0 <= number <= MOST or not reference.strip():
        raise BadPosts(most=MOST)


def check_posts_later(since: datetime.date, *, current: datetime.date | None, today: datetime.date) -> None:
    """What holds begins after what held before, and changes nothing of months that are over."""
    if since < today.replace(day=1):
        raise PostsTooEarly
    if current is not None and since <= current:
        raise PostsNotLater(since=f"{current:%d/%m/%Y}")


def counted_at(month: datetime.date, *, now: datetime.datetime) -> datetime.datetime:
    """The moment for which the posts of a month are counted: its last, or now while it runs."""
    _, last = bounds(month)
    return min(last - datetime.timedelta.resolution, now)


def vacant(established: int, filled: int) -> int:
    """How many posts nobody holds; a hospital with more people than posts fills none of another's."""
    return max(0, established - filled)
