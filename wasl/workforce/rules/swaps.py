"""Who may swap shifts, and what is refused."""

import datetime
from uuid import UUID

from wasl.kernel.errors import Invalid, Refused

READERS = frozenset({"radiologist", "chief"})
CAN: dict[str, frozenset[str]] = {
    "propose_swap": READERS,
    "accept_swap": READERS,
    "decline_swap": READERS,
    "withdraw_swap": READERS,
}


class NotToYourself(Invalid):
    """A shift goes to somebody else."""


class NotTheirShift(Invalid):
    """The shift in return is not one of that colleague's."""


class AlreadyProposed(Refused):
    """This shift is proposed to that colleague already."""


class ShiftBegun(Refused):
    """This shift has begun, or is over."""


class HandedOver(Refused):
    """This shift has gone to somebody else meanwhile."""


class SwapSettled(Refused):
    """This swap is settled already."""


def check_other(worker: UUID, colleague: UUID) -> None:
    """Nobody hands a shift over to themselves."""
    if worker == colleague:
        raise NotToYourself


def check_open(begins: datetime.datetime, replaced_at: datetime.datetime | None, *, now: datetime.datetime) -> None:
    """What is handed over stands, and has not begun."""
    if replaced_at is not None:
        raise HandedOver
    if begins <= now:
        raise ShiftBegun


def check_proposed(state: str) -> None:
    """A swap is settled once."""
    if state != "proposed":
        raise SwapSettled
