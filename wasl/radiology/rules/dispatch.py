"""Who reads what next: one pure function, used unchanged by the worklist, by the verb and by the simulator.

The cases that wait stand in a line that is counted in minutes, the fewest first. A case's place begins with the minutes
left until it is due, as far as they matter yet, less the minutes it has waited; whatever else the rule weighs moves it
forward or back by so many minutes. So a weight says how many minutes' waiting a thing is worth, and since every minute
of waiting counts, none of them keeps a case waiting for ever.
"""

import datetime
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from wasl.kernel.access import Actor, Held
from wasl.kernel.errors import Invalid, NotAllowed, Refused

CAN: dict[str, frozenset[str]] = {
    "take_next_reading": frozenset({"radiologist"}),
    "skip_reading": frozenset({"radiologist"}),
    "draft_rule": frozenset({"planner", "system"}),
    "publish_rule": frozenset({"planner", "system"}),
    "set_effort": frozenset({"planner", "administrator", "system"}),
    "adopt_efforts": frozenset({"planner"}),
}

SKIP_MINUTES = 30  # so long a case is not proposed again to the reader who skipped it
SKIP_REASONS = ("unfamiliar", "images", "question", "known", "away", "other")
FAIR_NUMBER = 30  # about fewer cases nothing is said of how somebody works
MEASURED_NUMBER = 30  # from fewer readings no effort is derived
USUAL_POINTS = 10  # of an exam of which nobody said how long it takes; a point is a minute of an average reader
MOST_POINTS = 600
MOST_WEIGHT = 10_000
DAY = 24 * 60


class NothingToRead(Refused):
    """No case waits that you may read now."""


class NotInYourLine(NotAllowed):
    """This case does not wait for you."""


class AlreadySkipped(Refused):
    """You skipped this case a moment ago."""


class SkipReasonMissing(Invalid):
    """Say why you skip this case; for another reason, in your own words."""


class UnknownWeight(Invalid):
    """Each weight of a rule is a number from 0 to {most}."""


class RuleWithoutReason(Invalid):
    """Say in at least ten letters why the rule is as it is."""


class RuleIsPublished(Refused):
    """This version of the rule is published: it no longer changes."""


class DraftedMeanwhile(Refused):
    """Somebody else is just writing the next version of the rule."""


class NotTheCountrys(NotAllowed):
    """The rule holds for the whole country: its planners write it."""


class BadEffort(Invalid):
    """An exam takes from one point to {most}, and a new effort begins after the present one."""


class NothingMeasured(Refused):
    """No exam was read often enough yet to say how long it takes."""


@dataclass(frozen=True)
class Weights:
    """What a rule weighs, in minutes of the line unless said otherwise."""

    horizon: float = 120  # minutes before it is due from which a deadline presses; before that all have time alike
    waiting: float = 1  # for each minute waited
    give_way: float = 30  # for each point of a case that has a day or more: long ones that have time let others pass
    scarce: float = 100  # for a case that no other reader on duty may read; half as much with one other, and so on
    focus: float = 20  # for a region that the reader often reads
    language: float = 20  # for the language of the doctor who asked
    balance: float = 60  # for ten points to a reader whose last hour was an hour's points heavier than the colleagues'
    protect_after: float = 0  # hours on duty after which long cases go to others; 0: never
    protect: float = 0  # for each point, to a reader so long on duty


@dataclass(frozen=True)
class Case:
    """A case that waits, as far as it matters for who reads it."""

    id: Hashable
    place: Hashable
    modality: str
    urgency: str
    points: float
    opened_at: datetime.datetime
    due_at: datetime.datetime
    region: str = ""
    language: str = ""


@dataclass(frozen=True)
class Reader:
    """A reader at work: what may be read, and how much was; `asking` for a case, or busy beside those who ask."""

    id: Hashable
    serves: frozenset[tuple[Hashable, str]]  # hospital and modality, by cover and by agreement
    focus: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    hour_points: float = 0  # of the last hour
    hours: float = 0  # on duty
    hours_left: float | None = None  # until the law ends the session; None: no text limits it
    opened: frozenset[Hashable] = frozenset()  # cases of others that are open to the reader's centre too
    put_off: frozenset[Hashable] = frozenset()  # cases that were skipped a moment ago, or went to another centre
    asking: bool = True


@dataclass(frozen=True)
class Reason:
    """A part of why a case comes first: a name, and the number that its sentence holds."""

    name: str
    number: int = 0


@dataclass(frozen=True)
class Proposal:
    """That a reader reads a case, at which place of the line; why, for the first that is proposed to each reader."""

    case: Case
    reader: Reader
    minutes: float
    rank: int
    reasons: tuple[Reason, ...] = ()


def weights(given: Mapping[str, object]) -> Weights:
    """The weights of a rule from its JSON; what it does not name is as built in. Raises UnknownWeight."""
    names = {field.name for field in fields(Weights)}
    for name, value in given.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name not in names or not number or not 0 <= value <= MOST_WEIGHT:  # type: ignore[operator]
            raise UnknownWeight(most=MOST_WEIGHT)
    return Weights(**given)  # type: ignore[arg-type]


def may_read(case: Case, reader: Reader) -> bool:
    """Whether a case may be proposed: one of those served, in hours that the law leaves, and not just skipped."""
    return (
        ((case.place, case.modality) in reader.serves or case.id in reader.opened)
        and (reader.hours_left is None or reader.hours_left > 0)
        and case.id not in reader.put_off
    )


def propose(
    cases: Sequence[Case], readers: Sequence[Reader], rule: Weights, now: datetime.datetime
) -> list[Proposal]:  # fmt: skip
    """Each case with each reader who asks and may read it, the best first; between equals the older case."""
    able = Counter(pair for reader in readers for pair in reader.serves)
    mean = sum(reader.hour_points for reader in readers) / max(1, len(readers))
    rows = [
        (_minutes(case, reader, rule, now, able[case.place, case.modality], mean), case.opened_at, case, reader)
        for reader in readers if reader.asking
        for case in cases if may_read(case, reader)
    ]  # fmt: skip
    rows.sort(key=lambda row: row[:2])
    line = [Proposal(case, reader, minutes, rank) for rank, (minutes, _, case, reader) in enumerate(rows, 1)]
    first: dict[Hashable, Proposal] = {}
    for proposal in line:
        first.setdefault(proposal.reader.id, proposal)
    for proposal in first.values():
        line[proposal.rank - 1] = replace(proposal, reasons=_reasons(proposal, line, readers, able))
    return line


def _minutes(
    case: Case, reader: Reader, rule: Weights, now: datetime.datetime, able: int, mean: float
) -> float:  # fmt: skip
    left = (case.due_at - now).total_seconds() / 60
    waited = (now - case.opened_at).total_seconds() / 60
    place = min(left, rule.horizon) - rule.waiting * waited
    place += rule.give_way * case.points * min(1.0, max(0.0, left / DAY))
    place -= rule.scarce / max(1, able)
    place += rule.balance * (reader.hour_points - mean) / 60 * case.points / 10
    if case.region in reader.focus:
        place -= rule.focus
    if case.language in reader.languages:
        place -= rule.language
    if is_protected(reader, rule):
        place += rule.protect * case.points
    return place


def is_protected(reader: Reader, rule: Weights) -> bool:
    """Whether a reader is so long on duty that long cases go to others."""
    return bool(rule.protect_after) and reader.hours >= rule.protect_after


def _reasons(
    first: Proposal, line: Sequence[Proposal], readers: Sequence[Reader], able: Mapping[tuple[Hashable, str], int]
) -> tuple[Reason, ...]:  # fmt: skip
    """What set the first case of a reader before the others of the line, the weightiest first."""
    mine = [other.case for other in line if other.reader.id == first.reader.id]
    case, reader = first.case, first.reader
    if len(mine) == 1:
        return (Reason("only"),)
    reasons = []
    nearest = case.due_at == min(other.due_at for other in mine)
    if nearest:
        reasons.append(Reason("deadline", len(mine)))
    if case.opened_at == min(other.opened_at for other in mine):
        reasons.append(Reason("waited", len(mine)))
    others = able[case.place, case.modality] - 1
    if others < min(3, len(readers) - 1):
        reasons.append(Reason("scarce", others))
    if not nearest and 2 * case.points <= max(other.points for other in mine):
        reasons.append(Reason("short", round(case.points)))
    if case.region in reader.focus and not all(other.region in reader.focus for other in mine):
        reasons.append(Reason("focus"))
    if case.language in reader.languages and not all(other.language in reader.languages for other in mine):
        reasons.append(Reason("language"))
    loads = [other.hour_points for other in readers]
    if reader.hour_points == min(loads) < max(loads):
        reasons.append(Reason("light", round(reader.hour_points)))
    return tuple(reasons) or (Reason("balance", len(mine)),)


def check_plans(by: Actor) -> None:
    """Who reads what next is decided for the whole country. Raises NotTheCountrys."""
    if not (by.is_system or Held("planner", None) in by.held):
        raise NotTheCountrys


def check_skip(reason: str, note: str) -> None:
    """A case is skipped for one of the reasons, another one in words. Raises SkipReasonMissing."""
    if reason not in SKIP_REASONS or (reason == "other" and len(note.strip()) < 5):
        raise SkipReasonMissing


def check_why(why: str) -> None:
    """A rule says why it is as it is. Raises RuleWithoutReason."""
    if len(why.strip()) < 10:
        raise RuleWithoutReason


def check_effort(points: int, *, since: datetime.date, current: datetime.date | None) -> None:
    """An effort is some points, from a day on that comes after the present one's first. Raises BadEffort."""
    if not 1 <= points <= MOST_POINTS or (current is not None and since <= current):
        raise BadEffort(most=MOST_POINTS)
