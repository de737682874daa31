"""Whether a data set matches the keys of a query (PS3.4, C.2.2.2): single value, list, range, wildcard, sequence."""

import re
from collections.abc import Iterable

from pydicom import DataElement, Dataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag

from wasl.kernel.text import fold

RANGED = frozenset({"DA", "TM", "DT"})
WILD = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
NO_KEYS = frozenset({Tag("SpecificCharacterSet"), Tag("TimezoneOffsetFromUTC")})


def matches(query: Dataset, item: Dataset) -> bool:
    """Whether every key of the query matches; an empty key, or one that the item does not know, matches all."""
    return all(_matches(key, item) for key in query if key.tag not in NO_KEYS)


def _matches(key: DataElement, item: Dataset) -> bool:
    if key.is_empty or key.tag not in item:
        return True
    known = item[key.tag]
    if key.VR == "SQ":
        return any(matches(key.value[0], inner) for inner in known.value) or not len(key.value[0])
    wanted, values = _values(key.value), _values(known.value)
    return any(_one(key.VR, one, value) for one in wanted for value in values)


def _values(value: object) -> list[str]:
    several: Iterable[object] = value if isinstance(value, MultiValue | list) else [value]
    return [str(one) for one in several if one is not None and str(one) != ""]


def _one(vr: str, wanted: str, value: str) -> bool:
    if vr == "PN":
        return _same_name(wanted, value)
    if vr in RANGED:
        return _in_range(wanted, value)
    if vr in WILD and set(wanted) & {"*", "?"}:
        return re.fullmatch(_pattern(wanted.strip()), value.strip()) is not None
    return wanted.strip() == value.strip()


def _pattern(wanted: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(c) or re.escape(c) for c in wanted)


def _same_name(wanted: str, value: str) -> bool:
    """Whether a name, or a pattern of one, is one of the value's groups; case, accents and like letters apart."""
    groups = [_folded(group) for group in value.split("=") if group]
    return any(
        re.fullmatch(_pattern(_folded(asked)), group) is not None
        for asked in wanted.split("=")
        if asked.strip("^ ")
        for group in groups
    )


def _folded(name: str) -> str:
    """The search form of a name, its carets and wildcards kept."""
    parts = re.split(r"([*?^])", name)
    return "".join(part if part in ("*", "?", "^") else fold(part) for part in parts).rstrip("^")


def _in_range(wanted: str, value: str) -> bool:
    """Whether a date or time lies in a range `a-b`, `a-` or `-b`, or begins as the single value does."""
    if "-" not in wanted:
        return value.startswith(wanted.strip())
    low, _, high = (part.strip() for part in wanted.partition("-"))
    return (not low or value >= low) and (not high or value <= high or value.startswith(high))
