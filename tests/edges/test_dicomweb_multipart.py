"""Bodies of many parts: read whatever the pieces they arrive in, refused when they are not what they say."""

from collections.abc import Iterator

import pytest

from wasl.edges.dicom.multipart import MOST_BOUNDARY, MOST_HEAD, Malformed, Reader, Writer

CONTENTS = [b"one", b"", b"\r\n--almost\r\n--edg", b"x" * 5000, b"--edge-not-at-a-line's-start"]


def written(contents: list[bytes]) -> tuple[bytes, str]:
    writer = Writer("application/dicom")
    parts = b"".join(piece for content in contents for piece in writer.part("application/dicom", [content]))
    return parts + writer.end(), writer.media_type.rpartition("boundary=")[2]


def read(pieces: Iterator[bytes], boundary: str) -> list[bytes]:
    return [b"".join(part.content) for part in Reader(pieces, boundary).parts()]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1 << 20])
def test_parts_are_read_whatever_the_pieces(size: int) -> None:
    body, boundary = written(CONTENTS)
    assert read((body[at : at + size] for at in range(0, len(body), size)), boundary) == CONTENTS


def test_what_stands_before_and_behind_is_left_out() -> None:
    body = b"a preamble\r\n--edge  \r\nContent-Type: application/dicom\r\n\r\nfirst\r\n--edge--\r\nan epilogue"
    assert read(iter([body]), "edge") == [b"first"]


def test_a_boundary_longer_than_the_standard_allows_is_taken_as_orthanc_writes_it() -> None:
    edge = "-".join(["9efffe04-daee-40d4-9166-5efb3ab723f3"] * 2)
    assert len(edge) == 73
    body = f"--{edge}\r\nContent-Type: application/dicom\r\nContent-Length: 5\r\n\r\nfirst\r\n--{edge}--".encode()
    assert read((body[at : at + 50] for at in range(0, len(body), 50)), edge) == [b"first"]


def test_fields_of_a_part_are_read() -> None:
    body = b"--edge\r\nContent-TYPE: application/dicom; transfer-syntax=1.2\r\nX-Other:  y \r\n\r\n\r\n--edge--"
    (part,) = list(Reader([body], "edge").parts())
    assert part.head == {"content-type": "application/dicom; transfer-syntax=1.2", "x-other": "y"}


def test_a_content_left_unread_is_passed_over() -> None:
    body, boundary = written([b"a" * 4000, b"second"])
    heads = [part.head["content-type"] for part in Reader([body[:100], body[100:]], boundary).parts()]
    assert heads == ["application/dicom", "application/dicom"]


@pytest.mark.parametrize(
    ("body", "boundary"),
    [
        (b"", "edge"),
        (b"no boundary at all", "edge"),
        (b"--edge\r\nContent-Type: a/b\r\n\r\nthe end is missing", "edge"),
        (b"--edge\r\nContent-Type: a/b\r\n\r\nthe end is missing\r\n--edge", "edge"),
        (b"--edge\r\nno colon\r\n\r\nx\r\n--edge--", "edge"),
        (b"--edge\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--edge--", "edge"),
        (b"--edge\r\nA: " + b"x" * 2 * MOST_HEAD, "edge"),
        (b"--edge\r\n" + b"A: x\r\n" * MOST_HEAD, "edge"),
        (b"--edge--", ""),
        (b"--edge--", "e" * (MOST_BOUNDARY + 1)),
    ],
)
def test_a_wrong_body_is_refused(body: bytes, boundary: str) -> None:
    with pytest.raises(Malformed):
        read((body[at : at + 1000] for at in range(0, len(body), 1000)), boundary)


def test_a_long_content_is_never_held_whole() -> None:
    held = 0

    def pieces() -> Iterator[bytes]:
        nonlocal held
        yield b"--edge\r\nContent-Type: application/dicom\r\n\r\n"
        for _ in range(500):
            held += 1 << 16
            assert held <= 1 << 18, "the reader ran ahead of who reads"
            yield bytes(1 << 16)
        yield b"\r\n--edge--"

    part = next(Reader(pieces(), "edge").parts())
    total = 0
    for piece in part.content:
        total += len(piece)
        held -= len(piece)
    assert total == 500 << 16
