"""Synthetic images of every kind of pixels."""

import numpy as np
from pydicom.dataset import Dataset

from tests import make


def grey(bits: int, signed: int, *, rows: int = 97, columns: int = 130, frames: int = 1, **values: object) -> Dataset:
    """Noise of every value that so many bits can say, the least and the greatest among them."""
    data = make.image(1, Rows=rows, Columns=columns, PixelRepresentation=signed, BitsStored=bits, HighBit=bits - 1)
    data.BitsAllocated = 8 if bits == 8 else 16
    low = -(1 << bits - 1) if signed else 0
    kind = np.dtype(f"{'i' if signed else 'u'}{data.BitsAllocated // 8}")
    pixels = np.random.default_rng(bits).integers(low, low + (1 << bits), (frames, rows, columns)).astype(kind)
    pixels.flat[:2] = low, low + (1 << bits) - 1
    return with_pixels(data, pixels, frames, **values)


def rgb(frames: int = 1, planar: int = 0) -> Dataset:
    """Colours of 8 bits, pixel by pixel or plane by plane."""
    data = make.image(1, Rows=64, Columns=50, SamplesPerPixel=3, PhotometricInterpretation="RGB", BitsAllocated=8,
                      BitsStored=8, HighBit=7, PixelRepresentation=0, PlanarConfiguration=planar)  # fmt: skip
    pixels = np.random.default_rng(3).integers(0, 256, (frames, 64, 50, 3)).astype("u1")
    return with_pixels(data, np.moveaxis(pixels, 3, 1) if planar else pixels, frames)


def with_pixels(data: Dataset, pixels: np.ndarray, frames: int, **values: object) -> Dataset:
    """An image with these pixels, (frames, ...), and with other elements."""
    content = pixels.tobytes()
    data.PixelData = content + b"\0" * (len(content) % 2)
    if frames > 1:
        data.NumberOfFrames = frames
    for keyword, value in values.items():
        setattr(data, keyword, value)
    return data
