"""Who may change places, and what is refused."""

import datetime

from wasl.kernel.errors import Invalid, Refused

CAN: dict[str, frozenset[str]] = {
    "add_region": frozenset({"system"}),
    "add_place": frozenset({"administrator", "system"}),
    "change_standing": frozenset({"administrator", "system"}),
    "add_unit": frozenset({"administrator", "system"}),
}


class PlaceCodeTaken(Refused):
    """Another place already has the code {code}."""


class UnknownRegion(Invalid):
    """This region is not in the list."""


class StandingChangedMeanwhile(Refused):
    """Somebody else changed what this place is meanwhile; look at what it is now."""


class StandingNotLater(Invalid):
    """A change of kind must begin after {since}, when the present kind began."""


def check_standing(*, since: datetime.date, current: datetime.date | None) -> None:
    """A new kind begins after the present one began."""
    if current is not None and since <= current:
        raise StandingNotLater(since=current.isoformat())
