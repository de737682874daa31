"""Where the frames of a Part 10 file lie, so that one frame is a byte range and never the whole file (PS3.5, A.4)."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydicom import dcmread

IMPLICIT = "1.2.840.10008.1.2"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
NATIVE = frozenset({IMPLICIT, "1.2.840.10008.1.2.1", BIG_ENDIAN, DEFLATED})

# the element that holds the pixels: its keyword, and its representation where it is not OB or OW
PIXEL_TAGS = {
    b"\xe0\x7f\x10\x00": ("PixelData", b""),
    b"\xe0\x7f\x08\x00": ("FloatPixelData", b"OF"),
    b"\xe0\x7f\x09\x00": ("DoubleFloatPixelData", b"OD"),
}
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
    """One frame as it is stored, counted from 1; big endian pixels as little endian ones. Raises NoPixels."""
    if not 1 <= number <= max(pixels.frames, 1):
        raise NoPixels(f"There is no frame {number}.")
    if pixels.native:
        return _native(pixels, number)
    spans = _table(pixels)
    if number > len(spans):
        raise NoPixels(f"There is no frame {number}.")
    with pixels.path.open("rb", buffering=0) as file:
        return b"".join(os.pread(file.fileno(), length, offset) for offset, length in spans[number - 1])


def value(pixels: Pixels) -> tuple[int, Callable[[int, int], bytes]]:
    """The length of uncompressed pixel data in bytes, and a reader of them from one offset to another."""
    if pixels.syntax == DEFLATED:
        content = _inflated(pixels.path)
        return len(content), lambda begin, end: content[begin:end]
    with pixels.path.open("rb", buffering=0) as file:
        head = _head(file.fileno(), pixels)

    def read(begin: int, end: int) -> bytes:
        first = begin - begin % head.unit  # words are turned round whole
        last = min(-(-end // head.unit) * head.unit, head.length)
        with pixels.path.open("rb", buffering=0) as file:
            found = os.pread(file.fileno(), last - first, head.start + first)
        if head.unit > 1:
            found = np.frombuffer(found, f">u{head.unit}").byteswap().tobytes()
        return found[begin - first : end - first]

    return head.length, read


def element(pixels: Pixels) -> bytes:
    """The tag of the element that holds the pixels, in little endian."""
    if pixels.syntax == DEFLATED:
        return next(iter(PIXEL_TAGS))
    with pixels.path.open("rb", buffering=0) as file:
        return _head(file.fileno(), pixels).tag


@lru_cache(maxsize=2)
def _inflated(path: Path) -> bytes:
    """The pixels of a deflated file: there is no way into the middle of one (the reader bounds how far it grows)."""
    return bytes(dcmread(path).get("PixelData", b""))


def _native(pixels: Pixels, number: int) -> bytes:
    length, read = value(pixels)
    first, bits = (number - 1) * pixels.frame_bits, pixels.frame_bits
    begin, end = first // 8, -(-(first + bits) // 8)
    if end > length:
        raise NoPixels(f"The pixel data end before frame {number}.")
    found = read(begin, end)
    if first % 8 or bits % 8:  # frames of single bits follow one another without a gap (PS3.5, 8.1.1)
        ones = np.unpackbits(np.frombuffer(found, np.uint8), bitorder="little")
        return np.packbits(ones[first % 8 : first % 8 + bits], bitorder="little").tobytes()
    return found


@dataclass(frozen=True)
class _Head:
    """Where the value of the pixel data lies: its first byte, its length, how many bytes are turned round as one."""

    tag: bytes
    start: int
    length: int
    unit: int = 1


def _head(fd: int, pixels: Pixels) -> _Head:
    head = os.pread(fd, 12, pixels.offset)
    big = pixels.syntax == BIG_ENDIAN
    tag = head[1::-1] + head[3:1:-1] if big else head[:4]
    if len(head) < 12 or tag not in PIXEL_TAGS:
        raise NoPixels("There are no pixel data where the index says.")
    if pixels.syntax == IMPLICIT:
        return _Head(tag, pixels.offset + 8, int.from_bytes(head[4:8], "little"))
    if not big:
        return _Head(tag, pixels.offset + 12, int.from_bytes(head[8:12], "little"))
    unit = 1 if head[4:6] == b"OB" else max(pixels.allocated // 8, 2)  # PS3.5, 7.3: words, whatever is in them
    return _Head(tag, pixels.offset + 12, int.from_bytes(head[8:12], "big"), unit)


@lru_cache(maxsize=512)
def _table(pixels: Pixels) -> list[list[Span]]:
    """The fragments of every frame of encapsulated pixel data."""
    fd = os.open(pixels.path, os.O_RDONLY)
    try:
        head = _head(fd, pixels)
        if head.length != UNDEFINED:
            raise NoPixels("The pixel data are not encapsulated.")
        (first, size), *fragments = _items(fd, head.start)
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
