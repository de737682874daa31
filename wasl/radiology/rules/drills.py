"""What a drill is scored by, and when it is due again: pure functions, and what is refused."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wasl.kernel.errors import Invalid
from wasl.radiology.rules.escalation import LEAST_AHEAD

CAN: dict[str, frozenset[str]] = {"keep_drill": frozenset({"chief", "planner"})}

KINDS: Final = ("centre", "link", "reader")
OFFERED_WITHIN: Final = 2  # minutes from when it is known until its last case is before others
MONTHS: Final = 6  # after so many a drill is due again: words of ours
MOST_MINUTES: Final = 24 * 60
MOST: Final = 10_000  # of anything that is counted


class BadDrill(Invalid):
    """A drill is of a centre, a link or a reader, and its figures are whole: none is missing, negative or absurd."""


@dataclass(frozen=True)
class Score:
    """How a drill went; minutes are None where it never came to that.

    `noticed` and `taken` count from the outage, `offered` from when it was known (of a line: when it carried again);
    `ahead` is the shortest time between the first step for a case and its deadline, None where no case came near one;
    `late` are cases that the same world without the outage would have read in time.
    """

    cases: int
    noticed: float | None
    offered: float | None
    taken: float | None
    ahead: float | None
    late: int
    lost: int
    told: int
    steps: int


@dataclass(frozen=True)
class Bar:
    """One thing that a drill must reach: what came of it, the bar, and whether it was met; None: it was not tried."""

    name: str
    came: float | None
    bar: int
    met: bool | None


def bars(score: Score) -> list[Bar]:
    """What a drill must reach, and whether it did."""
    offered, ahead = score.offered, score.ahead
    return [
        Bar("offered", offered, OFFERED_WITHIN, offered is not None and offered <= OFFERED_WITHIN),
        Bar("ahead", ahead, LEAST_AHEAD, None if ahead is None else ahead >= LEAST_AHEAD),
        Bar("lost", score.lost, 0, score.lost == 0),
    ]


def is_passed(score: Score) -> bool:
    """Whether a drill missed no bar, and there was something to drill: an outage that struck no case shows nothing."""
    return score.cases > 0 and all(bar.met is not False for bar in bars(score))


def check_drill(kind: str, score: Score) -> None:
    """Only what a drill can come to is kept. Raises BadDrill."""
    counted = (score.cases, score.late, score.lost, score.told, score.steps)
    minutes = [value for value in (score.noticed, score.offered, score.taken, score.ahead) if value is not None]
    sane = all(0 <= n <= MOST for n in counted) and all(0 <= n <= MOST_MINUTES for n in minutes)
    if kind not in KINDS or not sane:
        raise BadDrill


def months_since(held: datetime.date, today: datetime.date) -> int:
    """The whole months between two days."""
    return (today.year - held.year) * 12 + today.month - held.month - (today.day < held.day)


def is_due(last: Mapping[str, datetime.date], kind: str, today: datetime.date) -> bool:
    """Whether a kind of drill was never held, or too long ago."""
    return kind not in last or months_since(last[kind], today) >= MONTHS
