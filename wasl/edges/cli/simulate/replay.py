"""A month lived through under a rule: cases come, readers begin and end, each free one is given a case or waits.

The events stand in a heap. A simulator of processes would let every reader draw a case alone; here who is free and what
waits are matched together, by the very function that the worklist asks.
"""

import datetime
import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wasl.radiology.queries.dispatch import Case, Reader, Weights, may_read, propose

MINUTE = datetime.timedelta(minutes=1)
ROUTINE = "P3"
STARVES_AT = 2  # times its target that a routine case has waited, and a younger one was taken by who may read it
Pair = tuple[Case, Hashable]
Choose = Callable[[Sequence[Case], Sequence[Reader], datetime.datetime], Pair | None]


@dataclass(frozen=True)
class Month:
    """Cases with the minutes that reading each takes, who may read what, and when each reader is on duty."""

    cases: Sequence[tuple[Case, float]]
    readers: Mapping[Hashable, Reader]
    duties: Sequence[tuple[Hashable, datetime.datetime, datetime.datetime]]

    @property
    def load(self) -> float:
        """Minutes of reading for each minute on duty."""
        return sum(minutes for _, minutes in self.cases) / sum((end - start) / MINUTE for _, start, end in self.duties)


def first_come(cases: Sequence[Case], readers: Sequence[Reader], now: datetime.datetime) -> Pair | None:
    """The case that came first goes to who has been free longest."""
    return _first(sorted(cases, key=lambda case: case.opened_at), readers)


def most_urgent(cases: Sequence[Case], readers: Sequence[Reader], now: datetime.datetime) -> Pair | None:
    """The highest class first, in a class what is due first: the order of a list that is sorted by urgency."""
    return _first(sorted(cases, key=lambda case: (case.urgency, case.due_at)), readers)


def _first(cases: Sequence[Case], readers: Sequence[Reader]) -> Pair | None:
    free = [reader for reader in readers if reader.asking]
    return next(((case, reader.id) for case in cases for reader in free if may_read(case, reader)), None)


def by_rule(rule: Weights) -> Choose:
    """What a rule of dispatch proposes first."""

    def choose(cases: Sequence[Case], readers: Sequence[Reader], now: datetime.datetime) -> Pair | None:
        line = propose(cases, readers, rule, now)
        return (line[0].case, line[0].reader.id) if line else None

    return choose


@dataclass
class _Desk:
    """A reader's month so far."""

    free_since: datetime.datetime | None = None
    began: datetime.datetime | None = None
    until: datetime.datetime | None = None
    busy: bool = False
    read: deque[tuple[datetime.datetime, float]] = field(default_factory=deque)
    points: float = 0
    hours: float = 0


@dataclass(frozen=True)
class Lived:
    """What became of a month: the minutes from open to read of each case, the loads of readers, and who starved."""

    turnaround: Sequence[tuple[Case, float]]
    unread: int
    loads: Sequence[float]  # points of each reader for an hour on duty
    starved: int

    def minutes(self, urgency: str = "") -> list[float]:
        """The turnaround of the cases of a class, or of all, the quickest first."""
        return sorted(minutes for case, minutes in self.turnaround if urgency in ("", case.urgency))

    def late(self, urgency: str = "") -> int:
        """How many were read after they were due."""
        return sum(
            minutes > (case.due_at - case.opened_at) / MINUTE
            for case, minutes in self.turnaround if urgency in ("", case.urgency)
        )  # fmt: skip

    @property
    def gini(self) -> float:
        """How unequal the loads are: 0 all alike, 1 one does everything."""
        loads, number = sorted(self.loads), len(self.loads)
        weighted = sum((2 * at - number - 1) * load for at, load in enumerate(loads, 1))
        return weighted / (number * sum(loads)) if sum(loads) else 0.0


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which a share of ordered values lies; not a number when there is none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else math.nan


def live(month: Month, choose: Choose) -> Lived:
    """Live through a month; every choice is made at once, whenever a reader is free and a case waits."""
    return _Life(month, choose).live()


class _Life:
    """The state of a month while it is lived."""

    def __init__(self, month: Month, choose: Choose) -> None:
        self.month, self.choose = month, choose
        self.desks = {key: _Desk() for key in month.readers}
        self.waiting: dict[Hashable, Case] = {}
        self.effort = {case.id: minutes for case, minutes in month.cases}
        self.done: list[tuple[Case, float]] = []
        self.starved: set[Hashable] = set()
        self.numbers = itertools.count()
        self.events: list[tuple[datetime.datetime, int, Callable[[datetime.datetime], None]]] = []

    def live(self) -> Lived:
        for case, _ in self.month.cases:
            self._at(case.opened_at, lambda now, case=case: self.waiting.update({case.id: case}))  # type: ignore[misc]
        for key, start, end in self.month.duties:
            self.desks[key].hours += (end - start) / MINUTE / 60
            self._at(start, lambda now, key=key, end=end: self._begin(key, now, end))  # type: ignore[misc]
        while self.events:
            now, _, act = heapq.heappop(self.events)
            act(now)
            self._match(now)
        loads = [desk.points / desk.hours for desk in self.desks.values() if desk.hours]
        return Lived(self.done, len(self.waiting), loads, len(self.starved))

    def _at(self, when: datetime.datetime, act: Callable[[datetime.datetime], None]) -> None:
        heapq.heappush(self.events, (when, next(self.numbers), act))

    def _begin(self, key: Hashable, now: datetime.datetime, until: datetime.datetime) -> None:
        desk = self.desks[key]
        if desk.until != now:  # a duty that follows without a break is one
            desk.began = now
        desk.until = until
        if not desk.busy:
            desk.free_since = now

    def _match(self, now: datetime.datetime) -> None:
        while self.waiting:
            readers = self._readers(now)
            if not any(reader.asking for reader in readers):
                return
            pair = self.choose(list(self.waiting.values()), readers, now)
            if pair is None:
                return
            self._take(*pair, now)

    def _readers(self, now: datetime.datetime) -> list[Reader]:
        """Who is on duty, who has been free longest first."""
        found = []
        for key, desk in self.desks.items():
            if desk.until is None or desk.until <= now or desk.began is None:
                continue
            while desk.read and desk.read[0][0] <= now - 60 * MINUTE:
                desk.read.popleft()
            reader = replace(
                self.month.readers[key], asking=not desk.busy, hours=(now - desk.began) / MINUTE / 60,
                hour_points=sum(points for _, points in desk.read),
            )  # fmt: skip
            found.append((desk.free_since or now, reader))
        return [reader for _, reader in sorted(found, key=lambda pair: pair[0])]

    def _take(self, case: Case, key: Hashable, now: datetime.datetime) -> None:
        del self.waiting[case.id]
        if case.urgency == ROUTINE:
            self._note_starving(case, self.month.readers[key], now)
        self.desks[key].busy = True
        self._at(now + self.effort[case.id] * MINUTE, lambda then: self._sign(case, key, then))

    def _note_starving(self, taken: Case, reader: Reader, now: datetime.datetime) -> None:
        for case in self.waiting.values():
            if case.urgency != ROUTINE or case.opened_at >= taken.opened_at or not may_read(case, reader):
                continue
            if now - case.opened_at > STARVES_AT * (case.due_at - case.opened_at):
                self.starved.add(case.id)

    def _sign(self, case: Case, key: Hashable, now: datetime.datetime) -> None:
        desk = self.desks[key]
        desk.busy, desk.free_since = False, now
        desk.points += case.points
        desk.read.append((now, case.points))
        self.done.append((case, (now - case.opened_at) / MINUTE))
