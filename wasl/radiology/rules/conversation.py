"""Who may speak about a case, and what is refused."""

from collections.abc import Container
from uuid import UUID

from wasl.kernel.errors import Invalid, Refused

TALKERS = frozenset({"requester", "radiologist", "chief"})

CAN: dict[str, frozenset[str]] = {
    "write_remark": TALKERS,
    "log_call": TALKERS,
    "see_remarks": TALKERS,
}

LENGTH = 2000  # letters of a remark


class RemarkEmpty(Invalid):
    """Write something before you send it."""


class RemarkTooLong(Invalid):
    """Write at most {length} letters at a time."""


class NotInThisCase(Refused):
    """This person has no part in this case."""


def words(text: str) -> str:
    """The words of a remark, without the space around them. Raises RemarkEmpty, RemarkTooLong."""
    clean = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if not clean:
        raise RemarkEmpty
    if len(clean) > LENGTH:
        raise RemarkTooLong(length=LENGTH)
    return clean


def state(last: int, marks: int) -> str:
    """What changes when something is said or seen: of the number of the last remark, and how many marks of seeing."""
    return f"{last}.{marks}"


def check_callee(callee: UUID, people: Container[UUID]) -> None:
    """Calls are logged to those who have a part in the case."""
    if callee not in people:
        raise NotInThisCase
