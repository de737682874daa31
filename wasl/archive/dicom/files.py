"""A DICOM file (PS3.10) from an untrusted sender turned into what the archive receives."""

import hashlib
import mmap
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from wasl.archive import rules
from wasl.archive.dicom.elements import Malformed, Truncated, Walk, walk
from wasl.archive.services import Incoming, adopt, enter, put

PREAMBLE = 128
IMPLICIT, EXPLICIT_BIG, DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
# JPIP (PS3.5, A.6): the pixels stay with the sender, so there would be nothing to keep
ELSEWHERE = frozenset({"1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.204",
                       "1.2.840.10008.1.2.4.205"})  # fmt: skip
SYNTAX = 0x0010  # Transfer Syntax UID (0002,0010)
INFLATED = 512 << 20  # bytes that a deflated data set may grow to
PIECE = 1 << 20


@dataclass(frozen=True)
class Part10:
    """A file's parts: where its data set begins, its transfer syntax, and what a walk through it found."""

    start: int
    transfer_syntax: str
    walk: Walk


def incoming(
    file: bytes | Path, *, source: UUID | None = None, place: UUID | None = None, move: bool = False,
    named: tuple[str, str] | None = None, flushed: Future[None] | None = None,
) -> Incoming:  # fmt: skip
    """Put a Part 10 file into the pixel store, ready for `receive`; with `move` the file itself becomes the stored one.

    `named` are the SOP class and instance that the sender named beside the data set. With `flushed` a file that is
    moved is not on disk yet: whoever calls flushes it next, and tells `receive` so by this promise. Raises NotDicom,
    Truncated, TooLarge, BadUid, OtherInstance; then nothing was stored, and the file is as it was.
    """
    if isinstance(file, bytes):
        return _incoming(memoryview(file), None, source, place, named, None)
    if not file.stat().st_size:
        raise rules.NotDicom
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        view = memoryview(mapped)
        try:
            return _incoming(view, file if move else None, source, place, named, flushed)
        finally:
            view.release()


def _incoming(
    data: memoryview, moved: Path | None, source: UUID | None, place: UUID | None, named: tuple[str, str] | None,
    flushed: Future[None] | None,
) -> Incoming:  # fmt: skip
    part = read(data)
    rules.check_uids(part.walk.elements)
    rules.check_named(part.walk.elements, named)
    digest = hashlib.sha256(data[part.start :]).digest()
    take = enter if flushed else adopt
    stored = take(moved) if moved else put(_clean(data))
    pixels = part.walk.pixel_offset
    return Incoming(
        stored=stored, metadata=part.walk.elements, transfer_syntax=part.transfer_syntax, dataset_sha256=digest,
        pixel_offset=None if part.transfer_syntax == DEFLATED else pixels, frames=_frames(part.walk), source=source,
        place=place, flags=_flags(part.walk), flushed=flushed,
    )  # fmt: skip


def read(data: memoryview) -> Part10:
    """The parts of a Part 10 file. Raises NotDicom, Truncated, TooLarge."""
    if bytes(data[PREAMBLE : PREAMBLE + 4]) != b"DICM":
        raise rules.NotDicom
    try:
        start, syntax = _meta(data)
        if syntax in ELSEWHERE:
            raise rules.PixelsElsewhere
        body, offset = data, start
        if syntax == DEFLATED:
            body, offset = memoryview(_inflate(data[start:])), 0
        found = walk(body, offset, explicit=syntax != IMPLICIT, little=syntax != EXPLICIT_BIG)
    except Truncated as error:
        raise rules.Truncated from error
    except (Malformed, struct.error, zlib.error) as error:
        raise rules.NotDicom from error
    return Part10(start, syntax, found)


def _meta(data: memoryview) -> tuple[int, str]:
    """Where the data set begins, and its transfer syntax, from the file meta information (PS3.10, 7.1)."""
    at, syntax = PREAMBLE + 4, ""
    while at + 8 <= len(data) and bytes(data[at : at + 2]) == b"\x02\x00":
        element, vr = struct.unpack_from("<H2s", data, at + 2)
        long = vr in (b"OB", b"OW", b"UN", b"UT", b"SQ")
        if long and at + 12 > len(data):
            raise Truncated
        length = struct.unpack_from("<I" if long else "<H", data, at + (8 if long else 6))[0]
        value = at + (12 if long else 8)
        at = value + length
        if at > len(data):
            raise Truncated
        if element == SYNTAX:
            syntax = bytes(data[value:at]).decode("ascii", "replace").strip("\0 ")
    if not syntax:
        raise Malformed
    return at, syntax


def _inflate(deflated: memoryview) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    body = inflater.decompress(deflated, INFLATED)
    if inflater.unconsumed_tail:
        raise rules.TooLarge
    if not inflater.eof:
        raise Truncated
    return body


def _clean(data: memoryview) -> Iterator[memoryview | bytes]:
    """The file in pieces; the preamble, which may hide a program, is made empty (PS3.10, 7.1)."""
    yield b"\0" * PREAMBLE
    for at in range(PREAMBLE, len(data), PIECE):
        yield data[at : at + PIECE]


def _frames(found: Walk) -> int:
    values = found.elements.get("00280008", {}).get("Value") or [1]
    frames = values[0] if isinstance(values[0], int) else 1
    return 0 if found.pixel_offset is None else min(max(frames, 1), 1_000_000)


def _flags(found: Walk) -> tuple[str, ...]:
    """What is wrong in the header, for the row: a pixel spacing that cannot be, wrong letters, broken elements."""
    spacings = [
        spacing
        for tag in ("00280030", "00181164")  # Pixel Spacing, Imager Pixel Spacing
        for spacing in found.elements.get(tag, {}).get("Value", ())
    ]
    wrong = {
        "spacing": any(not isinstance(s, float) or s <= 0 for s in spacings),
        "charset": found.charset,
        "broken": found.broken > 0,
    }
    return tuple(name for name, holds in wrong.items() if holds)
