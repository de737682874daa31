"""Files that are spoiled in every way: taken or refused in a sentence of ours; what is taken can be worked with."""

import json
import struct
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from tests.edges.dicomweb import image
from tests.fuzz import Draw, damaged, fed
from wasl.archive import rules
from wasl.archive.dicom import elements, incoming, read
from wasl.archive.dicom.correcting import corrected
from wasl.archive.queries import Identity
from wasl.archive.services import arriving
from wasl.archive.services.header import Header
from wasl.edges.body import document
from wasl.kernel.errors import Refused

REAL = (
    "CT_small.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "rtplan.dcm", "ExplVR_BigEnd.dcm", "image_dfl.dcm",
    "SC_rgb_rle_2frame.dcm", "test-SR.dcm", "reportsi.dcm", "emri_small_jpeg_2k_lossless.dcm",
)  # fmt: skip
KINDS = (b"UI", b"LO", b"PN", b"DS", b"IS", b"US", b"FD", b"AT", b"UT", b"OB", b"UN", b"SQ", b"XX", b"zz", b"SV")
TAGS = (
    0x00080005, 0x00080008, 0x00080018, 0x00081140, 0x00100010, 0x00280002, 0x00280008, 0x00280010, 0x00280030,
    0x00280100, 0x00280103, 0x00091001, 0x7FE00001, 0x7FE00010, 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD, 0xFFFCFFFC,
)  # fmt: skip
ITEM, END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
SAID = Identity({0x00100010: "Gharbi^Amel", 0x00100020: "9"}, {0x0020000D: "1.2.9"}, "oued-zen", "20261129")
HEAD = make.part10(make.image(1))
HEAD = HEAD[: HEAD.index(b"\xe0\x7f\x10\x00OW")]
JPEG = make.part10(make.image(1), "1.2.840.10008.1.2.1").replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0", 1)
JPEG = JPEG[: JPEG.index(b"\xe0\x7f\x10\x00OW")]  # the header of an image of runs (RLE), without its pixels


def try_to_take(file: bytes) -> bool:
    """It is taken, what is kept of it any database keeps, and it is given under another name; or it is refused."""
    arrived = arriving() / "arrived.part"
    arrived.write_bytes(file)
    try:
        one = incoming(arrived, move=True)
    except Refused:
        return False
    assert document(json.dumps(one.metadata).encode()) == one.metadata
    assert len(one.frame_table or b"") <= 16 + 16 * max(one.frames, 1)
    head = Header(one.metadata)
    said = [head.name, head.birth_date, head.started_at, head.expected, head.is_demonstration]
    assert isinstance(said[0], str)
    path = Path(settings.STORAGE / one.stored.path)
    given = corrected(path, SAID)
    content = memoryview(given.read(0, given.size))
    assert read(content).walk.elements["00100020"]["Value"] == ["9"]
    path.unlink()
    return True


@pytest.mark.parametrize("name", REAL)
def test_a_spoiled_real_file_is_taken_or_refused(name: str) -> None:

    @fed(10)
    @given(damaged(image(name), 3))
    def ask(file: bytes) -> None:
        try_to_take(file)

    ask()
    assert try_to_take(image(name)) or name == "reportsi.dcm"


@st.composite
def element(draw: Draw, inside: st.SearchStrategy[bytes]) -> bytes:
    """An element of any tag and representation, its length said rightly or not."""
    tag, kind, value = draw(st.sampled_from(TAGS)), draw(st.sampled_from(KINDS)), draw(inside)
    length = draw(st.sampled_from((None, None, None, 0, 1, 0xFFFE, 0xFFFFFFFE, 0xFFFFFFFF)))
    length = len(value) if length is None else length
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + kind
    said = struct.pack("<H", length & 0xFFFF) if kind in elements.SHORT else struct.pack("<HI", 0, length)
    return b"".join((head, said, value))


def items(inside: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Items, each of a length that is said or not, and perhaps the sequence's end."""
    one = st.tuples(inside, st.sampled_from((None, 0xFFFFFFFF, 3))).map(
        lambda said: ITEM + struct.pack("<I", len(said[0]) if said[1] is None else said[1]) + said[0]
    )
    return st.tuples(st.lists(one, max_size=3).map(b"".join), st.sampled_from((b"", END))).map(b"".join)


@fed(60)
@given(st.lists(st.recursive(element(st.binary(max_size=20)), lambda inner: element(items(inner))), max_size=5))
def test_odd_data_sets_are_taken_or_refused(said: list[bytes]) -> None:
    try_to_take(HEAD + b"".join(said))


@fed(50)
@given(
    st.lists(st.binary(max_size=16), max_size=6), st.binary(max_size=12), st.integers(0, 5) | st.just(10**7),
    st.sampled_from((END, b"", ITEM + b"\xff\xff\xff\xff", b"\0" * 8)),
)  # fmt: skip
def test_odd_frames_are_taken_or_refused(fragments: list[bytes], table: bytes, frames: int, end: bytes) -> None:
    said = b"".join(ITEM + struct.pack("<I", len(one)) + one for one in (table, *fragments))
    count = str(frames).encode()
    head = JPEG + b"\x28\0\x08\0IS" + struct.pack("<H", len(count)) + count
    taken = try_to_take(head + b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + said + end)
    assert taken == (end == END)


def test_a_sequence_within_a_sequence_without_end_is_refused() -> None:
    for deep in (elements.MAX_DEPTH * 2, 100_000):
        within = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" + ITEM + b"\xff\xff\xff\xff"
        with pytest.raises(rules.NotDicom):
            incoming(HEAD + within * deep)


def test_more_texts_and_numbers_than_memory_should_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "MAX_VALUES", 50_000)
    incoming(HEAD + b"\x09\0\1\0UT\0\0" + struct.pack("<I", 40_000) + b"a" * 40_000)
    incoming(HEAD + b"\x09\0\1\0OB\0\0" + struct.pack("<I", 60_000) + b"a" * 60_000)  # no text: it is not read
    with pytest.raises(rules.TooLarge):
        incoming(HEAD + (b"\x09\0\1\0UT\0\0" + struct.pack("<I", 30_000) + b"a" * 30_000) * 2)


def test_more_fragments_than_a_table_should_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "MAX_FRAGMENTS", 100)
    pixels = JPEG + b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff"
    incoming(pixels + (ITEM + bytes(4)) * 99 + END)
    with pytest.raises(rules.TooLarge):
        incoming(pixels + (ITEM + bytes(4)) * 100 + END)


def test_a_spoiled_deflated_file_that_lies_on_the_disk_is_refused() -> None:
    """What is left of it in the refusal does not keep its file from being closed."""
    whole = image("image_dfl.dcm")
    for spoiled in (whole[:-400], whole[:-400] + bytes(400), whole[:400] + b"\xff" * 4000):
        (arrived := arriving() / "arrived.part").write_bytes(spoiled)
        with pytest.raises((rules.NotDicom, rules.Truncated)):
            incoming(arrived, move=True)


@pytest.mark.parametrize(
    ("element", "name"),
    [
        (b"\x08\0\5\0PN\4\0name", None), (b"\x08\0\5\0SQ\0\0\x08\0\0\0" + ITEM + bytes(4), None),
        (b"\x10\0\x10\0LO\4\0name", "name"), (b"\x10\0\x10\0US\2\0\7\0", "7"),
        (b"\x10\0\x10\0SQ\0\0\x08\0\0\0" + ITEM + bytes(4), ""),
    ],
)  # fmt: skip
def test_an_element_of_another_representation_than_its_own_is_read_as_what_it_says(
    element: bytes, name: str | None
) -> None:
    one = incoming(HEAD + element)
    said = Header(one.metadata).name
    assert said == name if name is not None else said.startswith("Ben Salah")


def test_a_file_that_ends_within_a_sequence_is_cut() -> None:
    begun = HEAD + b"\x40\0\x75\2SQ\0\0\xff\xff\xff\xff"
    one = ITEM + bytes(4)
    for cut in (begun, begun + one):
        with pytest.raises(rules.Truncated):
            incoming(cut)
        assert incoming(cut + END).metadata["00400275"]["vr"] == "SQ"
