"""Who may read and acknowledge results, how an unanswered critical one goes up, and what is refused."""

import datetime
import secrets
from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from wasl.kernel.errors import Invalid, NotAllowed, Refused

CLINICIANS = frozenset({"requester", "radiologist", "chief"})
READERS = frozenset({"radiologist", "chief"})

CAN: dict[str, frozenset[str]] = {
    "hand_over_report": frozenset({"system"}),
    "raise_critical_result": frozenset({"system"}),
    "pass_up_result": frozenset({"system"}),
    "read_report": CLINICIANS,
    "read_recall": CLINICIANS,
    "acknowledge_result": CLINICIANS,
    "acknowledge_by_code": CLINICIANS,
    "hand_over_result": CLINICIANS,
    "record_communication": READERS,
    "set_critical_target": frozenset({"planner", "administrator", "system"}),
    "set_passing_rule": frozenset({"planner", "administrator", "system"}),
}

# until a ministry sets its own: minutes to acknowledge a critical result of the ACR's categories (minutes, hours, days)
HOUSE_MINUTES: Final = {1: 60, 2: 12 * 60, 3: 3 * 24 * 60}
# and the shares of that time, in per cent, after which an unanswered one goes up to levels 1, 2 and 3
HOUSE_SHARES: Final = (50, 70, 85)
LAST_LEVEL: Final = len(HOUSE_SHARES)

LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # of ISO 7064, MOD 37,36
CLEAR: Final = "".join(letter for letter in LETTERS if letter not in "ILOU")  # nobody mistakes one for another
CODE_LONG: Final = 10  # nine letters drawn, 45 bits, and one that checks them
WRONG_CODES: Final = 5  # of one person in one hour


class NotYourResult(NotAllowed):
    """Only a doctor of the hospital that asked may acknowledge this result."""


class AlreadyAcknowledged(Refused):
    """{reader} already acknowledged this result."""


class NotHeldByYou(NotAllowed):
    """Only the person who holds this result may hand it over."""


class NotADoctorThere(Invalid):
    """This person is not a doctor of the hospital that asked."""


class HeldAlready(Refused):
    """This person holds this result already."""


class NotYoursToTell(NotAllowed):
    """What was said is recorded by the reader of the report, or the head of the reader’s department."""


class NotReadBack(Invalid):
    """A result counts as received once it was read back: ask for it, then record it."""


class NothingSaid(Invalid):
    """Write what was said, in a few words."""


class NotWhenItWas(Invalid):
    """The time lies between the signature of the report and now."""


class UnknownWay(Invalid):
    """A result is told by phone, in person or by a message."""


class TooManyCodes(Refused):
    """You entered too many wrong codes. Try again in an hour, or acknowledge the result on its page."""

    http = 429
    fhir_issue = "throttled"


class UnknownCategory(Invalid):
    """A critical result is of category 1, 2 or 3."""


class CriticalTargetNotLater(Invalid):
    """A new deadline must begin after {since}, when the present one began."""


class PassingRuleNotLater(Invalid):
    """A new rule must begin after {since}, when the present one began."""


class NotOneAfterAnother(Invalid):
    """The three shares rise, and none is above 100 per cent."""


def check_category(category: int) -> None:
    """There are three categories."""
    if category not in HOUSE_MINUTES:
        raise UnknownCategory


def check_critical_target(*, since: datetime.date, current: datetime.date | None) -> None:
    """A new deadline begins after the present one began."""
    if current is not None and since <= current:
        raise CriticalTargetNotLater(since=current.isoformat())


def check_passing_rule(shares: tuple[int, int, int], *, since: datetime.date, current: datetime.date | None) -> None:
    """The levels are reached one after another, within the time; a new rule begins after the present one began."""
    if not 0 < shares[0] < shares[1] < shares[2] <= 100:
        raise NotOneAfterAnother
    if current is not None and since <= current:
        raise PassingRuleNotLater(since=current.isoformat())


def passes_at(
    since: datetime.datetime, due: datetime.datetime, *, level: int, shares: Sequence[int]
) -> datetime.datetime | None:
    """When a result that nobody answers leaves a level for the one above; never from the last."""
    return since + (due - since) * shares[level] / 100 if level < LAST_LEVEL else None


def next_holder(candidates: Sequence[UUID], had: Collection[UUID]) -> UUID | None:
    """Who of a level takes an unanswered result: the first who did not have it already."""
    return next((person for person in candidates if person not in had), None)


def receives(*, asked: bool, signed: bool, works_there: bool) -> bool:
    """A result is received by who asked, or by a doctor of that hospital who is not the one who signed it."""
    return asked or (works_there and not signed)


def check_said(*, how: str, said: str, read_back: bool) -> None:
    """A communication says how, what, and that it was read back."""
    if how not in ("phone", "person", "message"):
        raise UnknownWay
    if not said.strip():
        raise NothingSaid
    if not read_back:
        raise NotReadBack


def moment(at: datetime.datetime, *, since: datetime.datetime, now: datetime.datetime) -> datetime.datetime:
    """When it was, as written to the minute: never before the signature, nor to come."""
    if at > now or at < since.replace(second=0, microsecond=0):
        raise NotWhenItWas
    return max(at, since)


def check_tries(wrong: int) -> None:
    """Nobody guesses codes."""
    if wrong >= WRONG_CODES:
        raise TooManyCodes


def new_code() -> str:
    """A code to be read out or written on paper, that nobody guesses; its last letter checks the others."""
    while True:
        drawn = "".join(secrets.choice(CLEAR) for _ in range(CODE_LONG - 1))
        if (last := check_letter(drawn)) in CLEAR:
            return drawn + last


def check_letter(text: str) -> str:
    """The check letter of ISO 7064, MOD 37,36: it shows one wrong letter, and nearly every two that changed places."""
    product = len(LETTERS)
    for letter in text:
        product = (product + LETTERS.index(letter)) % len(LETTERS) or len(LETTERS)
        product = product * 2 % (len(LETTERS) + 1)
    return LETTERS[(1 - product) % len(LETTERS)]


def code(text: str) -> str | None:
    """The code that a person typed, as it is kept; None when it is none: too short, too long or mistyped."""
    plain = "".join(text.upper().split()).replace("-", "").translate(str.maketrans("ILO", "110"))
    known = len(plain) == CODE_LONG and set(plain) <= set(CLEAR)
    return plain if known and check_letter(plain[:-1]) == plain[-1] else None


def printed(code: str) -> str:
    """A code as it is read out: in two groups of five."""
    return f"{code[:5]}-{code[5:]}"
