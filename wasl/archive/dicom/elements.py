"""A data set walked once, from its first element to its pixels, without decoding any (PS3.5, 7).

Written for hostile input: nothing is believed about a length before it is compared with what is there, nothing is
copied that is not kept, and an element that makes no sense is left out and counted.
"""

import struct
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_VR

from wasl.archive import rules
from wasl.archive.dicom.values import BINARY, UTF8, Letters, Unreadable, entry
from wasl.archive.rules.viewing import ORIGINAL, SPACINGS, is_spacing

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
CHARACTER_SET, PIXEL_REPRESENTATION = 0x00080005, 0x00280103
LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
SHORT = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS",
     b"ST", b"TM", b"UI", b"UL", b"US"}
)  # fmt: skip
MAX_DEPTH = 24
MAX_ELEMENTS = 400_000
MAX_FRAGMENTS = 1_000_000  # of encapsulated pixels; a row tells no more frames
MAX_VALUES = 128 << 20  # bytes of texts and numbers in all: read, they take several times as much

Buffer = memoryview


class Truncated(ValueError):
    """The data set ends before it is whole."""


class Malformed(ValueError):
    """The bytes are no data set."""


@dataclass
class Walk:
    """What a walk finds: the elements as DICOM JSON, where the pixels begin, and what was left out."""

    elements: dict[str, Any] = field(default_factory=dict)
    pixel_offset: int | None = None
    broken: int = 0
    charset: bool = False  # the character set was not what it said
    spacing: bool = False  # a spacing of pixels, be it of one frame, cannot be
    count: int = 0
    size: int = 0  # bytes of the texts and numbers that were read


def walk(data: Buffer, start: int, *, explicit: bool, little: bool) -> Walk:
    """Walk the data set from `start` to its pixel data or its end. Raises Truncated, Malformed, TooLarge."""
    found = Walk()
    walker = Walker(data, explicit, little, found)
    found.elements, end = walker.data_set(start, len(data), Letters(), 0)
    if found.pixel_offset is not None:
        walker.check_pixels(found.pixel_offset)
    elif any(data[end:]):
        raise Truncated
    # DICOM JSON is UTF-8, whatever was sent
    found.elements[f"{CHARACTER_SET:08X}"] = {"vr": "CS", "Value": [UTF8]}
    return found


@lru_cache(maxsize=20_000)
def _vr_of(tag: int) -> str:
    """The value representation by PS3.6; UN for what it does not know."""
    if tag & 0xFFFF == 0:
        return "UL"
    if tag >> 16 & 1:
        return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
    try:
        vr = DicomDictionary[tag][0] if tag in DicomDictionary else dictionary_VR(tag)
    except KeyError:
        return "UN"
    return {"US or SS": "US", "OB or OW": "OW", "US or SS or OW": "OW", "US or OW": "OW"}.get(vr, vr)


class Walker:
    """Finds its way through the elements of a data set."""

    def __init__(self, data: Buffer, explicit: bool, little: bool, found: Walk) -> None:
        self.data, self.explicit, self.little, self.found = data, explicit, little, found
        order = "<" if little else ">"
        self.tag = struct.Struct(f"{order}HH").unpack_from
        self.u16 = struct.Struct(f"{order}H").unpack_from
        self.u32 = struct.Struct(f"{order}I").unpack_from

    def data_set(self, at: int, end: int, letters: Letters, depth: int) -> tuple[dict[str, Any], int]:
        """The elements between two offsets, and where they end."""
        if depth > MAX_DEPTH:
            raise Malformed
        elements: dict[str, Any] = {}
        while at + 8 <= end:
            self.found.count += 1
            if self.found.count > MAX_ELEMENTS:
                raise Malformed
            group, number = self.tag(self.data, at)
            tag = group << 16 | number
            if tag == ITEM_END and depth:
                return elements, at + 8
            if tag in PIXELS and depth == 0:
                self.found.charset |= letters.wrong
                self.found.pixel_offset = at
                return elements, at
            if group == 0xFFFE:
                raise Malformed
            vr, length, value = self.head(tag, at, end)
            known = self.found.spacing
            made, at = self.element(tag, vr, length, value, end, letters, depth)
            if tag in SPACINGS:
                self.found.spacing |= made is None or not is_spacing(made.get("Value", ()))
            elif tag == ORIGINAL:  # what was said before is nobody's measure now
                self.found.spacing = known
            if made is not None and number:
                elements[f"{tag:08X}"] = made
            if tag == CHARACTER_SET and made:
                letters = Letters([term if isinstance(term, str) else "" for term in made.get("Value", ())])
                self.found.charset |= letters.wrong
            if tag == PIXEL_REPRESENTATION and made:
                self.signed = made.get("Value") == [1]
        self.found.charset |= letters.wrong
        return elements, at

    signed = False

    def head(self, tag: int, at: int, end: int) -> tuple[str, int, int]:
        """An element's value representation, its length, and where its value begins."""
        if not self.explicit or tag >> 16 == 0xFFFE:
            return self.told(tag, "UN"), self.u32(self.data, at + 4)[0], at + 8
        code = bytes(self.data[at + 4 : at + 6])
        if code in SHORT:
            return code.decode(), self.u16(self.data, at + 6)[0], at + 8
        if code not in LONG and not (code.isalpha() and code.isupper()):
            raise Malformed
        if at + 12 > end:
            raise Truncated
        vr = code.decode() if code in LONG else "UN"
        return self.told(tag, vr), self.u32(self.data, at + 8)[0], at + 12

    def told(self, tag: int, vr: str) -> str:
        """The representation that the dictionary tells where the sender does not."""
        if vr != "UN":
            return vr
        known = _vr_of(tag)
        return "SS" if known == "US" and self.signed and DicomDictionary.get(tag, ("",))[0] == "US or SS" else known

    def element(
        self, tag: int, vr: str, length: int, value: int, end: int, letters: Letters, depth: int
    ) -> tuple[dict[str, Any] | None, int]:
        """One element as JSON (None when it is bulk, or broken) and where the next begins."""
        if length == UNDEFINED:
            if vr in ("OB", "OW") and self.u32_tag(value) == ITEM:
                return None, self.fragments(value, end)
            items, at = self.items(value, end, letters, depth, implicit=vr == "UN", ends=True)
            return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}, at
        if value + length > end:
            raise Truncated
        try:
            if vr == "SQ":
                items, _ = self.items(value, value + length, letters, depth)
                return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}, value + length
            self.found.size += 0 if vr in BINARY else length
            if self.found.size > MAX_VALUES:
                raise rules.TooLarge
            return entry(vr, bytes(self.data[value : value + length]), little=self.little, letters=letters), (
                value + length
            )
        except (Unreadable, Malformed, Truncated):
            self.found.broken += 1
            return None, value + length

    def items(
        self, at: int, end: int, letters: Letters, depth: int, *, implicit: bool = False, ends: bool = False
    ) -> tuple[list[dict[str, Any]], int]:
        """The items of a sequence, and where it ends; inside a sequence of unknown representation all is implicit.

        `ends`: its end is marked, or it was cut.
        """
        kept, self.explicit = self.explicit, self.explicit and not implicit
        items: list[dict[str, Any]] = []
        try:
            while at < end:
                if at + 8 > end:
                    raise Truncated
                tag, length = self.u32_tag(at), self.u32(self.data, at + 4)[0]
                if tag == SEQUENCE_END:
                    return items, at + 8
                if tag != ITEM:
                    raise Malformed
                inner = end if length == UNDEFINED else at + 8 + length
                if inner > end:
                    raise Truncated
                item, after = self.data_set(at + 8, inner, letters, depth + 1)
                items.append(item)
                at = after if length == UNDEFINED else inner
            if ends:
                raise Truncated
            return items, at
        finally:
            self.explicit = kept

    def fragments(self, at: int, end: int) -> int:
        """Walk encapsulated fragments (PS3.5, A.4) and say where they end."""
        count = 0
        while at + 8 <= end:
            count += 1
            if count > MAX_FRAGMENTS:
                raise rules.TooLarge
            tag, length = self.u32_tag(at), self.u32(self.data, at + 4)[0]
            at += 8
            if tag == SEQUENCE_END:
                return at
            if tag != ITEM:
                raise Malformed
            at += length
        raise Truncated

    def check_pixels(self, at: int) -> None:
        """The pixel data is all there."""
        end = len(self.data)
        tag = self.u32_tag(at)
        if self.explicit and at + 12 > end:
            raise Truncated
        _, length, value = self.head(tag, at, end)
        if length == UNDEFINED:
            self.fragments(value, end)
        elif value + length > end:
            raise Truncated

    def u32_tag(self, at: int) -> int:
        if at + 8 > len(self.data):
            raise Truncated
        group, number = self.tag(self.data, at)
        return int(group) << 16 | int(number)
