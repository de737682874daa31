"""Nonsense for parsers: the same in every run, or more of it and other each time (WASL_FUZZ, as `make hard` has it)."""

import copy
import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

MORE = int(os.environ.get("WASL_FUZZ", "1"))  # times as many examples
Draw = Callable[..., Any]

letters = st.text(st.sampled_from("\0\ud800\\a1") | st.characters(), max_size=8)  # what no database keeps among them
numbers = st.integers() | st.integers(-3, 300) | st.floats(allow_nan=False) | st.integers(1 << 30, 1 << 70)
said = st.recursive(
    st.none() | st.booleans() | numbers | letters,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(letters, inner, max_size=4),
    max_leaves=8,
)


def fed(examples: int) -> settings:
    """How a test is fed; whoever finds it slow hears of it from the whole run, not from the clock of a busy machine."""
    return settings(
        max_examples=examples * MORE, derandomize=MORE == 1, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@st.composite
def spoiled(draw: Draw, document: object) -> object:
    """A JSON document in which something is replaced by its like or by anything, left out, or said twice."""
    holder: Any = [copy.deepcopy(document)]
    for _ in range(draw(st.integers(1, 3))):
        inside, key = holder, 0
        while isinstance(inside[key], dict | list) and inside[key] and draw(st.integers(0, 9)):
            inside = inside[key]
            key = draw(st.sampled_from(sorted(inside) if isinstance(inside, dict) else range(len(inside))))
        what = draw(st.sampled_from(("like", "like", "replace", "leave out", "wrap")))
        if what == "leave out" and inside is not holder:
            del inside[key]
        else:
            inside[key] = [inside[key], inside[key]] if what == "wrap" else draw(_like(inside[key], what))
    return holder[0]


def _like(value: object, what: str) -> st.SearchStrategy[object]:
    """Another value: of the same kind, if it is asked for."""
    if what == "like" and isinstance(value, str):
        return letters | letters.map(lambda more: value + more)
    return numbers if what == "like" and isinstance(value, int) else said


@st.composite
def damaged(draw: Draw, content: bytes, most: int = 6) -> bytes:
    """Bytes of which some are changed, cut out, repeated, or put in; lengths and tags of DICOM among what is put in."""
    made = bytearray(content)
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, len(made)))
        what = draw(st.sampled_from(("change", "change", "put in", "cut out", "repeat", "end")))
        some = draw(st.sampled_from(PIECES) | st.binary(min_size=1, max_size=8))
        if what == "change":
            made[at : at + len(some)] = some
        elif what == "put in":
            made[at:at] = some
        elif what == "cut out":
            del made[at : at + draw(st.integers(1, 40))]
        elif what == "repeat":
            made[at:at] = made[at : at + draw(st.integers(1, 200))]
        else:
            del made[at:]
    return bytes(made)


PIECES = (
    b"\xff\xff\xff\xff", b"\xfe\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0", b"\xff",
    b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0", b"\xe0\x7f\x10\x00", b"SQ\0\0\xff\xff\xff\xff",
    b"UN\0\0\xff\xff\xff\xff", b"OB\0\0", b"UT\0\0", b"\x1b$)C", b"\\", b"\r\n", b"--",
)  # fmt: skip
