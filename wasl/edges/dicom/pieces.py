"""How images cross a thin line: in pieces, each checked and packed for itself (docs/reference/transfer.md).

A piece is a head of 72 bytes and its packed data. The head, big endian: the mark `WSL1`; how the data is packed (0 as
it is, 1 zlib); three zero bytes; the packed and the unpacked number of bytes; the place in the file where the data
begins; the SHA-256 of the image's data set, which names the file; BLAKE2b (16 bytes) of the packed data, keyed with
what stands before it.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MARK = b"WSL1"
HEAD = struct.Struct("!4sB3xIIQ32s")
CHECK = 16
PLAIN, ZLIB = 0, 1
LARGEST = 1 << 20  # bytes of a piece, unpacked
WORTH = 0.9  # packed to this part of its size or less, data is sent packed


class Cut(ConnectionError):
    """The line was cut in the middle of a piece."""


class TooMuch(ValueError):
    """More was sent at once than is taken at once."""


@dataclass(frozen=True)
class Piece:
    """A part of a file: the hash that names the file, where in it the data begins, and the data."""

    digest: bytes
    at: int
    data: bytes


def pack(piece: Piece, *, level: int) -> bytes:
    """A piece as it goes over the line; with a level from 1 to 9 it is packed where that helps."""
    packed = zlib.compress(piece.data, level) if level else piece.data
    how = ZLIB if level and len(packed) <= WORTH * len(piece.data) else PLAIN
    data = packed if how == ZLIB else piece.data
    head = HEAD.pack(MARK, how, len(data), len(piece.data), piece.at, piece.digest)
    return head + _check(head, data) + data


def unpack(chunks: Iterable[bytes], *, most: int) -> Iterator[Piece | None]:
    """The pieces of a stream; None stands for one that came damaged. Raises Cut, and TooMuch beyond `most` bytes.

    Where even the head makes no sense, the rest of the stream is thrown away: nobody knows where a piece begins.
    """
    stream = _Stream(chunks, most)
    while head := stream.take(HEAD.size + CHECK):
        mark, how, packed, size, at, digest = HEAD.unpack(head[: HEAD.size])
        if mark != MARK or how not in (PLAIN, ZLIB) or not 0 < packed <= LARGEST + 1024 or not 0 < size <= LARGEST:
            stream.drain()
            yield None
            return
        payload = stream.take(packed)
        data = payload if how == PLAIN else _unpacked(payload, size)
        sound = _check(head[: HEAD.size], payload) == head[HEAD.size :]
        yield Piece(digest, at, data) if sound and len(data) == size else None


class _Stream:
    """A body that comes in chunks of any size."""

    def __init__(self, chunks: Iterable[bytes], most: int) -> None:
        self._chunks, self._left = iter(chunks), most
        self._waiting = bytearray()

    def take(self, size: int) -> bytes:
        """So many bytes, or none at the end."""
        while len(self._waiting) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                if self._waiting:
                    raise Cut
                return b""
            self._left -= len(chunk)
            if self._left < 0:
                raise TooMuch
            self._waiting += chunk
        taken = bytes(self._waiting[:size])
        del self._waiting[:size]
        return taken

    def drain(self) -> None:
        """Take the rest for nothing."""
        self._waiting.clear()
        for chunk in self._chunks:
            self._left -= len(chunk)
            if self._left < 0:
                raise TooMuch


def _unpacked(payload: bytes, size: int) -> bytes:
    """What was packed, never more than one byte beyond what was said; empty when it is no zlib at all."""
    try:
        return zlib.decompressobj().decompress(payload, size + 1)
    except zlib.error:
        return b""


def _check(head: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=CHECK, key=head).digest()
