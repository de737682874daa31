"""One record asked about against those that a kept index finds: the same levels, weights and rules as of a file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wasl.patients.rules.matching import blocking, deciding, records, weighing, words
from wasl.patients.rules.matching.comparing import FIELDS, Day, Levels, Number, levels, mark_twins, told_apart, twins
from wasl.patients.rules.matching.forms import Likeness
from wasl.patients.rules.matching.records import COLUMNS, Records
from wasl.patients.rules.matching.weighing import RARE, Rarity

Array = NDArray[Any]
Terms = tuple[tuple[str, int, float], ...]  # field, level, bits; the weightiest first
PROBABLE, POSSIBLE = 0.0, -4.0  # bits, log2 odds: even, and one in seventeen
YOUNG = 100_000  # records: an index that holds fewer is asked as carefully as if it held so many
MOST = 20  # people who are named in an answer


class Grade(StrEnum):
    """How sure it is that somebody is the one asked about; who is related is shown to be told apart."""

    CERTAIN = "certain"
    PROBABLE = "probable"
    POSSIBLE = "possible"
    RELATED = "related"
    NOT = "certainly-not"  # FHIR's word: people said that they are two


@dataclass(frozen=True)
class Judged:
    """Somebody who may be the one asked about (`person` is a place among the candidates), and why."""

    person: int
    grade: Grade
    score: float  # log2 odds
    terms: Terms


@dataclass(frozen=True)
class Candidate:
    """What one person's records say, the newest first, and whether a machine may decide about that person.

    A holder is known by the very number that the record asked about gives, the Wasl number or a place's own: certain,
    unless something contradicts it.
    """

    rows: Sequence[Sequence[str]]
    decidable: bool = True
    holder: bool = False


def row(said: Mapping[str, str], *, rid: str = "", place: str = "", local_id: str = "") -> list[str]:
    """A record in the order of COLUMNS."""
    return [rid, place, local_id, *(said.get(name, "") for name in COLUMNS[3:])]


@dataclass(frozen=True)
class Indexed:
    """By what a record is found, and what is counted of it, by field."""

    keys: Sequence[int]
    values: Mapping[str, int]


def indexed(rows: Sequence[Sequence[str]]) -> list[Indexed]:
    """What the index keeps of records."""
    read = records.read(rows)
    values = {name: column.tolist() for name, column in weighing.values(read).items()}
    return [
        Indexed(keys, {name: column[at] for name, column in values.items()})
        for at, keys in enumerate(blocking.keys(read))
    ]


class Comparison:
    """One record beside the records of some people."""

    def __init__(self, asked: Sequence[str], candidates: Sequence[Candidate]) -> None:
        self._candidates = candidates
        self._records = records.read([asked, *(row for person in candidates for row in person.rows)])
        self._owners = np.array([at for at, person in enumerate(candidates) for _ in person.rows], dtype=np.int64)

    def values(self) -> dict[str, list[int]]:
        """The values of each field whose rarity is wanted."""
        return {name: np.unique(column).tolist() for name, column in weighing.values(self._records).items()}

    def judged(self, rarity: Mapping[str, Mapping[int, float]], size: int) -> list[Judged]:
        """Everybody who may be the one asked about, the most probable first, then those related.

        `rarity` has bits by field and value, those of the value 0 for values that it lacks; `size` is the number of
        records in the index. Certain is at most one: who alone qualifies, and is also the best.
        """
        if not self._candidates:
            return []
        of_each = Rarity({name: _bits(column, rarity.get(name, {}))
                          for name, column in weighing.values(self._records).items()})  # fmt: skip
        size = max(size, YOUNG)
        whole = self._weighed(self._records, of_each, self._owners, size)
        several = [at for at, person in enumerate(self._candidates) if len(person.rows) > 1]
        views = [whole]
        if several:
            together, source = records.merge(self._records, [[0], *(self._members(at) for at in several)])
            bits = {name: of_each.bits[name][source[name]] for name in RARE}
            views.append(self._weighed(together, Rarity(bits), np.array(several), size))
        return self._decided(whole, views)

    def _members(self, person: int) -> list[int]:
        return (np.flatnonzero(self._owners == person) + 1).tolist()

    def _weighed(self, some: Records, rarity: Rarity, owners: Array, size: int) -> "_View":
        """The first of the records against each of the others."""
        one, other = np.zeros(len(owners), dtype=np.int64), np.arange(1, len(owners) + 1)
        model, seen = weighing.model(), levels(some, one, other)
        mark_twins(seen, one, other, told_apart(twins(seen, one, other), len(some)))
        bits = {name: rarity.between(name, seen.of(name), one, other) for name in RARE}
        scores = weighing.score(model, seen, bits, size)
        caution = deciding.caution(some, seen, one, other)
        return _View(owners, seen, bits, scores, scores - caution - model.automatic)

    def _decided(self, whole: "_View", views: "list[_View]") -> list[Judged]:
        best: dict[int, tuple[float, _View, int]] = {}
        qualify = set()
        barred = _contradicted(whole)
        for view in views:
            for place, person in enumerate(view.owners.tolist()):
                score = float(view.scores[place])
                if person not in best or score > best[person][0]:
                    best[person] = score, view, place
                if view.above[place] >= 0 and person not in barred:
                    qualify.add(person)
        order = sorted(best, key=lambda person: (-best[person][0], person))
        certain = self._certain(order, qualify, barred)
        found = []
        for person in order:
            score, view, place = best[person]
            if person == certain:
                grade = Grade.CERTAIN
            elif score >= PROBABLE:
                grade = Grade.PROBABLE
            elif score >= POSSIBLE and not view.is_somebody_else(place):
                grade = Grade.POSSIBLE
            elif view.is_related(place):
                grade = Grade.RELATED
            else:
                continue
            found.append(Judged(person, grade, score, view.terms(place)))
        return sorted(found, key=lambda one: one.grade == Grade.RELATED)[:MOST]

    def _certain(self, order: list[int], qualify: set[int], barred: set[int]) -> int | None:
        """Who needs nobody's decision: the holder of the very number, or who alone qualifies and is the best."""
        holder = next((at for at, one in enumerate(self._candidates) if one.holder), None)
        if holder is not None:
            return None if holder in barred else holder
        alone = qualify == {order[0]} and self._candidates[order[0]].decidable
        return order[0] if alone else None


@dataclass(frozen=True)
class _View:
    """Records of candidates as they stand to the one asked about."""

    owners: Array
    seen: Levels
    bits: dict[str, Array]
    scores: Array
    above: Array  # the threshold of a link that needs nobody

    def is_related(self, place: int) -> bool:
        """Whether this is somebody of that family born that day, or somebody who gave the same national number."""
        family, seen = self.seen.family[place], self.seen
        same_day = 0 < family <= Likeness.NEAR and seen.born[place] == Day.SAME
        return bool(same_day or seen.number[place] in (Number.SAME, Number.SHARED))

    def is_somebody_else(self, place: int) -> bool:
        """Whether this is a relative by all that is known: of that family and day, under a known other name."""
        return self.is_related(place) and self.seen.given[place] == Likeness.KNOWN_OTHER

    def terms(self, place: int) -> Terms:
        """What each field says, and how much."""
        bits = weighing.contributions(weighing.model(), self.seen, self.bits, place)
        said = ((name, int(self.seen.of(name)[place]), round(bits[name], 1)) for name in FIELDS)
        return tuple(sorted((term for term in said if words.of(term[0], term[1])), key=lambda term: -abs(term[2])))


def _contradicted(whole: _View) -> set[int]:
    """People of whom any record says something that no person has two of: numbers, birth years, known names."""
    seen = whole.seen
    never = (seen.number == Number.OTHER) | (seen.number == Number.DIGIT) | (seen.born == Day.OTHER)
    never |= seen.given == Likeness.KNOWN_OTHER
    return set(whole.owners[never].tolist())


def _bits(column: Array, known: Mapping[int, float]) -> Array:
    """The rarity of each record's value; 0 where it is absent, or nothing was counted yet."""
    rare = known.get(0, 0.0)
    return np.array([known.get(value, rare) if value else 0.0 for value in column.tolist()], dtype=np.float32)


def said_in_words(terms: Iterable[tuple[str, int, float]]) -> tuple[list[str], list[str]]:
    """What agrees and what differs, in the language in force, the weightiest first."""
    agree: list[str] = []
    differ: list[str] = []
    for field, level, _bits in terms:
        if sentence := words.of(field, level):
            (agree if level in words.AGREE.get(field, ()) else differ).append(sentence)
    return agree, differ
