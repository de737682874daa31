"""What is linked by itself, what people decide, and what stays apart."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wasl.patients.rules.matching.comparing import FAMILY_BY_OTHER, Day, Levels, Number
from wasl.patients.rules.matching.forms import Likeness
from wasl.patients.rules.matching.records import Records

Array = NDArray[Any]
YEARS = 2  # birth years of one person are at most so far apart
CAREFUL, MISSING = 3.0, 6.0  # bits that a link needs beyond the threshold where something in it is doubtful
NEVER = np.inf


def caution(records: Records, levels: Levels, one: Array, other: Array) -> Array:
    """The bits that each pair needs beyond the threshold to be linked by itself, NEVER where no score may.

    What a household shares (a phone, a commune, a family name) never stands in for what a person has: a number, a name,
    a birth date, parents.
    """
    same_number = levels.number == Number.SAME
    phone = (levels.phone == Number.SAME) | (levels.phone == Number.SHARED)
    parents = _agree(levels.father) | _agree(levels.mother)
    same_day = (levels.born == Day.SAME) | (levels.born == Day.NEW_YEAR)
    near_day = same_day | np.isin(levels.born, (Day.EXCHANGED, Day.DIGIT, Day.YEAR_ONLY))
    same_year = np.isin(levels.born, (Day.SAME_YEAR, Day.YEAR_OFF))
    no_day = levels.born == Day.MISSING
    name = (levels.given > 0) & (levels.given <= Likeness.NEAR)
    spelled = (levels.given > 0) & (levels.given <= Likeness.SCRIPT)
    part = (levels.given == Likeness.PART) & (near_day | no_day)
    family = (levels.family > 0) & ((levels.family <= Likeness.PART) | (levels.family == FAMILY_BY_OTHER))
    digit = levels.number == Number.DIGIT

    of_two = _of_two(records, levels, one, other)
    twin = (levels.twin == 1) & ~same_number

    bits = np.zeros(len(levels.given), dtype=np.float32)
    bits[(part | (levels.family > 0) & ~family) & ~(same_number & near_day | phone & near_day)] = CAREFUL
    bits[digit | of_two & ~same_number & ~phone | twin & (levels.given != Likeness.SAME)] = CAREFUL
    bits[no_day & ~same_number] = MISSING
    bits[no_day & ~same_number & name & (phone | parents)] = CAREFUL

    never = (levels.number == Number.OTHER) | digit & ~(spelled & same_day & family)
    never |= (levels.given == Likeness.KNOWN_OTHER) | (levels.sex == 2) | records.newborn[one] | records.newborn[other]
    never |= ~(name | part | ((levels.given == Likeness.ALIKE) & same_number & same_day))
    never |= ~(near_day | no_day | same_year)
    never |= (levels.family == 0) & ~(same_number & same_day)
    never |= twin & ((levels.given > Likeness.SCRIPT) | of_two)
    bits[never] = NEVER
    return bits


def _of_two(records: Records, levels: Levels, one: Array, other: Array) -> Array:
    """Where spellings of one given name may be of two others, as Salah (صلاح, صالح) and Salih (صالح)."""
    answer = np.zeros(len(one), dtype=bool)
    ask = np.flatnonzero((levels.given == Likeness.SPELLED) | (levels.given == Likeness.SCRIPT))
    names = (records.first_lat, records.first_ar)
    answer[ask] = True
    for mine in names:
        for theirs in names:
            answer[ask] &= records.forms.may_differ(mine[one[ask]], theirs[other[ask]])
    return answer


def _agree(levels: Array) -> Array:
    return np.asarray((levels > 0) & (levels <= Likeness.PART))


def link(groups: "Groups", one: Array, other: Array, scores: Array, above: Array) -> None:
    """Join what qualifies (`above` is not negative), strongest first, where nothing in the groups forbids it."""
    links = np.flatnonzero(above >= 0)
    links = links[np.lexsort((links, -scores[links]))]
    for a, b in zip(one[links].tolist(), other[links].tolist(), strict=True):
        groups.join(a, b)


def for_review(person: Array, one: Array, other: Array, scores: Array, *, least: float, most: int) -> Array:
    """The places of the pairs that people decide, the most probable first: of two persons one pair, the strongest.

    What two answers before it would say together is asked last, if there is room.
    """
    a, b = person[one], person[other]
    asked = np.flatnonzero((a != b) & (scores >= least))
    asked = asked[np.lexsort((asked, -scores[asked]))]
    _once, strongest = np.unique(_codes(a[asked], b[asked]), return_index=True)
    asked = asked[np.sort(strongest)]
    head: dict[int, int] = {}
    pairs = zip(a[asked].tolist(), b[asked].tolist(), strict=True)
    needed = np.array([_joined(head, *pair) for pair in pairs], dtype=bool)
    return np.concatenate([asked[needed], asked[~needed]])[:most]


def _joined(head: dict[int, int], one: int, other: int) -> bool:
    """Join two that were apart; false if they were joined."""
    ends = []
    for at in (one, other):
        while (up := head.get(at, at)) != at:
            head[at] = head.get(up, up)
            at = up
        ends.append(at)
    head[ends[1]] = ends[0]
    return ends[0] != ends[1]


def _codes(a: Array, b: Array) -> Array:
    return np.asarray(np.minimum(a, b).astype(np.int64) << 32 | np.maximum(a, b))


class Groups:
    """Records joined into persons, where nothing in them forbids it."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self._head = list(range(len(records)))
        self._members: dict[int, list[int]] = {}

    def join(self, one: int, other: int) -> bool:
        """Join the groups of two records, unless their numbers, birth years or known names forbid it."""
        a, b = self._find(one), self._find(other)
        if a == b:
            return True
        mine, theirs = self._members.get(a, [a]), self._members.get(b, [b])
        if not self._may(mine, theirs):
            return False
        a, b = min(a, b), max(a, b)
        self._head[b] = a
        self._members[a] = mine + theirs
        self._members.pop(b, None)
        return True

    def members(self, head: int) -> list[int]:
        """The records of the group whose first record this is."""
        return self._members.get(head, [head])

    def heads(self) -> Array:
        """For each record the first of its group."""
        heads = np.array(self._head, dtype=np.int64)
        while (heads != (further := heads[heads])).any():
            heads = further
        return heads

    def _find(self, at: int) -> int:
        head = self._head
        while head[at] != at:
            head[at] = head[head[at]]
            at = head[at]
        return at

    def _may(self, mine: list[int], theirs: list[int]) -> bool:
        if len(mine) == len(theirs) == 1:
            return True  # the pair itself was allowed
        here, there = [self._said(at) for at in mine], [self._said(at) for at in theirs]
        return not any(self._contradict(one, other) for one in here for other in there)

    def _said(self, at: int) -> tuple[int, ...]:
        """Kind and value of a record's number, its birth year, its given names: a few, so no arrays."""
        r = self.records
        columns = (r.number_kind, r.number, r.born, r.first_lat, r.first_ar)
        return tuple(column.item(at) for column in columns)

    def _contradict(self, one: tuple[int, ...], other: tuple[int, ...]) -> bool:
        if one[0] == other[0] > 0 and one[1] != other[1]:
            return True
        if one[2] and other[2] and abs(one[2] // 10_000 - other[2] // 10_000) > YEARS:
            return True
        return any(self.records.forms.known_other(a, b) for a, b in zip(one[3:], other[3:], strict=True))
