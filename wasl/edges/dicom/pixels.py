"""Pixels decoded for clients that cannot decode them, and pictures for those that show only pictures (PS3.18, 8.7)."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.uid import UID

from wasl.edges.dicom.frames import PIXEL_TAGS, Pixels, element, frame, value

PIXEL_MODULE = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PlanarConfiguration",
)  # fmt: skip
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG"}
PIECE = 1 << 20
LARGEST = 8192  # pixels of a side of a picture


class Undecodable(ValueError):
    """No codec reads these pixels."""


@dataclass(frozen=True)
class Picture:
    """What a picture is asked to look like: window centre and width, the largest size, JPEG quality."""

    kind: str = "image/jpeg"
    window: tuple[float, float] | None = None
    size: tuple[int, int] | None = None
    quality: int = 90


@lru_cache(maxsize=64)
def header(path: Path) -> Dataset:
    """The data set of a file without its pixels."""
    return dcmread(path, stop_before_pixels=True)


def uncompressed(pixels: Pixels, number: int) -> bytes:
    """One frame as little endian pixels without compression; colours as RGB, interleaved."""
    stored = frame(pixels, number)
    if pixels.native:
        return stored
    decoded, _ = _decoded(stored, header(pixels.path), pixels)
    return np.ascontiguousarray(decoded).astype(decoded.dtype.newbyteorder("<"), copy=False).tobytes()


def photometric_of(pixels: Pixels) -> str:
    """How colours are coded in what `uncompressed` gives."""
    return pixels.photometric if pixels.native or not pixels.photometric.startswith("YBR") else "RGB"


def picture(pixels: Pixels, number: int, wanted: Picture) -> bytes:
    """One frame as a picture of eight bits, windowed as asked for or as its header says."""
    head = header(pixels.path)
    stored = frame(pixels, number)
    values, look = _decoded(stored, head, pixels)
    if look == "PALETTE COLOR":
        values = _eight_bits(apply_color_lut(values, head))
    elif values.ndim == 3:
        values = _eight_bits(values)
    else:
        values = _grey(values, _of_frame(head, number), inverse=look == "MONOCHROME1", window=wanted.window)
    image = Image.fromarray(values)
    image.thumbnail(wanted.size or (LARGEST, LARGEST))
    made = io.BytesIO()
    image.save(made, FORMATS[wanted.kind], **({"quality": wanted.quality} if wanted.kind == "image/jpeg" else {}))
    return made.getvalue()


def _decoded(stored: bytes, head: Dataset, pixels: Pixels) -> tuple[NDArray[Any], str]:
    """A frame's values, (rows, columns) or (rows, columns, 3), and how its colours are coded."""
    options = {_snake(name): value for name in PIXEL_MODULE if (value := head.get(name)) is not None}
    options["number_of_frames"] = 1
    if "samples_per_pixel" in options and options["samples_per_pixel"] > 1:
        options.setdefault("planar_configuration", 0)
    options["pixel_keyword"] = PIXEL_TAGS[element(pixels)][0]
    coded = stored if pixels.native else encapsulate([stored])
    decoder = get_decoder(UID("1.2.840.10008.1.2.1" if pixels.native else pixels.syntax))
    try:
        values, made = decoder.as_array(coded, index=0, **options)
    except Exception as error:  # codecs raise what they like; the file is the cause
        raise Undecodable(f"The pixels cannot be decoded ({UID(pixels.syntax).name}).") from error
    return values, str(made["photometric_interpretation"])


def _snake(keyword: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in keyword).lstrip("_")


def _of_frame(head: Dataset, number: int) -> Dataset:
    """The header with the rescale and window of one frame, where it keeps them by frame (PS3.3, C.7.6.16)."""
    groups: list[Dataset] = []
    if shared := head.get("SharedFunctionalGroupsSequence"):
        groups.append(shared[0])
    if len(each := head.get("PerFrameFunctionalGroupsSequence") or []) >= number:
        groups.append(each[number - 1])
    own = Dataset()
    own.update({element.tag: element for element in head if element.tag.group == 0x0028})
    for group in groups:
        for name in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in group.get(name) or []:
                own.update(item)
    return own


def _grey(
    values: NDArray[Any], head: Dataset, *, inverse: bool, window: tuple[float, float] | None
) -> NDArray[np.uint8]:
    """Values through the modality's and the window's transformation to eight bits (PS3.3, C.11)."""
    real = np.asarray(apply_modality_lut(values, head), np.float64)
    asked = window or _window(head)
    if window is None and head.get("VOILUTSequence"):
        real = np.asarray(apply_voi(np.asarray(apply_modality_lut(values, head)), head), np.float64)
        low, high = 0.0, float(real.max(initial=1))
    elif asked:
        centre, width = asked
        low, high = centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2  # PS3.3, C.11.2.1.2.1
    else:
        low, high = np.percentile(real, (0.5, 99.5)).tolist() if real.size else (0.0, 1.0)
    scaled = np.clip((real - low) / max(high - low, 1e-9), 0, 1) * 255
    return np.round(255 - scaled if inverse else scaled).astype(np.uint8)


def _window(head: Dataset) -> tuple[float, float] | None:
    centre, width = head.get("WindowCenter"), head.get("WindowWidth")
    try:
        first = [float(value if isinstance(value, float | int) else value[0]) for value in (centre, width)]
    except (TypeError, IndexError, ValueError):
        return None
    return (first[0], first[1]) if first[1] >= 1 else None


def _eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    bits = values.dtype.itemsize * 8
    return (values >> (bits - 8)).astype(np.uint8) if bits > 8 else values.astype(np.uint8)


def explicit_file(pixels: Pixels | None, path: Path) -> Iterator[bytes]:
    """A Part 10 file again in explicit little endian, frame by frame; elements behind the pixels are left out."""
    if pixels is None:
        data = dcmread(path)
        yield _written(data)
        return
    data = dcmread(path, stop_before_pixels=True)
    if photometric_of(pixels) != pixels.photometric:
        data.PhotometricInterpretation = photometric_of(pixels)
    if not pixels.native and pixels.samples > 1:
        data.PlanarConfiguration = 0
    data.pop("ExtendedOffsetTable", None)
    data.pop("ExtendedOffsetTableLengths", None)
    yield _written(data)
    if pixels.native:
        yield from _native_element(pixels)
    else:
        yield from _decoded_element(pixels)


def _native_element(pixels: Pixels) -> Iterator[bytes]:
    length, read = value(pixels)
    yield _element_head(pixels, length)
    for begin in range(0, length, PIECE):
        yield read(begin, min(begin + PIECE, length))
    yield b"\0" * (length % 2)


def _decoded_element(pixels: Pixels) -> Iterator[bytes]:
    first = uncompressed(pixels, 1)
    length = len(first) * max(pixels.frames, 1)
    yield _element_head(pixels, length)
    yield first
    for number in range(2, pixels.frames + 1):
        yield uncompressed(pixels, number)
    yield b"\0" * (length % 2)


def _element_head(pixels: Pixels, length: int) -> bytes:
    tag = element(pixels)
    kind = PIXEL_TAGS[tag][1] or (b"OW" if pixels.allocated > 8 else b"OB")
    return tag + kind + b"\0\0" + (length + length % 2).to_bytes(4, "little")


def _written(data: Dataset) -> bytes:
    data.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.1")
    made = io.BytesIO()
    dcmwrite(made, data, implicit_vr=False, little_endian=True, force_encoding=True)
    return made.getvalue()
