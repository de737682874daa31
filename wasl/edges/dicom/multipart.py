"""Bodies of many parts (`multipart/related`, RFC 2387 in the profile of PS3.18, 8.6.1), read and written as streams."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

MOST_HEAD = 16 << 10  # bytes of a part's header fields
MOST_BOUNDARY = 200  # RFC 2046 allows 70, but Orthanc's have 73
PIECE = 1 << 20


class Malformed(ValueError):
    """The body is not the multipart message that its header announces."""


@dataclass(frozen=True)
class Part:
    """A part: its header fields (names in small letters) and its content, to be read before the next part is."""

    head: Mapping[str, str]
    content: Iterator[bytes]


class Reader:
    """Reads the parts of a body that arrives in pieces; at no time more than a piece is in memory."""

    def __init__(self, pieces: Iterable[bytes], boundary: str) -> None:
        if not boundary or len(boundary) > MOST_BOUNDARY or not boundary.isascii():
            raise Malformed("The boundary is missing, too long, or not ASCII.")
        self._pieces = iter(pieces)
        self._mark = b"\r\n--" + boundary.encode()
        # so that the first boundary looks like the others; what is taken from its front moves nothing behind it
        self._held = bytearray(b"\r\n")
        self._ended = False

    def parts(self) -> Iterator[Part]:
        """The parts, in order. Raises Malformed."""
        for _ in self._until_mark():  # the preamble means nothing
            pass
        while not self._last():
            head = self._head()
            if head.get("content-transfer-encoding", "binary").lower() not in ("binary", "8bit", "7bit"):
                raise Malformed("The parts must be binary.")
            content = self._until_mark()
            yield Part(head, content)
            for _ in content:  # what the reader left
                pass

    def _fill(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            raise Malformed("The body ends before its last boundary.")
        self._held += piece

    def _until_mark(self) -> Iterator[bytes]:
        """The bytes up to the next boundary, which is consumed."""
        while True:
            at = self._held.find(self._mark)
            if at >= 0:
                found = self._take(at)
                del self._held[: len(self._mark)]
                if found:
                    yield found
                return
            safe = len(self._held) - len(self._mark) + 1  # a boundary may have begun in what is held back
            if safe > 0:
                yield self._take(safe)
            self._fill()

    def _last(self) -> bool:
        """Whether the boundary just read was the last; consumes the rest of its line."""
        while len(self._held) < 2:
            self._fill()
        if self._held.startswith(b"--"):
            return True
        self._line()
        return False

    def _line(self) -> bytes:
        while (at := self._held.find(b"\r\n")) < 0:
            if len(self._held) > MOST_HEAD:
                raise Malformed("The header of a part is too long.")
            self._fill()
        line = self._take(at)
        del self._held[:2]
        return line

    def _take(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken

    def _head(self) -> dict[str, str]:
        head: dict[str, str] = {}
        size = 0
        while line := self._line():
            size += len(line)
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon or size > MOST_HEAD:
                raise Malformed("The header of a part cannot be read.")
            head[name.strip().lower()] = value.strip()
        return head


class Writer:
    """Writes a body of parts of one media type."""

    def __init__(self, kind: str, **more: str) -> None:
        self._boundary = secrets.token_hex(16)
        extra = "".join(f"; {name}={value}" for name, value in more.items())
        self.media_type = f'multipart/related; type="{kind}"{extra}; boundary={self._boundary}'

    def part(self, kind: str, content: Iterable[bytes], *, location: str = "") -> Iterator[bytes]:
        """A part: its header, then its content."""
        place = f"Content-Location: {location}\r\n" if location else ""
        yield f"--{self._boundary}\r\nContent-Type: {kind}\r\n{place}\r\n".encode()
        yield from content
        yield b"\r\n"

    def end(self) -> bytes:
        """The last boundary."""
        return f"--{self._boundary}--\r\n".encode()
