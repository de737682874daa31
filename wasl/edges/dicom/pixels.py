"""Pixels decoded for clients that cannot decode them, and pictures for those that show only pictures (PS3.18, 8.7)."""

import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.uid import UID

from wasl.archive.dicom import Given
from wasl.archive.dicom.offsets import DEFLATED
from wasl.archive.queries import Found, opened
from wasl.edges.dicom.frames import PIXEL_TAGS, Pixels, element, frame, value

PIXEL_MODULE = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PlanarConfiguration",
)  # fmt: skip
# syntaxes that pydicom does not decode (PS3.5, 10)
JPEG_XL = ("1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.111", "1.2.840.10008.1.2.4.112")
MULTI_COMPONENT = ("1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.93")  # JPEG 2000, part 2
PROGRESSIVE = ("1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55")  # JPEG, retired
DEFLATED_FRAME = "1.2.840.10008.1.2.8.1"  # Deflated Image Frame Compression
UNCOMPRESSED_FRAME = "1.2.840.10008.1.2.1.98"  # Encapsulated Uncompressed Explicit VR Little Endian
CODECS: dict[str, Callable[[bytes], NDArray[Any]]] = {
    **dict.fromkeys(JPEG_XL, imagecodecs.jpegxl_decode),
    **dict.fromkeys(MULTI_COMPONENT, imagecodecs.jpeg2k_decode),
    **dict.fromkeys(PROGRESSIVE, imagecodecs.jpeg8_decode),
}
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF"}
FUNCTIONS = ("linear", "linear-exact", "sigmoid")  # of a window (PS3.3, C.11.2.1.2 and C.11.2.1.3)
PIECE = 1 << 20
FRAME_TIME = 100  # milliseconds of a frame whose header says nothing
LARGEST = 8192  # pixels of a side of a picture


class Undecodable(ValueError):
    """No codec reads these pixels."""


@dataclass(frozen=True)
class Picture:
    """What a picture is asked to look like.

    Its window's centre, width and function; the size that it is to fill, keeping its proportions; the part of the
    image that it shows, in pixels (left, top, right, bottom), and whether that is mirrored (across, upside down);
    JPEG quality.
    """

    kind: str = "image/jpeg"
    window: tuple[float, float] | None = None
    function: str = "linear"
    size: tuple[int, int] | None = None
    part: tuple[int, int, int, int] | None = None
    mirrored: tuple[bool, bool] = (False, False)
    quality: int = 90


@lru_cache(maxsize=64)
def header(path: Path) -> Dataset:
    """The data set of a file without its pixels."""
    with opened(path) as file:
        return dcmread(file, stop_before_pixels=True)


def pixels_of(found: Found) -> Pixels | None:
    """Where the pixels of an instance lie, by its row and header; None when it has none."""
    image, head = found.instance, header(found.path)
    bits = head.get("BitsAllocated")
    if image is None or not (image.rows and image.columns and bits):
        return None
    if image.pixel_offset is None and image.transfer_syntax != DEFLATED:
        return None
    return Pixels(
        found.path, image.transfer_syntax, image.pixel_offset or 0, image.frames, image.rows, image.columns,
        int(head.get("SamplesPerPixel") or 1), int(bits), str(head.get("PhotometricInterpretation", "")),
    )  # fmt: skip


def uncompressed(pixels: Pixels, number: int) -> bytes:
    """One frame as little endian pixels without compression; colours as RGB, interleaved."""
    stored = frame(pixels, number)
    if pixels.native:
        return stored
    decoded, _ = _decoded(stored, header(pixels.path), pixels)
    return np.ascontiguousarray(decoded).astype(decoded.dtype.newbyteorder("<"), copy=False).tobytes()


def photometric_of(pixels: Pixels) -> str:
    """How colours are coded in what `uncompressed` gives."""
    return pixels.photometric if pixels.native or pixels.samples == 1 else "RGB"


def decoded(pixels: Pixels, number: int) -> tuple[NDArray[Any], str]:
    """One frame's values, (rows, columns) or (rows, columns, 3), and how its colours are coded."""
    return _decoded(frame(pixels, number), header(pixels.path), pixels)


def shown(
    pixels: Pixels, number: int, window: tuple[float, float] | None = None, function: str = "linear"
) -> NDArray[np.uint8]:
    """One frame in eight bits, (rows, columns) or (rows, columns, 3), windowed as asked for or as its header says."""
    head = header(pixels.path)
    values, look = decoded(pixels, number)
    if look == "PALETTE COLOR":
        return _eight_bits(apply_color_lut(values, head))
    if values.ndim == 3:
        return _eight_bits(values)
    return _grey(values, _of_frame(head, number), inverse=look == "MONOCHROME1", window=window, function=function)


def picture(pixels: Pixels, number: int, wanted: Picture) -> bytes:
    """One frame as a picture of eight bits, windowed as asked for or as its header says."""
    made = io.BytesIO()
    options = {"quality": wanted.quality} if wanted.kind == "image/jpeg" else {}
    drawn(pixels, number, wanted).save(made, FORMATS[wanted.kind], **options)
    return made.getvalue()


def drawn(pixels: Pixels, number: int, wanted: Picture) -> Image.Image:
    """One frame as an image of eight bits, cut, mirrored and scaled as asked for."""
    image = Image.fromarray(shown(pixels, number, wanted.window, wanted.function))
    if wanted.part:
        image = image.crop(wanted.part)
    for turned, turn in zip(wanted.mirrored, (ImageOps.mirror, ImageOps.flip), strict=True):
        image = turn(image) if turned else image
    if wanted.size:
        return ImageOps.contain(image, wanted.size)
    image.thumbnail((LARGEST, LARGEST))
    return image


def moving(pixels: Pixels, wanted: Picture) -> bytes:
    """All frames as one moving picture (GIF), at the speed that the header says."""
    images = (drawn(pixels, number, wanted) for number in range(1, max(pixels.frames, 1) + 1))
    head, made = header(pixels.path), io.BytesIO()
    rate = head.get("RecommendedDisplayFrameRate") or head.get("CineRate")
    time = float(head.get("FrameTime") or (1000 / float(rate) if rate else FRAME_TIME))
    next(images).save(made, "GIF", save_all=True, append_images=images, duration=max(int(time), 20), loop=0)
    return made.getvalue()


def _decoded(stored: bytes, head: Dataset, pixels: Pixels) -> tuple[NDArray[Any], str]:
    """A frame's values, (rows, columns) or (rows, columns, 3), and how its colours are coded."""
    options = {_snake(name): value for name in PIXEL_MODULE if (value := head.get(name)) is not None}
    options["number_of_frames"] = 1
    if "samples_per_pixel" in options and options["samples_per_pixel"] > 1:
        options.setdefault("planar_configuration", 0)
    options["pixel_keyword"] = PIXEL_TAGS[element(pixels)][0]
    coded = stored if pixels.native else encapsulate([stored])
    try:
        if pixels.syntax in CODECS:
            return _by_imagecodecs(stored, pixels, signed=head.get("PixelRepresentation") == 1)
        if pixels.syntax == DEFLATED_FRAME:
            coded = zlib.decompressobj(-zlib.MAX_WBITS).decompress(stored, -(-pixels.frame_bits // 8))
        if pixels.syntax == UNCOMPRESSED_FRAME:
            coded = stored
        native = pixels.native or pixels.syntax in (DEFLATED_FRAME, UNCOMPRESSED_FRAME)
        decoder = get_decoder(UID("1.2.840.10008.1.2.1" if native else pixels.syntax))
        values, made = decoder.as_array(coded, index=0, **options)
    except Exception as error:  # codecs raise what they like; the file is the cause
        raise Undecodable(f"The pixels cannot be decoded ({UID(pixels.syntax).name}).") from error
    return values, str(made["photometric_interpretation"])


def _by_imagecodecs(stored: bytes, pixels: Pixels, *, signed: bool) -> tuple[NDArray[Any], str]:
    """A frame of a syntax that pydicom has no decoder for; these codecs turn colours into RGB themselves."""
    values: NDArray[Any] = CODECS[pixels.syntax](stored)
    if values.shape != (pixels.rows, pixels.columns, *([pixels.samples] if pixels.samples > 1 else [])):
        raise Undecodable("The pixels are not as many as the header says.")
    if signed:
        values = values.view(values.dtype.str.replace("u", "i"))
    return values, pixels.photometric if pixels.samples == 1 else "RGB"


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
    values: NDArray[Any], head: Dataset, *, inverse: bool, window: tuple[float, float] | None, function: str
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
        if function == "linear-exact":
            low, high = centre - width / 2, centre + width / 2
    else:
        low, high = np.percentile(real, (0.5, 99.5)).tolist() if real.size else (0.0, 1.0)
    if window and function == "sigmoid":
        scaled = 255 / (1 + np.exp(np.clip(-4 * (real - window[0]) / window[1], -500, 500)))
    else:
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


def explicit_file(pixels: Pixels | None, given: Given) -> Iterator[bytes]:
    """A file as it is given, in explicit little endian, frame by frame; elements behind the pixels are left out."""
    with given.opened(header=pixels is not None) as file:
        data = dcmread(file, stop_before_pixels=pixels is not None)
    if pixels is None:
        yield written(data)
        return
    if photometric_of(pixels) != pixels.photometric:
        data.PhotometricInterpretation = photometric_of(pixels)
    if not pixels.native and pixels.samples > 1:
        data.PlanarConfiguration = 0
    data.pop("ExtendedOffsetTable", None)
    data.pop("ExtendedOffsetTableLengths", None)
    yield written(data)
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


def written(data: Dataset, syntax: str = "1.2.840.10008.1.2.1") -> bytes:
    """A data set without its pixels as the beginning of a file in a transfer syntax of explicit little endian."""
    data.file_meta.TransferSyntaxUID = UID(syntax)
    made = io.BytesIO()
    dcmwrite(made, data, implicit_vr=False, little_endian=True, force_encoding=True)
    return made.getvalue()
