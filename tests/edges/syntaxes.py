"""One small image in every transfer syntax that is taken in."""

import io
import zlib
from collections.abc import Callable

import imagecodecs
import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import compress
from pydicom.uid import UID

from tests import make

SIZE = 32
BIG_ENDIAN, RLE = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5"
TRUTH = np.random.default_rng(7).integers(0, 2000, (SIZE, SIZE), dtype="uint16")
BYTES = TRUTH.astype("uint8")


def deflate(array: np.ndarray) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(array.tobytes()) + packer.flush()


def progressive(array: np.ndarray) -> bytes:
    made = io.BytesIO()
    Image.fromarray(array).save(made, "JPEG", quality=98, progressive=True)
    return made.getvalue()


NATIVE = {"1.2.840.10008.1.2": None, "1.2.840.10008.1.2.1": None, "1.2.840.10008.1.2.1.99": None, BIG_ENDIAN: None}
LOSSLESS: dict[str, Callable[[np.ndarray], bytes | bytearray]] = {
    "1.2.840.10008.1.2.4.57": lambda array: imagecodecs.ljpeg_encode(array, bitspersample=16),
    "1.2.840.10008.1.2.4.70": lambda array: imagecodecs.ljpeg_encode(array, bitspersample=16),
    "1.2.840.10008.1.2.4.80": imagecodecs.jpegls_encode,
    "1.2.840.10008.1.2.4.81": imagecodecs.jpegls_encode,
    "1.2.840.10008.1.2.4.90": lambda array: imagecodecs.jpeg2k_encode(array, codecformat="j2k", level=0),
    "1.2.840.10008.1.2.4.91": lambda array: imagecodecs.jpeg2k_encode(array, codecformat="j2k", level=0),
    "1.2.840.10008.1.2.4.92": lambda array: imagecodecs.jpeg2k_encode(array, codecformat="j2k", level=0),
    "1.2.840.10008.1.2.4.201": imagecodecs.htj2k_encode,
    "1.2.840.10008.1.2.4.202": imagecodecs.htj2k_encode,
    "1.2.840.10008.1.2.4.203": imagecodecs.htj2k_encode,
    "1.2.840.10008.1.2.4.110": lambda array: imagecodecs.jpegxl_encode(array, lossless=True),
    "1.2.840.10008.1.2.4.112": lambda array: imagecodecs.jpegxl_encode(array, lossless=True),
    "1.2.840.10008.1.2.8.1": deflate,
    "1.2.840.10008.1.2.1.98": np.ndarray.tobytes,
    RLE: lambda array: b"",  # pydicom packs it
}
# of eight bits, and not without loss; or video and private, which are kept and not looked into
LOSSY: dict[str, Callable[[np.ndarray], bytes | bytearray]] = {
    "1.2.840.10008.1.2.4.50": lambda array: imagecodecs.jpeg8_encode(array, level=98),
    "1.2.840.10008.1.2.4.51": lambda array: imagecodecs.jpeg8_encode(array, level=98),
    "1.2.840.10008.1.2.4.53": progressive,
    "1.2.840.10008.1.2.4.55": progressive,
    "1.2.840.10008.1.2.4.111": lambda array: imagecodecs.jpegxl_encode_jpeg(imagecodecs.jpeg8_encode(array, level=98)),
}
KEPT = [
    *(f"1.2.840.10008.1.2.4.{number}" for number in (93, 100, 101, 102, 103, 104, 105, 106, 107, 108)),
    "1.2.840.10008.1.2.4.100.1", "1.2.840.10008.1.2.4.102.1",
]  # fmt: skip
ALL = [*NATIVE, *LOSSLESS, *LOSSY, *KEPT]


def image_in(syntax: str, **values: object) -> bytes:
    """An image in a transfer syntax, as its sender made it."""
    array = BYTES if syntax in LOSSY else TRUTH
    bits = array.itemsize * 8
    data = make.image(1, Rows=SIZE, Columns=SIZE, BitsAllocated=bits, BitsStored=bits, HighBit=bits - 1,
                      PixelRepresentation=0, RescaleIntercept=0, WindowCenter=array.max() / 2,
                      WindowWidth=array.max(), **values)  # fmt: skip
    data.PixelData = (array.byteswap() if syntax == BIG_ENDIAN else array).tobytes()
    data["PixelData"].VR = "OW"
    if syntax in NATIVE:
        return make.part10(data, syntax)
    if syntax == RLE:
        whole = dcmread(io.BytesIO(make.part10(data)))
        compress(whole, UID(syntax), generate_instance_uid=False)
        made = io.BytesIO()
        whole.save_as(made, enforce_file_format=True)
        return made.getvalue()
    packer = {**LOSSLESS, **LOSSY}.get(syntax)
    data.PixelData = encapsulate([bytes(packer(array)) if packer else b"as the sender made it "])
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
    return make.part10(data, syntax)
