"""A DICOM file (PS3.10) from an untrusted sender turned into what the archive receives."""

import contextlib
import hashlib
import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from wasl.archive import rules
from wasl.archive.dicom.elements import Malformed, Truncated, Walk, walk
from wasl.archive.dicom.offsets import frame_table
from wasl.archive.services import Incoming, adopt, data_set_start, enter, named_in, put, read_digests
from wasl.archive.services.meta import PREAMBLE

IMPLICIT, EXPLICIT_BIG, DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
# JPIP (PS3.5, A.6): the pixels stay with the sender, so there would be nothing to keep
ELSEWHERE = frozenset({"1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.204",
                       "1.2.840.10008.1.2.4.205"})  # fmt: skip
INFLATED = 512 << 20  # bytes that a deflated data set may grow to
PIECE = 1 << 20
HEAD = 64 << 10  # bytes in which a file says what it holds


@dataclass(frozen=True)
class Part10:
    """A file's parts: where its data set begins, its transfer syntax, and what a walk through it found."""

    start: int
    transfer_syntax: str
    walk: Walk


def incoming(
    file: bytes | Path, *, source: UUID | None = None, place: UUID | None = None, move: bool = False,
    named: tuple[str, str] | None = None, flush: bool = True, digest: bytes | None = None,
) -> Incoming:  # fmt: skip
    """Put a Part 10 file into the pixel store, ready for `receive`; with `move` the file itself becomes the stored one.

    `named` are the SOP class and instance that the sender named beside the data set. Without `flush` a file that is
    moved is not on disk yet: whoever calls flushes it before it is received. `digest` is the
    SHA-256 of the data set, 32 bytes, when it was counted while it came. Raises NotDicom,
    Truncated, TooLarge, BadUid, OtherInstance; then nothing was stored, and the file is as it was.
    """
    if isinstance(file, bytes):
        return _incoming(memoryview(file), None, source, place, named, True, digest)
    if not file.stat().st_size:
        raise rules.NotDicom
    with file.open("rb") as opened, mapped(opened) as view:
        return _incoming(view, file if move else None, source, place, named, flush, digest)


@contextlib.contextmanager
def mapped(file: BinaryIO) -> Iterator[memoryview]:
    """The content of a file, read where it lies. A part of it that an exception still holds goes with that."""
    content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    view = memoryview(content)
    try:
        yield view
    finally:
        view.release()
        with contextlib.suppress(BufferError):
            content.close()


def check_content(one: Incoming, *, sha256: bytes, study: str, series: str, uid: str) -> None:
    """A file is what its site named: this hash of the data set, these UIDs. Raises ContentDiffers, OtherInstance."""
    if one.dataset_sha256 != sha256:
        raise rules.ContentDiffers
    if (study, series, uid) != tuple(
        one.metadata[tag]["Value"][0] for tag in (rules.STUDY, rules.SERIES, rules.INSTANCE)
    ):
        raise rules.OtherInstance


def named_by(path: Path) -> tuple[str, str] | None:
    """The SOP class and instance that a file says it holds, whole or not; None without any. Raises OSError."""
    with path.open("rb") as file:
        return named_in(file.read(HEAD))


def digest_of(path: Path) -> bytes:
    """The SHA-256 of a stored file's data set, read from the disk now. Raises NotDicom, OSError."""
    digests = read_digests(path)
    if digests.data_set is None:
        raise rules.NotDicom
    return digests.data_set


def _incoming(
    data: memoryview, moved: Path | None, source: UUID | None, place: UUID | None, named: tuple[str, str] | None,
    flush: bool, digest: bytes | None,
) -> Incoming:  # fmt: skip
    part = read(data)
    rules.check_uids(part.walk.elements)
    rules.check_named(part.walk.elements, named)
    digest = digest or hashlib.sha256(data[part.start :]).digest()
    take = adopt if flush else enter
    if moved and any(data[:PREAMBLE]):
        _empty_preamble(moved)
    stored = take(moved) if moved else put(_clean(data))
    syntax, frames = part.transfer_syntax, _frames(part.walk)
    pixels = None if syntax == DEFLATED else part.walk.pixel_offset
    table = frame_table(
        lambda length, at: bytes(data[at : at + length]), stored.path, syntax=syntax, offset=pixels, frames=frames,
        elements=part.walk.elements,
    )  # fmt: skip
    return Incoming(
        stored=stored, metadata=part.walk.elements, transfer_syntax=syntax, dataset_sha256=digest, pixel_offset=pixels,
        frames=frames, source=source, place=place, flags=_flags(part.walk), frame_table=table or b"",
    )  # fmt: skip


def read(data: memoryview) -> Part10:
    """The parts of a Part 10 file. Raises NotDicom, Truncated, TooLarge."""
    if bytes(data[PREAMBLE : PREAMBLE + 4]) != b"DICM":
        raise rules.NotDicom
    try:
        start, syntax = data_set_start(data)
        if syntax in ELSEWHERE:
            raise rules.PixelsElsewhere
        body, offset = data, start
        if syntax == DEFLATED:
            body, offset = memoryview(inflate(data[start:])), 0
        found = walk(body, offset, explicit=syntax != IMPLICIT, little=syntax != EXPLICIT_BIG)
    except Truncated as error:
        raise rules.Truncated from error
    except (Malformed, struct.error, zlib.error) as error:
        raise rules.NotDicom from error
    return Part10(start, syntax, found)


def inflate(deflated: memoryview) -> bytes:
    """A deflated data set as it was before (PS3.5, A.5), when it does not grow beyond measure."""
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


def _empty_preamble(file: Path) -> None:
    """Where the file itself becomes the stored one, its preamble is made empty in its place."""
    with file.open("r+b") as opened:
        opened.write(b"\0" * PREAMBLE)


def _frames(found: Walk) -> int:
    values = found.elements.get("00280008", {}).get("Value") or [1]
    frames = values[0] if isinstance(values[0], int) else 1
    return 0 if found.pixel_offset is None else min(max(frames, 1), 1_000_000)


def _flags(found: Walk) -> tuple[str, ...]:
    """What is wrong in the header, for the row: a pixel spacing that cannot be, wrong letters, broken elements."""
    wrong = {
        "spacing": found.spacing,
        "charset": found.charset,
        "broken": found.broken > 0,
    }
    return tuple(name for name, holds in wrong.items() if holds)
