"""What is shown to check a display, who is asked for it, and when it is passed.

Twelve pictures, each with one mark in one of four places, drawn by lot: whoever sees none guesses all of them once in
sixteen million times. It is a quick check of what a reader's eye gets, in that room, from that screen; it measures no
luminance and is no calibration. The levels of grey (of 255) are those of the patterns that physicists use: 5 % on black
and 95 % on white (SMPTE RP 133), and differences of 4 on greys between (the corner patches of TG18-QC, AAPM).
"""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from wasl.kernel.errors import Invalid, Refused
from wasl.radiology.rules.reading import READERS

CAN: dict[str, frozenset[str]] = {
    "begin_display_check": READERS,
    "answer_display_check": READERS,
    "set_display_rule": frozenset({"planner", "administrator", "system"}),
}

PLACES: Final = ("up", "right", "down", "left")
UNSEEN: Final = "unseen"
ANSWER_MINUTES: Final = 10  # a pattern left lying says nothing of the eye that comes back to it
MOST_HOURS: Final = 24 * 7
WIDEST: Final = 100_000  # pixels of a screen
# kind, grey around, grey of the mark; black and white twice, since they fail first and one may be guessed
PICTURES: Final = (
    ("square", 0, 13), ("square", 255, 242), ("square", 64, 68), ("square", 128, 132), ("square", 192, 196),
    ("square", 0, 13), ("square", 255, 242), ("letter", 0, 13), ("letter", 128, 141), ("letter", 255, 242),
    ("bars", 0, 255), ("bars", 255, 0),
)  # fmt: skip


class DisplayNotChecked(Refused):
    """Check this screen before you sign: it takes twenty seconds. You may issue a preliminary report meanwhile."""


class NoCheckAsked(Refused):
    """No exam asks for a check of the display."""


class CheckAnswered(Refused):
    """This check was answered already: begin a new one."""


class CheckTooOld(Refused):
    """This pattern was shown too long ago: begin a new check."""


class AnswersMissing(Invalid):
    """Say of each of the {count} pictures where you see the mark, or that you do not see it."""


class NotADisplayRule(Invalid):
    """Name modalities by their DICOM codes, and give from 1 to {most} hours for which a check holds."""


class DisplayRuleNotLater(Invalid):
    """A new rule must begin after {since}, when the present one began."""


@dataclass(frozen=True)
class Picture:
    """A picture of the pattern: its kind, the grey around (0 to 255), that of its mark, and where the mark is."""

    kind: str
    ground: int
    mark: int
    place: str


def drawn(places: Sequence[str]) -> list[Picture]:
    """The pattern with its marks at the places that were drawn by lot, one for each picture."""
    return [Picture(*picture, place) for picture, place in zip(PICTURES, places, strict=True)]


def graded(pattern: Sequence[Picture], answers: Sequence[str]) -> int:
    """How many marks were seen where they are. Raises AnswersMissing."""
    if len(answers) != len(pattern) or not set(answers) <= {*PLACES, UNSEEN}:
        raise AnswersMissing(count=len(pattern))
    return sum(picture.place == answer for picture, answer in zip(pattern, answers, strict=True))


def is_passed(right: int) -> bool:
    """Whether a display is good enough: every mark was seen."""
    return right == len(PICTURES)


def is_asked(asked: Collection[str], *modalities: str) -> bool:
    """Whether an exam of these modalities asks for a check."""
    return not set(asked).isdisjoint(modalities)


def check_answerable(begun_at: datetime.datetime, *, answered: bool, now: datetime.datetime) -> None:
    """A pattern is answered once, and soon."""
    if answered:
        raise CheckAnswered
    if now - begun_at > datetime.timedelta(minutes=ANSWER_MINUTES):
        raise CheckTooOld


def check_display_rule(
    modalities: Collection[str], hours: int, *, since: datetime.date, current: datetime.date | None
) -> None:
    """A rule makes sense, and begins after the present one began."""
    named = all(code.isascii() and code.isupper() and code.isalpha() and len(code) <= 4 for code in modalities)
    if not named or not 1 <= hours <= MOST_HOURS:
        raise NotADisplayRule(most=MOST_HOURS)
    if current is not None and since <= current:
        raise DisplayRuleNotLater(since=current.isoformat())
