"""Files from untrusted senders: what is right is kept as it is, what is wrong is refused clearly and leaves nothing."""

import io
import random
import struct
import zlib
from pathlib import Path
from typing import Any
from uuid import UUID

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
)

from tests import make
from wasl.archive import rules
from wasl.archive.dicom import files as dicom_files
from wasl.archive.dicom import incoming, read
from wasl.archive.services import Incoming
from wasl.kernel.errors import Refused

EXPLICIT = "1.2.840.10008.1.2.1"


def raw(elements: bytes, syntax: str = EXPLICIT) -> bytes:
    """A file of these encoded elements, after a right file meta information."""
    whole = make.part10(make.image(1), syntax)
    return whole[: 144 + struct.unpack_from("<I", whole, 140)[0]] + elements  # (0002,0000) says how long the rest is


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    """One element, explicit VR little endian, in its short form."""
    value += b"\0" if len(value) % 2 else b""
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


IDENTITY = b"".join(
    element(tag, b"UI", uid)
    for tag, uid in (
        (0x00080016, b"1.2.840.10008.5.1.4.1.1.2"), (0x00080018, b"1.2.3.4"), (0x0020000D, b"1.2.3"),
        (0x0020000E, b"1.2.3.1"),
    )
)  # fmt: skip


def found(data: bytes) -> dict[str, Any]:
    """What a walk through a file finds."""
    return read(memoryview(data)).walk.elements


def first(item: Incoming, tag: str) -> Any:  # noqa: ANN401  a JSON value
    return item.metadata[tag]["Value"][0]


def empty(store: Path) -> bool:
    return not any(path.is_file() for path in store.rglob("*"))


@pytest.mark.parametrize("syntax", [EXPLICIT, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_the_same_is_read_whatever_the_encoding(syntax: str) -> None:
    data = make.image(3)
    if syntax == ExplicitVRBigEndian:
        data["PixelData"].value = b"\0" * 512
    item = incoming(make.part10(data, syntax))
    assert item.transfer_syntax == syntax
    assert first(item, "00100010") == {"Alphabetic": "Ben Salah^Salma", "Ideographic": "بن صالح^سلمى"}
    assert item.metadata["00280030"]["Value"] == [0.5, 0.5]
    assert (first(item, "00280010"), first(item, "00200013"), item.frames, item.flags) == (16, 3, 1, ())


def test_metadata_are_those_that_pydicom_reads() -> None:
    """Every sample image of pydicom that can be read has the same header here and there."""
    compared = 0
    for name in sorted((Path(pydicom.data.data_manager.DATA_ROOT) / "test_files").glob("*.dcm")):
        data = name.read_bytes()
        if data[128:132] != b"DICM" or len(data) > 2_000_000:
            continue
        try:
            part = read(memoryview(data))
        except Refused:
            continue
        theirs = pydicom.dcmread(name, stop_before_pixels=True)
        for tag, entry in part.walk.elements.items():
            if tag == "00080005" or entry["vr"] in ("SQ", "UN") or "Value" not in entry:
                continue
            told = theirs[int(tag, 16)].to_json_dict(None, 0)
            if entry["vr"] == "PN" or told["vr"] != entry["vr"]:
                continue
            assert [v for v in entry["Value"] if v is not None] == [
                v.strip() if isinstance(v, str) else v for v in told.get("Value", []) if v not in (None, "")
            ], (name, tag)
            compared += 1
    assert compared > 1000


def test_the_deflated_syntax_is_read_and_kept() -> None:
    data = make.part10(make.image(3), DeflatedExplicitVRLittleEndian)
    item = incoming(data)
    assert first(item, "00200013") == 3
    assert (item.pixel_offset, item.frames) == (None, 1)


def test_encapsulated_frames_are_counted_and_not_read() -> None:
    data = make.image(1, NumberOfFrames=3)
    data.PixelData = encapsulate([b"one", b"two", b"three"])
    data["PixelData"].is_undefined_length = True
    item = incoming(make.part10(data, JPEG2000Lossless))
    assert item.frames == 3
    assert "7FE00010" not in item.metadata


def test_bulk_is_named_and_tables_are_kept() -> None:
    data = make.image(1)
    data.add_new(0x00420011, "OB", b"%PDF" * 5000)
    data.add_new(0x00281201, "OW", b"\1\2" * 256)
    item = incoming(make.part10(data))
    assert item.metadata["00420011"] == {"vr": "OB", "BulkDataURI": ""}
    assert item.metadata["00281201"]["InlineBinary"].startswith("AQIB")


@pytest.mark.parametrize("at", [0, 100, 131, 140, 300, 600, 900, -513, -100, -1])
def test_a_truncated_file_is_refused(at: int, store: Path) -> None:
    whole = make.part10(make.image(1))
    with pytest.raises((rules.Truncated, rules.NotDicom)):
        incoming(whole[:at])
    assert empty(store)


def test_truncated_fragments_are_refused(store: Path) -> None:
    data = make.image(1)
    data.PixelData = encapsulate([b"frame" * 100])
    data["PixelData"].is_undefined_length = True
    whole = make.part10(data, JPEG2000Lossless)
    for cut in (4, 9, 100, 520):
        with pytest.raises(rules.Truncated):
            incoming(whole[:-cut])
    assert empty(store)


@pytest.mark.parametrize(
    "data",
    [b"", b"not DICOM", b"\0" * 5000, b"PK\3\4" + b"\0" * 500, b"\0" * 128 + b"DICM",
     b"\0" * 128 + b"DICM" + b"x" * 90],
    ids=["empty", "text", "zeros", "zip", "only a prefix", "letters"],
)  # fmt: skip
def test_what_is_not_dicom_is_refused(data: bytes, store: Path, tmp_path: Path) -> None:
    with pytest.raises(rules.NotDicom):
        incoming(data)
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(rules.NotDicom):
        incoming(path, move=True)
    assert path.read_bytes() == data
    assert empty(store)


def test_huge_lengths_are_refused_without_memory(store: Path) -> None:
    for length in (0xFFFFFFF0, 0x7FFFFFFF, 1 << 20):
        huge = struct.pack("<HH2sHI", 0x0009, 0x1001, b"OB", 0, length)
        with pytest.raises(rules.Truncated):
            incoming(raw(IDENTITY + huge))
        item = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
            "<HHI", 0xFFFE, 0xE000, length
        )
        with pytest.raises((rules.Truncated, rules.NotDicom)):
            incoming(raw(IDENTITY + item))
    assert empty(store)


def test_nesting_without_end_is_refused() -> None:
    deep = b"".join(
        struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
        for _ in range(5000)
    )
    with pytest.raises(rules.NotDicom):
        incoming(raw(IDENTITY + deep))


def test_a_deflate_bomb_is_refused(monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    monkeypatch.setattr(dicom_files, "INFLATED", 1 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = packer.compress(b"\0" * (1 << 26)) + packer.flush()
    with pytest.raises(rules.TooLarge):
        incoming(raw(bomb, DeflatedExplicitVRLittleEndian))
    with pytest.raises((rules.Truncated, rules.NotDicom)):
        incoming(raw(b"\xff" * 100, DeflatedExplicitVRLittleEndian))
    assert empty(store)


@pytest.mark.parametrize("uid", ["../../etc/passwd", "1.2.3/4", "", "1.2..3", "1." + "9" * 64, "1.2.3\\1.2.4x", "a.b"])
@pytest.mark.parametrize("tag", [0x00080018, 0x0020000D, 0x0020000E])
def test_uids_that_are_none_are_refused(uid: str, tag: int, store: Path) -> None:
    others = [(t, v) for t, v in ((0x00080016, "1.2.3"), (0x00080018, "1.2.3.4"), (0x0020000D, "1.2.3"),
                                  (0x0020000E, "1.2.3.1")) if t != tag]  # fmt: skip
    elements = sorted([*others, (tag, uid if "\\" not in uid else uid.rpartition("\\")[2])])
    data = b"".join(element(t, b"UI", v.encode()) for t, v in elements)
    with pytest.raises(rules.BadUid):
        incoming(raw(data))
    assert empty(store)


def test_malformed_values_are_left_out_and_flagged() -> None:
    broken = [
        element(0x00181151, b"IS", b"many"), element(0x00181152, b"IS", b"99999999999999999999"),
        element(0x00189073, b"FD", struct.pack("<d", float("nan"))), element(0x00200013, b"IS", b"7"),
        element(0x00280030, b"DS", b"wide\\1e999"),
    ]  # fmt: skip
    item = incoming(raw(IDENTITY + b"".join(broken)))
    assert "broken" in item.flags
    assert first(item, "00200013") == 7
    assert not {"00181151", "00181152", "00189073", "00280030"} & set(item.metadata)


@pytest.mark.parametrize(
    ("terms", "sent", "read_as", "flagged"),
    [
        ("ISO_IR 100", "Béchir".encode("latin-1"), "Béchir", False),
        ("ISO_IR 127", "أمل".encode("iso8859-6"), "أمل", False),
        ("ISO_IR 192", "أمل".encode(), "أمل", False),
        ("ISO_IR 6", "أمل".encode(), "أمل", True),  # UTF-8 that does not say so
        ("ISO_IR 100", "أمل".encode(), "أمل", True),
        ("ISO_IR 100\\ISO_IR 127", "Béchir".encode("latin-1"), "Béchir", False),
        ("\\ISO 2022 IR 127", b"Amel=\x1b-G" + "أمل".encode("iso8859-6"), "Amel", False),
        ("ISO_IR 999", "Béchir".encode("latin-1"), "Béchir", True),
        ("ISO_IR 192", b"\xff\xfeAmel", "\ufffd\ufffdAmel", True),
        ("", "Béchir".encode("latin-1"), "Béchir", True),
    ],
)  # fmt: skip
def test_letters(terms: str, sent: bytes, read_as: str, flagged: bool) -> None:
    item = incoming(raw(element(0x00080005, b"CS", terms.encode()) + IDENTITY + element(0x00100010, b"PN", sent)))
    assert first(item, "00100010")["Alphabetic"] == read_as
    assert ("charset" in item.flags) == flagged
    assert first(item, "00080005") == "ISO_IR 192"


def test_arabic_after_an_escape_is_read() -> None:
    name = b"Amel=\x1b-G" + "أمل".encode("iso8859-6")
    terms = element(0x00080005, b"CS", b"\\ISO 2022 IR 127")
    item = incoming(raw(terms + IDENTITY + element(0x00100010, b"PN", name)))
    assert first(item, "00100010")["Ideographic"] == "أمل"


def test_a_spacing_that_cannot_be_is_flagged() -> None:
    assert incoming(make.part10(make.image(1, PixelSpacing=[0, 0]))).flags == ("spacing",)
    assert incoming(make.part10(make.image(1, ImagerPixelSpacing=[-1, 1]))).flags == ("spacing",)
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        measures, group = Dataset(), Dataset()
        measures.PixelSpacing = [0.5, 0]
        group.PixelMeasuresSequence = [measures]
        assert incoming(make.part10(make.image(1, **{groups: [group]}))).flags == ("spacing",)
        measures.PixelSpacing, measures.SpacingBetweenSlices = [0.5, 0.5], -1
        assert incoming(make.part10(make.image(1, **{groups: [group]}))).flags == ()
    words = make.part10(make.image(1, PixelSpacing=[1111, 2222])).replace(b"1111.0\\2222.0", b"wide  \\NaN   ")
    assert incoming(words).flags == ("spacing", "broken")


def test_a_program_in_the_preamble_does_not_stay(store: Path) -> None:
    data = b"MZ" + b"\x90" * 126 + make.part10(make.image(1))[128:]
    item = incoming(data)
    assert (store / item.stored.path).read_bytes()[:132] == b"\0" * 128 + b"DICM"


def test_the_sender_named_another_instance(store: Path) -> None:
    data = make.image(1)
    with pytest.raises(rules.OtherInstance):
        incoming(make.part10(data), named=(data.SOPClassUID, "1.2.3"))
    assert empty(store)


def test_a_moved_file_becomes_the_stored_one(store: Path, tmp_path: Path) -> None:
    store.mkdir()
    path = store / "arriving.dcm"
    path.write_bytes(make.part10(make.image(1)))
    content = path.read_bytes()
    path.write_bytes(b"MZ" + b"\x90" * 126 + content[128:])  # a program hides where nobody looks (PS3.10, 7.1)
    item = incoming(path, move=True, source=UUID(int=1), place=UUID(int=2))
    assert not path.exists()
    assert (store / item.stored.path).read_bytes() == b"\0" * 128 + content[128:]
    assert (item.source, item.place) == (UUID(int=1), UUID(int=2))


def test_noise_never_crashes(store: Path) -> None:
    """Bytes of good files changed, cut out and doubled at random: taken or refused, and nothing else."""
    chance = random.Random(5)
    data = make.image(1)
    data.ReferencedImageSequence = [Dataset()]
    data.ReferencedImageSequence[0].ReferencedSOPInstanceUID = "1.2.3"
    whole = [make.part10(data, syntax) for syntax in (EXPLICIT, ImplicitVRLittleEndian)]
    for _ in range(1500):
        noisy = bytearray(chance.choice(whole))
        for _ in range(chance.randrange(1, 12)):
            at = chance.randrange(132, len(noisy) - 512)
            kind = chance.random()
            if kind < 0.7:
                noisy[at] = chance.randrange(256)
            elif kind < 0.85:
                del noisy[at : at + chance.randrange(1, 20)]
            else:
                noisy[at:at] = noisy[at : at + chance.randrange(1, 20)]
        try:
            read(memoryview(bytes(noisy)))
        except Refused:
            continue


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "image.dcm"
    buffer = io.BytesIO(make.part10(make.image(9)))
    path.write_bytes(buffer.getvalue())
    item = incoming(path)
    assert first(item, "00200013") == 9
    assert path.exists()
