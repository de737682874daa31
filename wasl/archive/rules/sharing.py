"""Who opens a study to somebody outside, for how long, and when such a share still opens anything."""

import datetime
import hashlib
import hmac
from typing import Final

from wasl.kernel.errors import Invalid, NotAllowed, Refused

SHARES: Final = frozenset({"requester", "radiologist", "chief"})
CAN: dict[str, frozenset[str]] = {
    "share_study": SHARES,
    "withdraw_share": SHARES,
    **dict.fromkeys(("open_share", "fetch_share", "end_shares"), frozenset({"system"})),
}
TREATS: Final = ("care", "card", "given")  # grounds; emergency access is for an hour and for one person
HOURS: Final = 72  # unless said otherwise
TRIES: Final = 5  # wrong codes, then it opens no more


class NoSuchShare(Refused):
    """There is no such share here."""

    http = 404
    fhir_issue = "not-found"


class ShareNeedsTreatment(NotAllowed):
    """Images are shared by who treats the patient; emergency access and a review do not suffice."""


class StudyIsNobodys(Refused):
    """This study is of no patient yet: say first whose it is."""


class ShareForNobody(Invalid):
    """Say for whom it is: a name and an institution."""


class ShareWithoutReason(Invalid):
    """Say why the images are shared, in a few words."""


class ShareTextTooLong(Invalid):
    """Write at most {most} letters."""


class BadShareTime(Invalid):
    """A share lasts between one hour and {days} days."""


class ShareEnded(Refused):
    """This share has already ended."""


def check_ground(ground: str, *, reviewing: bool) -> None:
    """A study is shared by who treats its patient, and not by who is to say, blind, what they think of its report."""
    if ground not in TREATS or reviewing:
        raise ShareNeedsTreatment


def written(text: str, most: int) -> str:
    """A text as it is kept. Raises ShareTextTooLong."""
    clean = " ".join(text.replace("\x00", "").split())
    if len(clean) > most:
        raise ShareTextTooLong(most=most)
    return clean


def check_said(recipient: str, institution: str, because: str) -> None:
    """It is known for whom and why."""
    if not (recipient and institution):
        raise ShareForNobody
    if not because:
        raise ShareWithoutReason


def check_time(hours: int, *, days: int) -> None:
    """A share is not for ever."""
    if not 1 <= hours <= days * 24:
        raise BadShareTime(days=days)


def state(*, ended: bool, wrong: int, expires_at: datetime.datetime, now: datetime.datetime) -> str:
    """How a share stands: `open`, or why it opens nothing any more: `ended`, `locked` or `expired`."""
    if ended:
        return "ended"
    if wrong >= TRIES:
        return "locked"
    return "expired" if expires_at <= now else "open"


def digest(token: str) -> bytes:
    """What is kept of the token of a link."""
    return hashlib.sha256(token.encode()).digest()


def code_digest(code: str, *, token: str) -> bytes:
    """What is kept of a code: who reads the table has no token to try codes with."""
    return hmac.digest(token.encode(), _plain(code).encode(), hashlib.sha256)


def is_code(code: str, *, token: str, kept: bytes) -> bool:
    """Whether somebody said the code, in small letters or with spaces."""
    return hmac.compare_digest(code_digest(code, token=token), kept)


def _plain(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter.isalnum())
