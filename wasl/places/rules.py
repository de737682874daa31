"""Who may change places, and what is refused."""

import datetime

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused

CAN: dict[str, frozenset[str]] = {
    "add_region": frozenset({"system"}),
    "add_place": frozenset({"administrator", "system"}),
    "change_standing": frozenset({"administrator", "system"}),
    "add_unit": frozenset({"administrator", "system"}),
    "add_holiday": frozenset({"system"}),
    "set_holiday": frozenset({"planner", "system"}),
    "confirm_holiday": frozenset({"planner", "system"}),
    "remove_holiday": frozenset({"planner", "system"}),
}


class PlaceCodeTaken(Refused):
    """Another place already has the code {code}."""


class UnknownRegion(Invalid):
    """This region is not in the list."""


class StandingChangedMeanwhile(Refused):
    """Somebody else changed what this place is meanwhile; look at what it is now."""


class StandingNotLater(Invalid):
    """A change of kind must begin after {since}, when the present kind began."""


class NotTheCountrys(NotAllowed):
    """Holidays are the whole country's: who plans for all of it decides about them."""


class NotEstimated(Refused):
    """This holiday is no estimate (any more)."""


class AlreadyWorked(Refused):
    """This holiday was removed already."""


def check_country(by: Actor) -> None:
    """Who decides about the country's days plans for all of it."""
    if not by.is_system and not any(held.role == "planner" and held.place is None for held in by.held):
        raise NotTheCountrys


def check_estimated(*, estimated: bool, worked: bool) -> None:
    """What is announced was an estimate until now."""
    if worked or not estimated:
        raise NotEstimated


def check_standing(*, since: datetime.date, current: datetime.date | None) -> None:
    """A new kind begins after the present one began."""
    if current is not None and since <= current:
        raise StandingNotLater(since=current.isoformat())
