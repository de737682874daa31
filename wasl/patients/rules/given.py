"""Given names that are known, each with its usual spellings in both scripts: what tells Amine from Imen.

A skeleton hides vowels. The table (`given_names.csv`, from public knowledge of Tunisian and Algerian usage) says which
spellings are one name. A spelling may be of several names, and then it is taken for any of them: two names are *known
to differ* only when no reading makes them one.
"""

import csv
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from wasl.patients.rules.names import skeleton, spoken

TABLE = Path(__file__).with_name("given_names.csv")
LONGEST = 4  # words of a name that are one entry: Zine El Abidine, Abd El Kader
_ENDINGS = str.maketrans("ةى", "هي")
_ARTICLES = frozenset({"el", "al", "l", "ال"})


class Part(NamedTuple):
    """One of the names that somebody bears: which known names it may be (none: unknown), and its consonants."""

    known: frozenset[int]
    skeleton: str


@cache
def known_names() -> list[tuple[str, str, tuple[str, ...]]]:
    """Sex (m, f), Arabic form and Latin spellings of each known given name, in the order of the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [(row["sex"], row["arabic"], tuple(row["latin"].split("|"))) for row in csv.DictReader(file)]


@lru_cache(maxsize=65_536)
def parts(name: str) -> tuple[Part, ...]:
    """The names in a given name of either script: one for Nour Eddine, two for Mohamed Amine."""
    words, found = spoken(name), []
    by_spelling, by_skeleton = _spellings()
    at = 0
    while at < len(words):
        for size in range(min(LONGEST, len(words) - at), 0, -1):
            whole = "".join(words[at : at + size])
            known = by_spelling.get(_key(whole))
            if known:
                found.append(Part(known, skeleton(" ".join(words[at : at + size]))))
                break
        else:
            size = 1
            if words[at] not in _ARTICLES:
                bare = skeleton(words[at])
                found.append(Part(by_skeleton.get(bare, frozenset()) if len(bare) > 1 else frozenset(), bare))
        at += size
    return tuple(found)


def sexes(name: str) -> str:
    """`m`, `f`, or nothing: the sex that every reading of the first name has."""
    first = next(iter(parts(name)), None)
    found = {known_names()[n][0] for n in first.known} if first else set()
    return found.pop() if len(found) == 1 else ""


def differ(one: tuple[Part, ...], other: tuple[Part, ...]) -> bool:
    """Whether two given names are known to be different ones: no reading of some part is in the other name."""
    short, long = sorted((one, other), key=len)
    if not short:
        return False
    return _missing(short, long) or (len(short) == len(long) and _missing(long, short))


def same(one: tuple[Part, ...], other: tuple[Part, ...]) -> bool:
    """Whether two given names have the same parts, each the same known name or the same consonants."""
    return len(one) == len(other) > 0 and all(_alike(a, b) for a, b in zip(one, other, strict=True))


def within(one: tuple[Part, ...], other: tuple[Part, ...]) -> bool:
    """Whether one is a part of the other: Amine of Mohamed Amine."""
    short, long = sorted((one, other), key=len)
    return 0 < len(short) < len(long) and all(any(_alike(a, b) for b in long) for a in short)


def _missing(some: tuple[Part, ...], others: tuple[Part, ...]) -> bool:
    return any(a.known and all(b.known and not a.known & b.known for b in others) for a in some)


def _alike(a: Part, b: Part) -> bool:
    if a.known and b.known:
        return bool(a.known & b.known)
    return a.skeleton == b.skeleton != ""


def _key(word: str) -> str:
    """What a spelling is looked up by: writers leave the article out, and take ة for ه and ى for ي."""
    return word.removeprefix("ال").translate(_ENDINGS) or word


@cache
def _spellings() -> tuple[dict[str, frozenset[int]], dict[str, frozenset[int]]]:
    """Known names by spelling (words joined) and by skeleton."""
    spelled: dict[str, set[int]] = {}
    sounding: dict[str, set[int]] = {}
    for number, (_sex, arabic, latin) in enumerate(known_names()):
        for form in (arabic, *latin):
            spelled.setdefault(_key("".join(spoken(form))), set()).add(number)
            sounding.setdefault(skeleton(form), set()).add(number)
    return (
        {form: frozenset(numbers) for form, numbers in spelled.items()},
        {form: frozenset(numbers) for form, numbers in sounding.items()},
    )
