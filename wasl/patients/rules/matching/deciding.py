"""What is linked by itself, what people decide, and what stays apart."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wasl.patients.rules.matching.comparing import FAMILY_BY_OTHER, Day, Levels, Number
from wasl.patients.rules.matching.forms import Likeness
from wasl.patients.rules.matching.records import Records

Array = NDArray[Any]
VAGUE = (Day.YEAR_OFF, Day.SAME_YEAR)
YEARS = 2  # birth years of one person are at most so far apart


def forbidden(levels: Levels, newborn: Array) -> Array:
    """Pairs that no score links by itself; `newborn` says where one of the two has no name yet."""
    same_number = levels.number == Number.SAME
    given = (levels.given > 0) & (levels.given <= Likeness.NEAR)
    family = (levels.family > 0) & ((levels.family <= Likeness.PART) | (levels.family == FAMILY_BY_OTHER))
    same_day = (levels.born == Day.SAME) | (levels.born == Day.NEW_YEAR)
    near_day = same_day | np.isin(levels.born, (Day.EXCHANGED, Day.DIGIT, Day.YEAR_ONLY))
    parents = _agree(levels.father) | _agree(levels.mother)
    own = same_number | parents | (levels.phone == Number.SAME)
    no = (levels.number == Number.OTHER) | (levels.number == Number.DIGIT) | (levels.sex == 2)
    no |= levels.given == Likeness.KNOWN_OTHER
    no |= ~(
        given
        | ((levels.given == Likeness.PART) & same_day)
        | ((levels.given == Likeness.ALIKE) & same_number & same_day)
    )
    no |= ~(family | (own & same_day))
    no |= ~(near_day | ((levels.born == Day.MISSING) & (same_number | parents))) & ~(
        same_number & np.isin(levels.born, VAGUE)
    )
    no |= (levels.twin == 1) & ~same_number & (levels.given != Likeness.SAME)
    return np.asarray(no | newborn)


def _agree(levels: Array) -> Array:
    return np.asarray((levels > 0) & (levels <= Likeness.PART))


@dataclass(frozen=True)
class Decision:
    """Who is who: for each record the first record of its person, and the pairs that people decide."""

    person: Array
    review: Array  # places of pairs


def decide(
    records: Records,
    one: Array,
    other: Array,
    scores: Array,
    no: Array,
    *,
    automatic: float,
    review: float,
    share: float,
) -> Decision:
    """Link what qualifies, strongest first; leave to people what is probable, at most `share` pairs a record.

    Of two groups of records one pair is shown, the strongest.
    """
    groups = _Groups(records)
    links = np.flatnonzero((scores >= automatic) & ~no)
    links = links[_unrivalled(records, one[links], other[links], scores[links])]
    for place in links[np.lexsort((links, -scores[links]))].tolist():
        groups.join(int(one[place]), int(other[place]))
    person = groups.heads()
    a, b = person[one], person[other]
    asked = np.flatnonzero((a != b) & (scores >= review))
    asked = asked[np.lexsort((asked, -scores[asked]))]
    codes = np.minimum(a[asked], b[asked]).astype(np.int64) << 32 | np.maximum(a[asked], b[asked])
    _once, strongest = np.unique(codes, return_index=True)
    shown = asked[np.sort(strongest)][: int(share * len(records))]
    return Decision(person=person, review=shown)


def _unrivalled(records: Records, one: Array, other: Array, scores: Array) -> Array:
    """Links whose records have no second candidate who is clearly somebody else: both birth dates or numbers differ."""
    ends = np.concatenate([one, other])
    partner = np.concatenate([other, one])
    order = np.lexsort((-np.concatenate([scores, scores]), ends))
    ends, partner = ends[order], partner[order]
    best = partner[np.searchsorted(ends, ends)]
    numbers = (
        (records.number[best] > 0) & (records.number[partner] > 0) & (records.number[best] != records.number[partner])
    )
    numbers &= records.number_kind[best] == records.number_kind[partner]
    years = np.abs(records.born[best] // 10_000 - records.born[partner] // 10_000)
    rival = numbers | ((years > YEARS) & (records.born[best] > 0) & (records.born[partner] > 0))
    doubtful = np.zeros(len(records), dtype=bool)
    doubtful[ends[rival]] = True
    return np.flatnonzero(~doubtful[one] & ~doubtful[other])


class _Groups:
    """Records joined into persons, where nothing in them forbids it."""

    def __init__(self, records: Records) -> None:
        self._records = records
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

    def heads(self) -> Array:
        """For each record the first of its group."""
        return np.array([self._find(at) for at in range(len(self._head))], dtype=np.int64)

    def _find(self, at: int) -> int:
        head = self._head
        while head[at] != at:
            head[at] = head[head[at]]
            at = head[at]
        return at

    def _may(self, mine: list[int], theirs: list[int]) -> bool:
        r = self._records
        a, b = np.array(mine), np.array(theirs)
        one, other = np.repeat(a, len(b)), np.tile(b, len(a))
        if len(one) == 1:
            return True  # the pair itself was allowed
        numbers = (
            (r.number[one] != r.number[other]) & (r.number_kind[one] == r.number_kind[other]) & (r.number[one] > 0)
        )
        years = r.born[one] // 10_000 - r.born[other] // 10_000
        far = (np.abs(years) > YEARS) & (r.born[one] > 0) & (r.born[other] > 0)
        return not (numbers.any() or far.any() or self._names_differ(one, other))

    def _names_differ(self, one: Array, other: Array) -> bool:
        forms = self._records.forms
        latin = self._records.first_lat, self._records.first_ar
        return any(
            bool((forms.likeness(column[one], column[other], given=True) == Likeness.KNOWN_OTHER).any())
            for column in latin
        )
