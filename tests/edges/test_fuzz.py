"""Streams of strangers, cut and spoiled in every way: read as they were meant, or refused by the parser's own word."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from tests.edges.scenes import PATIENCE
from tests.edges.test_dimse_wire import ABORT, CONTEXT, command, fragment, pdu, read
from tests.fuzz import damaged, fed
from wasl.archive.services.meta import data_set_start
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.dicom import wire
from wasl.edges.dicom.multipart import MOST_HEAD, Malformed, Reader
from wasl.edges.dicom.pieces import LARGEST, Cut, Piece, TooMuch, pack, unpack
from wasl.edges.dicom.wire import Ended, Request, opening, request, response

DATA = make.part10(make.image(1, StudyInstanceUID="1.2.3", SOPInstanceUID="1.2.3.1"))
sizes = st.lists(st.integers(0, 400) | st.just(1) | st.just(0), min_size=1, max_size=12)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader's buffer so small that small data sets go beyond it."""
    monkeypatch.setattr(wire, "ROOM", 128)


def cut(content: bytes, sizes: list[int]) -> list[bytes]:
    """Content in pieces of these sizes, over and over; a size of nothing is a piece of nothing."""
    pieces, at, turn = list[bytes](), 0, 0
    while at < len(content):
        size = sizes[turn % len(sizes)] if any(sizes) else len(content)
        pieces.append(content[at : at + size])
        at, turn = at + size, turn + 1
    return pieces


def on_the_wire(fragments: list[bytes], together: list[int]) -> bytes:
    """Fragments of a data set as PDUs of so many each."""
    said, turn = list[bytes](), 0
    framed = [fragment(piece, 2 * (number == len(fragments))) for number, piece in enumerate(fragments, 1)]
    while framed:
        count = max(together[turn % len(together)] % 4, 1)
        said.append(pdu(*framed[:count]))
        framed, turn = framed[count:], turn + 1
    return b"".join(said)


@pytest.mark.usefixtures("narrow")
@fed(60)
@given(st.binary(min_size=1, max_size=2000), sizes, sizes, sizes)
def test_a_data_set_is_the_same_however_it_is_cut(
    data: bytes, fragments: list[int], together: list[int], chunks: list[int]
) -> None:
    said = on_the_wire(cut(data, fragments), together)
    assert read([*cut(said, [size + 20 for size in chunks]), b"what follows"]) == (data, b"what follows")


@pytest.mark.usefixtures("narrow")
@fed(80)
@given(damaged(on_the_wire(cut(DATA, [150, 0, 1, 333]), [1, 3])) | st.binary(max_size=80))
def test_a_spoiled_stream_is_a_data_set_or_none_and_nothing_behind_it_is_read(said: bytes) -> None:
    with contextlib.suppress(wire.Malformed, Ended, ConnectionResetError):
        data, left = read([said])
        assert len(data) + len(left) <= len(said)
        assert said.endswith(left)


@fed(100)
@given(damaged(pdu(fragment(command(), 3)) + b"data that follow") | st.binary(max_size=80) | damaged(ABORT))
def test_a_spoiled_request_is_one_that_can_be_answered_or_none(said: bytes) -> None:
    found = request(said)
    if found is not None:
        assert found.length <= len(said)
        assert request(said[: found.length]) == found
        assert response(found, 0xC000, "what is wrong")[12:]
        assert data_set_start(opening(found, "1.2.840.10008.1.2.1")) == (
            len(opening(found, "1.2.840.10008.1.2.1")),
            "1.2.840.10008.1.2.1",
        )


def test_a_request_that_is_whole_is_found_by_the_same_eyes() -> None:
    said = pdu(fragment(command(), 3))
    assert request(said) == Request(CONTEXT, 7, "1.2.840.10008.5.1.4.1.1.2", "1.2.3", len(said))


names = st.text("abcdefghijklmnopqrstuvwxyz0123456789'()+_,-./:=?", min_size=1, max_size=70)
values = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f\x85\xa0"), max_size=40)
contents = st.lists(st.binary(max_size=300) | st.just(b"\r\n--almost\r\n--"), max_size=5)


@fed(100)
@given(
    names,
    contents,
    st.dictionaries(st.text("abcxyz-", min_size=1, max_size=9), values, max_size=3),
    sizes,
    st.binary(max_size=30),
)
def test_parts_are_what_was_written_whatever_the_boundary_and_the_pieces(
    boundary: str, written: list[bytes], fields: dict[str, str], chunks: list[int], before: bytes
) -> None:
    mark = f"--{boundary}".encode()
    if any(mark in content for content in (*written, before)):
        return
    head = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in fields.items())
    body = b"".join(b"\r\n" + mark + b"\r\n" + head + b"\r\n" + content for content in written)
    pieces = cut(before + body + b"\r\n" + mark + b"--behind", chunks)
    found = [(dict(part.head), b"".join(part.content)) for part in Reader(pieces, boundary).parts()]
    assert found == [(fields, content) for content in written]


@fed(80)
@given(
    damaged(b"--edge\r\nContent-Type: application/dicom\r\n\r\nfirst\r\n--edge\r\nX: y\r\n\r\n\r\n--edge--"),
    st.text(max_size=80),
    sizes,
)
def test_a_spoiled_body_is_read_or_malformed(body: bytes, boundary: str, chunks: list[int]) -> None:
    for mark in ("edge", boundary):
        with contextlib.suppress(Malformed):
            for part in Reader(cut(body, chunks), mark).parts():
                assert sum(len(piece) for piece in part.content) <= len(body)


def test_a_body_of_many_empty_parts_is_read_in_one_go() -> None:
    """What is held is not moved about for each of them: that would take longer than anybody waits."""
    script = (
        "from wasl.edges.dicom.multipart import Reader\n"
        "body = b'--x\\r\\n\\r\\n\\r\\n' * 100_000 + b'--x\\r\\n\\r\\n' + bytes(16 << 20) + b'\\r\\n--x--'\n"
        "print(sum(1 for part in Reader([body], 'x').parts()))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, timeout=PATIENCE)
    assert done.stdout == b"100001\n", done.stderr


def test_a_header_without_end_is_not_gathered() -> None:
    taken = 0

    def pieces() -> Iterator[bytes]:
        nonlocal taken
        yield b"--edge\r\n"
        while True:
            taken += 100
            yield b"x" * 100

    with pytest.raises(Malformed):
        next(Reader(pieces(), "edge").parts())
    assert taken <= MOST_HEAD + 200


@fed(80)
@given(
    damaged(b"".join(pack(Piece(b"d" * 32, at, bytes(at + 9)), level=at) for at in range(3))) | st.binary(max_size=200),
    sizes,
)
def test_spoiled_pieces_are_whole_damaged_or_cut(said: bytes, chunks: list[int]) -> None:
    with contextlib.suppress(Cut, TooMuch):
        for piece in unpack(cut(said, chunks), most=1000):
            assert piece is None or len(piece.data) <= LARGEST
