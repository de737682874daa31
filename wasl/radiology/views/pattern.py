"""The pictures of a display's check, drawn as PNG: every pixel of theirs is meant to be one of the screen."""

import base64
import struct
import zlib

import numpy as np
import numpy.typing as npt

from wasl.radiology.rules.display import Picture

SIDE = 240  # pixels of a picture
PATCH = 48  # of what lies in it
STROKE = 6  # of the letter, five strokes high
PITCH = 4  # of the bars: two pixels on, two off
AROUND = 128  # the grey around patches of bars
ROWS = {"up": SIDE // 6, "down": SIDE * 5 // 6}  # of a middle; those named neither lie half way
COLUMNS = {"left": SIDE // 6, "right": SIDE * 5 // 6}
LETTER = np.array([[1, 1, 1, 1, 1], [1, 0, 0, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
TURNS = {"right": 0, "up": 1, "left": 2, "down": 3}  # a quarter each, against the clock
Pixels = npt.NDArray[np.uint8]  # grey, (SIDE, SIDE)


def drawing(picture: Picture) -> Pixels:
    """A picture of the pattern: a square, a letter E that opens to one side, or bars of which some run across."""
    if picture.kind == "bars":
        return _bars(picture)
    pixels = np.full((SIDE, SIDE), picture.ground, np.uint8)
    if picture.kind == "square":
        pixels[_patch(picture.place)] = picture.mark
    else:
        letter = np.kron(np.rot90(LETTER, TURNS[picture.place]), np.ones((STROKE, STROKE), bool))
        begin = (SIDE - len(letter)) // 2
        pixels[begin : begin + len(letter), begin : begin + len(letter)][letter] = picture.mark
    return pixels


def data_address(picture: Picture) -> str:
    """The picture as a `data:` address, so that the page asks for nothing more."""
    return f"data:image/png;base64,{base64.b64encode(_png(drawing(picture))).decode()}"


def _png(pixels: Pixels) -> bytes:
    """Grey pixels as a PNG file (RFC 2083)."""
    rows, columns = pixels.shape
    head = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)  # eight bits of grey, not interlaced
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)  # each begins with how it is filtered: not at all
    chunks = (b"IHDR", head), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _patch(place: str) -> tuple[slice, slice]:
    row, column = ROWS.get(place, SIDE // 2), COLUMNS.get(place, SIDE // 2)
    return slice(row - PATCH // 2, row + PATCH // 2), slice(column - PATCH // 2, column + PATCH // 2)


def _bars(picture: Picture) -> Pixels:
    """Four patches of bars, of which one runs across; the others stand where the mark is the lighter of the two."""
    lines = np.arange(PATCH) % PITCH < PITCH // 2
    standing = np.broadcast_to(np.where(lines, 0, 255).astype(np.uint8), (PATCH, PATCH))
    lying = standing.T
    usual, odd = (standing, lying) if picture.mark > picture.ground else (lying, standing)
    pixels = np.full((SIDE, SIDE), AROUND, np.uint8)
    for place in TURNS:
        pixels[_patch(place)] = odd if place == picture.place else usual
    return pixels
