"""Where a data set begins in a Part 10 file, and the hashes of a file that is read piece by piece."""

import contextlib
import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

from wasl.archive import rules

PREAMBLE = 128
SYNTAX = 0x0010  # Transfer Syntax UID (0002,0010)
SOP = (0x0002, 0x0003)  # Media Storage SOP Class and Instance UID
PIECE = 1 << 20  # bytes read at a time
LONGEST = 64 << 20  # bytes looked through for the data set's beginning


def data_set_start(data: memoryview | bytes) -> tuple[int, str]:
    """Where the data set begins, and its transfer syntax, from the file meta information (PS3.10, 7.1).

    Raises NotDicom, and Truncated when the information does not end in `data`.
    """
    start, syntax = PREAMBLE + 4, ""
    for element, value, end in _elements(data):
        start = end
        if element == SYNTAX:
            syntax = _text(value)
    if not syntax:
        raise rules.NotDicom
    return start, syntax


def named_in(data: memoryview | bytes) -> tuple[str, str] | None:
    """The SOP class and instance that a file says it holds, from however much of it came; None without any."""
    found: dict[int, str] = {}
    if bytes(data[PREAMBLE : PREAMBLE + 4]) == b"DICM":
        with contextlib.suppress(rules.Truncated):
            found.update((element, _text(value)) for element, value, _ in _elements(data) if element in SOP)
    named = tuple(found.get(element, "") for element in SOP)
    return (named[0], named[1]) if all(map(rules.is_uid, named)) else None


def _elements(data: memoryview | bytes) -> Iterator[tuple[int, memoryview | bytes, int]]:
    """The elements of the file meta information: number, value, and where each ends. Raises Truncated."""
    at = PREAMBLE + 4
    while at + 8 <= len(data) and bytes(data[at : at + 2]) == b"\x02\x00":
        element, vr = struct.unpack_from("<H2s", data, at + 2)
        long = vr in (b"OB", b"OW", b"UN", b"UT", b"SQ")
        if long and at + 12 > len(data):
            raise rules.Truncated
        length = struct.unpack_from("<I" if long else "<H", data, at + (8 if long else 6))[0]
        value = at + (12 if long else 8)
        at = value + length
        if at > len(data):
            raise rules.Truncated
        yield element, data[value:at], at


def _text(value: memoryview | bytes) -> str:
    return bytes(value).decode("ascii", "replace").strip("\0 ")


class Digests:
    """The SHA-256 of a stored file, and of the data set in it, while its bytes pass."""

    def __init__(self) -> None:
        self._whole, self._data_set = hashlib.sha256(), hashlib.sha256()
        self._head: bytes | None = b""  # until the data set begins
        self.size = 0

    def update(self, piece: bytes | memoryview) -> None:
        """Some more bytes of the file."""
        self.size += len(piece)
        self._whole.update(piece)
        if self._head is None:
            self._data_set.update(piece)
            return
        if len(self._head) > LONGEST:
            return
        self._head += bytes(piece)
        try:
            start, _ = data_set_start(self._head)
        except (rules.Truncated, rules.NotDicom, struct.error):  # not there yet, or damaged there
            return
        if start < len(self._head):  # at its very end more file meta information might follow
            self._data_set.update(memoryview(self._head)[start:])
            self._head = None

    @property
    def whole(self) -> bytes:
        """The SHA-256 of the file."""
        return self._whole.digest()

    @property
    def data_set(self) -> bytes | None:
        """The SHA-256 of the data set; None where none was found."""
        return None if self._head is not None else self._data_set.digest()


def read_digests(path: Path) -> Digests:
    """The hashes of a file, read from the disk now. Raises OSError."""
    digests = Digests()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digests.update(piece)
    return digests


def hash_file(path: Path) -> Digests | None:
    """The hashes of a file; None where it is not there or cannot be read."""
    try:
        return read_digests(path)
    except OSError:
        return None
