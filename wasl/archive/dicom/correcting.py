"""A stored file as it is given: with the identity that the rows say, and every pixel as it was received.

The one place where a header is answered otherwise than stored (decision 21). Only the head of a file is written anew;
its pixels are given as a range of the stored file. What was there before stands in Original Attributes Sequence
(PS3.3, C.12.1.1.9). A spacing of pixels that cannot be is left out (decision 9), so that nobody measures by it; there
it stands as bytes, which no viewer takes for a length.
"""

import io
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from wasl.archive import rules
from wasl.archive.dicom.elements import (
    CHARACTER_SET,
    ITEM,
    LONG,
    PIXELS,
    UNDEFINED,
    Malformed,
    Truncated,
    Walk,
    Walker,
)
from wasl.archive.dicom.files import DEFLATED, EXPLICIT_BIG, IMPLICIT, inflate, mapped
from wasl.archive.dicom.values import UTF8, Letters, Unreadable, entry
from wasl.archive.queries import Identity, opened
from wasl.archive.rules.viewing import ORIGINAL, SPACINGS, is_spacing
from wasl.archive.services import data_set_start
from wasl.archive.services.meta import PREAMBLE

PIECE = 1 << 20
META_INSTANCE, META_LENGTH = 0x00020003, 0x00020000
STUDY, INSTANCE = 0x0020000D, 0x00080018
MODIFIED, NONCONFORMING = 0x04000550, 0x04000551
TEXT = frozenset({"SH", "LO", "ST", "LT", "PN", "UC", "UT"})  # what the character set is about (PS3.5, 6.1.2.3)
VRS = {
    0x00080005: "CS", 0x00080018: "UI", 0x00080020: "DA", 0x00080030: "TM", 0x00080050: "SH", 0x00081030: "LO",
    0x00100010: "PN", 0x00100020: "LO", 0x00100021: "LO", 0x00100030: "DA", 0x00100040: "CS", 0x0020000D: "UI",
    0x0020000E: "UI", 0x00200010: "SH",
}  # fmt: skip

Place = tuple[tuple[int, int], ...]  # the sequences around an element, outermost first: tag and item, from 1


@dataclass(frozen=True)
class Given:
    """A file as it is given: a head of its own, then the stored file from the byte `tail` on.

    `path` is the stored file's place in the store. What reads it raises Damaged and NotAtHand.
    """

    path: Path
    head: bytes
    tail: int
    end: int

    @property
    def size(self) -> int:
        """Bytes of the whole."""
        return len(self.head) + self.end - self.tail

    def read(self, begin: int, end: int) -> bytes:
        """The bytes between two offsets."""
        first = self.head[begin:end]
        shift = self.tail - len(self.head)
        begin, end = max(begin, len(self.head)), max(end, len(self.head))
        if begin == end:
            return first
        with opened(self.path) as file:
            return first + os.pread(file.fileno(), end - begin, begin + shift)

    def opened(self, *, header: bool = False) -> BufferedReader | io.BytesIO:
        """The whole, open for reading; with `header` the pixels may be left out."""
        if not self.head:
            return opened(self.path)
        return io.BytesIO(self.head if header else b"".join(self.pieces()))

    def pieces(self) -> Iterator[bytes]:
        """The whole, piece by piece."""
        if self.head:
            yield self.head
        with opened(self.path) as file:
            file.seek(self.tail)
            while piece := file.read(PIECE):
                yield piece


def corrected(path: Path, said: Identity) -> Given:
    """A Part 10 file with what is said of it; the stored bytes where its header says so already.

    `path` is its place in the store. Raises Damaged and NotAtHand.
    """
    with opened(path) as file, mapped(file) as view:
        try:
            head, tail = _head(view, said)
        except (Malformed, Truncated, struct.error, zlib.error, rules.NotDicom, rules.Truncated) as error:
            raise rules.Damaged from error  # it was read to its end when it came
        return Given(path, head, tail, len(view))


def _head(data: memoryview, said: Identity) -> tuple[bytes, int]:
    """The new head of a file, and the byte of the file behind it; empty and 0 when nothing is to be changed."""
    start, syntax = data_set_start(data)
    body, at = (memoryview(inflate(data[start:])), 0) if syntax == DEFLATED else (data, start)
    writer = _Writer(body, explicit=syntax != IMPLICIT, little=syntax != EXPLICIT_BIG)
    written, behind = writer.rewritten(at, said)
    if written is None:
        return b"", 0
    top = _meta_of(data, start, said.always.get(INSTANCE, ""))
    if syntax != DEFLATED:
        return top + written, behind
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packer.compress(written) + packer.compress(body[behind:]) + packer.flush()
    return top + packed + b"\0" * (len(packed) % 2), len(data)


def _meta_of(data: memoryview, start: int, uid: str) -> bytes:
    """The preamble and file meta information, naming the instance as it is now (PS3.10, 7.1)."""
    writer = _Writer(data[:start], explicit=True, little=True)
    found, _ = writer.elements(PREAMBLE + 4, start, 0)
    kept = {one.tag: writer.raw(one) for one in found if one.tag != META_LENGTH}
    if uid:
        kept[META_INSTANCE] = writer.encoded(META_INSTANCE, "UI", uid.encode())
    content = b"".join(kept[tag] for tag in sorted(kept))
    length = writer.encoded(META_LENGTH, "UL", struct.pack("<I", len(content)))
    return bytes(data[: PREAMBLE + 4]) + length + content


@dataclass(frozen=True)
class _Element:
    """Where an element lies: its tag, representation as written, head, value and end."""

    tag: int
    vr: str
    at: int
    value: int
    length: int
    end: int


class _Writer:
    """Copies the elements of a data set, some of them with other values, in the encoding that it has.

    With `foreign` texts become UTF-8; with `nested` spacings that cannot be are left out of sequences too. What was
    left out is in `removed`.
    """

    foreign = nested = False

    def __init__(self, data: memoryview, *, explicit: bool, little: bool) -> None:
        self.data, self.explicit = data, explicit
        self.walker = Walker(data, explicit, little, Walk())
        self.order = "<" if little else ">"
        self.removed: list[bytes] = []

    def rewritten(self, start: int, said: Identity) -> tuple[bytes | None, int]:
        """The elements before the pixels with what is said, or None when it is what they say; and where they end."""
        found, end = self.elements(start, len(self.data), 0)
        there = {one.tag: one for one in found}
        terms = self._text(there.get(CHARACTER_SET), Letters()).split("\\")
        letters = Letters(terms)
        wanted = dict(said.always)
        if STUDY in wanted and self._text(there.get(STUDY), letters) != wanted[STUDY]:
            wanted = {**said.study, **wanted}
        changes = {
            tag: text for tag, text in wanted.items()
            if self._text(there.get(tag), letters) != text.strip() and (text or tag in there)
        }  # fmt: skip
        if not (changes or said.spacings or any(map(self._is_wrong, found))):
            return None, 0
        self.nested = said.spacings
        self.foreign = terms != [UTF8] and not all(text.isascii() for text in changes.values())
        copy = {one.tag: self.copied(one, letters) for one in found if one.tag & 0xFFFF}
        if not (changes or self.removed):
            return None, 0
        former = b"".join(copy.get(tag) or self.encoded(tag, VRS[tag], b"") for tag in sorted(changes))
        earlier = self.content(copy[ORIGINAL]) if ORIGINAL in copy else b""
        for tag, text in changes.items():
            copy[tag] = self.encoded(tag, VRS[tag], text.encode())
        if self.foreign:
            copy[CHARACTER_SET] = self.encoded(CHARACTER_SET, "CS", UTF8.encode())
        made = [self._original(said, former)] if changes else []
        made += [self._original(said, removed=one) for one in self.removed]
        copy[ORIGINAL] = self.encoded(ORIGINAL, "SQ", earlier + b"".join(made))
        return b"".join(copy[tag] for tag in sorted(copy)), end

    def _original(self, said: Identity, former: bytes = b"", removed: bytes = b"") -> bytes:
        """An item of Original Attributes Sequence: what was there before, since when, by what and why it is not now.

        It has what one attribute was whose value could not be: its sequence has one item.
        """
        return self.item(b"".join((
            self.encoded(MODIFIED, "SQ", self.item(former)),
            self.encoded(NONCONFORMING, "SQ", removed) if removed else b"",
            self.encoded(0x04000562, "DT", said.at.encode()),
            self.encoded(0x04000563, "LO", b"WASL"),
            self.encoded(0x04000564, "LO", said.source.encode()),
            self.encoded(0x04000565, "CS", b"CORRECT" if removed else b"COERCE"),
        )))  # fmt: skip

    def elements(self, at: int, end: int, depth: int) -> tuple[list[_Element], int]:
        """Where the elements between two offsets lie, and where they end; at the top, before the pixels."""
        found = []
        while at + 8 <= end:
            group, number = self.walker.tag(self.data, at)
            tag = int(group) << 16 | int(number)
            if (tag in PIXELS and depth == 0) or group == 0xFFFE:
                break
            _, length, value = self.walker.head(tag, at, end)
            vr = bytes(self.data[at + 4 : at + 6]).decode("latin-1") if self.explicit else self.walker.told(tag, "UN")
            after = self._end(vr, length, value, end) if length == UNDEFINED else value + length
            if after > end:
                raise Truncated
            found.append(_Element(tag, vr, at, value, length, after))
            at = after
        return found, at

    def _end(self, vr: str, length: int, value: int, end: int) -> int:
        """Where an element of undefined length ends."""
        if vr in ("OB", "OW") and self.walker.u32_tag(value) == ITEM:
            return self.walker.fragments(value, end)
        return self.walker.items(value, end, Letters(), 0, implicit=vr == "UN")[1]

    def raw(self, one: _Element) -> bytes:
        """An element as it is."""
        return bytes(self.data[one.at : one.end])

    def copied(self, one: _Element, letters: Letters, path: Place = ()) -> bytes:
        """An element as it is given, nothing where it is a spacing that cannot be; `path` is where it stands."""
        if self._is_wrong(one) and ORIGINAL not in dict(path):
            self.removed.append(self._removal(one, path))
            return b""
        if one.vr == "SQ" and (self.foreign or self.nested):
            return self._sequence(one, letters, path)
        if one.vr in TEXT and self.foreign:
            raw = bytes(self.data[one.value : one.value + one.length])
            if not raw.isascii() or b"\x1b" in raw:
                return self.encoded(one.tag, one.vr, letters.read(raw).encode("utf-8", "replace"))
        return self.raw(one)

    def _sequence(self, one: _Element, letters: Letters, path: Place) -> bytes:
        """A sequence with its items copied; as it is where that changes nothing, or it cannot be understood."""
        before = len(self.removed)
        try:
            items = self._items(one, letters, path)
        except (Malformed, Truncated, struct.error):
            del self.removed[before:]
            return self.raw(one)
        changed = self.foreign or len(self.removed) > before
        return self.encoded(one.tag, "SQ", items) if changed else self.raw(one)

    def _items(self, one: _Element, letters: Letters, path: Place) -> bytes:
        made, at, number = [], one.value, 0
        while at + 8 <= one.end and self.walker.u32_tag(at) == ITEM:
            length = self.walker.u32(self.data, at + 4)[0]
            end = one.end if length == UNDEFINED else at + 8 + length
            found, after = self.elements(at + 8, end, len(path) + 1)
            own = next((e for e in found if e.tag == CHARACTER_SET), None) if self.foreign else None
            inner = Letters(self._text(own, Letters()).split("\\")) if own else letters
            number += 1
            made.append(self.item(b"".join(
                self.encoded(CHARACTER_SET, "CS", UTF8.encode()) if e is own
                else self.copied(e, inner, (*path, (one.tag, number)))
                for e in found
            )))  # fmt: skip
            at = after + 8 if length == UNDEFINED else end
        return b"".join(made)

    def _is_wrong(self, one: _Element) -> bool:
        """Whether this is a spacing that cannot be: zero, negative, or no number at all."""
        if one.tag not in SPACINGS or one.length == UNDEFINED:
            return False
        vr, _, _ = self.walker.head(one.tag, one.at, one.end)
        try:
            said = entry(vr, self._value(one), little=self.order == "<", letters=Letters())
        except Unreadable:
            return True
        return not is_spacing(said.get("Value", ()))

    def _removal(self, one: _Element, path: Place) -> bytes:
        """An item that says what was left out, and where it stood (PS3.3, 10.25 and C.12.1.1.9)."""
        pointers = b"".join(self._tag(tag) for tag, _ in path)
        numbers = "\\".join(str(number) for _, number in path)
        return self.item(b"".join((
            self.encoded(0x00720026, "AT", self._tag(one.tag)),
            self.encoded(0x00720052, "AT", pointers) if path else b"",
            self.encoded(0x00741057, "IS", numbers.encode()) if path else b"",
            self.encoded(0x04000552, "OB", self._value(one)),
        )))  # fmt: skip

    def _tag(self, tag: int) -> bytes:
        return struct.pack(f"{self.order}HH", tag >> 16, tag & 0xFFFF)

    def _value(self, one: _Element) -> bytes:
        return bytes(self.data[one.value : one.value + one.length])

    def content(self, sequence: bytes) -> bytes:
        """The items of a sequence, without its head and its end."""
        head = 12 if self.explicit else 8
        length = struct.unpack(f"{self.order}I", sequence[head - 4 : head])[0]
        return sequence[head:-8] if length == UNDEFINED else sequence[head:]

    def item(self, content: bytes) -> bytes:
        """An item of a sequence (PS3.5, 7.5.1)."""
        return struct.pack(f"{self.order}HHI", ITEM >> 16, ITEM & 0xFFFF, len(content)) + content

    def encoded(self, tag: int, vr: str, value: bytes) -> bytes:
        """An element as this data set writes elements, its value of even length (PS3.5, 7.1)."""
        if len(value) % 2:
            value += b"\0" if vr == "UI" else b" "
        head = struct.pack(f"{self.order}HH", tag >> 16, tag & 0xFFFF)
        if not self.explicit:
            return head + struct.pack(f"{self.order}I", len(value)) + value
        if vr.encode() in LONG:
            return head + vr.encode() + b"\0\0" + struct.pack(f"{self.order}I", len(value)) + value
        return head + vr.encode() + struct.pack(f"{self.order}H", len(value)) + value

    def _text(self, one: _Element | None, letters: Letters) -> str:
        if one is None or one.length == UNDEFINED:
            return ""
        return letters.read(bytes(self.data[one.value : one.value + one.length])).strip(" \0")
