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
_ODD = np.uint64(0x9E3779B97F4A7C15)


def pairs(records: Records, *, window: int = WINDOW) -> Array:
    """The pairs to compare, each once, as `first << 32 | second` with first < second, in ascending order."""
    order = _order(records)
    return np.unique(np.concatenate([_within(owners, keys, order, window) for owners, keys in _keys(records)]))


def _within(owners: Array, keys: Array, rank: Array, window: int) -> Array:
    """Pairs of records with the same key, at most `window` places apart in the order of the rest."""
    by_key = np.lexsort((rank[owners], keys))
    owners, keys = owners[by_key], keys[by_key]
    parts, at = [], np.arange(len(keys))
    for distance in range(1, window + 1):
        at = at[at + distance < len(keys)]
        at = at[keys[at] == keys[at + distance]]
        if not len(at):
            break
        one, other = owners[at], owners[at + distance]
        low, high = np.minimum(one, other).astype(np.int64), np.maximum(one, other)
        parts.append((low << 32 | high)[low != high])
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _order(records: Records) -> Array:
    """Each record's place in an order that puts those alike beside one another."""
    coarse = records.forms.coarse
    order = np.lexsort((records.born, coarse[records.family], coarse[records.given]))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _keys(records: Records) -> Iterator[tuple[Array, Array]]:
    """For each kind of key, who has which; a record may have several of a kind, or none where a field is absent."""
    coarse = records.forms.coarse
    everyone = np.arange(len(records), dtype=np.int64)
    given = [coarse[records.first_lat], coarse[records.first_ar]]
    family = [coarse[column] for column in (records.last_lat, records.last_ar, records.other_lat, records.other_ar)]
    given[1], family = _new(given[1], given[:1]), [_new(one, family[:n]) for n, one in enumerate(family)]
    year, day = records.born // 10_000, records.born % 100
    month_day = _unordered(records.born // 100 % 100, day) * (day > 0)
    date = np.where(day > 0, year.astype(np.int64) << 16 | month_day, 0)
    commune, father, mother = (coarse[column] for column in (records.commune, records.father, records.mother))
    yield _key(1, everyone, records.number)
    yield _key(2, everyone, records.phone)
    yield _key(3, everyone, records.local)
    for kind, rest in ((4, (date,)), (5, (commune, year)), (6, (mother,)), (7, (father, year))):
        yield _joined([_key(kind, everyone, name, *rest) for name in given])
    for kind, rest in ((8, (date,)), (9, (father, mother)), (10, (father, year))):
        yield _joined([_key(kind, everyone, name, *rest) for name in family])
    for kind, rest in ((11, (year,)), (12, (commune,)), (13, (month_day,)), (14, (father,)), (15, (everyone * 0 + 1,))):
        both = [(g, f) for g in given for f in family]
        yield _joined([_key(kind, everyone, _unordered(g, f) * ((g > 0) & (f > 0)), *rest) for g, f in both])
    yield _key(16, everyone, date, commune)
    yield _key(17, everyone, date, father)
    yield _key(18, everyone, date, mother)


def _new(column: Array, before: list[Array]) -> Array:
    """A column without the values that an earlier one has in the same row."""
    for earlier in before:
        column = np.where(column == earlier, 0, column)
    return column


def _unordered(one: Array, other: Array) -> Array:
    low, high = np.minimum(one, other).astype(np.int64), np.maximum(one, other)
    return low << 24 | high


def _key(kind: int, owners: Array, *values: Array) -> tuple[Array, Array]:
    """The records that have all these values, and one number for their combination."""
    there = np.logical_and.reduce([value != 0 for value in values])
    mixed = np.full(int(there.sum()), kind, dtype=np.uint64)
    for value in values:
        mixed = (mixed ^ value[there].astype(np.uint64)) * _ODD
        mixed ^= mixed >> np.uint64(29)
    return owners[there], mixed


def _joined(kinds: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    return np.concatenate([owners for owners, _ in kinds]), np.concatenate([keys for _, keys in kinds])
