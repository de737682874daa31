"""Data sets on the wire, cut into fragments and PDUs in every way that PS3.8 allows, and in some that it does not."""

import contextlib
import random
import socket
import struct
import threading
from collections.abc import Iterator, Sequence

import pytest

from wasl.edges.dicom.wire import ROOM, Ended, Malformed, Reader, Request, opening, request, response

CONTEXT = 5
ABORT = bytes([7, 0, 0, 0, 0, 4, 0, 0, 0, 0])


def pdu(*fragments: bytes) -> bytes:
    body = b"".join(fragments)
    return struct.pack(">BBI", 4, 0, len(body)) + body


def fragment(data: bytes, control: int, context: int = CONTEXT) -> bytes:
    return struct.pack(">IBB", len(data) + 2, context, control) + data


def command(**values: bytes) -> bytes:
    """A C-STORE request, some of its elements replaced."""
    elements = {
        "0002": b"1.2.840.10008.5.1.4.1.1.2\0", "0100": b"\1\0", "0110": b"\7\0", "0700": b"\0\0", "0800": b"\1\0",
        "1000": b"1.2.3\0",
    } | {name.lstrip("_"): value for name, value in values.items()}  # fmt: skip
    return b"".join(
        struct.pack("<HHI", 0, int(name, 16), len(value)) + value for name, value in sorted(elements.items())
    )


class Gone(Exception):
    """The reader was told to end."""


def read(said: Sequence[bytes], alive: bool = True) -> tuple[bytes, bytes]:
    """What a reader takes for the data set, and what it left in the connection."""
    here, there = socket.socketpair()

    def watch(heard: bool) -> None:
        if not alive:
            raise Gone

    def say() -> None:
        with contextlib.suppress(OSError):  # whoever was refused is no longer listened to
            for part in said:
                there.sendall(part)
            there.shutdown(socket.SHUT_WR)

    talker = threading.Thread(target=say)
    talker.start()
    try:
        with here, there:
            here.settimeout(5)
            data = b"".join(bytes(piece) for piece in Reader(here, watch).data_set(CONTEXT))
            left = b""
            while more := here.recv(1 << 16):
                left += more
            return data, left
    finally:
        talker.join()


def cut(data: bytes, chance: random.Random, largest: int) -> Iterator[bytes]:
    """A data set as PDUs of one or several fragments, some of them empty."""
    at, fragments = 0, []
    while at < len(data):
        size = chance.choice([0, 1, 5, 13, largest, chance.randrange(largest)])
        piece, at = data[at : at + size], at + size
        fragments.append(fragment(piece, 2 if at >= len(data) else 0))
        if at >= len(data) or chance.random() < 0.5:
            yield pdu(*fragments)
            fragments = []


@pytest.mark.parametrize("seed", range(40))
def test_however_it_is_cut_it_is_the_same_and_what_follows_is_left(seed: int) -> None:
    chance = random.Random(seed)
    data = chance.randbytes(chance.choice([1, 100, 5_000, ROOM, ROOM + 1, 2 * ROOM + 77]))
    wire = b"".join(cut(data, chance, chance.choice([100, 16_000, 130_000, ROOM + 9]) if len(data) > 5_000 else 40))
    step = chance.choice([7, 1000, len(wire)]) if len(wire) < 20_000 else chance.choice([10_007, len(wire)])
    following = b"what comes next"
    assert read([*(wire[at : at + step] for at in range(0, len(wire), step)), following]) == (data, following)


@pytest.mark.parametrize(
    "wire",
    [
        pdu(fragment(b"other", 2, context=7)),
        pdu(fragment(b"a command", 3)),
        pdu(fragment(b"more follows", 2), b"left over"),
        pdu(struct.pack(">IBB", 1, CONTEXT, 0)),
        pdu(struct.pack(">IBB", 1 << 31, CONTEXT, 0) + b"too long"),
        bytes([9, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0]),
        bytes([7, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ],
)
def test_what_the_protocol_does_not_have_here_is_refused(wire: bytes) -> None:
    with pytest.raises(Malformed):
        read([wire])


@pytest.mark.parametrize("before", [b"", pdu(fragment(b"begun", 0)), pdu(fragment(b"", 0))])
def test_an_abort_is_passed_on_whole(before: bytes) -> None:
    with pytest.raises(Ended) as end:
        read([before + ABORT])
    assert end.value.pdu == ABORT


def test_a_connection_that_ends_or_is_given_up_is_no_data_set() -> None:
    with pytest.raises(ConnectionResetError):
        read([pdu(fragment(b"begun", 0))[:-2]])
    with pytest.raises(Gone):
        read([pdu(fragment(b"all", 2))], alive=False)


def test_a_request_is_found_when_it_is_alone_in_its_pdu() -> None:
    wire = pdu(fragment(command(), 3))
    found = Request(CONTEXT, 7, "1.2.840.10008.5.1.4.1.1.2", "1.2.3", len(wire))
    assert request(wire) == request(wire + b"data that follow") == found


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        pdu(fragment(command(), 3))[:-1],
        pdu(fragment(command(), 1)),
        pdu(fragment(command(), 3), fragment(b"data", 2)),
        pdu(fragment(command(_0100=b"\x30\0"), 3)),
        pdu(fragment(command(_0100=b"\1"), 3)),
        pdu(fragment(command(_0800=b"\1\1"), 3)),
        pdu(fragment(command(_1000=b""), 3)),
        pdu(fragment(command(_1000=b"1" * 66), 3)),
        pdu(fragment(command(_1000="é".encode()), 3)),
        pdu(fragment(command()[:-3], 3)),
        pdu(fragment(b"", 3)),
    ],
)
def test_all_else_is_left_to_the_long_way(wire: bytes) -> None:
    assert request(wire) is None


def test_an_answer_says_what_was_asked_and_what_became_of_it() -> None:
    asked = Request(CONTEXT, 7, "1.2.840.10008.5.1.4.1.1.2", "1.2.3", 0)
    said = response(asked, 0xA700, "no room")
    assert struct.unpack_from(">BxIIBB", said) == (4, len(said) - 6, len(said) - 10, CONTEXT, 3)
    assert b"\0\0\0\x09\2\0\0\0\0\xa7" in said
    assert b"\0\0\2\x09\x08\0\0\0no room " in said
    assert struct.unpack_from("<I", said, 20)[0] == len(said) - 24
    assert len(opening(asked, "1.2.840.10008.1.2")) % 2 == 0
