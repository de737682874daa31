"""C-STORE as bytes: its request, its response, and the data set between them (PS3.7, 9.3.1; PS3.8, 9.3.5)."""

import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pynetdicom import PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION

DATA, RELEASE, RELEASED, ABORT = 4, 5, 6, 7  # PDU types (PS3.8, 9.3.1)
COMMAND, LAST = 1, 2  # of a PDV's message control header (PS3.8, E.2)
HEAD, BOTH = 6, 12  # bytes of a PDU's head or a PDV's, and of the two
ROOM = 1 << 19  # bytes of a data set that are gathered before they are handed on
STORE_REQUEST, STORE_RESPONSE, NO_DATA = 0x0001, 0x8001, 0x0101


class Malformed(ValueError):
    """The bytes are not what the protocol has here."""


class Ended(Exception):
    """Instead of more data a PDU came that ends the association."""

    def __init__(self, pdu: bytes) -> None:
        super().__init__()
        self.pdu = pdu


@dataclass(frozen=True)
class Request:
    """A C-STORE request, and how many bytes its PDU has."""

    context: int
    message: int
    sop_class: str
    instance: str
    length: int


def request(seen: bytes) -> Request | None:
    """The C-STORE request that the bytes begin with, when one PDU holds all of it and nothing else."""
    try:
        kind, _, length, size, context, control = struct.unpack_from(">BBIIBB", seen)
        end = HEAD + length
        if kind != DATA or end > len(seen) or size != length - 4 or control & (COMMAND | LAST) != COMMAND | LAST:
            return None
        at, values = BOTH, {}
        while at < end:
            tag, size = struct.unpack_from("<4sI", seen, at)
            values[tag] = seen[at + 8 : at + 8 + size]
            at += 8 + size
        return _request(context, values, end) if at == end else None
    except (KeyError, struct.error, UnicodeDecodeError):
        return None


def _request(context: int, values: dict[bytes, bytes], length: int) -> Request | None:
    field, message, kind = (_number(values[_tag(number)]) for number in (0x0100, 0x0110, 0x0800))
    sop_class, instance = (values[_tag(number)].decode("ascii").rstrip("\0 ") for number in (0x0002, 0x1000))
    if field != STORE_REQUEST or kind == NO_DATA or not (0 < len(sop_class) <= 64 and 0 < len(instance) <= 64):
        return None
    return Request(context, message, sop_class, instance, length)


def response(to: Request, status: int, comment: str = "") -> bytes:
    """The PDU that answers a C-STORE request (PS3.7, 9.3.1.2)."""
    elements = [
        (0x0002, _even(to.sop_class, b"\0")),
        (0x0100, struct.pack("<H", STORE_RESPONSE)),
        (0x0120, struct.pack("<H", to.message)),
        (0x0800, struct.pack("<H", NO_DATA)),
        (0x0900, struct.pack("<H", status)),
        *([(0x0902, _even(comment, b" "))] if comment else []),
        (0x1000, _even(to.instance, b"\0")),
    ]
    body = b"".join(_tag(number) + struct.pack("<I", len(value)) + value for number, value in elements)
    command = _tag(0) + struct.pack("<II", 4, len(body)) + body
    value = struct.pack(">IBB", len(command) + 2, to.context, COMMAND | LAST) + command
    return struct.pack(">BBI", DATA, 0, len(value)) + value


def opening(of: Request, syntax: str) -> bytes:
    """What stands before a data set in a file: the preamble and the file meta information (PS3.10, 7.1)."""
    elements = b"\2\0\1\0OB\0\0" + struct.pack("<I", 2) + b"\0\1"
    for number, vr, value in (
        (0x0002, b"UI", _even(of.sop_class, b"\0")),
        (0x0003, b"UI", _even(of.instance, b"\0")),
        (0x0010, b"UI", _even(syntax, b"\0")),
        (0x0012, b"UI", _even(PYNETDICOM_IMPLEMENTATION_UID, b"\0")),
        (0x0013, b"SH", _even(PYNETDICOM_IMPLEMENTATION_VERSION, b" ")),
    ):
        elements += struct.pack("<HH2sH", 2, number, vr, len(value)) + value
    return bytes(128) + b"DICM" + struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(elements)) + elements


def _tag(number: int) -> bytes:
    return struct.pack("<HH", 0, number)


def _number(value: bytes) -> int:
    return int(struct.unpack("<H", value)[0])


def _even(text: str, pad: bytes) -> bytes:
    raw = text.encode("ascii", "replace")
    return raw + pad * (len(raw) % 2)


class Reader:
    """Reads data sets from a connection, never a byte beyond their end.

    `alive` is told whenever something came, or nothing for a while; it raises when that is enough.
    """

    def __init__(self, link: socket.socket, alive: Callable[[bool], None]) -> None:
        self._link, self._alive = link, alive
        # a fragment is read with the heads behind it, which the next fragment then covers
        self._buffer = memoryview(bytearray(ROOM + BOTH))

    def data_set(self, context: int) -> Iterator[memoryview]:
        """The data set in pieces, each to be used before the next is asked for. Raises Malformed, Ended, OSError."""
        at, left, ahead, last = 0, 0, b"", 0
        while not last:
            head = self._at_least(ahead, HEAD)
            if not left:
                left = self._pdu(head)
                head = self._at_least(head, BOTH)[HEAD:]
            size, named, control = struct.unpack(">IBB", head)
            if named != context or control & COMMAND or not 2 <= size <= left - 4:
                raise Malformed
            left, size, last, ahead = left - size - 4, size - 2, control & LAST, b""
            while size:
                if at == ROOM:
                    yield self._buffer[:at]
                    at = 0
                part = min(size, ROOM - at)
                beyond = 0 if last or part < size else HEAD if left else BOTH
                got = self._fill(self._buffer[at : at + part + beyond], part)
                ahead = bytes(self._buffer[at + part : at + got])
                at, size = at + part, size - part
        if left:
            raise Malformed
        yield self._buffer[:at]

    def skip(self, length: int) -> None:
        """Take bytes that were seen already."""
        self._at_least(b"", length)

    def _pdu(self, head: bytes) -> int:
        """How long the PDU is that begins with this head; one that ends the association is raised."""
        kind, length = struct.unpack_from(">BxI", head)
        if kind in (RELEASE, RELEASED, ABORT) and length == 4:
            raise Ended(self._at_least(head, HEAD + 4)[: HEAD + 4])
        if kind != DATA:
            raise Malformed
        return int(length)

    def _at_least(self, have: bytes, length: int) -> bytes:
        """So many bytes, some of them read before."""
        missing = max(length - len(have), 0)
        more = bytearray(missing)
        self._fill(memoryview(more), missing)
        return have + bytes(more)

    def _fill(self, view: memoryview, least: int) -> int:
        """Read into a view until it holds so many bytes; how many it holds."""
        got = 0
        while got < least:
            try:
                more = self._link.recv_into(view[got:])
            except TimeoutError:
                self._alive(False)
                continue
            if not more:
                raise ConnectionResetError
            got += more
            self._alive(True)
        return got
