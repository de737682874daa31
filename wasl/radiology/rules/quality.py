"""Who may find a series not good enough, who answers, and from how many on a rate is said."""

from collections.abc import Collection
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.radiology.rules.reading import READERS

CAN: dict[str, frozenset[str]] = {
    "reject_series": READERS,
    "withdraw_reject": READERS,
    "answer_reject": frozenset({"radiographer"}),
}
SEES_REJECTS = frozenset({"radiographer", "chief", "planner"})
ANSWERS = frozenset({"repeated", "kept", "noted"})
FEWEST = 30  # of fewer series no rate is said: it would be chance


class NotOfThisStudy(Invalid):
    """This series is not in the study that you read."""


class NoSuchReason(Invalid):
    """Say why the series is not good enough."""


class NoSuchAnswer(Invalid):
    """Say what was done: made again, cannot be made again, or noted."""


class AlreadyRejected(Refused):
    """This series was rejected already in this case."""


class AlreadySettled(Refused):
    """This was settled already."""


class NotYourReject(NotAllowed):
    """Only the reader who rejected a series takes that back."""


class NotMadeHere(NotAllowed):
    """Only the hospital that made the images answers."""


def check_reason(reason: str, reasons: Collection[str]) -> None:
    """A reject has a reason from the list."""
    if reason not in reasons:
        raise NoSuchReason


def check_answer(outcome: str, settled: str) -> None:
    """An answer is one of three, and is given once."""
    if outcome not in ANSWERS:
        raise NoSuchAnswer
    if settled:
        raise AlreadySettled


def check_withdrawable(author: UUID, settled: str, *, by: Actor) -> None:
    """A reader takes back their own reject, while nobody has answered it."""
    if author != by.id:
        raise NotYourReject
    if settled:
        raise AlreadySettled
