"""What the dictionary says of two names, for many pairs at once: `given.same`, `differ` and `within` as tables."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wasl.patients.rules import given

Array = NDArray[Any]
Sense = tuple[given.Part, ...]
SAYS_NOTHING, SAME, PART, KNOWN_OTHER = range(4)
FEW = 128  # pairs up to which they are compared one by one: the tables cost more
MANY = 5  # parts of a name; longer ones are compared one by one


class Senses:
    """The parts of many names, each name by its number."""

    def __init__(self, senses: Sequence[Sense]) -> None:
        self._senses = senses
        self._said: dict[int, int] = {}

    def of(self, one: int, other: int) -> int:
        """What is known of two names."""
        code = min(one, other) << 32 | max(one, other)
        found = self._said.get(code)
        if found is None:
            found = self._said[code] = _said(self._senses[one], self._senses[other])
        return found

    def between(self, one: Array, other: Array) -> Array:
        """The same of many, pair by pair."""
        if len(one) <= FEW:
            return np.array([self.of(a, b) for a, b in zip(one.tolist(), other.tolist(), strict=True)], dtype=np.int8)
        counts = self._parts[0]
        turned = counts[one] > counts[other]
        short, long = np.where(turned, other, one), np.where(turned, one, other)
        shapes = counts[short] * (MANY + 2) + counts[long]
        answer = np.zeros(len(one), dtype=np.int8)
        for shape in np.unique(shapes).tolist():
            at = np.flatnonzero(shapes == shape)
            few, many = divmod(shape, MANY + 2)
            if many > MANY:
                pairs = zip(short[at].tolist(), long[at].tolist(), strict=True)
                answer[at] = [_said(self._senses[a], self._senses[b]) for a, b in pairs]
            elif few:
                answer[at] = self._compared(short[at], long[at], few, many)
        return answer

    def may_differ(self, one: Array, other: Array) -> Array:
        """Where one reading of a known part makes two names one, and another reading two, pair by pair."""
        if len(one) <= FEW:
            senses = ((self._senses[a], self._senses[b]) for a, b in zip(one.tolist(), other.tolist(), strict=True))
            said = [any(a.known != b.known and a.known and b.known for a, b in zip(*two)) for two in senses]  # noqa: B905
            return np.array(said, dtype=bool)
        mine, theirs = self._parts[1][one], self._parts[1][other]
        return np.asarray(((mine != theirs) & (mine > 0) & (theirs > 0)).any(axis=1))

    def _compared(self, short: Array, long: Array, few: int, many: int) -> Array:
        """Of names of so many parts."""
        _counts, known, sounds, apart = self._parts
        alike, clash = np.empty((2, few, many, len(short)), dtype=bool)
        for a in range(few):
            for b in range(many):
                mine, theirs = known[short, a], known[long, b]
                clash[a, b] = apart[mine, theirs]
                same = (sounds[short, a] == sounds[long, b]) & (sounds[short, a] > 0)
                alike[a, b] = np.where((mine > 0) & (theirs > 0), ~clash[a, b], same)
        differ = clash.all(axis=1).any(axis=0)
        if few == many:
            differ |= clash.all(axis=0).any(axis=0)
            agree = alike[np.arange(few), np.arange(few)].all(axis=0)
            return np.where(agree, SAME, np.where(differ, KNOWN_OTHER, SAYS_NOTHING))
        within = alike.any(axis=1).all(axis=0)
        return np.where(differ, KNOWN_OTHER, np.where(within, PART, SAYS_NOTHING))

    @cached_property
    def _parts(self) -> tuple[Array, Array, Array, Array]:
        """How many parts each name has, what each part may be, how it sounds; and which of the former are apart."""
        sets: dict[frozenset[int], int] = {frozenset(): 0}
        heard = {"": 0}
        counts = np.array([min(len(sense), MANY + 1) for sense in self._senses], dtype=np.int16)
        known, sounds = np.zeros((2, len(self._senses), MANY), dtype=np.int32)
        for row, sense in enumerate(self._senses):
            for at, part in enumerate(sense[:MANY]):
                known[row, at] = sets.setdefault(part.known, len(sets))
                sounds[row, at] = heard.setdefault(part.skeleton, len(heard))
        apart = np.ones((len(sets), len(sets)), dtype=bool)
        apart[0] = apart[:, 0] = False  # nobody knows
        holders: dict[int, list[int]] = {}
        for names, number in sets.items():
            for name in names:
                holders.setdefault(name, []).append(number)
        for some in holders.values():
            apart[np.ix_(some, some)] = False
        return counts, known, sounds, apart


def _said(one: Sense, other: Sense) -> int:
    if given.same(one, other):
        return SAME
    if given.differ(one, other):
        return KNOWN_OTHER
    return PART if given.within(one, other) else SAYS_NOTHING
