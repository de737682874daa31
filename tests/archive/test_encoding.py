"""Images encoded again without loss: exact to the bit in several codecs, known when they are sent again, never lost."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import imagecodecs
import numpy as np
import pytest
from django.conf import settings
from openjpeg.utils import decode, get_parameters
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames, parse_basic_offsets
from pydicom.uid import ImplicitVRLittleEndian, JPEGLSLossless

from tests import make
from tests.edges.dicomweb import file_of
from tests.pixels import grey, rgb, with_pixels
from wasl.archive import services as archive
from wasl.archive.dicom import encode, incoming, read
from wasl.archive.dicom.encoding import RPCL

KINDS = [(bits, signed) for bits in (8, 9, 10, 12, 13, 15, 16) for signed in (0, 1)]
PREVIEW = 128 << 10
SIZES = {"tiny": (3, 5), "odd": (97, 130)}


def remade(content: bytes) -> tuple[Path, archive.Transcoded] | None:
    """A file encoded again, and what is told of it."""
    item = incoming(content)
    made = encode(uuid4(), settings.STORAGE / item.stored.path)
    return (settings.STORAGE / made.item.stored.path, made) if made else None


def codes(path: Path) -> list[bytes]:
    data = dcmread(path)
    return list(generate_frames(data.PixelData, number_of_frames=int(data.get("NumberOfFrames", 1))))


def exact(content: bytes) -> Path:
    """The new file of an image, which several codecs read as the image was."""
    before = dcmread(io.BytesIO(content))
    found = remade(content)
    assert found is not None
    path, made = found
    after = dcmread(path)
    assert after.file_meta.TransferSyntaxUID == RPCL
    assert np.array_equal(after.pixel_array, before.pixel_array)
    frames = before.pixel_array if int(before.get("NumberOfFrames", 1)) > 1 else [before.pixel_array]
    for code, frame in zip(codes(path), frames, strict=True):
        for decoded in (decode(code), imagecodecs.htj2k_decode(code)):
            assert np.array_equal(decoded, frame)
    assert made.of_sha256 == hashlib.sha256(content[read(memoryview(content)).start :]).digest()
    return path


@pytest.mark.parametrize(("bits", "signed"), KINDS)
def test_grey_values_of_every_precision_are_exact(bits: int, signed: int) -> None:
    path = exact(make.part10(grey(bits, signed)))
    head = get_parameters(codes(path)[0])
    assert (head["precision"], head["is_signed"]) == (bits, bool(signed))


def test_what_stands_before_the_pixels_is_byte_for_byte_what_came() -> None:
    content = make.part10(grey(12, 0, frames=3))
    path = exact(content)
    stored, length = path.read_bytes(), content.index(b"\xe0\x7f\x10\x00")
    before = content[content.index(b"\x08\x00\x05\x00") : length]
    assert before in stored
    assert stored[:132] == bytes(128) + b"DICM"
    offsets = parse_basic_offsets(dcmread(path).PixelData)
    assert len(offsets) == 3
    first = stored.index(b"\xe0\x7f\x10\x00") + 12 + 8 + 12
    for offset in offsets:
        assert stored[first + offset :][:4] == b"\xfe\xff\x00\xe0"
        assert stored[first + offset + 8 :][:2] == b"\xff\x4f"


@pytest.mark.parametrize("data", [rgb(), rgb(frames=2), rgb(planar=1)], ids=["one", "two", "planar"])
def test_colours_are_exact_and_say_how_they_are_coded(data: Dataset) -> None:
    after = dcmread(exact(make.part10(data)))
    assert (after.PhotometricInterpretation, after.PlanarConfiguration) == ("YBR_RCT", 0)


@pytest.mark.parametrize("rows, columns", SIZES.values(), ids=SIZES)
def test_other_ways_of_writing_are_exact(rows: int, columns: int) -> None:
    exact(make.part10(grey(12, 1, rows=rows, columns=columns), ImplicitVRLittleEndian))
    packed = with_pixels(grey(12, 1, rows=rows, columns=columns), np.arange(2 * rows * columns, dtype="i2") % 900, 2)
    packed.file_meta = dcmread(io.BytesIO(make.part10(packed))).file_meta
    packed.compress(JPEGLSLossless, generate_instance_uid=False)
    exact(make.part10(packed, JPEGLSLossless))


def test_real_images_are_exact() -> None:
    for name in ("CT_small.dcm", "MR_small.dcm", "693_UNCR.dcm", "RG1_UNCR.dcm", "US1_UNCR.dcm", "MR2_J2KR.dcm"):
        exact(file_of(name).read_bytes())


def overlaid() -> bytes:
    """A value that uses a bit above those that are stored."""
    data = grey(12, 0)
    return make.part10(with_pixels(data, np.full((97, 130), 1 << 13, "u2"), 1))


def behind() -> bytes:
    """Something stands behind the pixels."""
    data = grey(12, 0)
    data.add_new(0xFFFAFFFA, "SQ", [Dataset()])
    return make.part10(data)


LEFT: dict[str, Callable[[], bytes]] = {
    "an overlay in the high bits": overlaid,
    "a signature behind the pixels": behind,
    "a palette": lambda: make.part10(grey(8, 0, PhotometricInterpretation="PALETTE COLOR")),
    "another high bit": lambda: make.part10(grey(12, 0, HighBit=15)),
    "more pixels than the header says": lambda: make.part10(grey(12, 0, rows=10, columns=10, Rows=9)),
    "JPEG with loss": lambda: file_of("SC_rgb_jpeg_dcmtk.dcm").read_bytes(),
    "one decoder alone reads it": lambda: file_of("MR_small_RLE.dcm").read_bytes(),
    "no pixels": lambda: file_of("rtplan.dcm").read_bytes(),
    "big endian": lambda: file_of("MR_small_bigendian.dcm").read_bytes(),
}


@pytest.mark.parametrize("what", LEFT)
def test_what_cannot_be_said_exactly_is_left_as_it_was_sent(what: str, store: Path) -> None:
    assert remade(LEFT[what]()) is None
    kept = [path for path in store.rglob("*") if path.is_file()]
    assert len(kept) == 1, "something was left behind"


def test_the_first_bytes_of_a_radiograph_are_its_small_picture() -> None:
    rows, columns = np.mgrid[:3036, :3036]
    chance = np.random.default_rng(5).normal(0, 6, (3036, 3036))
    body = 9000 + 6000 * np.exp(-((rows - 1500) ** 2 + (columns - 1500) ** 2) / 9e5) + 900 * np.sin(rows / 60) + chance
    data = make.image(1, Rows=3036, Columns=3036, BitsStored=16, HighBit=15, PixelRepresentation=0, Modality="DX")
    path = exact(make.part10(with_pixels(data, np.clip(body, 0, 65535).astype("u2"), 1)))
    (code,) = codes(path)
    small = imagecodecs.htj2k_decode(code, skipres=3)
    assert small.shape == (380, 380)
    assert np.array_equal(imagecodecs.htj2k_decode(code[:PREVIEW], skipres=3, resilient=True), small)
    end, at = 0, code.index(b"\xff\x90")  # OpenJPEG wants whole tile parts, of which each is a resolution
    while at <= PREVIEW:
        end, at = at, at + int.from_bytes(code[at + 6 : at + 10], "big")
    picture = Image.open(io.BytesIO(code[:end] + b"\xff\xd9"))
    picture.reduce = 3  # type: ignore[assignment]
    assert np.array_equal(np.asarray(picture), small)
