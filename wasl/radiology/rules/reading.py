"""Who may read, and what is refused of a reading."""

import datetime
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused

READERS = frozenset({"resident", "radiologist"})  # a resident reads under supervision

CAN: dict[str, frozenset[str]] = {
    "open_reading": frozenset({"system"}),
    "flag_reading": frozenset({"system"}),
    "withdraw_reading": frozenset({"system"}),
    "claim_reading": READERS,
    "keep_reading": READERS,
    "hand_back_reading": READERS,
    "time_out_reading": frozenset({"system"}),
    "state_pixels": READERS,
}

CLAIM_MINUTES = 15  # without a sign of life for so long, a case goes back to the worklist


class NotLinked(Refused):
    """This study does not answer this order."""


class NotComplete(Refused):
    """This study is not known to be complete."""


class NotYourHospitals(NotAllowed):
    """You do not read exams of this kind for this hospital."""


class NoAgreement(NotAllowed):
    """No agreement in force lets your hospital read this exam."""


class AlreadyClaimed(Refused):
    """{reader} is already reading this case."""


class AlreadyRead(Refused):
    """This case was already read and signed."""


class ReadingIsWithdrawn(Refused):
    """This case was withdrawn: its images do not answer the order."""


class NotYourReading(Refused):
    """This case is no longer yours: it went back to the worklist. What you wrote is kept."""


class PartialPixels(Refused):
    """Pictures that you look at have not come whole yet. Sign when the badge is gone."""


class StillArriving(Refused):
    """More images of this study are just arriving. Sign when they are here."""


class BadStatement(Invalid):
    """A viewer states how many pictures it showed, and how many of those are partial."""


def check_statement(shown: int, partial: int) -> None:
    """A viewer's statement makes sense."""
    if not 0 <= partial <= shown < 2**31:
        raise BadStatement


def check_pixels(*, complete: bool, partial: int) -> None:
    """A report is signed on a study that is here, and on pictures that are whole."""
    if not complete:
        raise StillArriving
    if partial:
        raise PartialPixels


def reader(by: Actor) -> UUID:
    """Who reads: a person, never a machine. Raises NotAllowed."""
    if by.kind != "person" or by.id is None:
        raise NotAllowed
    return by.id


def check_claimable(state: str) -> None:
    """Only a case that nobody signed and nobody withdrew is read."""
    if state == "signed":
        raise AlreadyRead
    if state == "withdrawn":
        raise ReadingIsWithdrawn


def check_mine(state: str, claimed_by: UUID | None, person: UUID | None) -> None:
    """A case is in the hands of the reader who claimed it."""
    check_claimable(state)
    if state != "claimed" or claimed_by != person:
        raise NotYourReading


def is_held(state: str, claimed_until: datetime.datetime | None, now: datetime.datetime) -> bool:
    """Whether a case is in a reader's hands who gave a sign of life lately."""
    return state == "claimed" and claimed_until is not None and claimed_until > now
