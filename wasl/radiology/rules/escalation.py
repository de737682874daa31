"""When a case is passed on before it is late, where to, and when a centre is dark: pure functions, and what is refused.

What a reader will have finished when is foreseen with the rule that decides who reads what next: the line of a reader
without habits, of which whoever is free first takes the first case they may read, for as many minutes as it has points.
"""

import datetime
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.radiology.rules.dispatch import Case, Reader, Weights, may_read, propose
from wasl.radiology.rules.reading import CLAIM_MINUTES, READERS

CAN: dict[str, frozenset[str]] = {
    "set_escalation_rule": frozenset({"planner", "administrator", "system"}),
    "note_presence": READERS,
    "pass_on_reading": frozenset({"system"}),
    "escalate_reading": frozenset({"radiologist", "chief", "planner"}),
    "acknowledge_step": READERS | {"chief"},
    "find_centre_dark": frozenset({"system"}),
    "find_centre_back": frozenset({"system"}),
    "declare_centre_dark": frozenset({"chief", "planner"}),
    "declare_centre_back": frozenset({"chief", "planner"}),
    "redistribute_readings": frozenset({"system"}),
}

READER, CHIEF, REGION, COUNTRY = STEPS = (1, 2, 3, 4)
URGENT: Final = frozenset({"P0", "P1"})
LEAST_AHEAD: Final = 10  # minutes; no rule may foresee a breach later than that
LEAST_SILENCE: Final = 5  # minutes; however short a target, who looked at a page since then is there
LEAST_REASON: Final = 10  # letters
MINUTE = datetime.timedelta(minutes=1)
Key = TypeVar("Key", bound=Hashable)


class EscalationRuleNotLater(Invalid):
    """A new rule must begin after {since}, when the present one began."""


class BadEscalationRule(Invalid):
    """A breach is foreseen at least {least} minutes ahead, all steps fit in, and what is urgent waits no longer."""


class EscalationReasonMissing(Invalid):
    """Say why in at least ten letters."""


class EscalatedAllTheWay(Refused):
    """This case was passed on as far as it goes."""


class IsBeingRead(Refused):
    """A reader has this case open. It goes to another centre only once it is back on the worklist."""


class NotYourCentre(NotAllowed):
    """Only who heads a centre, or plans for it, says that it is dark or back."""


class CentreIsDark(Refused):
    """This centre is dark already."""


class CentreIsNotDark(Refused):
    """This centre is not dark."""


class ReadsForNobody(Refused):
    """Nobody at this hospital reads exams."""


@dataclass(frozen=True)
class Limits:
    """Minutes: ahead of a breach, from step to step, and of silence after which a centre is dark.

    `silence` while something urgent waits, `silence_routine` while only something else does.
    """

    ahead: int = LEAST_AHEAD
    between: int = LEAST_AHEAD // (len(STEPS) - 1)  # the last step comes just before the breach
    silence: int = CLAIM_MINUTES  # as long as a reader may be silent before a case goes back
    silence_routine: int = 45  # longer than a meal


@dataclass(frozen=True)
class Open:
    """An open case; `reader` is who holds it and gave a sign of life lately, since when."""

    case: Case
    reader: Hashable | None = None
    since: datetime.datetime | None = None


@dataclass(frozen=True)
class Done:
    """A step that was done."""

    number: int
    at: datetime.datetime
    nobody: bool = False


@dataclass(frozen=True)
class Lost:
    """A case that needs another centre: how urgent, due when, how much work, from which region."""

    id: Hashable
    urgency: str
    due_at: datetime.datetime
    points: float
    region: Hashable


class Waiting(NamedTuple):
    """A case that waits: how urgent, since when, and due when."""

    urgency: str
    opened_at: datetime.datetime
    due_at: datetime.datetime


@dataclass(frozen=True)
class Centre:
    """A centre that could take cases: where, which ones, and the points that wait for each of its readers."""

    id: Hashable
    region: Hashable
    may_read: frozenset[Hashable]
    load: float = 0
    readers: int = 1


def check_rule(limits: Limits, *, since: datetime.date, current: datetime.date | None) -> None:
    """A rule leaves time for all steps, and begins after the present one. Raises BadEscalationRule."""
    steps = len(STEPS) - 1
    too_late = limits.ahead < max(LEAST_AHEAD, steps * limits.between)
    if too_late or not (limits.between >= 1 and 1 <= limits.silence <= limits.silence_routine):
        raise BadEscalationRule(least=LEAST_AHEAD)
    if current is not None and since <= current:
        raise EscalationRuleNotLater(since=current.isoformat())


def check_reason(reason: str) -> str:
    """What is done by hand says why. Raises EscalationReasonMissing."""
    if len(reason.strip()) < LEAST_REASON:
        raise EscalationReasonMissing
    return reason.strip()[:300]


def answers_for(place: Hashable, by: Actor) -> bool:
    """Whether an actor says of a centre that it is dark: its head, its planner, the country's planner."""
    return any(held.role in ("chief", "planner") and held.place in (place, None) for held in by.held)


def was_passed_to(person: UUID | None, centre: UUID | None, by: Actor) -> bool:
    """Whether a step went to somebody: by name, or to the centre where they read or that they head."""
    return person == by.id if person else centre in by.places("chief", "radiologist")


def foresee(
    cases: Sequence[Open], readers: Sequence[Reader], rule: Weights, now: datetime.datetime
) -> dict[Hashable, datetime.datetime | None]:
    """When each open case will be read, with those on duty; None where nobody on duty may read it."""
    free = {reader.id: now for reader in readers}
    found: dict[Hashable, datetime.datetime | None] = {}
    for held in cases:
        if held.since is not None:
            found[held.case.id] = end = max(now, held.since + held.case.points * MINUTE)
            if held.reader in free:
                free[held.reader] = max(free[held.reader], end)
    waiting = [one.case for one in cases if one.since is None]
    able: dict[tuple[Hashable, str], list[Reader]] = {}
    for reader in readers:
        for pair in reader.serves:
            able.setdefault(pair, []).append(reader)
    opened = [reader for reader in readers if reader.opened]
    anybody = Reader(id=None, serves=frozenset((case.place, case.modality) for case in waiting))
    for proposal in propose(waiting, [anybody, *(replace(one, asking=False) for one in readers)], rule, now):
        case = proposal.case
        may = [one for one in (*able.get((case.place, case.modality), ()), *opened) if may_read(case, one)]
        first = min(may, key=lambda one: free[one.id], default=None)
        found[case.id] = None
        if first is not None:
            found[case.id] = free[first.id] = free[first.id] + case.points * MINUTE
    return found


def will_be_late(
    one: Open, finish: datetime.datetime | None, *, now: datetime.datetime, ahead: int, horizon: float
) -> bool:
    """Whether a case is about to be late, so long before that its steps have time.

    It is when, in `ahead` minutes, it could no longer be read in time; and when deadlines press already (`horizon`) and
    the line before it, with those on duty, is too long. Where nobody is known to be on duty the time left decides.
    """
    rest = one.case.points
    if one.since is not None:
        rest = max(1.0, rest - (now - one.since) / MINUTE)
    left = (one.case.due_at - now) / MINUTE
    return left <= ahead + rest or (left <= horizon and finish is not None and finish > one.case.due_at)


def next_step(done: Collection[Done], *, now: datetime.datetime, between: int, held: bool) -> int | None:
    """The step that is due now; None before its time, after the last, and to a centre while somebody reads."""
    last = max(done, key=lambda step: step.number, default=None)
    if last is None:
        return READER
    number = last.number + 1
    early = not last.nobody and now < last.at + between * MINUTE
    return None if early or number > COUNTRY or (held and number >= REGION) else number


def spread(cases: Iterable[Lost], centres: Sequence[Centre]) -> dict[Hashable, Hashable]:
    """Which centre each case goes to: the urgent first, in its own region before wider, where the least work waits."""
    load = {centre.id: centre.load for centre in centres}
    found: dict[Hashable, Hashable] = {}
    for case in sorted(cases, key=lambda case: (case.urgency, case.due_at, str(case.id))):
        able = [centre for centre in centres if case.id in centre.may_read]
        if able:
            best = min(able, key=lambda one: (one.region != case.region, load[one.id], str(one.id)))
            load[best.id] += case.points / max(1, best.readers)
            found[case.id] = best.id
    return found


def most_silence(case: Waiting, limits: Limits) -> datetime.timedelta:
    """How long a centre may be silent while a case waits; never longer than the time in which it is due."""
    limit = limits.silence if case.urgency in URGENT else limits.silence_routine
    return min(limit * MINUTE, max(LEAST_SILENCE * MINUTE, case.due_at - case.opened_at))


def silent_since(
    seen: Mapping[Key, datetime.datetime], since: Mapping[Key, datetime.datetime]
) -> datetime.datetime | None:
    """The last sign of life of those on duty; who gave none was there as their duty began. None: nobody is on duty.

    `since` says since when each is on duty.
    """
    return max((max(begun, seen.get(person) or begun) for person, begun in since.items()), default=None)


def is_dark(
    waiting: Iterable[Waiting], limits: Limits, *, now: datetime.datetime,
    silent: datetime.datetime | None, silent_at_work: datetime.datetime | None,
) -> bool:  # fmt: skip
    """Whether a centre is dark: a case waits, and those on duty are silent, both for longer than its class allows.

    `silent` is the last sign of life of all who are on duty; `silent_at_work` the same, None where all are on call at
    home: they are called for what is urgent, and their silence says nothing of anything else.
    """
    for case in waiting:
        last = silent if case.urgency in URGENT else silent_at_work
        if last is not None and max(last, case.opened_at) <= now - most_silence(case, limits):
            return True
    return False
