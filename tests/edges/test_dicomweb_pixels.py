"""Frames by byte range, decoded, and shown: every codec, against pydicom's own reading of the same files."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from tests.edges.dicomweb import file_of
from wasl.archive.dicom import Given, read
from wasl.edges.dicom.frames import NoPixels, Pixels, frame
from wasl.edges.dicom.pixels import Picture, Undecodable, explicit_file, picture, uncompressed

# files of both packages, one of each kind
NATIVE = ["693_UNCI.dcm", "liver.dcm", "liver_expb.dcm", "emri_small_big_endian.dcm", "SC_rgb_expb_16bit_2frame.dcm",
          "OBXXXX1A_2frame.dcm", "SC_rgb_2frame.dcm", "RG1_UNCI.dcm", "MR_small_implicit.dcm", "JPEG2000_UNC.dcm",
          "image_dfl.dcm", "SC_rgb_dcmtk_ebcyn1_dcmd.dcm", "SC_rgb_small_odd_big_endian.dcm"]  # fmt: skip
PACKED = ["693_J2KR.dcm", "JPEG-LL.dcm", "OBXXXX1A_rle_2frame.dcm", "emri_small_RLE.dcm",
          "emri_small_jpeg_2k_lossless.dcm", "emri_small_jpeg_ls_lossless.dcm", "MR2_J2KI.dcm", "US1_J2KR.dcm",
          "color3d_jpeg_baseline.dcm", "examples_jpeg2k.dcm", "examples_ybr_color.dcm",
          "SC_rgb_jls_lossy_line.dcm", "SC_rgb_rle_16bit_2frame.dcm", "SC_rgb_jpeg_gdcm.dcm"]  # fmt: skip


def pixels_of(path: Path) -> Pixels:
    data = dcmread(path, stop_before_pixels=True)
    part = read(memoryview(path.read_bytes()))
    assert part.walk.pixel_offset is not None
    return Pixels(
        path, part.transfer_syntax, part.walk.pixel_offset, int(data.get("NumberOfFrames", 1)), data.Rows,
        data.Columns, data.SamplesPerPixel, data.BitsAllocated, data.PhotometricInterpretation,
    )  # fmt: skip


def truth(path: Path) -> np.ndarray:
    """All frames as pydicom decodes them: (frames, ...)."""
    data = dcmread(path)
    array = pixel_array(data)
    return array if int(data.get("NumberOfFrames", 1)) > 1 else array[np.newaxis]


def whole(path: Path) -> Given:
    """A file given as it is stored."""
    return Given(path, b"", 0, path.stat().st_size)


@pytest.mark.parametrize("name", NATIVE)
def test_a_native_frame_is_a_byte_range(name: str) -> None:
    path = file_of(name)
    pixels = pixels_of(path)
    for number, expected in enumerate(truth(path), 1):
        got = np.frombuffer(uncompressed(pixels, number), expected.dtype.newbyteorder("<"))
        if dcmread(path, stop_before_pixels=True).get("PlanarConfiguration") == 1:
            expected = np.moveaxis(expected, -1, 0)
        if pixels.allocated == 1:
            got = np.unpackbits(got, bitorder="little", count=expected.size)
        assert np.array_equal(got, expected.reshape(-1))


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_frame_is_its_fragments_and_decodes(name: str) -> None:
    path = file_of(name)
    pixels = pixels_of(path)
    stored = list(generate_frames(dcmread(path).PixelData, number_of_frames=pixels.frames))
    expected = truth(path)
    for number in sorted({1, pixels.frames}):
        assert frame(pixels, number) == stored[number - 1]
        got = np.frombuffer(uncompressed(pixels, number), expected.dtype.newbyteorder("<"))
        assert np.array_equal(got, expected[number - 1].reshape(-1))


@pytest.mark.parametrize("name", [*NATIVE, *PACKED])
def test_a_file_is_written_again_in_explicit_little_endian(name: str) -> None:
    path = file_of(name)
    again = dcmread(io.BytesIO(b"".join(explicit_file(pixels_of(path), whole(path)))))
    assert again.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert again.SOPInstanceUID == dcmread(path, stop_before_pixels=True).SOPInstanceUID
    assert np.array_equal(pixel_array(again), pixel_array(dcmread(path)))


@pytest.mark.parametrize("name", [*NATIVE, *PACKED, "examples_palette.dcm", "vlut_04.dcm", "mlut_18.dcm"])
def test_a_frame_has_a_picture(name: str) -> None:
    pixels = pixels_of(file_of(name))
    for kind in ("image/jpeg", "image/png"):
        made = Image.open(io.BytesIO(picture(pixels, 1, Picture(kind=kind, size=(200, 200)))))
        assert max(made.size) <= 200
        assert made.get_format_mimetype() == kind
        assert len(made.convert("L").getcolors() or [*range(999)]) > 1, "a blank picture"


def test_frames_of_single_bits_follow_one_another_without_a_gap(tmp_path: Path) -> None:
    bits = np.random.default_rng(1).integers(0, 2, (5, 3, 7), dtype=np.uint8)  # 21 bits a frame
    path = tmp_path / "segments"
    value = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
    path.write_bytes(b"\xe0\x7f\x10\x00OB\0\0" + len(value).to_bytes(4, "little") + value)
    pixels = Pixels(path, "1.2.840.10008.1.2.1", 0, 5, 3, 7, 1, 1, "MONOCHROME2")
    for number in range(1, 6):
        got = np.unpackbits(np.frombuffer(frame(pixels, number), np.uint8), bitorder="little", count=21)
        assert np.array_equal(got, bits[number - 1].reshape(-1))


def fragments(path: Path, table: list[int], *contents: bytes) -> Pixels:
    """Encapsulated pixel data with these offsets and fragments, of three frames."""
    offsets = b"".join(offset.to_bytes(4, "little") for offset in table)
    items = b"".join(b"\xfe\xff\x00\xe0" + len(item).to_bytes(4, "little") + item for item in (offsets, *contents))
    path.write_bytes(b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + items + b"\xfe\xff\xdd\xe0\0\0\0\0")
    return Pixels(path, "1.2.840.10008.1.2.4.90", 0, 3, 8, 8, 1, 8, "MONOCHROME2")


A, B, C = b"\xff\x4fA-", b"\xff\x4fB-", b"\xff\x4fC-"


def test_frames_are_found_with_and_without_an_offset_table(tmp_path: Path) -> None:
    whole = fragments(tmp_path / "one-each", [], A, B, C)
    table = fragments(tmp_path / "table", [0, 24, 36], A, b"more", B, C, b"rest")
    marks = fragments(tmp_path / "marks", [], A, b"more", B, C, b"rest")
    assert [frame(whole, number) for number in (1, 2, 3)] == [A, B, C]
    for pixels in (table, marks):
        assert [frame(pixels, number) for number in (1, 2, 3)] == [A + b"more", B, C + b"rest"]


def test_pixels_that_are_not_there_are_refused(tmp_path: Path) -> None:
    few = fragments(tmp_path / "few", [], A, b"more")
    with pytest.raises(NoPixels):
        frame(few, 2)
    with pytest.raises(NoPixels):
        frame(few, 0)
    (tmp_path / "none").write_bytes(b"nothing that looks like pixels")
    for syntax in ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2"):
        with pytest.raises(NoPixels):
            frame(Pixels(tmp_path / "none", syntax, 0, 1, 8, 8, 1, 8, "MONOCHROME2"), 1)
    with pytest.raises(NoPixels):
        frame(Pixels(tmp_path / "none", "1.2.840.10008.1.2.1", 9000, 1, 8, 8, 1, 8, "MONOCHROME2"), 1)


def test_what_no_codec_reads_is_said_so() -> None:
    pixels = pixels_of(file_of("JPGExtended.dcm"))  # twelve bits
    assert frame(pixels, 1).startswith(b"\xff\xd8")
    with pytest.raises(Undecodable):
        uncompressed(pixels, 1)


def test_a_window_that_is_asked_for_stands_before_the_header_s() -> None:
    pixels = pixels_of(file_of("693_UNCI.dcm"))

    def grey(window: tuple[float, float] | None) -> float:
        made = picture(pixels, 1, Picture(kind="image/png", window=window))
        return float(np.asarray(Image.open(io.BytesIO(made))).mean())

    assert grey((-5000, 1)) == 255
    assert grey((9000, 1)) == 0
    assert 0 < grey((40, 400)) < 255


def test_monochrome1_is_shown_inverted(tmp_path: Path) -> None:
    data = dcmread(file_of("693_UNCI.dcm"))
    made = []
    for name in ("MONOCHROME1", "MONOCHROME2"):
        data.PhotometricInterpretation = name
        data.save_as(tmp_path / name)
        made.append(np.asarray(Image.open(io.BytesIO(picture(pixels_of(tmp_path / name), 1, Picture("image/png"))))))
    assert np.array_equal(made[0], 255 - made[1])


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_floating_pixels_stay_floating(tmp_path: Path, syntax: str) -> None:
    data = dcmread(file_of("693_UNCI.dcm"))
    values = np.random.default_rng(1).normal(size=(data.Rows, data.Columns)).astype("<f4")
    del data.PixelData, data.BitsStored, data.HighBit, data.PixelRepresentation
    data.BitsAllocated, data.FloatPixelData = 32, values.tobytes()
    data.RescaleIntercept, data.RescaleSlope = 0, 1
    del data.WindowCenter, data.WindowWidth
    data.file_meta.TransferSyntaxUID = UID(syntax)
    data.save_as(tmp_path / "float", implicit_vr=syntax == "1.2.840.10008.1.2", little_endian=True)
    pixels = pixels_of(tmp_path / "float")
    assert uncompressed(pixels, 1) == values.tobytes()
    again = dcmread(io.BytesIO(b"".join(explicit_file(pixels, whole(pixels.path)))))
    assert again.FloatPixelData == values.tobytes()
    assert "PixelData" not in again
    made = Image.open(io.BytesIO(picture(pixels, 1, Picture(kind="image/png"))))
    assert len(made.getcolors() or []) > 40
