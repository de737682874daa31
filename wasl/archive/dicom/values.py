"""Values of DICOM elements as the DICOM JSON model has them (PS3.18, F.2); whatever the sender wrote, never a crash."""

import base64
import math
import re
import struct
from collections.abc import Sequence
from typing import Any

from pydicom import charset

INLINE = 8192  # bytes of a binary value that are kept beside the row; lookup tables fit, bulk data do not

BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
NUMBERS = {"FL": "f", "FD": "d", "SL": "i", "SS": "h", "UL": "I", "US": "H", "SV": "q", "UV": "Q"}
SINGLE = frozenset({"LT", "ST", "UT", "UR"})  # a backslash is a letter there
UTF8 = "ISO_IR 192"
# character sets whose bytes mean the same whatever they are, so that UTF-8 sent under their name goes unnoticed
FORGIVING = frozenset({"iso8859", "latin_1", "ascii"})


class Unreadable(ValueError):
    """A value that is not what its representation says."""


class Letters:
    """The character sets of a data set (PS3.3, C.12.1.1.2), and whether they were right."""

    def __init__(self, terms: Sequence[str] = ()) -> None:
        known = [term for term in terms if term in charset.python_encoding]
        self.wrong = any(term and term not in charset.python_encoding for term in terms)
        self._encodings = [charset.python_encoding[term] for term in known] or ["iso8859"]
        self._terms = known

    def read(self, raw: bytes) -> str:
        """The text of some bytes; UTF-8 under another name is recognised, what cannot be read becomes a mark."""
        if raw.isascii() and b"\x1b" not in raw:
            return raw.decode("ascii")
        first = self._encodings[0]
        if len(self._encodings) > 1 and b"\x1b" in raw:
            return self._switching(raw)
        if first in FORGIVING:
            self.wrong |= not self._terms or self._terms[0] in ("", "ISO_IR 6")
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError:
                return raw.decode("latin-1")
            self.wrong = True
            return text
        try:
            return raw.decode(first)
        except UnicodeDecodeError:
            self.wrong = True
            return raw.decode(first, "replace")

    def _switching(self, raw: bytes) -> str:
        """Text that changes its character set on the way by escape sequences (ISO 2022)."""
        try:
            return charset.decode_bytes(raw, self._encodings, {0x0A, 0x0C, 0x0D, 0x5C, 0x5E, 0x3D})
        except (UnicodeError, LookupError, ValueError, Warning):
            self.wrong = True
            return raw.decode(self._encodings[0], "replace")


def entry(vr: str, raw: bytes, *, little: bool, letters: Letters) -> dict[str, Any]:
    """An element as JSON; bulk data only say that they are there. Raises Unreadable."""
    if vr in BINARY:
        if len(raw) > INLINE or not little:
            return {"vr": vr, "BulkDataURI": ""}  # whoever gives the metadata knows the address
        return {"vr": vr, "InlineBinary": base64.b64encode(raw).decode()} if raw else {"vr": vr}
    values = _values(vr, raw, little, letters)
    while values and values[-1] is None:
        values.pop()
    return {"vr": vr, "Value": values} if values else {"vr": vr}


def _values(vr: str, raw: bytes, little: bool, letters: Letters) -> list[Any]:
    if vr in NUMBERS:
        return _numbers(vr, raw, little)
    if vr == "AT":
        pairs = struct.unpack(f"{'<' if little else '>'}{len(raw) // 4 * 2}H", raw[: len(raw) // 4 * 4])
        return [f"{group:04X}{element:04X}" for group, element in zip(pairs[::2], pairs[1::2], strict=True)]
    text = letters.read(raw).replace("\0", "")
    if vr in SINGLE:
        return [_clean(text.rstrip())] if text.strip() else []
    convert = {"PN": _name, "DS": _decimal, "IS": _integer}.get(vr, _clean)
    return [convert(part.strip()) if part.strip() else None for part in text.split("\\")]


def _numbers(vr: str, raw: bytes, little: bool) -> list[Any]:
    form = NUMBERS[vr]
    size = struct.calcsize(f"<{form}")
    if len(raw) % size:
        raise Unreadable
    numbers = list(struct.unpack(f"{'<' if little else '>'}{len(raw) // size}{form}", raw))
    if form in "fd" and not all(map(math.isfinite, numbers)):
        raise Unreadable  # JSON has no such numbers
    return numbers


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")  # the database takes no half surrogates


def _name(text: str) -> dict[str, str]:
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), _clean(text).split("="), strict=False)
    return {kind: name.strip().rstrip("^") for kind, name in groups if name.strip("^ ")}


def _decimal(text: str) -> float:
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", text) or not math.isfinite(float(text)):
        raise Unreadable
    return float(text)


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,18}(\.0*)?", text):
        raise Unreadable
    return int(text.partition(".")[0])
