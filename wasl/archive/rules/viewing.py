"""What viewers understand: the transfer syntaxes that their codecs decode, and the spacings that are lengths."""

import math
from collections.abc import Iterable
from typing import Any

# what the viewer decodes (OHIF 3.13.2: `decodeImageFrame` of its image loader): big endian and deflated data sets are
# told as the little endian in which their pixels are given
DECODED = frozenset({
    "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203", "1.2.840.10008.1.2.5",
})  # fmt: skip
# MPEG-2, MPEG-4 AVC and HEVC (PS3.5, 8.2.5 to 8.2.12), and the fragmentable ones: streams, not frames
VIDEO = frozenset({
    *(f"1.2.840.10008.1.2.4.{number}" for number in range(100, 109)),
    *(f"1.2.840.10008.1.2.4.{number}.1" for number in range(100, 107)),
})  # fmt: skip

# every attribute of PS3.3, 10.7.1.3 that says how far apart an image's pixels are: pixel spacing; at the detector; as
# scanned; of a reconstruction; in the centre of the beam; of a radiotherapy image; as it is to be shown
SPACINGS = frozenset({
    0x00280030, 0x00181164, 0x00182010, 0x00189322, 0x00189404, 0x30020011, 0x00700101
})  # fmt: skip
ORIGINAL = 0x04000561  # Original Attributes Sequence: what was said before is not what is said
_TAGS = frozenset(f"{tag:08X}" for tag in SPACINGS)


def is_spacing(values: Iterable[object]) -> bool:
    """Whether these values can be the distances of pixels: each a number above zero (PS3.3, 10.7.1.3); none say none.

    A zero is allowed there where there is one row or column: it is no length that a viewer could measure with either.
    """
    return all(isinstance(value, int | float) and math.isfinite(value) and value > 0 for value in values)


def is_measurable(tag: str, element: dict[str, Any]) -> bool:
    """Whether an element of DICOM JSON is not a spacing that cannot be."""
    return tag not in _TAGS or is_spacing(element.get("Value", ()))


def measurable(elements: dict[str, Any]) -> dict[str, Any]:
    """Elements of DICOM JSON without spacings that cannot be, in their sequences neither."""
    return {
        tag: {**element, "Value": [measurable(item) for item in element["Value"]]}
        if element.get("vr") == "SQ" and "Value" in element and tag != f"{ORIGINAL:08X}"
        else element
        for tag, element in elements.items()
        if is_measurable(tag, element)
    }


def is_all_measurable(elements: dict[str, Any]) -> bool:
    """Whether elements of DICOM JSON have no spacing that cannot be."""
    return measurable(elements) == elements
