"""De-identified copies of stored images: a header written anew, then the pixels, frame by frame.

A frame in which nothing was found is copied as it is stored, without the comments that a codec may carry; one with text
is decoded, painted over and written again without loss. Nothing else of the original file is read.
"""

import io
import struct
from collections.abc import Callable, Iterator, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGLSLossless

from wasl.archive.dicom import Alias, CannotPaint, deidentified
from wasl.edges.dicom.burned import Box, paint_over
from wasl.edges.dicom.frames import PIXEL_TAGS, Pixels, element, frame
from wasl.edges.dicom.pixels import Undecodable, decoded

UNDEFINED = b"\xff\xff\xff\xff"
ITEM, END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0" + b"\0" * 4
CODABLE = (8, 16)  # bits of a sample that are written without loss


def copied(pixels: Pixels, alias: Alias, *, options: Set[str], boxes: Sequence[Box] | None) -> Iterator[bytes]:
    """A Part 10 file of an image that names nobody; `boxes` are painted over, None says that no text was looked for.

    Raises CannotPaint, NoPixels, Undecodable; what was given until then is no file.
    """
    head = _header(pixels, alias, options, clean_pixels=boxes is not None)
    if boxes:
        yield from _painted(head, pixels, boxes)
    elif pixels.native:
        yield _written(head, ExplicitVRLittleEndian)
        yield from _plain(pixels, lambda number: _native(frame(pixels, number), head, pixels))
    else:
        yield _written(head, pixels.syntax)
        yield from _encapsulated(bare(frame(pixels, number)) for number in _numbers(pixels))


def _header(pixels: Pixels, alias: Alias, options: Set[str], *, clean_pixels: bool) -> Dataset:
    try:
        original = dcmread(pixels.path, stop_before_pixels=True)
        made = deidentified(original, alias, options=options, clean_pixels=clean_pixels)
        _written(made, ExplicitVRLittleEndian)
    except Exception as error:  # readers and writers raise what they like; the file is the cause
        raise Undecodable("The header cannot be written again.") from error
    return made


def _painted(head: Dataset, pixels: Pixels, boxes: Sequence[Box]) -> Iterator[bytes]:
    """The image with its text painted over: uncompressed as it was, or compressed anew without loss."""
    if pixels.allocated % 8 or (not pixels.native and pixels.allocated not in CODABLE):
        raise CannotPaint
    values, look = decoded(pixels, 1)
    head.PhotometricInterpretation = look
    if values.ndim == 3:
        head.PlanarConfiguration = 0

    def clean(number: int) -> NDArray[Any]:
        values, look = decoded(pixels, number)
        return paint_over(values, boxes, inverse=look == "MONOCHROME1", photometric=look)

    if pixels.native:
        yield _written(head, ExplicitVRLittleEndian)
        yield from _plain(pixels, lambda number: _little(clean(number)))
        return
    yield _written(head, JPEGLSLossless)
    yield from _encapsulated(_coded(clean(number), head) for number in _numbers(pixels))


def _coded(values: NDArray[Any], head: Dataset) -> bytes:
    try:
        return get_encoder(JPEGLSLossless).encode(values, **_described(head))
    except Exception as error:  # codecs raise what they like
        raise CannotPaint from error


def _described(head: Dataset) -> dict[str, Any]:
    about = {
        "rows": head.Rows, "columns": head.Columns, "samples_per_pixel": head.SamplesPerPixel, "number_of_frames": 1,
        "bits_allocated": head.BitsAllocated, "bits_stored": head.BitsStored,
        "pixel_representation": head.PixelRepresentation, "photometric_interpretation": head.PhotometricInterpretation,
    }  # fmt: skip
    return {**about, "planar_configuration": 0} if head.SamplesPerPixel > 1 else about


def _plain(pixels: Pixels, read: Callable[[int], bytes]) -> Iterator[bytes]:
    """The pixel data element, uncompressed: as many bytes as its frames have, whatever followed them."""
    first = read(1)
    length = len(first) * max(pixels.frames, 1)
    tag = element(pixels)
    kind = PIXEL_TAGS[tag][1] or (b"OW" if pixels.allocated > 8 else b"OB")
    yield tag + kind + b"\0\0" + struct.pack("<I", length + length % 2)
    yield first
    for number in range(2, pixels.frames + 1):
        yield read(number)
    yield b"\0" * (length % 2)


def _encapsulated(frames: Iterator[bytes]) -> Iterator[bytes]:
    """The pixel data element, one fragment for each frame, without an offset table (PS3.5, A.4)."""
    yield b"\xe0\x7f\x10\x00OB\0\0" + UNDEFINED + ITEM + b"\0" * 4
    for one in frames:
        yield ITEM + struct.pack("<I", len(one) + len(one) % 2)
        yield one + b"\0" * (len(one) % 2)
    yield END


def _numbers(pixels: Pixels) -> range:
    return range(1, max(pixels.frames, 1) + 1)


def _native(stored: bytes, head: Dataset, pixels: Pixels) -> bytes:
    """A frame as it is stored; bits above the values, where old overlays lie, made empty."""
    allocated, kept = pixels.allocated, int(head.get("BitsStored") or pixels.allocated)
    if allocated not in (16, 32) or not 0 < kept < allocated or head.get("HighBit") != kept - 1:
        return stored
    spare = allocated - kept
    kind = "i" if head.get("PixelRepresentation") else "u"
    values = np.frombuffer(stored, f"<{kind}{allocated // 8}")
    return ((values << spare) >> spare).astype(values.dtype).tobytes()


def _little(values: NDArray[Any]) -> bytes:
    return np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


def bare(coded: bytes) -> bytes:
    """A compressed frame without the comments and foreign segments that its codec allows, nor what follows its end."""
    if coded[:4] == b"\xff\x4f\xff\x51":
        return _without(coded, {0x64}, until=0x90)  # JPEG 2000: COM, before the first tile
    if coded[:2] != b"\xff\xd8":
        return coded
    end = coded.rfind(b"\xff\xd9")
    # JPEG: APP1 to APP13, APP15 and COM; APP0 and APP14 say how colours are coded, APP8 is of JPEG-LS
    drop = {*range(0xE1, 0xEE), 0xEF, 0xFE} - {0xE8}
    return _without(coded[: end + 2] if end > 0 else coded, drop, until=0xDA)


def _without(coded: bytes, drop: Set[int], *, until: int) -> bytes:
    """A code stream without some marker segments of its header."""
    kept, at = [coded[:2]], 2
    while at + 4 <= len(coded) and coded[at] == 0xFF and coded[at + 1] != until:
        length = 2 + int.from_bytes(coded[at + 2 : at + 4], "big")
        if coded[at + 1] not in drop:
            kept.append(coded[at : at + length])
        at += length
    return b"".join((*kept, coded[at:]))


def _written(head: Dataset, syntax: str) -> bytes:
    """The file meta information, made anew, and the data set before its pixels."""
    head.file_meta = FileMetaDataset()
    head.file_meta.TransferSyntaxUID = UID(syntax)
    made = io.BytesIO()
    dcmwrite(made, head, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return made.getvalue()
