"""Which records are compared at all: those that share a key, and of each key at most so many.

A record is compared with at most `WINDOW` others after it for each of its keys: where more share one (a common name of
one year in a large country), neighbours in the order of their other fields are, so that the work grows with the number
of records and with nothing else.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wasl.patients.rules.matching.records import Records

Array = NDArray[Any]
WINDOW = 30
KINDS = frozenset(range(1, 24))
# of these, those that a kept index is worth: on invented people they bring 98.2 % of the pairs together, the first
# eighteen 98.3 %, with half the rows; parents' names alone find hardly anybody whom the others do not
KEPT = frozenset({1, 2, 4, 5, 8, 11, 12, 13, 15, 16})
_ODD = np.uint64(0x9E3779B97F4A7C15)


def pairs(records: Records, *, window: int = WINDOW) -> Array:
    """The pairs to compare, each once, as `first << 32 | second` with first < second, in ascending order."""
    order, rank = _order(records)
    found = np.concatenate([_within(rank[owners], keys, order, window) for owners, keys in _keys(records, KINDS)])
    found.sort()
    return found[_changes(found)]


def _within(ranks: Array, keys: Array, order: Array, window: int) -> Array:
    """Pairs of records with the same key, at most `window` places apart in the order of the rest.

    Keys and ranks are sorted as one number each: a key loses the bits that a rank needs, and may then be that of
    another by chance, which brings a pair more together and decides nothing.
    """
    bits = np.uint64(max(1, len(order) - 1).bit_length())
    both = keys >> bits << bits | ranks.astype(np.uint64)
    both.sort()
    keys, owners = both >> bits, order[(both & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)]
    parts, at = [], np.arange(len(keys), dtype=np.int32)
    for distance in range(1, window + 1):
        at = at[: np.searchsorted(at, len(keys) - distance)]
        at = at[keys[at] == keys[at + distance]]
        if not len(at):
            break
        one, other = owners[at], owners[at + distance]
        low, high = np.minimum(one, other), np.maximum(one, other)
        parts.append((low << 32 | high)[low != high])
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _changes(values: Array) -> Array:
    """Where each value begins among sorted ones; many times faster than `np.unique`."""
    return np.r_[True, values[1:] != values[:-1]] if len(values) else np.empty(0, dtype=bool)


def blocks(records: Records, *, window: int = WINDOW) -> tuple[Array, Array]:
    """Who stands in which block, for a database that can only ask who shares one: owners, and numbers of blocks.

    Two records that `pairs` brings together share a block. A key that few have is one; one that many have is cut, in
    the same order, into pieces of a window's length, each a block together with the next: who shares one of these is at
    most two windows apart. A block of one record is left out.
    """
    _, rank = _order(records)
    found = [_blocked(owners, keys, rank, window) for owners, keys in _keys(records, KINDS)]
    none = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64)
    owners, numbers = zip(none, *found, strict=True)
    return np.concatenate(owners), np.concatenate(numbers)


def _blocked(owners: Array, keys: Array, rank: Array, window: int) -> tuple[Array, Array]:
    by_key = np.lexsort((rank[owners], keys))
    owners, keys = owners[by_key], keys[by_key]
    _once, starts, group, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    piece = (np.arange(len(keys)) - starts[group]) // window
    few, many = (counts[group] > 1) & (counts[group] <= window + 1), counts[group] > window + 1
    cut = [(keys[many] ^ (piece[many] + 1 + more).astype(np.uint64)) * _ODD for more in (0, 1)]
    return np.concatenate([owners[few], owners[many], owners[many]]), np.concatenate([keys[few], *cut])


def _order(records: Records) -> tuple[Array, Array]:
    """The records in an order that puts those alike beside one another, and each record's place in it."""
    coarse = records.forms.coarse_keys  # of every process the same: a file in another order is decided the same
    order = np.lexsort((records.born, coarse[records.family], coarse[records.given]))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return order, rank


def keys(records: Records) -> list[list[int]]:
    """The keys by which each record is found in a kept index: signed numbers of 64 bits, the same in every process."""
    found: list[set[int]] = [set() for _ in range(len(records))]
    for owners, numbers in _keys(records, KEPT):
        for owner, number in zip(owners.tolist(), numbers.view(np.int64).tolist(), strict=True):
            found[owner].add(number)
    return [sorted(some) for some in found]


def _keys(records: Records, kinds: frozenset[int]) -> Iterator[tuple[Array, Array]]:
    """For each kind of key, who has which; a record may have several of a kind, or none where a field is absent."""
    coarse = records.forms.coarse_keys
    called = records.forms.given_keys
    given = [called[records.first_lat], called[records.first_ar]]
    family = [coarse[column] for column in (records.last_lat, records.last_ar, records.other_lat, records.other_ar)]
    given[1], family = _new(given[1], given[:1]), [_new(one, family[:n]) for n, one in enumerate(family)]
    given, family = ([column for column in some if column.any()] for some in (given, family))
    year, month, day = records.born // 10_000, records.born // 100 % 100, records.born % 100
    month_day = (np.minimum(month, day) * 32 + np.maximum(month, day)) * (day > 0)
    date = year * 1024 * (day > 0) + month_day
    commune, father, mother = (coarse[column] for column in (records.commune, records.father, records.mother))
    both = [_unordered(g, f) for g in given for f in family]
    part, begin = records.forms.part_keys, records.forms.begin_keys
    parts = [part[column, at] for column in (records.first_lat, records.first_ar) for at in range(part.shape[1])]
    parts = [column for column in (_new(one, parts[:n]) for n, one in enumerate(parts)) if column.any()]
    begins = [[begin[one], _new(begin[other], [begin[one]])] for one, other in (
        (records.first_lat, records.first_ar), (records.last_lat, records.last_ar))]  # fmt: skip
    values: dict[int, list[tuple[Array, ...]]] = {
        1: [(records.number,)],
        2: [(records.phone,)],
        3: [(records.local,)],
        4: [(name, date) for name in given],
        5: [(name, commune, year) for name in given],
        6: [(name, mother) for name in given],
        7: [(name, father, year) for name in given],
        8: [(name, date) for name in family],
        9: [(name, father, mother) for name in family],
        10: [(name, father, year) for name in family],
        11: [(*names, year) for names in both],
        12: [(*names, commune) for names in both],
        13: [(*names, month_day) for names in both],
        14: [(*names, father) for names in both],
        15: both,
        16: [(date, commune)],
        17: [(date, father)],
        18: [(date, mother)],
        19: [(name, date) for name in parts],
        20: [(name, begin, year) for name in parts for begin in begins[1]],
        21: [(name, begin, commune) for name in parts for begin in begins[1]],
        22: [(name, begin, year) for name in family for begin in begins[0]],
        23: [(name, begin, commune) for name in family for begin in begins[0]],
    }
    everyone = np.arange(len(records), dtype=np.int64)
    for kind in sorted(kinds):
        if found := [_key(kind, everyone, *columns) for columns in values[kind]]:
            yield np.concatenate([owners for owners, _ in found]), np.concatenate([keys for _, keys in found])


def _new(column: Array, before: list[Array]) -> Array:
    """A column without the values that an earlier one has in the same row."""
    for earlier in before:
        column = np.where(column == earlier, 0, column)
    return column


def _unordered(one: Array, other: Array) -> tuple[Array, ...]:
    """Two names that may have changed places; absent, both, where one is."""
    there = (one != 0) & (other != 0)
    return np.where(there, np.minimum(one, other), 0), np.where(there, np.maximum(one, other), 0)


def _key(kind: int, owners: Array, *values: Array) -> tuple[Array, Array]:
    """The records that have all these values, and one number for their combination."""
    there = np.logical_and.reduce([value != 0 for value in values])
    mixed = np.full(int(there.sum()), kind, dtype=np.uint64)
    for value in values:
        mixed = (mixed ^ value[there].astype(np.uint64)) * _ODD
        mixed ^= mixed >> np.uint64(29)
    return owners[there], mixed
