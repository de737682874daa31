"""Text in pixels: found by optical character recognition, and painted over.

The reader (RapidOCR) is an extra of the installation, and read from the disk when it is first asked. It knows Latin
letters, digits and Chinese; how well it finds Arabic has not been measured.
"""

import hashlib
import importlib.util
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wasl.archive.dicom import NoReader
from wasl.edges.dicom.frames import Pixels
from wasl.edges.dicom.pixels import shown

if TYPE_CHECKING:
    from rapidocr import RapidOCR

MARGIN = 0.2  # of a box's height, painted over around it
_reading = threading.Lock()


@dataclass(frozen=True)
class Box:
    """Where text stands in every frame: left, top, width and height in pixels; and how sure the reader is of it."""

    left: int
    top: int
    width: int
    height: int
    confidence: float

    def as_row(self) -> dict[str, Any]:
        """As it is kept: what is written there is not."""
        return asdict(self)


@dataclass(frozen=True)
class Text:
    """Boxes, what is written in them, and how many frames were looked at."""

    boxes: list[Box]
    words: list[str]
    frames: int


def can_read() -> bool:
    """Whether the reader is installed."""
    return importlib.util.find_spec("rapidocr") is not None


def read_text(pixels: Pixels, numbers: Iterable[int]) -> Text:
    """The text in some frames of an image, counted from 1; equal frames are read once. Raises NoReader, Undecodable."""
    boxes: dict[tuple[int, int, int, int], Box] = {}
    words: dict[str, None] = {}
    seen: set[bytes] = set()
    frames = 0
    for number in numbers:
        picture = shown(pixels, number)
        frames += 1
        digest = hashlib.sha256(picture.tobytes()).digest()
        if digest in seen:
            continue
        seen.add(digest)
        for box, word in _found(picture):
            boxes.setdefault((box.left, box.top, box.width, box.height), box)
            words[word] = None
    return Text(list(boxes.values()), list(words), frames)


def paint_over(values: NDArray[Any], boxes: Iterable[Box], *, inverse: bool, photometric: str) -> NDArray[Any]:
    """A copy of a frame, (rows, columns) or (rows, columns, samples), in which nothing can be read in the boxes."""
    clean = values.copy()
    black: Any = values.max(initial=0) if inverse else values.min(initial=0)
    if values.ndim == 3:
        black = (0, 128, 128) if photometric.startswith("YBR_FULL") else 0
    for box in boxes:
        clean[box.top : box.top + box.height, box.left : box.left + box.width] = black
    return clean


def _found(picture: NDArray[np.uint8]) -> list[tuple[Box, str]]:
    colours = picture if picture.ndim == 3 else np.stack([picture] * 3, axis=-1)
    with _reading:  # one at a time: it takes a whole processor
        said: Any = _reader()(np.ascontiguousarray(colours))  # what it gives depends on how it is made
    if said.boxes is None:
        return []
    rows, columns = picture.shape[:2]
    return [
        (_box(corners, float(score), rows, columns), str(word))
        for corners, word, score in zip(said.boxes, said.txts, said.scores, strict=True)
    ]


def _box(corners: NDArray[np.float32], confidence: float, rows: int, columns: int) -> Box:
    left, top = (float(value) for value in corners.min(axis=0))
    right, bottom = (float(value) for value in corners.max(axis=0))
    margin = max(2.0, MARGIN * min(bottom - top, right - left))
    x, y = max(0, int(left - margin)), max(0, int(top - margin))
    return Box(x, y, min(columns, int(right + margin) + 1) - x, min(rows, int(bottom + margin) + 1) - y,
               round(confidence, 3))  # fmt: skip


@cache
def _reader() -> "RapidOCR":
    if not can_read():
        raise NoReader
    from rapidocr import RapidOCR

    # whatever looks like text is painted over, however unsure its letters are
    return RapidOCR(
        params={
            "Global.text_score": 0.0, "Global.use_cls": False, "Global.log_level": "error",
            "EngineConfig.onnxruntime.intra_op_num_threads": 1, "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )  # fmt: skip
