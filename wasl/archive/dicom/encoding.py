"""Images encoded again without loss, as HTJ2K ordered by resolution: the first bytes of one are its small picture.

The code is decoded by another codec and compared before anybody hears of it. What HTJ2K cannot say exactly, and what
only one decoder here can read, is left as it was sent.
"""

import hashlib
import io
import logging
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread, dcmwrite
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_file_meta_info
from pydicom.filewriter import write_file_meta_info
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from wasl.archive.dicom.files import IMPLICIT, Part10, incoming, mapped, read
from wasl.archive.services import Transcoded, discard, draft
from wasl.archive.services.meta import PREAMBLE

RPCL = "1.2.840.10008.1.2.4.202"  # HTJ2K Lossless RPCL (PS3.5, 8.2.14)
CODEC = f"{imagecodecs.htj2k_version()}, checked by {imagecodecs.jpeg2k_version()}"
NATIVE = frozenset({IMPLICIT, "1.2.840.10008.1.2.1"})
SOURCES = NATIVE | {"1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"}  # JPEG-LS and JPEG 2000 without loss
COLOUR = "YBR_RCT"  # what colours are called whose code turns them reversibly (PS3.3, C.7.6.3.1.2)
SMALLEST = 64  # pixels of the longer side of the smallest picture in a code
PIXEL_DATA, TRAILING_PADDING = b"\xe0\x7f\x10\x00", b"\xfc\xff\xfc\xff"
ITEM, END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
LONGEST = 1 << 32  # bytes that a Basic Offset Table can point into
log = logging.getLogger(__name__)


class Left(Exception):
    """This image is left as it was sent."""


@dataclass(frozen=True)
class Look:
    """What the pixels of an image are, as its header says."""

    frames: int
    rows: int
    columns: int
    samples: int
    allocated: int  # bits
    bits: int  # of a value
    signed: bool
    by_plane: bool  # the colours one after the other, not pixel by pixel

    @property
    def size(self) -> int:
        """Bytes of all frames without compression."""
        return self.frames * self.rows * self.columns * self.samples * self.allocated // 8


def encode(instance: UUID, path: Path) -> Transcoded | None:
    """Put an image, whose file this is, into the store once more, as HTJ2K without loss; None when it is left as sent.

    The new file differs in its transfer syntax and its pixels' code alone; of a colour image also in how colours are
    said to be coded. Raises OSError when the disk fails.
    """
    try:
        with path.open("rb") as opened, mapped(opened) as view:
            return _encoded(instance, path, view)
    except Left as why:
        log.info("An image is left as it was sent: %s", type(why.__cause__ or why).__name__)
        return None


def _encoded(instance: UUID, path: Path, view: memoryview) -> Transcoded:
    part = read(view)
    look = _look(part)
    _check_end(view, part, look)
    temporary = draft()
    try:
        with temporary.open("xb") as file:
            file.write(_header(path, view, part, look))
            _write_pixels(file, _codes(path, view, part, look), look.frames)
        made = incoming(temporary, move=True)
    finally:
        temporary.unlink(missing_ok=True)
    if _said(made.metadata) != _said(part.walk.elements):  # a header that did not survive being written again
        discard(made.stored.path)
        raise Left
    return Transcoded(instance, hashlib.sha256(view[part.start :]).digest(), CODEC, made)


def _look(part: Part10) -> Look:
    """What the pixels are, when they are such that HTJ2K can say them exactly: grey or RGB of 8 to 16 bits."""
    if part.transfer_syntax not in SOURCES or part.walk.pixel_offset is None:
        raise Left
    values = [_value(part.walk.elements, tag) for tag in ("00280010", "00280011", "00280002", "00280100", "00280101")]
    rows, columns, samples, allocated, stored = (value if isinstance(value, int) else 0 for value in values)
    frames = _value(part.walk.elements, "00280008") or 1
    high, signed, planes = (_value(part.walk.elements, tag) for tag in ("00280102", "00280103", "00280006"))
    photometric = str(_value(part.walk.elements, "00280004"))
    grey = samples == 1 and photometric in ("MONOCHROME1", "MONOCHROME2") and signed in (0, 1)
    colour = samples == 3 and photometric in ("RGB", COLOUR) and signed == 0 and stored == allocated
    whole = allocated in (8, 16) and 8 <= stored <= allocated and high == stored - 1
    if not (whole and (grey or colour) and rows and columns and isinstance(frames, int) and frames > 0):
        raise Left
    return Look(frames, rows, columns, samples, allocated, stored, signed == 1, planes == 1)


def _value(elements: Mapping[str, Any], tag: str) -> object:
    return next(iter(elements.get(tag, {}).get("Value") or ()), None)


def _check_end(view: memoryview, part: Part10, look: Look) -> None:
    """The pixels are the last that the file says: behind them may stand a signature, which covers their code."""
    at = part.walk.pixel_offset or 0
    if view[at : at + 4] != PIXEL_DATA:
        raise Left
    if part.transfer_syntax not in NATIVE:
        if view[-8:] != END:
            raise Left
        return
    value = at + (8 if part.transfer_syntax == IMPLICIT else 12)
    (length,) = struct.unpack_from("<I", view, value - 4)
    behind = bytes(view[value + length : value + length + 4])
    if length != look.size + look.size % 2 or behind not in (b"", TRAILING_PADDING):
        raise Left


def _header(path: Path, view: memoryview, part: Part10, look: Look) -> bytes:
    """Everything before the pixels; byte for byte as it came where nothing in it must change."""
    made = DicomBytesIO()
    if part.transfer_syntax != IMPLICIT and look.samples == 1 and "7FE00001" not in part.walk.elements:
        meta = read_file_meta_info(path)
        meta.TransferSyntaxUID = UID(RPCL)
        made.write(bytes(PREAMBLE) + b"DICM")
        write_file_meta_info(made, meta, enforce_standard=False)
        made.write(view[part.start : part.walk.pixel_offset])
        return made.getvalue()
    data = dcmread(path, stop_before_pixels=True)
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        data.pop(keyword, None)
    if look.samples > 1:
        data.PhotometricInterpretation, data.PlanarConfiguration = COLOUR, 0
    data.file_meta.TransferSyntaxUID = UID(RPCL)
    dcmwrite(made, data, implicit_vr=False, little_endian=True, force_encoding=True)
    return made.getvalue()


def _said(elements: Mapping[str, Any]) -> dict[str, Any]:
    """What a header says, apart from how its pixels are coded."""
    return {
        tag: value for tag, value in elements.items() if tag not in ("00280004", "00280006", "7FE00001", "7FE00002")
    }


def _write_pixels(file: BinaryIO, codes: Iterator[bytes], frames: int) -> None:
    """The pixel data element, a fragment for each frame, with its Basic Offset Table (PS3.5, A.4)."""
    file.write(PIXEL_DATA + b"OB\0\0\xff\xff\xff\xff" + ITEM + struct.pack("<I", 4 * frames))
    table, offsets = file.tell(), []
    first = file.seek(4 * frames, io.SEEK_CUR)
    for code in codes:
        offsets.append(file.tell() - first)
        even = len(code) + len(code) % 2
        file.write(ITEM + struct.pack("<I", even) + code + b"\0" * (even - len(code)))
    if len(offsets) != frames or file.tell() - first >= LONGEST:
        raise Left
    file.write(END)
    file.seek(table)
    file.write(struct.pack(f"<{frames}I", *offsets))


def _codes(path: Path, view: memoryview, part: Part10, look: Look) -> Iterator[bytes]:
    """Each frame's code."""
    try:
        for frame in _frames(path, view, part, look):
            yield code(frame, look)
    except Exception as error:  # codecs raise what they like; the image is the cause
        raise Left from error


def _frames(path: Path, view: memoryview, part: Part10, look: Look) -> Iterator[NDArray[Any]]:
    """The values of each frame, (rows, columns) or (rows, columns, 3); of compressed ones as two decoders agree."""
    if part.transfer_syntax in NATIVE:
        yield from _native_frames(view, part, look)
        return
    decoders = [name for name in get_decoder(UID(part.transfer_syntax)).available_plugins if name != "pillow"]
    for index in range(look.frames):
        one, other = (pixel_array(path, index=index, raw=True, decoding_plugin=name) for name in decoders[:2])
        if not np.array_equal(one, other):
            raise Left
        yield one


def _native_frames(view: memoryview, part: Part10, look: Look) -> Iterator[NDArray[Any]]:
    """The values as they lie in the file, those of unused bits among them (which pydicom would hide)."""
    at = (part.walk.pixel_offset or 0) + (8 if part.transfer_syntax == IMPLICIT else 12)
    size, kind = look.size // look.frames, f"<{'i' if look.signed else 'u'}{look.allocated // 8}"
    for number in range(look.frames):
        values = np.frombuffer(bytes(view[at + number * size : at + (number + 1) * size]), kind)
        if look.samples == 1:
            yield values.reshape(look.rows, look.columns)
        elif look.by_plane:
            yield np.ascontiguousarray(np.moveaxis(values.reshape(3, look.rows, look.columns), 0, 2))
        else:
            yield values.reshape(look.rows, look.columns, 3)


def code(frame: NDArray[Any], look: Look) -> bytes:
    """A frame as an HTJ2K codestream: RPCL, a tile part for each resolution, their lengths in front (TLM).

    Proven by another codec, which reads the very same values from it. (rows, columns) or (rows, columns, 3), unsigned
    or signed, of 8 or 16 bits. Raises Left.
    """
    levels = max(math.ceil(math.log2(max(look.rows, look.columns) / SMALLEST)), 1)
    values = frame
    if look.samples == 1:
        half = 0 if look.signed else 1 << look.bits - 1
        values = frame.astype(np.int32) - half
        if values.min() < -1 << look.bits - 1 or values.max() >= 1 << look.bits - 1:
            raise Left  # bits above those that the header calls stored: an overlay, or values that are no values
        values = values.astype(np.int8 if look.bits == 8 else np.int16)
    made = bytearray(imagecodecs.htj2k_encode(values, reversible=True, resolutions=levels, tlm=True, tilepart=1))
    if look.samples == 1:
        _say_precision(made, look)
    if not np.array_equal(imagecodecs.jpeg2k_decode(bytes(made)), frame):
        raise Left
    return bytes(made)


def _say_precision(code: bytearray, look: Look) -> None:
    """Write the true precision and sign into the codestream's head (SIZ), as PS3.5, 8.2.4 wants them.

    The encoder took signed values of 8 or 16 bits. Without loss, the precision only tells a decoder what to add to
    unsigned values, which was subtracted before, and where to clip; all else is coded beside it.
    """
    at = code.index(b"\xff\x51") + 40  # ISO/IEC 15444-1, A.5.1: Ssiz of the only component
    code[at] = look.bits - 1 | (0x80 if look.signed else 0)
