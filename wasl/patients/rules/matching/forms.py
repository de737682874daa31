"""The names of many records, each form kept once, and how alike two forms are."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wasl.patients.rules import given, names
from wasl.patients.rules.matching import distance, fields, senses

Array = NDArray[Any]
_ENDINGS = str.maketrans("ةى", "هي")  # written for one another
WIDTH, BONES = 16, 12  # letters of a form, and of its skeleton, that are compared
PARTS, BEGIN = 3, 2  # parts of a name, and letters of its coarse form, that records are brought together by
SOME = 0.34  # errors a letter at which two forms still have something in common


class Likeness(IntEnum):
    """How two names stand to each other, best first; a model has one weight for each."""

    MISSING = 0  # one of them is not known
    SAME = 1  # letter for letter
    SPELLED = 2  # the same name, spelled otherwise in the same script
    SCRIPT = 3  # the same name in the other script
    NEAR = 4  # one letter apart, or the same but for sounds that are often confused
    PART = 5  # one is a part of the other
    ALIKE = 6  # some letters in common
    OTHER = 7
    KNOWN_OTHER = 8  # the dictionary knows both, as different names


class _Form(NamedTuple):
    """What is read in a name as it was written."""

    bare: str
    bones: str
    coarse: str
    called: str  # the coarse form as a given name, by the spellings that people added
    sense: tuple[given.Part, ...]
    newborns: bool
    nobodys: bool


@lru_cache(maxsize=32_768)
def _read(raw: str, edits: given.Edits) -> _Form:
    words = names.spoken(raw)
    bare = "".join(words)
    if len(bare) > 4 and bare.startswith("ال"):
        bare = bare[2:]
    bare = bare.translate(_ENDINGS)
    bones, coarse = names.skeleton(raw), names.coarse(raw) or bare[:3]
    called = given.called(raw) if edits.spellings else raw
    sounding = coarse if called == raw else names.coarse(called) or coarse
    return _Form(bare, bones, coarse, sounding, given.parts(raw), fields.is_newborns(words), fields.is_nobodys(words))


class Once(dict[str, int]):
    """Texts by what is read in them, each read when it is first asked for; a text that says nothing is 0."""

    def __init__(self, read: Callable[[str], int]) -> None:
        super().__init__({"": 0})
        self._read = read

    def __missing__(self, text: str) -> int:
        found = self[text] = self._read(text)
        return found


@dataclass
class Forms:
    """Every form of a name that occurs, by number; number 0 is the absent name."""

    numbers: dict[str, int] = field(default_factory=lambda: {"": 0})
    _texts: list[str] = field(default_factory=lambda: [""])
    _bare: list[str] = field(default_factory=lambda: [""])
    _bones: list[str] = field(default_factory=lambda: [""])
    _coarse: list[int] = field(default_factory=lambda: [0])
    _called: list[int] = field(default_factory=lambda: [0])
    _sense: list[int] = field(default_factory=lambda: [0])
    _arabic: list[bool] = field(default_factory=lambda: [False])
    _keys: dict[str, int] = field(default_factory=lambda: {"": 0})
    _senses: dict[tuple[given.Part, ...], int] = field(default_factory=lambda: {(): 0})
    newborns: set[int] = field(default_factory=set)  # forms that say: a newborn, without a name yet
    nobodys: set[int] = field(default_factory=set)  # forms that say: not known

    def number(self, raw: str) -> int:
        """The number of a name as it was written; 0 for one without letters.

        Some are one form and read differently (Elhadi and El Hadi, فاطمه and فاطمة): which came first does not matter.
        """
        text = " ".join(names.spoken(raw))
        form = _read(text, given.edits())
        number = self.numbers.setdefault(form.bare, len(self._texts))
        if number == len(self._texts):
            for column in (self._texts, self._bare, self._bones):
                column.append("")
            for numbers in (self._coarse, self._called, self._sense):
                numbers.append(0)
            self._arabic.append(bool(names.ARABIC.match(form.bare)))
        elif self._texts[number] <= text:
            return number
        if form.newborns:
            self.newborns.add(number)
        if form.nobodys:
            self.nobodys.add(number)
        self._texts[number], self._bare[number], self._bones[number] = text, form.bare, form.bones
        self._coarse[number] = self._keys.setdefault(form.coarse, len(self._keys))
        self._called[number] = self._keys.setdefault(form.called, len(self._keys))
        self._sense[number] = self._senses.setdefault(form.sense, len(self._senses))
        return number

    def written(self) -> list[str]:
        """Each form in its bare letters, by number."""
        return self._bare

    def skeletons(self) -> list[str]:
        """Each form's skeleton, by number."""
        return self._bones

    def senses(self) -> list[tuple[given.Part, ...]]:
        """What the dictionary reads in a form, by the numbers in `sense`."""
        return list(self._senses)

    def freeze(self) -> None:
        """Make the arrays that `likeness` works on, once all names are in."""
        self.letters = distance.letters(self._bare, WIDTH)
        self.bones = distance.letters(self._bones, BONES)
        self.lengths = np.array([min(len(w), WIDTH) for w in self._bare], dtype=np.int16)
        self.bone_lengths = np.array([min(len(w), BONES) for w in self._bones], dtype=np.int16)
        self.coarse = np.array(self._coarse, dtype=np.int32)
        keys = np.array([_key(text) for text in self._keys], dtype=np.uint64)
        self.coarse_keys = keys[self.coarse]
        self.given_keys = keys[np.array(self._called, dtype=np.int32)]
        self.begin_keys = np.array([_key(text[:BEGIN]) for text in self._keys], dtype=np.uint64)[self.coarse]
        self.sense = np.array(self._sense, dtype=np.int32)
        self.arabic = np.array(self._arabic)
        parts = np.zeros((len(self._senses), PARTS), dtype=np.uint64)
        for at, sense in enumerate(self._senses):
            parts[at, : len(sense)] = [_part_key(part) for part in sense[:PARTS]]
        self.part_keys = parts[self.sense]
        self.used = distance.used(self.letters)
        self._meanings = senses.Senses(list(self._senses))

    def likeness(self, one: Array, other: Array, *, given: bool) -> Array:
        """The Likeness of two arrays of numbers of forms, pair by pair; of given names the dictionary is asked too."""
        answer = np.zeros(len(one), dtype=np.int8)
        there = np.flatnonzero((one != 0) & (other != 0))
        a, b = one[there], other[there]
        answer[there] = Likeness.SAME
        differ = np.flatnonzero(a != b)
        if not len(differ):
            return answer
        codes = np.minimum(a[differ], b[differ]).astype(np.int64) << 32 | np.maximum(a[differ], b[differ])
        once, back = np.unique(codes, return_inverse=True)
        level = self._likeness((once >> 32).astype(np.int32), (once & 0xFFFFFFFF).astype(np.int32), given)
        answer[there[differ]] = level[back]
        return answer

    def known_other(self, one: int, other: int) -> bool:
        """Whether the dictionary knows two given names as different ones."""
        a, b = self._sense[one], self._sense[other]
        return a != b and self._meanings.of(a, b) == senses.KNOWN_OTHER

    def may_differ(self, one: Array, other: Array) -> Array:
        """Where forms are not the same known name by every reading, pair by pair; true of a name that is absent too."""
        return np.asarray((one == 0) | (other == 0) | self._meanings.may_differ(self.sense[one], self.sense[other]))

    def _likeness(self, a: Array, b: Array, given: bool) -> Array:
        """Of pairs of different forms."""
        level = np.full(len(a), Likeness.OTHER, dtype=np.int8)
        script = self.arabic[a] == self.arabic[b]
        bones = distance.up_to_one(self.bones[a], self.bones[b])
        bone_length = np.maximum(self.bone_lengths[a], self.bone_lengths[b])
        length = np.maximum(self.lengths[a], self.lengths[b])
        wrong = np.full(len(a), 99, dtype=np.int8)
        few = np.flatnonzero(script & (distance.least(self.used[a], self.used[b]) <= SOME * length))
        wrong[few] = distance.errors(self.letters[a[few]], self.letters[b[few]])
        said = self._meanings.between(self.sense[a], self.sense[b])
        coarse = (self.coarse[a] == self.coarse[b]) & (bone_length > 1)
        level[(wrong <= SOME * length) | ((bones == 1) & (bone_length > 2))] = Likeness.ALIKE
        level[said == senses.PART] = Likeness.PART
        level[coarse | ((wrong == 1) & (length > 3)) | (~script & (bones == 1) & (bone_length > 3))] = Likeness.NEAR
        level[(wrong == 2) & (length > 8)] = Likeness.NEAR
        same = (said == senses.SAME) | ((bones == 0) & (bone_length > 1))
        level[same] = np.where(script[same], Likeness.SPELLED, Likeness.SCRIPT)
        if given:
            level[said == senses.KNOWN_OTHER] = Likeness.KNOWN_OTHER
        return level


def _part_key(part: given.Part) -> int:
    """One number for one of the names that somebody bears, however it is spelled, if it is known."""
    return _key(f"{min(part.known)}" if part.known else names.coarsened(part.skeleton))


@lru_cache(maxsize=65_536)
def _key(text: str) -> int:
    """One number for a coarse form in every process and for ever; 0 for the absent name."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) or 1 if text else 0
