"""Who may have the secret address of their shifts, and what is refused."""

from wasl.kernel.errors import Refused
from wasl.workforce.rules.swaps import READERS

CAN: dict[str, frozenset[str]] = {"renew_calendar": READERS, "revoke_calendar": READERS}


class NoCalendar(Refused):
    """There is no calendar address to revoke."""


class NotEnrolled(Refused):
    """You are not enrolled as a health professional."""
