"""Where the frames of a Part 10 file lie, so that one frame is a byte range and never the whole file (PS3.5, A.4)."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

IMPLICIT = "1.2.840.10008.1.2"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
NATIVE = frozenset({IMPLICIT, "1.2.840.10008.1.2.1", BIG_ENDIAN})

PIXEL_TAGS = (b"\xe0\x7f\x10\x00", b"\xe0\x7f\x08\x00", b"\xe0\x7f\x09\x00")  # pixel data, float, double float
ITEM = b"\xfe\xff\x00\xe0"
UNDEFINED = 0xFFFFFFFF
STARTS = (b"\xff\xd8", b"\xff\x4f")  # JPEG's and JPEG 2000's first marker

Span = tuple[int, int]  # offset and length in bytes


class NoPixels(ValueError):
    """The file has no pixel data where they should be, or not as many frames."""


@dataclass(frozen=True)
class Pixels:
    """The pixel data of a stored instance, as its header describes them."""

    path: Path
    syntax: str
    offset: int  # bytes from the start of the file to the pixel data element
    frames: int
    rows: int
    columns: int
    samples: int
    allocated: int  # bits
    photometric: str

    @property
    def native(self) -> bool:
        """Whether the frames are not compressed."""
        return self.syntax in NATIVE

    @property
    def frame_bits(self) -> int:
        """Bits of one uncompressed frame."""
        samples = 2 if self.photometric == "YBR_FULL_422" else self.samples  # two pixels share their colour
        return self.rows * self.columns * samples * self.allocated


def frame(pixels: Pixels, number: int) -> bytes:
    """One frame as it is stored, counted from 1. Raises NoPixels."""
    if not 1 <= number <= max(pixels.frames, 1):
        raise NoPixels(f"There is no frame {number}.")
    fd = os.open(pixels.path, os.O_RDONLY)
    try:
        if pixels.native:
            return _native(fd, pixels, number)
        spans = _table(pixels)
        if number > len(spans):
            raise NoPixels(f"There is no frame {number}.")
        return b"".join(os.pread(fd, length, offset) for offset, length in spans[number - 1])
    finally:
        os.close(fd)


def value(pixels: Pixels) -> tuple[int, Callable[[int, int], bytes]]:
    """The length of uncompressed pixel data in bytes, and a reader of them from one offset to another."""

    def read(begin: int, end: int) -> bytes:
        with pixels.path.open("rb", buffering=0) as file:
            return os.pread(file.fileno(), end - begin, start + begin)

    with pixels.path.open("rb", buffering=0) as file:
        start, length = _value(file.fileno(), pixels)
    return length, read


def swapped(value: bytes, allocated: int) -> bytes:
    """Big endian pixels as little endian ones."""
    return value if allocated <= 8 else np.frombuffer(value, f">u{allocated // 8}").byteswap().tobytes()


def _native(fd: int, pixels: Pixels, number: int) -> bytes:
    start, length = _value(fd, pixels)
    first, bits = (number - 1) * pixels.frame_bits, pixels.frame_bits
    begin, end = first // 8, -(-(first + bits) // 8)
    if end > length:
        raise NoPixels(f"The pixel data end before frame {number}.")
    value = os.pread(fd, end - begin, start + begin)
    if first % 8 or bits % 8:  # frames of single bits follow one another without a gap (PS3.5, 8.1.1)
        ones = np.unpackbits(np.frombuffer(value, np.uint8), bitorder="little")
        return np.packbits(ones[first % 8 : first % 8 + bits], bitorder="little").tobytes()
    return value


def _value(fd: int, pixels: Pixels) -> Span:
    """Where the value of the pixel data element lies; its length is UNDEFINED when it is encapsulated."""
    head = os.pread(fd, 12, pixels.offset)
    big = pixels.syntax == BIG_ENDIAN
    tag = head[1::-1] + head[3:1:-1] if big else head[:4]
    if len(head) < 12 or tag not in PIXEL_TAGS:
        raise NoPixels("There are no pixel data where the index says.")
    order = "big" if big else "little"
    if pixels.syntax == IMPLICIT:
        return pixels.offset + 8, int.from_bytes(head[4:8], "little")
    return pixels.offset + 12, int.from_bytes(head[8:12], order)  # type: ignore[arg-type]


@lru_cache(maxsize=512)
def _table(pixels: Pixels) -> list[list[Span]]:
    """The fragments of every frame of encapsulated pixel data."""
    fd = os.open(pixels.path, os.O_RDONLY)
    try:
        start, length = _value(fd, pixels)
        if length != UNDEFINED:
            raise NoPixels("The pixel data are not encapsulated.")
        (first, size), *fragments = _items(fd, start)
        offsets = np.frombuffer(os.pread(fd, size, first), "<u4").tolist() if size % 4 == 0 else []
        frames = max(pixels.frames, 1)
        if frames == 1:
            return [fragments]
        if len(fragments) == frames:
            return [[fragment] for fragment in fragments]
        if len(offsets) == frames:  # counted from the first fragment's item tag
            starts = {first + size + offset for offset in offsets}
            return _grouped(fragments, lambda fragment: fragment[0] - 8 in starts)
        return _grouped(fragments, lambda fragment: os.pread(fd, 2, fragment[0]) in STARTS)
    except ValueError as error:
        raise NoPixels("The pixel data have no frames.") from error
    finally:
        os.close(fd)


def _items(fd: int, at: int) -> Iterator[Span]:
    """The items of encapsulated pixel data: the offset table's, then every fragment's."""
    while (head := os.pread(fd, 8, at))[:4] == ITEM:
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
