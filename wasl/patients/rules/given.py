"""Given names that are known, each with its usual spellings in both scripts: what tells Amine from Imen.

A skeleton hides vowels. The table (`given_names.csv`, from public knowledge of Tunisian and Algerian usage) says which
spellings are one name, and so does what data stewards wrote since (`Edits`, which queries hand in by `use`). A spelling
of the table may be of several names, and then it is taken for any of them: two names are *known to differ* only when no
reading makes them one.
"""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from wasl.patients.rules.names import coarse, skeleton, spoken

TABLE = Path(__file__).with_name("given_names.csv")
LONGEST = 4  # words of a name that are one entry: Zine El Abidine, Abd El Kader
_ENDINGS = str.maketrans("ةى", "هي")
_ARTICLES = frozenset({"el", "al", "l", "ال"})


class Part(NamedTuple):
    """One of the names that somebody bears: which known names it may be (none: unknown), and its consonants."""

    known: frozenset[int]
    skeleton: str


class Name(NamedTuple):
    """A known given name: sex (m, f), Arabic form, and its spellings in Latin letters, or in either when added."""

    sex: str
    arabic: str
    spellings: tuple[str, ...]

    @property
    def key(self) -> str:
        """What the name is called by; an Arabic form may be a man's and a woman's."""
        return f"{self.sex}:{self.arabic}"


@dataclass(frozen=True, eq=False)  # one version is one object: what is read by it is remembered under it
class Edits:
    """What people wrote into the dictionary: `mark` is that of the version, empty for the table alone."""

    mark: str = ""
    names: tuple[tuple[str, str], ...] = ()  # sex and Arabic form, in the order in which they were added
    spellings: tuple[tuple[str, str], ...] = ()  # key of a name, and the spelling
    same: tuple[tuple[str, str], ...] = ()  # keys of names that are one


_newest = Edits()
_reading: ContextVar[Edits | None] = ContextVar("reading", default=None)


def use(edits: Edits) -> None:
    """Read names by these edits from now on, in this process."""
    global _newest
    _newest = edits


@contextmanager
def reading(edits: Edits) -> Iterator[None]:
    """Read names by other edits for a while, as by those of an earlier version."""
    token = _reading.set(edits)
    try:
        yield
    finally:
        _reading.reset(token)


def edits() -> Edits:
    """The edits by which names are read here and now."""
    return _reading.get() or _newest


def digest() -> bytes:
    """What the dictionary says, in short; that of the table alone where nobody edited it."""
    now = edits()
    return TABLE.read_bytes() + (repr((now.names, now.spellings, now.same)).encode() if now.mark else b"")


@cache
def shipped_names() -> tuple[Name, ...]:
    """The names of the table, in its order."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(Name(row["sex"], row["arabic"], tuple(row["latin"].split("|"))) for row in csv.DictReader(file))


def known_names() -> list[Name]:
    """Every known given name with all its spellings, those of the table first."""
    return list(_known(edits()))


@lru_cache(maxsize=4)
def _known(edits: Edits) -> tuple[Name, ...]:
    more: dict[str, list[str]] = {}
    for key, written in edits.spellings:
        more.setdefault(key, []).append(written)
    every = (*shipped_names(), *(Name(sex, arabic, ()) for sex, arabic in edits.names))
    return tuple(name._replace(spellings=(*name.spellings, *more.get(name.key, ()))) for name in every)


def parts(name: str) -> tuple[Part, ...]:
    """The names in a given name of either script: one for Nour Eddine, two for Mohamed Amine."""
    return _parts(name, edits())


@lru_cache(maxsize=65_536)
def _parts(name: str, edits: Edits) -> tuple[Part, ...]:
    words, found = spoken(name), []
    by_spelling, by_skeleton = _spellings(edits)
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


def called(name: str) -> str:
    """A given name with the spellings that people added, and that sound otherwise, in the Arabic form of their name.

    By it records of one name are brought together, however it was written.
    """
    taught = _taught(edits())
    if not taught:
        return name
    words, at = spoken(name), 0
    found: list[str] = []
    other = False
    while at < len(words):
        for size in range(min(LONGEST, len(words) - at), 0, -1):
            if arabic := taught.get(_key("".join(words[at : at + size]))):
                found.append(arabic)
                other = True
                break
        else:
            size = 1
            found.append(words[at])
        at += size
    return " ".join(found) if other else name


@lru_cache(maxsize=4)
def _taught(edits: Edits) -> dict[str, str]:
    arabic = {name.key: name.arabic for name in _known(edits)}
    return {form(text): arabic[key] for key, text in edits.spellings if coarse(text) != coarse(arabic[key])}


def holders(written: str) -> list[Name]:
    """The known names of which this is a spelling."""
    by_spelling, _ = _spellings(edits(), apart=True)
    names = _known(edits())
    return [names[number] for number in sorted(by_spelling.get(form(written), ()))]


def form(written: str) -> str:
    """What a spelling is looked up by, its words joined; empty where it has no letter."""
    return _key("".join(spoken(written)))


def forms_in(name: str) -> Iterator[str]:
    """Every spelling that may be read in a name, as it is looked up: each word, and words joined."""
    words = spoken(name)
    for at in range(len(words)):
        for size in range(1, min(LONGEST, len(words) - at) + 1):
            yield _key("".join(words[at : at + size]))


def sexes(name: str) -> str:
    """`m`, `f`, or nothing: the sex that every reading of the first name has."""
    first = next(iter(parts(name)), None)
    names = _known(edits())
    found = {names[n].sex for n in first.known} if first else set()
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


@lru_cache(maxsize=8)
def _spellings(edits: Edits, *, apart: bool = False) -> tuple[dict[str, frozenset[int]], dict[str, frozenset[int]]]:
    """Known names by spelling (words joined) and by skeleton; names said to be one are one, unless asked apart."""
    spelled: dict[str, set[int]] = {}
    sounding: dict[str, set[int]] = {}
    names = _known(edits)
    one = {} if apart else united(edits.same)
    numbers = {name.key: number for number, name in reversed(list(enumerate(names)))}
    for own, name in enumerate(names):
        number = numbers[one[name.key]] if name.key in one else own
        for text in (name.arabic, *name.spellings):
            spelled.setdefault(form(text), set()).add(number)
            sounding.setdefault(skeleton(text), set()).add(number)
    return (
        {text: frozenset(found) for text, found in spelled.items()},
        {text: frozenset(found) for text, found in sounding.items()},
    )


def united(same: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Of each name that is one with another, the name that stands for all of them."""
    found = {key: key for pair in same for key in pair}

    def root(key: str) -> str:
        while found[key] != key:
            key = found[key]
        return key

    for one, other in same:
        first, second = sorted((root(one), root(other)))
        found[second] = first
    return {key: root(key) for key in found}
