"""Where the frames of a stored file lie, so that one frame is one read (PS3.5, 8 and A.4).

A table begins with the MD5 of the file's name below the store, since it is of use for that file alone. Entries of 16
bytes follow, two little endian numbers each: an offset from the file's start, and a length in bytes. Uncompressed
pixels have one entry, their first frame; the others follow it without a gap. Compressed ones have an entry for each
frame: its fragment, or, where it has several, all of them with their item heads; then the length is negative.
"""

import hashlib
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

IMPLICIT, BIG_ENDIAN, DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
NATIVE = frozenset({IMPLICIT, "1.2.840.10008.1.2.1", BIG_ENDIAN, DEFLATED})
ENTRY = struct.Struct("<qq")
OWNER = 16  # bytes of a table before its entries
ITEM = b"\xfe\xff\x00\xe0"
STARTS = (b"\xff\xd8", b"\xff\x4f")  # JPEG's and JPEG 2000's first marker
UNDEFINED = 0xFFFFFFFF

Read = Callable[[int, int], bytes]  # so many bytes from an offset on, fewer at the end
Span = tuple[int, int]  # offset and length in bytes


class NoFrames(ValueError):
    """The pixel data cannot be divided into frames."""


def frame_table(
    read: Read, path: str, *, syntax: str, offset: int | None, frames: int, elements: Mapping[str, Any]
) -> bytes | None:
    """The table of a file, or None where no single read gives a frame (bits packed, bytes to be turned, no pixels)."""
    if offset is None or syntax in (BIG_ENDIAN, DEFLATED):
        return None
    try:
        if syntax in NATIVE:
            entries: list[Span] = _native(read, offset, max(frames, 1), elements, head=8 if syntax == IMPLICIT else 12)
        else:
            entries = [_entry(fragments) for fragments in encapsulated(read, offset + 12, max(frames, 1))]
    except NoFrames:
        return None
    return owner(path) + b"".join(ENTRY.pack(*entry) for entry in entries) if entries else None


def owner(path: str) -> bytes:
    """What the table of a file begins with."""
    return hashlib.md5(path.encode(), usedforsecurity=False).digest()


def encapsulated(read: Read, value: int, frames: int) -> list[list[Span]]:
    """The fragments of every frame of encapsulated pixel data whose value begins at an offset. Raises NoFrames."""
    items = list(_items(read, value))
    if not items:
        raise NoFrames("The pixel data have no frames.")
    (first, size), *fragments = items
    if frames == 1 or not fragments:
        return [fragments] if fragments else []
    if len(fragments) == frames:  # with an extended offset table (PS3.3, C.7.6.3.1.8) it is always so
        return [[fragment] for fragment in fragments]
    offsets = struct.unpack(f"<{size // 4}I", read(size, first)) if size % 4 == 0 else ()
    if len(offsets) == frames:  # counted from the first fragment's item tag
        starts = {first + size + begin for begin in offsets}
        return _grouped(fragments, lambda fragment: fragment[0] - 8 in starts)
    return _grouped(fragments, lambda fragment: read(2, fragment[0]) in STARTS)


def joined(content: bytes) -> bytes:
    """The fragments of a frame, each behind its item head, as one."""
    at, pieces = 0, []
    while content[at : at + 4] == ITEM:
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        pieces.append(content[at + 8 : at + 8 + length])
        at += 8 + length
    return b"".join(pieces)


def _native(read: Read, offset: int, frames: int, elements: Mapping[str, Any], *, head: int) -> list[Span]:
    length = int.from_bytes(read(4, offset + head - 4), "little")
    rows, columns, samples, bits = (
        _number(elements, tag, default)
        for tag, default in (("00280010", 0), ("00280011", 0), ("00280002", 1), ("00280100", 0))
    )
    if _first(elements, "00280004") == "YBR_FULL_422":
        samples = 2  # two pixels share their colour
    one = rows * columns * samples * bits
    if length == UNDEFINED or one <= 0 or one % 8 or one // 8 * frames > length:
        raise NoFrames
    return [(offset + head, one // 8)]


def _entry(fragments: list[Span]) -> Span:
    if len(fragments) == 1:
        return fragments[0]
    begin = fragments[0][0] - 8
    return begin, begin - sum(fragments[-1])


def _items(read: Read, at: int) -> Iterator[Span]:
    """The items of encapsulated pixel data: the offset table's, then every fragment's."""
    while (head := read(8, at))[:4] == ITEM:
        length = int.from_bytes(head[4:8], "little")
        yield at + 8, length
        at += 8 + length


def _grouped(fragments: list[Span], begins: Callable[[Span], bool]) -> list[list[Span]]:
    groups: list[list[Span]] = []
    for fragment in fragments:
        if begins(fragment) or not groups:
            groups.append([])
        groups[-1].append(fragment)
    return groups


def _number(elements: Mapping[str, Any], tag: str, default: int) -> int:
    value = _first(elements, tag)
    return value if isinstance(value, int) else default


def _first(elements: Mapping[str, Any], tag: str) -> object:
    return next(iter(elements.get(tag, {}).get("Value") or ()), None)
