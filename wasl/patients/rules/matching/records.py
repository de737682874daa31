"""Records as the matcher reads them: one array a field, so that a million of them fit and are compared at once."""

import itertools
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wasl.patients.rules.matching import fields
from wasl.patients.rules.matching.forms import Forms, Once

Array = NDArray[Any]
# the columns of a record, in the order of the file
COLUMNS = (
    "rid", "src", "local_id", "first_lat", "last_lat", "other_lat", "first_ar", "last_ar", "other_ar", "sex", "dob",
    "nid", "phone", "commune", "father", "mother", "country",
)  # fmt: skip
NAMES = ("first_lat", "last_lat", "other_lat", "first_ar", "last_ar", "other_ar", "commune", "father", "mother")
READ_AT_ONCE = 2_000


@dataclass
class Records:
    """Many records, a row each: names as numbers of `forms`, the rest as integers in which 0 is absent."""

    forms: Forms
    rids: list[str]
    first_lat: Array
    last_lat: Array
    other_lat: Array
    first_ar: Array
    last_ar: Array
    other_ar: Array
    commune: Array
    father: Array
    mother: Array
    sex: Array
    born: Array  # year · 10,000 + month · 100 + day
    number: Array
    number_kind: Array  # its digits
    phone: Array
    source: Array
    local: Array  # of a source and the number there
    newborn: Array
    shared_number: Array = field(init=False)  # people born in different years gave it
    shared_phone: Array = field(init=False)  # more than two people gave it

    def __post_init__(self) -> None:
        self.given = np.where(self.first_lat > 0, self.first_lat, self.first_ar)
        self.family = np.where(self.last_lat > 0, self.last_lat, self.last_ar)
        self.shared_number = _several(self.number, self.born // 10_000) > 1
        self.shared_phone = _several(self.phone, self.forms.coarse[self.given]) > 2

    def __len__(self) -> int:
        return len(self.rids)


def read(rows: Iterable[Sequence[str]]) -> Records:
    """Records from rows of text in the order of COLUMNS."""
    reader, left = _Reader(), iter(rows)
    while some := list(itertools.islice(left, READ_AT_ONCE)):
        reader.take(dict(zip(COLUMNS, zip(*some, strict=True), strict=True)))
    return reader.records()


def merge(records: Records, groups: list[list[int]]) -> tuple[Records, dict[str, Array]]:
    """Each group as one record that has, for each field, what the first of its members with that field has.

    Answers also, for the fields that have a rarity, whose value that is.
    """
    width = max(map(len, groups))
    table = np.array([group + group[:1] * (width - len(group)) for group in groups], dtype=np.int64)
    every = np.arange(len(groups))

    def first(column: Array) -> Array:
        return np.asarray(table[every, np.argmax(column[table] != 0, axis=1)])

    names = [*NAMES, "sex", "born", "phone", "source", "local"]
    arrays = {name: getattr(records, name)[first(getattr(records, name))] for name in names}
    numbered, phoned = first(records.number), first(records.phone)
    arrays |= {"number": records.number[numbered], "number_kind": records.number_kind[numbered]}
    arrays["newborn"] = records.newborn[table].all(axis=1)
    merged = Records(forms=records.forms, rids=[records.rids[group[0]] for group in groups], **arrays)
    merged.shared_number, merged.shared_phone = records.shared_number[numbered], records.shared_phone[phoned]
    rare = ("given", "family", "born", "commune", "father", "mother")
    return merged, {name: first(getattr(records, name)) for name in rare}


class _Reader:
    """What is kept while rows come in; what many of them say is read once."""

    def __init__(self) -> None:
        self._rids: list[str] = []
        self._forms = Forms()
        self._columns = {name: array("i") for name in (*NAMES, "sex", "born", "number_kind", "source", "local")}
        self._columns |= {name: array("q") for name in ("number", "phone")}
        self._once = dict.fromkeys(NAMES, Once(self._forms.number))
        self._once |= {"sex": Once(fields.sex), "born": Once(_born)}
        self._sources: dict[str, int] = {}
        self._locals: dict[str, int] = {}

    def take(self, said: Mapping[str, Sequence[str]]) -> None:
        """Read some records, a column at a time."""
        self._rids += said["rid"]
        self._columns["local"].extend(map(self._local, said["src"], said["local_id"]))
        self._columns["source"].extend(self._sources.setdefault(text.strip(), len(self._sources))
                                       for text in said["src"])  # fmt: skip
        for name, once in self._once.items():
            self._columns[name].extend(map(once.__getitem__, said["dob" if name == "born" else name]))
        numbers = [fields.number(text) if text else (0, 0) for text in said["nid"]]
        self._columns["number_kind"].extend(kind for kind, _ in numbers)
        self._columns["number"].extend(value for _, value in numbers)
        self._columns["phone"].extend(fields.phone(text) if text else 0 for text in said["phone"])

    def _local(self, source: str, number: str) -> int:
        """The number of a source's own number, or 0."""
        if not number:
            return 0
        return self._locals.setdefault(f"{source}\0{number.strip().upper()}", len(self._locals) + 1)

    def records(self) -> Records:
        """All that were read."""
        self._forms.freeze()
        arrays = {name: np.frombuffer(column, dtype=np.int64 if column.typecode == "q" else np.int32)
                  for name, column in self._columns.items()}  # fmt: skip
        arrays["newborn"] = _wipe(arrays, self._forms)
        return Records(forms=self._forms, rids=self._rids, **arrays)


def _born(text: str) -> int:
    year, month, day = fields.born(text)
    return year * 10_000 + month * 100 + day


def _wipe(arrays: dict[str, Array], forms: Forms) -> Array:
    """Take away names that name nobody, in place of the arrays; answers whose records are newborns' without a name."""
    newborn, nobody = np.zeros(len(forms.numbers), dtype=bool), np.zeros(len(forms.numbers), dtype=bool)
    newborn[list(forms.newborns)] = nobody[list(forms.nobodys)] = True
    unnamed: Array = newborn[arrays["first_lat"]] | newborn[arrays["first_ar"]]
    for name in NAMES:
        gone = nobody | newborn if name.startswith("first") else nobody
        arrays[name] = np.where(gone[arrays[name]], 0, arrays[name]).astype(np.int32)
    return unnamed


def _several(key: Array, profile: Array) -> Array:
    """How many different profiles the records of the same key have; 0 where there is no key."""
    answer = np.zeros(len(key), dtype=np.int32)
    there = np.flatnonzero((key != 0) & (profile != 0))
    if not len(there):
        return answer
    order = there[np.lexsort((profile[there], key[there]))]
    first = np.r_[True, key[order][1:] != key[order][:-1]]
    fresh = first | np.r_[True, profile[order][1:] != profile[order][:-1]]
    group = np.cumsum(first) - 1
    answer[order] = np.bincount(group, weights=fresh)[group]
    return answer
