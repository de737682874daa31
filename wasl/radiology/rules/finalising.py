"""Who may issue, finalise and over-read, what is refused, and what changed from a preliminary report to a final one."""

import datetime
import difflib
import re
from dataclasses import dataclass
from typing import Final, Protocol

from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.radiology.rules.reading import READERS
from wasl.radiology.rules.reporting import SECTIONS

CAN: dict[str, frozenset[str]] = {
    "issue_preliminary": READERS,
    "begin_over_reading": frozenset({"radiologist"}),
    "over_read_report": frozenset({"radiologist"}),
    "set_supervision": frozenset({"planner", "administrator", "system"}),
}

HOUSE_MINUTES: Final = 12 * 60  # to make a preliminary report final, until a ministry sets its own
CHANGES: Final = ("none", "wording", "minor", "major")
VERDICTS: Final = ("agrees", "minor", "major")
MOST_MINUTES: Final = 30 * 24 * 60
LONGEST_REASON: Final = 1000
OPEN_HOURS: Final = 24  # the record is open to who over-reads


class NeedsSenior(NotAllowed):
    """A preliminary report was issued for this case: a radiologist makes it final."""


class AlreadyPreliminary(Refused):
    """A preliminary report was already issued for this case."""


class AddendumIsFinal(Refused):
    """An addendum is signed; it is never issued as preliminary."""


class Unclassified(Invalid):
    """Say how the final report differs from the preliminary one."""


class SaysTheSame(Invalid):
    """The final report says the same as the preliminary one: sign it as unchanged."""


class SaysOtherwise(Invalid):
    """The final report does not say the same as the preliminary one: say how it differs."""


class NothingToClassify(Invalid):
    """No preliminary report was issued for this case: there is nothing from which the report could differ."""


class OwnReport(NotAllowed):
    """Nobody over-reads a report that they wrote or signed themselves."""


class AlreadyOverRead(Refused):
    """{reader} already over-read this report."""


class NotAVerdict(Invalid):
    """An over-reading agrees, or finds a minor or a major discrepancy."""


class NoReason(Invalid):
    """Say what you read differently: the first reader learns from it."""


class NotASupervision(Invalid):
    """Give a time from 1 minute to 30 days, and a night with the hours in which it begins and ends, or none."""


class SupervisionNotLater(Invalid):
    """A new rule must begin after {since}, when the present one began."""


class Words(Protocol):
    """All that a report says, to be compared with what another says."""

    language: str
    sections: dict[str, str]
    critical: bool
    critical_what: str
    critical_category: int
    follow_up: dict[str, str] | None


SAID: Final = ("language", "sections", "critical", "critical_what", "critical_category", "follow_up")


@dataclass(frozen=True)
class Piece:
    """A stretch of text: in both reports, in the preliminary one alone (`removed`), or in the final one alone."""

    kind: str  # same, removed, added
    text: str


def is_junior(roles: frozenset[str]) -> bool:
    """Whether somebody reads under supervision: a resident who is no radiologist."""
    return "resident" in roles and "radiologist" not in roles


def says_the_same(before: Words, after: Words) -> bool:
    """Whether two reports say the same, word for word."""
    return all(getattr(before, name) == getattr(after, name) for name in SAID)


def check_change(change: str, *, same: bool | None) -> None:
    """A final report says how it differs from its preliminary one; `same` is None when there is none."""
    if same is None:
        if change:
            raise NothingToClassify
    elif change not in CHANGES:
        raise Unclassified
    elif same and change != "none":
        raise SaysTheSame
    elif not same and change == "none":
        raise SaysOtherwise


def critical_change(before: Words, after: Words) -> str:
    """What became of the critical content: `added`, `changed`, `withdrawn`, or nothing."""
    if before.critical != after.critical:
        return "added" if after.critical else "withdrawn"
    said = [(words.critical_what, words.critical_category) for words in (before, after)]
    return "changed" if after.critical and said[0] != said[1] else ""


def differences(before: Words, after: Words) -> list[tuple[str, list[Piece]]]:
    """The sections of two reports in their order, each cut into what stayed, what went and what came, word by word."""
    names = [name for name in SECTIONS if before.sections.get(name) or after.sections.get(name)]
    return [(name, pieces(before.sections.get(name, ""), after.sections.get(name, ""))) for name in names]


def pieces(before: str, after: str) -> list[Piece]:
    """Two texts cut into what stayed, what went and what came, by whole words in any script."""
    old, new = (re.findall(r"\w+|\s+|[^\w\s]", text) for text in (before, after))
    cut: list[Piece] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            cut.append(Piece("same", "".join(old[a:b])))
            continue
        cut += [Piece("removed", "".join(old[a:b]))] if b > a else []
        cut += [Piece("added", "".join(new[c:d]))] if d > c else []
    return cut


def check_over_read(verdict: str, reason: str) -> None:
    """Whoever does not agree says what they read."""
    if verdict not in VERDICTS:
        raise NotAVerdict
    if verdict != "agrees" and not reason.strip():
        raise NoReason


def check_supervision(
    minutes: int, night: tuple[int, int] | None, *, since: datetime.date, current: datetime.date | None
) -> None:
    """A rule makes sense, and begins after the present one began."""
    hours = night or (0, 1)
    if not 1 <= minutes <= MOST_MINUTES or not all(0 <= hour < 24 for hour in hours) or hours[0] == hours[1]:
        raise NotASupervision
    if current is not None and since <= current:
        raise SupervisionNotLater(since=current.isoformat())


def is_in_night(hour: int, night: tuple[int, int]) -> bool:
    """Whether a local hour lies in a night, which may go over midnight; its last hour is not of it."""
    begins, ends = night
    return begins <= hour < ends if begins < ends else hour >= begins or hour < ends
