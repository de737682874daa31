"""Who is who in a file of records: read, compare, weigh, decide, in bounded memory."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wasl.patients.rules.matching import blocking, deciding, weighing, words
from wasl.patients.rules.matching.comparing import FIELDS, Levels, levels, mark_twins, told_apart, twins
from wasl.patients.rules.matching.records import Records, merge, read
from wasl.patients.rules.matching.weighing import RARE, Model, Rarity

Array = NDArray[Any]
Arrays = dict[str, Array]
# told how far a step is: its name, how much is done, how much there is (0: not known)
Tell = Callable[[str, int, int], None]
# the pairs of records that are compared, as `blocking.pairs` gives them
Find = Callable[[Records], Array]
# given the name of a piece of work and how to do it, answers its result, from an earlier run if it was kept
Keep = Callable[[str, Callable[[], Arrays]], Arrays]
PIECE = 250_000  # pairs that are compared at once
HOPELESS = -4.0  # bits of the first stage under which a pair is forgotten
REVIEWED = 0.045  # pairs a record, at most, that are left to people
AT_ONCE = 2


@dataclass(frozen=True)
class Matched:
    """Who is who: for each record its person (the first record of that person), and the pairs left to people."""

    records: Records
    person: Array
    one: Array  # of the pairs that were weighed
    other: Array
    levels: Levels
    rarity: Arrays
    scores: Array
    review: Array  # places among the pairs
    model: Model

    def persons(self) -> Iterator[tuple[str, str]]:
        """The identifier of each record, in the order of the file, with that of its person's first record."""
        rids = self.records.rids
        for rid, head in zip(rids, self.person.tolist(), strict=True):
            yield rid, rids[head]

    def reviewed(self) -> Iterator[tuple[str, str]]:
        """The pairs that people decide, the most probable first."""
        for place in self.review.tolist():
            yield self.records.rids[self.one[place]], self.records.rids[self.other[place]]

    def linked(self) -> Iterator[int]:
        """The places of the pairs that stand in one person."""
        yield from np.flatnonzero(self.person[self.one] == self.person[self.other]).tolist()

    def reasons(self, place: int) -> list[tuple[str, float]]:
        """Why, of one pair: what each field says in words, with its bits, the weightiest first."""
        bits = weighing.contributions(self.model, self.levels, self.rarity, place)
        said = ((words.of(field, int(self.levels.of(field)[place])), bits[field]) for field in FIELDS)
        return sorted(((sentence, weight) for sentence, weight in said if sentence), key=lambda term: -abs(term[1]))


def match(rows: Iterable[Sequence[str]], *, tell: Tell, keep: Keep, find: Find = blocking.pairs) -> Matched:
    """Bring the records of rows in the order of COLUMNS together into persons; no row is looked up anywhere."""
    records, model = read(_told(rows, tell)), weighing.model()
    tell("block", 0, 0)
    pairs = find(records)
    rarity = Rarity.of(records)
    starts = range(0, len(pairs), PIECE)
    found = []

    def compared(start: int) -> Arrays:
        return keep(f"{start}", lambda: _compared(records, model, rarity, pairs[start : start + PIECE]))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for start, piece in zip(starts, pool.map(compared, starts), strict=True):
            tell("compare", min(start + PIECE, len(pairs)), len(pairs))
            found.append(piece)
    codes, twin = (np.concatenate([np.empty(0, dtype=np.int64), *(piece[name] for piece in found)])
                   for name in ("pairs", "twins"))  # fmt: skip
    one, other = codes >> 32, codes & 0xFFFFFFFF
    columns = {name: np.concatenate([piece[name] for piece in found]) if found else np.empty(0, dtype=np.int8)
               for name in FIELDS}  # fmt: skip
    seen = Levels(**columns)
    tell("decide", 0, 0)
    apart = told_apart(twin, len(records))
    return _decided(_Weighing(records, model, rarity, apart, len(records)), seen, one, other)


def _told(rows: Iterable[Sequence[str]], tell: Tell) -> Iterator[Sequence[str]]:
    for count, row in enumerate(rows, start=1):
        if count % 50_000 == 0:
            tell("read", count, 0)
        yield row


def _compared(records: Records, model: Model, rarity: Rarity, pairs: Array) -> Arrays:
    """The levels of the pairs that may be one person, and the twins among all of them."""
    one, other = pairs >> 32, pairs & 0xFFFFFFFF
    seen = levels(records, one, other)
    bits = {name: rarity.between(name, seen.of(name), one, other) for name in RARE}
    hopeful = np.flatnonzero(weighing.first(model, seen, bits) > HOPELESS)
    return {"pairs": pairs[hopeful], "twins": twins(seen, one, other)} | {
        name: seen.of(name)[hopeful].astype(np.int8) for name in FIELDS
    }


@dataclass(frozen=True)
class _Weighing:
    """Records, and what their pairs are weighed by."""

    records: Records
    model: Model
    rarity: Rarity
    apart: Array  # from which twins each record is told apart
    size: int  # of the whole index

    def weigh(self, seen: Levels, one: Array, other: Array) -> tuple[Arrays, Array, Array]:
        """The rarity of what agrees in each pair, its score, and by how much that is above its threshold."""
        mark_twins(seen, one, other, self.apart)
        bits = {name: self.rarity.between(name, seen.of(name), one, other) for name in RARE}
        scores = np.concatenate([
            weighing.score(self.model, seen.at(part), {name: row[part] for name, row in bits.items()}, self.size)
            for part in itertools.starmap(slice, _parts(len(one)))
        ] or [np.empty(0, dtype=np.float32)])  # fmt: skip
        extra = deciding.caution(self.records, seen, one, other)
        return bits, scores, scores - extra - self.model.automatic

    def merged(self, groups: list[list[int]]) -> "_Weighing":
        """The same of groups of records, each as one record that has what any of its own has."""
        records, source = merge(self.records, groups)
        bits = {name: values[source[name]] for name, values in self.rarity.bits.items()}
        apart = np.array([self.apart[group].max() for group in groups], dtype=np.uint64)
        return _Weighing(records, self.model, Rarity(bits), apart, self.size)


def _decided(weighed: _Weighing, seen: Levels, one: Array, other: Array) -> Matched:
    """Link pairs, then groups by what their records know together; leave the rest that is probable to people."""
    records, model = weighed.records, weighed.model
    bits, scores, above = weighed.weigh(seen, one, other)
    groups = deciding.Groups(records)
    deciding.link(groups, one, other, scores, above)
    _link_groups(weighed, groups, one, other, scores)
    person = groups.heads()
    review = deciding.for_review(
        person, one, other, scores, least=model.review, most=int(REVIEWED * len(records))
    )  # fmt: skip
    return Matched(records, person, one, other, seen, bits, scores, review, model)


def _link_groups(weighed: _Weighing, groups: deciding.Groups, one: Array, other: Array, scores: Array) -> None:
    """Link groups that a pair speaks for: one record knows the number, another the date, a third the other script."""
    heads = groups.heads()
    sizes = np.bincount(heads, minlength=len(heads))
    a, b = heads[one], heads[other]
    ask = (a != b) & (scores >= weighed.model.review) & ((sizes[a] > 1) | (sizes[b] > 1))
    codes = np.unique(np.minimum(a, b)[ask].astype(np.int64) << 32 | np.maximum(a, b)[ask])
    if not len(codes):
        return
    concerned, places = np.unique(np.concatenate([codes >> 32, codes & 0xFFFFFFFF]), return_inverse=True)
    together = weighed.merged([groups.members(head) for head in concerned.tolist()])
    mine, theirs = places[: len(codes)], places[len(codes) :]
    _bits, found, above = together.weigh(levels(together.records, mine, theirs), mine, theirs)
    good = np.flatnonzero(above >= 0)
    for place in good[np.lexsort((good, -found[good]))].tolist():
        groups.join(int(concerned[mine[place]]), int(concerned[theirs[place]]))


def _parts(count: int) -> Iterator[tuple[int, int]]:
    yield from ((start, start + PIECE) for start in range(0, count, PIECE))
