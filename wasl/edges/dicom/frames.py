"""Where the frames of a Part 10 file lie, so that one frame is a byte range and never the whole file (PS3.5, A.4)."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydicom import dcmread

from wasl.archive.dicom.offsets import BIG_ENDIAN, DEFLATED, IMPLICIT, NATIVE, UNDEFINED, NoFrames, Span, encapsulated
from wasl.archive.queries import opened

# the element that holds the pixels: its keyword, and its representation where it is not OB or OW
PIXEL_TAGS = {
    b"\xe0\x7f\x10\x00": ("PixelData", b""),
    b"\xe0\x7f\x08\x00": ("FloatPixelData", b"OF"),
    b"\xe0\x7f\x09\x00": ("DoubleFloatPixelData", b"OD"),
}


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
    with opened(pixels.path) as file:
        return b"".join(os.pread(file.fileno(), length, offset) for offset, length in spans[number - 1])


def value(pixels: Pixels) -> tuple[int, Callable[[int, int], bytes]]:
    """The length of uncompressed pixel data in bytes, and a reader of them from one offset to another."""
    if pixels.syntax == DEFLATED:
        content = _inflated(pixels.path)
        return len(content), lambda begin, end: content[begin:end]
    with opened(pixels.path) as file:
        head = _head(file.fileno(), pixels)

    def read(begin: int, end: int) -> bytes:
        first = begin - begin % head.unit  # words are turned round whole
        last = min(-(-end // head.unit) * head.unit, head.length)
        with opened(pixels.path) as file:
            found = os.pread(file.fileno(), last - first, head.start + first)
        if head.unit > 1:
            found = np.frombuffer(found, f">u{head.unit}").byteswap().tobytes()
        return found[begin - first : end - first]

    return head.length, read


def stream(pixels: Pixels) -> tuple[int, Callable[[int, int], bytes]]:
    """The length of a video's stream in bytes, and a reader of it from one offset to another. Raises NoPixels."""
    spans = [span for group in _table(replace(pixels, frames=1)) for span in group]  # all its fragments are one
    if not spans:
        raise NoPixels("The video has no stream.")

    def read(begin: int, end: int) -> bytes:
        found, at = [], 0
        with opened(pixels.path) as file:
            for offset, size in spans:
                first, last = max(begin - at, 0), min(end - at, size)
                if first < last:
                    found.append(os.pread(file.fileno(), last - first, offset + first))
                at += size
        return b"".join(found)

    return sum(size for _, size in spans), read


def element(pixels: Pixels) -> bytes:
    """The tag of the element that holds the pixels, in little endian."""
    if pixels.syntax == DEFLATED:
        return next(iter(PIXEL_TAGS))
    with opened(pixels.path) as file:
        return _head(file.fileno(), pixels).tag


@lru_cache(maxsize=2)
def _inflated(path: Path) -> bytes:
    """The pixels of a deflated file: there is no way into the middle of one (the reader bounds how far it grows)."""
    with opened(path) as file:
        return bytes(dcmread(file).get("PixelData", b""))


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
    with opened(pixels.path) as file:
        return _fragments(file.fileno(), pixels)


def _fragments(fd: int, pixels: Pixels) -> list[list[Span]]:
    try:
        head = _head(fd, pixels)
        if head.length != UNDEFINED:
            raise NoPixels("The pixel data are not encapsulated.")
        return encapsulated(lambda length, at: os.pread(fd, length, at), head.start, max(pixels.frames, 1))
    except NoFrames as error:
        raise NoPixels(str(error)) from error
