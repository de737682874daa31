"""What two records have in common: for each field one of a few levels, which have words and weights."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wasl.patients.rules.matching.forms import Likeness
from wasl.patients.rules.matching.records import Records

Array = NDArray[Any]
FAMILY_BY_OTHER = 8  # of the level of the family name: the other family name (a husband's, or her own) is the one


class Day(IntEnum):
    """How two birth dates stand to each other."""

    MISSING = 0
    SAME = 1
    EXCHANGED = 2  # day and month
    DIGIT = 3  # one digit wrong, or two neighbours exchanged
    YEAR_ONLY = 4  # one of them is known by its year alone, and the year is the same
    YEAR_OFF = 5  # the same day of a year one or two away
    SAME_YEAR = 6
    NEAR_YEAR = 7  # up to two years apart
    OTHER = 8
    NEW_YEAR = 9  # the same, and the first of January: often a year alone


class Number(IntEnum):
    """How two numbers stand to each other."""

    MISSING = 0
    SAME = 1
    SHARED = 2  # the same, and several people are known to use it
    DIGIT = 3
    OTHER = 4


class Local(IntEnum):
    """Where two records come from."""

    APART = 0  # from two sources, or without a number of their own
    SAME = 1  # the same number of the same source
    OTHER = 2  # two numbers of one source


FIELDS = (
    "given",
    "family",
    "exchanged",
    "born",
    "number",
    "phone",
    "sex",
    "commune",
    "father",
    "mother",
    "local",
    "twin",
)
SIZES = {
    "given": 9, "family": 9, "exchanged": 2, "born": 10, "number": 5, "phone": 5, "sex": 3, "commune": 3, "father": 9,
    "mother": 9, "local": 3, "twin": 2,
}  # fmt: skip


@dataclass
class Levels:
    """The levels of many pairs, an array a field."""

    given: Array
    family: Array
    exchanged: Array
    born: Array
    number: Array
    phone: Array
    sex: Array  # 0 not known, 1 the same, 2 not
    commune: Array  # likewise
    father: Array
    mother: Array
    local: Array
    twin: Array  # 1 where somebody of that family and day has another given name than one of the two

    def of(self, field: str) -> Array:
        """The levels of a field."""
        found: Array = getattr(self, field)
        return found

    def at(self, part: slice) -> "Levels":
        """The levels of some of the pairs."""
        return Levels(**{field: self.of(field)[part] for field in FIELDS})


def levels(records: Records, one: Array, other: Array) -> Levels:
    """Compare the records at these places, pair by pair."""
    r = records
    given = _best(r, (r.first_lat, r.first_ar), one, other, given=True)
    family = _best(r, (r.last_lat, r.last_ar), one, other, given=False)
    family = _by_other_name(r, family, one, other)
    given, family, exchanged = _exchanged(r, given, family, one, other)
    commune = r.forms.likeness(r.commune[one], r.commune[other], given=False)
    return Levels(
        given=given,
        family=family,
        exchanged=exchanged,
        born=_born(r.born[one], r.born[other]),
        number=_numbers(r.number, r.number_kind, r.shared_number, one, other),
        phone=_numbers(r.phone, (r.phone > 0).astype(np.int8), r.shared_phone, one, other),
        sex=np.where((r.sex[one] == 0) | (r.sex[other] == 0), 0, 1 + (r.sex[one] != r.sex[other])),
        commune=np.where(commune == 0, 0, 1 + (commune > Likeness.NEAR)),
        father=r.forms.likeness(r.father[one], r.father[other], given=True),
        mother=r.forms.likeness(r.mother[one], r.mother[other], given=True),
        local=_local(r, one, other),
        twin=np.zeros(len(one), dtype=np.int8),
    )


def twins(found: Levels, one: Array, other: Array) -> Array:
    """The pairs of the same family and day with two given names, as `one << 32 | other`.

    Not who lives elsewhere and shares neither phone nor parent: in a large country many of one name are born on a day.
    """
    family = (found.family > 0) & (found.family <= Likeness.NEAR)
    parent = np.any([(level > 0) & (level <= Likeness.PART) for level in (found.father, found.mother)], axis=0)
    elsewhere = (found.commune == 2) & ~parent & ~np.isin(found.phone, (Number.SAME, Number.SHARED))
    pairs = family & (found.born == Day.SAME) & (found.given >= Likeness.OTHER) & ~elsewhere
    return np.asarray(one[pairs].astype(np.int64) << 32 | other[pairs])


def told_apart(twins: Array, records: int) -> Array:
    """For each record one number for all the twins from whom its given name tells it apart; 0 for none."""
    one, other = twins >> 32, twins & 0xFFFFFFFF
    sums = np.zeros(records, dtype=np.uint64)
    for mine, theirs in ((one, other), (other, one)):
        mixed = (theirs.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        np.add.at(sums, mine, mixed ^ mixed >> np.uint64(29))
    return sums


def mark_twins(found: Levels, one: Array, other: Array, apart: Array) -> None:
    """Mark the pairs of whom one has a known twin whom the other may be; `apart` is what `told_apart` says."""
    found.twin = (apart[one] != apart[other]).astype(np.int8)


def _best(r: Records, columns: tuple[Array, Array], one: Array, other: Array, *, given: bool) -> Array:
    """The best likeness within a script; across scripts where no script has both."""
    found = [r.forms.likeness(column[one], column[other], given=given) for column in columns]
    best = _least(found)
    known_other = np.any([level == Likeness.KNOWN_OTHER for level in found], axis=0)
    best[known_other] = np.where(best[known_other] == Likeness.SAME, Likeness.ALIKE, Likeness.KNOWN_OTHER)
    across = np.flatnonzero(best == Likeness.MISSING)
    if len(across):
        a, b = one[across], other[across]
        latin, arabic = columns
        best[across] = _least([r.forms.likeness(latin[a], arabic[b], given=given),
                               r.forms.likeness(arabic[a], latin[b], given=given)])  # fmt: skip
    return best


def _least(found: list[Array]) -> Array:
    """The least level that is there, pair by pair; 0 where none is."""
    high = np.min([np.where(level == 0, 99, level) for level in found], axis=0)
    return np.where(high == 99, 0, high).astype(np.int8)


def _by_other_name(r: Records, family: Array, one: Array, other: Array) -> Array:
    """The level of the family name, FAMILY_BY_OTHER where only the other family name agrees."""
    others = (r.other_lat + r.other_ar) > 0
    ask = np.flatnonzero(((family == 0) | (family > Likeness.NEAR)) & (others[one] | others[other]))
    if not len(ask):
        return family
    a, b = one[ask], other[ask]
    own, new = (r.last_lat, r.last_ar), (r.other_lat, r.other_ar)
    found = []
    for mine, theirs in ((own, new), (new, own), (new, new)):
        found += [r.forms.likeness(m[a], t[b], given=False) for m in mine for t in theirs]
    agrees = _least(found)
    family[ask[(agrees > 0) & (agrees <= Likeness.NEAR)]] = FAMILY_BY_OTHER
    return family


def _exchanged(r: Records, given: Array, family: Array, one: Array, other: Array) -> tuple[Array, Array, Array]:
    """Names whose given and family parts changed places: their levels are those of the crossed names."""
    exchanged = np.zeros(len(one), dtype=np.int8)
    ask = np.flatnonzero((given >= Likeness.ALIKE) & (family >= Likeness.ALIKE))
    if not len(ask):
        return given, family, exchanged
    a, b = one[ask], other[ask]
    first, last = (r.first_lat, r.first_ar), (r.last_lat, r.last_ar)
    for mine in (0, 1):
        for theirs in (0, 1):
            crossed = (r.forms.likeness(first[mine][a], last[theirs][b], given=True),
                       r.forms.likeness(last[mine][a], first[theirs][b], given=True))  # fmt: skip
            yes = np.all([(level > 0) & (level <= Likeness.NEAR) for level in crossed], axis=0)
            exchanged[ask[yes]] = 1
            given[ask[yes]], family[ask[yes]] = crossed[0][yes], crossed[1][yes]
    return given, family, exchanged


def _born(one: Array, other: Array) -> Array:
    level = np.full(len(one), Day.OTHER, dtype=np.int8)
    year, their_year = one // 10_000, other // 10_000
    day, their_day = one % 10_000, other % 10_000
    apart = np.abs(year - their_year)
    level[apart <= 2] = Day.NEAR_YEAR
    level[apart == 0] = Day.SAME_YEAR
    level[(apart > 0) & (apart <= 2) & (day == their_day) & (day > 0)] = Day.YEAR_OFF
    level[_one_digit(one, other) & (day > 0) & (their_day > 0)] = Day.DIGIT
    vague = (day % 100 == 0) | (their_day % 100 == 0) | (day == 101) | (their_day == 101)
    level[(apart == 0) & vague] = Day.YEAR_ONLY
    exchanged = (day // 100 == their_day % 100) & (day % 100 == their_day // 100)
    level[(apart == 0) & exchanged & (day > 0)] = Day.EXCHANGED
    level[(one == other) & (day % 100 > 0)] = Day.SAME
    level[(one == other) & (day == 101)] = Day.NEW_YEAR
    level[(one == 0) | (other == 0)] = Day.MISSING
    return level


def _one_digit(one: Array, other: Array) -> Array:
    """Whether numbers are one wrong digit, or two neighbours exchanged, apart: their difference says so.

    A wrong digit differs by d · 10^k, neighbours exchanged by d · 9 · 10^k: both are found by taking digits apart.
    """
    answer = np.zeros(len(one), dtype=bool)
    ask = np.flatnonzero(one != other)
    a, b = one[ask].astype(np.int64), other[ask].astype(np.int64)
    wrong = np.zeros(len(ask), dtype=np.int8)
    total = np.zeros(len(ask), dtype=np.int64)
    first, last = np.full(len(ask), -9, dtype=np.int8), np.full(len(ask), -9, dtype=np.int8)
    for place in range(18):
        mine, theirs = a % 10, b % 10
        differs = mine != theirs
        wrong += differs
        total += mine - theirs
        first[differs & (first == -9)] = place
        last[differs] = place
        a, b = a // 10, b // 10
        if not (a.any() or b.any()):
            break
    neighbours = (wrong == 2) & (last - first == 1) & (total == 0)
    low = np.where(neighbours, np.maximum(first, 0), 0).astype(np.int64)
    a, b = one[ask] // 10**low % 100, other[ask] // 10**low % 100
    crossed = neighbours & (a // 10 == b % 10) & (a % 10 == b // 10)
    answer[ask] = (wrong == 1) | crossed
    return answer


def _numbers(values: Array, kinds: Array, shared: Array, one: Array, other: Array) -> Array:
    level = np.zeros(len(one), dtype=np.int8)
    a, b = values[one], values[other]
    there = np.flatnonzero((kinds[one] == kinds[other]) & (kinds[one] > 0))
    same = a[there] == b[there]
    found = np.where(same, np.where(shared[one[there]], Number.SHARED, Number.SAME), Number.OTHER)
    found[~same & _one_digit(a[there], b[there])] = Number.DIGIT
    level[there] = found
    return level


def _local(r: Records, one: Array, other: Array) -> Array:
    a, b = r.local[one], r.local[other]
    level = np.where((r.source[one] == r.source[other]) & (a > 0) & (b > 0), Local.OTHER, Local.APART)
    return np.where((a == b) & (a > 0), Local.SAME, level).astype(np.int8)
