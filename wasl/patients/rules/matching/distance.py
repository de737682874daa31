"""How many typing errors lie between two words, for many pairs at once."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Letters = NDArray[np.uint8]  # one row a word, a letter a column, zeros after its end
Sets = NDArray[np.uint64]
Counts = NDArray[np.int8]
FEW = 128  # pairs up to which they are counted one by one: preparing a whole column costs more


def letters(words: list[str], width: int) -> Letters:
    """Words as rows of letters, each letter one number; what is longer than the width is cut."""
    rows = np.array(words, dtype=f"<U{width}").view(np.uint32).reshape(len(words), width)
    return (rows & 0xFF).astype(np.uint8)


def used(words: Letters) -> Sets:
    """The letters of each word as one number with a bit for each."""
    bits = np.where(words > 0, np.uint64(1) << (words & 63).astype(np.uint64), np.uint64(0))
    return np.asarray(np.bitwise_or.reduce(bits, axis=1))


def least(one: Sets, other: Sets) -> Counts:
    """How many errors there are at least, pair by pair, by the letters that only one of the two has."""
    return np.asarray(np.maximum(np.bitwise_count(one & ~other), np.bitwise_count(other & ~one)), dtype=np.int8)


def up_to_one(one: Letters, other: Letters) -> Counts:
    """As `errors`, without telling what is more than one apart: 2 stands for all of it."""
    if len(one) <= FEW:
        return np.minimum(errors(one, other), np.int8(2))
    mine, theirs = np.ascontiguousarray(one.T), np.ascontiguousarray(other.T)
    differ = mine != theirs
    wrong = differ.sum(axis=0, dtype=np.int8)
    crossed = ((mine[1:] == theirs[:-1]) & (mine[:-1] == theirs[1:]) & differ[:-1]).any(axis=0)
    found = np.where((wrong == 2) & crossed, np.int8(1), np.minimum(wrong, np.int8(2)))
    longer = (mine != 0).sum(axis=0, dtype=np.int8) - (theirs != 0).sum(axis=0, dtype=np.int8)
    found[longer != 0] = 2
    for side, (long, short) in ((1, (mine, theirs)), (-1, (theirs, mine))):
        at = np.flatnonzero(longer == side)
        found[at] = np.where(_one_more(long[:, at], short[:, at]), 1, 2)
    return found


def _one_more(long: Letters, short: Letters) -> NDArray[np.bool_]:
    """Whether words are others with one letter put in; a column a pair."""
    before = np.ones(long.shape[1], dtype=bool)  # nothing was put in yet, and all is the same
    after = np.zeros(long.shape[1], dtype=bool)
    for column in range(len(long) - 1):
        after = (after | before) & (long[column + 1] == short[column])
        before &= long[column] == short[column]
    return before | after


def errors(one: Letters, other: Letters) -> Counts:
    """Letters wrong, left out, put in, or exchanged with their neighbours (optimal string alignment), pair by pair.

    Both have one row a pair and the same width, which is at most 60.
    """
    pairs, width = one.shape
    if pairs <= FEW:
        rows = zip(one, other, strict=True)
        return np.array([_errors(a.tobytes().rstrip(b"\0"), b.tobytes().rstrip(b"\0")) for a, b in rows], dtype=np.int8)
    mine, theirs = np.ascontiguousarray(one.T), np.ascontiguousarray(other.T)
    lengths = [(side != 0).sum(axis=0).astype(np.int8) for side in (mine, theirs)]
    longest = [int(length.max(initial=0)) for length in lengths]
    found: Counts = np.zeros(pairs, dtype=np.int8)
    before_last: list[Any] = []
    last: list[Any] = [np.full(pairs, column, dtype=np.int8) for column in range(width + 1)]
    _keep(found, lengths, 0, last)
    for row in range(1, longest[0] + 1):
        now: list[Any] = [np.full(pairs, row, dtype=np.int8)]
        for column in range(1, longest[1] + 1):
            wrong = mine[row - 1] != theirs[column - 1]
            least = np.minimum(np.minimum(last[column], now[-1]) + np.int8(1), last[column - 1] + wrong)
            if row > 1 and column > 1:
                crossed = (mine[row - 1] == theirs[column - 2]) & (mine[row - 2] == theirs[column - 1])
                least = np.where(crossed, np.minimum(least, before_last[column - 2] + np.int8(1)), least)
            now.append(least)
        before_last, last = last, now
        _keep(found, lengths, row, last)
    return found


def _keep(found: Counts, lengths: list[Counts], row: int, columns: list[Any]) -> None:
    """The words that end at this row have their answer where the other word ends."""
    here = lengths[0] == row
    for column in range(len(columns)):
        ends = here & (lengths[1] == column)
        found[ends] = columns[column][ends]


@lru_cache(maxsize=65_536)
def _errors(one: bytes, other: bytes) -> int:
    """The same of one pair of words."""
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        now = [row]
        for column, theirs in enumerate(other, start=1):
            least = min(last[column] + 1, now[-1] + 1, last[column - 1] + (letter != theirs))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == theirs:
                least = min(least, before_last[column - 2] + 1)
            now.append(least)
        before_last, last = last, now
    return last[-1]
