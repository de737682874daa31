"""What a structured report says, as a person reads it (PS3.3, C.17.3): its content items, one after the other.

Reports come from anywhere. Nothing in them is followed: an item that refers to another is told as such, so that no
circle has an end to look for. What is longer than a page may be is cut, and said to be cut.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from pydicom import Dataset
from pydicom.config import IGNORE
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import UID

from wasl.kernel.text import written

MOST_ITEMS = 5000
MOST_LETTERS = 500_000
DEEPEST = 24  # as deep as the archive takes any data set
# control characters, and those that turn the direction of all that follows them, which no text needs
_HIDDEN = {code: None for code in (*range(9), *range(11, 32), *range(127, 160), 0x202D, 0x202E)}
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(?:\.\d+)?([+-]\d{4})?")
_TIME = re.compile(r"(\d\d)(\d\d)(\d\d)?(?:\.\d+)?")


class Item(NamedTuple):
    """A content item: its place (`1.2.3`), how it is related to the one above it, what it is and says."""

    place: str
    depth: int
    how: str
    name: str
    value: str
    to: str = ""  # the place of the item that it refers to

    @property
    def is_heading(self) -> bool:
        """Whether it says nothing of its own: what it is about stands below it."""
        return not self.value


def is_report(data: Dataset) -> bool:
    """Whether a data set is the root of a content tree."""
    return str(data.get("ValueType", "")) == "CONTAINER"


def items(data: Dataset) -> tuple[list[Item], bool]:
    """The content items below the root in their order, and whether these are all and whole."""
    found: list[Item] = []
    letters, whole = 0, True
    waiting = _below(data, "1", 1)
    while waiting:
        one, place, depth = waiting.pop()
        if len(found) == MOST_ITEMS or letters >= MOST_LETTERS:
            return found, False
        item = _item(one, place, depth)
        cut = item._replace(name=item.name[:1000], value=item.value[: MOST_LETTERS - letters])
        whole &= cut == item
        letters += len(cut.name) + len(cut.value)
        found.append(cut)
        below = _below(one, place, depth + 1)
        whole &= not below or depth < DEEPEST
        waiting += below if depth < DEEPEST else []
    return found, whole


def concept(data: Dataset, keyword: str = "ConceptNameCodeSequence") -> str:
    """The meaning of a code, or the code itself where it has none."""
    code = _first(data, keyword)
    return next(filter(None, (text(code.get(name)) for name in ("CodeMeaning", "CodeValue", "LongCodeValue"))), "")


def name(value: object) -> str:
    """A person's name as people write it: each script's parts in their order."""
    return " = ".join(written(text(value)))


def moment(value: object) -> str:
    """A day, or a day and a time (DA, DT), as `2026-11-10 08:05:00 +0100`; what is neither, as it stands."""
    found = _MOMENT.fullmatch(text(value))
    if found is None:
        return text(value)
    year, month, day, hours, minutes, seconds, zone = found.groups()
    clock = ":".join(filter(None, (hours, minutes, seconds)))
    return " ".join(filter(None, (f"{year}-{month}-{day}", clock, zone)))


def text(value: object) -> str:
    """A value as text without hidden characters; of several values, all."""
    if isinstance(value, MultiValue | list):
        return ", ".join(map(text, value))
    if value is None or isinstance(value, bytes | Sequence):
        return ""
    return str(value).replace("\r\n", "\n").replace("\r", "\n").translate(_HIDDEN).strip()


def _item(data: Dataset, place: str, depth: int) -> Item:
    how, named = _related(data), concept(data)
    if to := text(data.get("ReferencedContentItemIdentifier")).replace(", ", "."):
        return Item(place, depth, how, named, _("see {place}").format(place=to), to)
    kind = text(data.get("ValueType"))
    if kind == "CONTAINER":
        return Item(place, depth, how, named, "")
    read = _VALUES.get(kind)
    value = read(data) if read else _("This cannot be shown here: {kind}").format(kind=kind or "?")
    return Item(place, depth, how, named, value or "–")


def _below(data: Dataset, place: str, depth: int) -> list[tuple[Dataset, str, int]]:
    """The items below one, the last first."""
    below = [(one, f"{place}.{number}", depth) for number, one in enumerate(_all(data, "ContentSequence"), 1)]
    return below[::-1]


def _related(data: Dataset) -> str:
    """How an item is related to the one above it (PS3.3, C.17.3.2.4); that it is contained goes without saying."""
    return {
        "HAS OBS CONTEXT": _("context of the observation"), "HAS ACQ CONTEXT": _("context of the acquisition"),
        "HAS CONCEPT MOD": _("qualifies what stands above"), "HAS PROPERTIES": _("property"),
        "INFERRED FROM": _("inferred from"), "SELECTED FROM": _("selected from"),
    }.get(text(data.get("RelationshipType")), "")  # fmt: skip


def _number(data: Dataset) -> str:
    measured = _first(data, "MeasuredValueSequence")
    if not measured:
        return concept(data, "NumericValueQualifierCodeSequence")
    return f"{text(measured.get('NumericValue'))} {concept(measured, 'MeasurementUnitsCodeSequence')}".strip()


def _object(data: Dataset) -> str:
    """The image or object that is pointed at: its kind, its UID, and which frames of it."""
    named = _first(data, "ReferencedSOPSequence")
    kind, uid = text(named.get("ReferencedSOPClassUID")), text(named.get("ReferencedSOPInstanceUID"))
    frames = text(named.get("ReferencedFrameNumber"))
    return ", ".join(
        filter(None, (UID(kind, IGNORE).name, uid, frames and _("frames {numbers}").format(numbers=frames)))
    )


def _time(data: Dataset) -> str:
    found = _TIME.fullmatch(text(data.get("Time")))
    return ":".join(filter(None, found.groups())) if found else text(data.get("Time"))


_VALUES: Mapping[str, Callable[[Any], str]] = {
    "TEXT": lambda data: text(data.get("TextValue")),
    "CODE": lambda data: concept(data, "ConceptCodeSequence"),
    "NUM": _number,
    "DATE": lambda data: moment(data.get("Date")),
    "TIME": _time,
    "DATETIME": lambda data: moment(data.get("DateTime")),
    "PNAME": lambda data: name(data.get("PersonName")),
    "UIDREF": lambda data: text(data.get("UID")),
    "IMAGE": _object,
    "COMPOSITE": _object,
    "WAVEFORM": _object,
    "SCOORD": lambda data: text(data.get("GraphicType")),
    "SCOORD3D": lambda data: text(data.get("GraphicType")),
    "TCOORD": lambda data: text(data.get("TemporalRangeType")),
}


def _all(data: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none where it is something else."""
    found = data.get(keyword)
    return list(found) if isinstance(found, Sequence) else []


def _first(data: Dataset, keyword: str) -> Dataset:
    return next(iter(_all(data, keyword)), Dataset())
