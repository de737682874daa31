"""Pixels encoded anew for who asks for another transfer syntax than the stored one (PS3.18, 8.7.3; PS3.5, 8.2).

One frame at a time: nothing larger than a frame is ever in memory. What is encoded without loss has exactly the
pixels that are given without compression, colours as RGB.
"""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import UID

from wasl.archive.dicom import Given
from wasl.archive.dicom.encoding import COLOUR, END, ITEM, RPCL, Look, code
from wasl.edges.dicom.frames import Pixels, frame
from wasl.edges.dicom.pixels import Undecodable, decoded, header, written

HTJ2K, JPEG_LS, JPEG_2000 = "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"
RLE, JPEG = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.50"
LOSSLESS = (HTJ2K, RPCL, JPEG_LS, JPEG_2000, RLE)
LOSSY = (JPEG,)  # of frames alone: an instance that lost something is another one, with a UID of its own
SMALLEST = 32  # pixels of a side of what OpenJPEG encodes, as it is asked here for six resolutions
TURNED = (HTJ2K, RPCL, JPEG_2000)  # their codes turn colours reversibly (PS3.5, 8.2.4 and 8.2.14)
GREY = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
QUALITY = 90
PIXEL_DATA = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff"


def encodable(pixels: Pixels, syntax: str) -> bool:
    """Whether these pixels can be given in a transfer syntax at all, by what the index says of them."""
    bits = (8,) if syntax in LOSSY else (8, 16)
    colours = (
        pixels.samples == 3 and pixels.allocated == 8 and pixels.photometric != "YBR_FULL_422" or not pixels.native
    )
    return (
        syntax in (*LOSSLESS, *LOSSY)
        and pixels.allocated in bits
        and (pixels.photometric in GREY if pixels.samples == 1 else pixels.samples == 3 and colours)
        and not (syntax in LOSSY and pixels.photometric == "PALETTE COLOR")
        and not (syntax == JPEG_2000 and min(pixels.rows, pixels.columns) < SMALLEST)
    )


def coded(pixels: Pixels, number: int, syntax: str) -> bytes:
    """One frame's code in a transfer syntax. Raises NoPixels and Undecodable."""
    values = _values(pixels, number)
    look = _look(pixels, values)
    try:
        if syntax == JPEG:
            made = io.BytesIO()
            Image.fromarray(values.view(np.uint8)).save(made, "JPEG", quality=QUALITY)
            return made.getvalue()
        if syntax in (HTJ2K, RPCL):
            return code(values, look)
        return bytes(
            get_encoder(UID(syntax)).encode(
                values, rows=look.rows, columns=look.columns, number_of_frames=1,
                samples_per_pixel=look.samples, bits_allocated=look.allocated, bits_stored=look.bits,
                photometric_interpretation=_photometric(syntax) if look.samples == 3 else pixels.photometric,
                pixel_representation=int(look.signed), planar_configuration=0,
                encoding_plugin="pydicom" if syntax == RLE else "",
            )
        )  # fmt: skip
    except Exception as error:  # codecs raise what they like; the pixels are the cause
        raise Undecodable(f"The pixels cannot be encoded as {UID(syntax).name}.") from error


def encoded_file(pixels: Pixels, given: Given, syntax: str) -> Iterator[bytes]:
    """A file as it is given, in a transfer syntax without loss, frame by frame; what is behind the pixels is left out.

    Raises NoPixels and Undecodable.
    """
    with given.opened(header=True) as file:
        data = dcmread(file, stop_before_pixels=True)
    if pixels.samples > 1:
        data.PhotometricInterpretation = _photometric(syntax)
        data.PlanarConfiguration = 0
    data.pop("ExtendedOffsetTable", None)
    data.pop("ExtendedOffsetTableLengths", None)
    first = coded(pixels, 1, syntax)
    yield written(data, syntax) + PIXEL_DATA + ITEM + b"\0\0\0\0"
    for number in range(1, max(pixels.frames, 1) + 1):
        content = first if number == 1 else coded(pixels, number, syntax)
        content += b"\0" * (len(content) % 2)
        yield ITEM + len(content).to_bytes(4, "little") + content
    yield END


def _photometric(syntax: str) -> str:
    """What colours are called in a transfer syntax."""
    return COLOUR if syntax in TURNED else "RGB"


def _look(pixels: Pixels, values: NDArray[Any]) -> Look:
    head = header(pixels.path)
    bits = int(head.get("BitsStored") or pixels.allocated)
    return Look(
        1, pixels.rows, pixels.columns, pixels.samples, pixels.allocated, bits, values.dtype.kind == "i", by_plane=False
    )


def _values(pixels: Pixels, number: int) -> NDArray[Any]:
    """One frame's values, (rows, columns) or (rows, columns, 3); those of unused bits among them."""
    if not pixels.native:
        values, _ = decoded(pixels, number)
        return np.ascontiguousarray(values)
    head = header(pixels.path)
    kind = f"<{'i' if head.get('PixelRepresentation') == 1 else 'u'}{pixels.allocated // 8}"
    flat = np.frombuffer(frame(pixels, number), kind)
    if pixels.samples == 1:
        return flat.reshape(pixels.rows, pixels.columns)
    if pixels.photometric != "RGB":
        values, _ = decoded(pixels, number)
        return np.ascontiguousarray(values)
    if head.get("PlanarConfiguration") == 1:
        return np.ascontiguousarray(np.moveaxis(flat.reshape(3, pixels.rows, pixels.columns), 0, 2))
    return flat.reshape(pixels.rows, pixels.columns, 3)
