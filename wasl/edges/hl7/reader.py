"""A message taken apart: segments, fields, repetitions, components (HL7 v2, chapter 2), in the sender's character set.

Written here, and not taken from a library: those that there are guess where this refuses, and were last changed years
ago. One of them checks this reader in the tests.
"""

import re
from collections.abc import Iterator
from functools import cached_property

MOST_SEGMENTS = 500
NULL = '""'  # the sender takes back what it said (HL7 v2, 2.5.3)
# MSH-18, table 0211 -> Python's name
CHARSETS = {
    "ASCII": "ascii", "8859/1": "iso8859-1", "8859/6": "iso8859-6", "8859/15": "iso8859-15", "UNICODE UTF-8": "utf-8",
}  # fmt: skip
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f]")
SPACES = re.compile(r"\s+")


class Unacceptable(Exception):
    """Why a message is not taken: the answer (MSA-1), the error's code (table 0357), the field, and words for it.

    The words are for the engineer of the other side, in the protocol's own English.
    """

    def __init__(self, answer: str, code: int, words: str, segment: str = "", field: int = 0) -> None:
        super().__init__(words)
        self.answer, self.code, self.words, self.segment, self.field = answer, code, words, segment, field


class Header:
    """The segment MSH, which says how to read itself and the rest; its own text is read as ISO 8859-1."""

    def __init__(self, raw: bytes) -> None:
        """Raises Unacceptable where nothing can be read."""
        line = re.split(rb"[\r\n]", raw.lstrip(b"\r\n"), maxsplit=1)[0].decode("iso8859-1")
        if not line.startswith("MSH") or len(line) < 9:
            raise Unacceptable("AR", 100, "A message begins with the segment MSH.")
        if CONTROL.search(line):
            raise Unacceptable("AR", 102, "The segment MSH has control characters in it.", "MSH")
        marks = line[3 : 4 + line[4:].index(line[3])] if line[3] in line[4:] else ""
        if len(marks) not in (5, 6) or len(set(marks)) != len(marks) or re.search(r"[\w\s\x00-\x1f]", marks):
            raise Unacceptable("AR", 102, "MSH-1 and MSH-2 name five different separators.", "MSH", 2)
        self.marks = marks[:5]
        self.field_mark, self.component, self.repetition = marks[0], marks[1], marks[2]
        self.escape, self.subcomponent = marks[3], marks[4]
        self._fields = line.split(self.field_mark)
        self.charset = "ascii"  # until it is known

    def text(self, number: int, component: int = 1) -> str:
        """A component of a field's first repetition as it came, such as (9, 2) for the event."""
        field = self._fields[number - 1] if len(self._fields) >= number else ""
        parts = field.split(self.repetition)[0].split(self.component)
        return parts[component - 1].strip() if len(parts) >= component else ""


class Segment:
    """One segment's fields, as they came but for the character set."""

    def __init__(self, header: Header, line: str) -> None:
        self._header = header
        self.name, *self._fields = line.split(header.field_mark)

    def raw(self, number: int) -> str:
        """A field as it came; empty where there is none."""
        return self._fields[number - 1].strip() if len(self._fields) >= number else ""

    def repetitions(self, number: int) -> Iterator["Parts"]:
        """The repetitions of a field that say something, null ones included."""
        for one in self.raw(number).split(self._header.repetition):
            if one.strip():
                yield Parts(self._header, one)


class Parts:
    """One repetition of a field."""

    def __init__(self, header: Header, text: str) -> None:
        self._header = header
        self._components = text.split(header.component)

    def text(self, component: int, subcomponent: int = 1) -> str:
        """A component as people read it, on one line; empty where it is null or absent."""
        parts = self._components[component - 1] if len(self._components) >= component else ""
        some = parts.split(self._header.subcomponent)
        said = some[subcomponent - 1].strip() if len(some) >= subcomponent else ""
        return "" if said == NULL else _readable(said, self._header)


class Message:
    """A message that can be read: its header, and the segments after it."""

    def __init__(self, raw: bytes, *, charset: str) -> None:
        """`charset` is how a message is written that does not say so. Raises Unacceptable."""
        self.header = Header(raw)
        named = self.header.text(18) or charset
        if named not in CHARSETS:
            raise Unacceptable("AE", 103, f"Character sets that are read: {', '.join(CHARSETS)}.", "MSH", 18)
        self.header.charset = CHARSETS[named]
        try:
            text = raw.decode(self.header.charset)
        except UnicodeDecodeError as error:
            words = f"The message is not written in {named}: byte {error.start} is none of its characters."
            raise Unacceptable("AE", 102, words, "MSH", 18) from error
        if CONTROL.search(text):
            raise Unacceptable("AE", 102, "The message has control characters in it.")
        lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
        if len(lines) > MOST_SEGMENTS:
            raise Unacceptable("AE", 100, f"The message has more than {MOST_SEGMENTS} segments.")
        self._lines = lines[1:]

    @cached_property
    def segments(self) -> list[Segment]:
        """The segments after the header."""
        return [Segment(self.header, line) for line in self._lines]

    def all(self, name: str) -> list[Segment]:
        """The segments of a name, in their order."""
        return [one for one in self.segments if one.name == name]


def _readable(text: str, header: Header) -> str:
    """A text without its escapes (HL7 v2, 2.7), on one line."""
    mark = header.escape
    if mark in text:
        marks = {"F": header.field_mark, "S": header.component, "T": header.subcomponent, "R": header.repetition,
                 "E": mark}  # fmt: skip
        escaped = re.compile(f"{re.escape(mark)}([^{re.escape(mark)}]*){re.escape(mark)}")
        text = escaped.sub(lambda found: _unescaped(found[1], marks, header), text)
    return UNSEEN.sub("", SPACES.sub(" ", text)).strip()


def _unescaped(code: str, marks: dict[str, str], header: Header) -> str:
    if code in marks:
        return marks[code]
    if re.fullmatch(r"X([0-9A-Fa-f]{2})+", code):
        return bytes.fromhex(code[1:]).decode(header.charset, "replace")
    if re.fullmatch(r"[CM]([0-9A-Fa-f]{2})+", code):
        raise Unacceptable("AE", 102, "The character set changes within a text, which is not read.")
    if code.startswith((".", "Z")):  # how a text is shown: a new line, an indent, a sender's own
        return " "
    return "" if code in ("H", "N") else f"{header.escape}{code}{header.escape}"
