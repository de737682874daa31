"""Who settles what acts are paid, and who decides of those that are held."""

from wasl.kernel.errors import Refused

CAN: dict[str, frozenset[str]] = {
    "settle_act": frozenset({"system"}),
    "release_act": frozenset({"chief"}),
    "refuse_act": frozenset({"chief"}),
}


class NotHeld(Refused):
    """This act is no longer held; look at it again."""


class NothingToReleaseItBy(Refused):
    """This act waits for an agreement or a price; until there is one, nobody can say what it is paid."""
