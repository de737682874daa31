"""How the values of one frame become greys: by its own header, wherever that says it, or by a reader's window."""

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from wasl.kernel.errors import Refused

Values = npt.NDArray[Any]
# a file that is not at hand, a header that cannot be read, or pixels that no decoder understands
UNREAD = (ValueError, RuntimeError, NotImplementedError, AttributeError, Refused)
MODALITY = ("ModalityLUTSequence", "RescaleIntercept", "RescaleSlope", "RescaleType")
VOI = ("VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction")
MACROS = ("PixelValueTransformationSequence", "FrameVOILUTSequence")  # PS3.3, C.7.6.16.2.9 and 10
ABOUT = ("PhotometricInterpretation", "BitsStored", "PixelRepresentation")


def of_frame(data: Dataset, frame: int) -> Dataset:
    """What turns the stored values of a frame into greys (PS3.3, C.11.1 and C.11.2), of an enhanced image too."""
    found = Dataset()
    groups = [*(data.get("SharedFunctionalGroupsSequence") or [])[:1]]
    groups += (data.get("PerFrameFunctionalGroupsSequence") or [])[frame - 1 : frame]
    told = [data, *(item for group in groups for macro in MACROS for item in group.get(macro) or [])]
    for source in told:
        for keyword in (*MODALITY, *VOI, *ABOUT):
            if source.get(keyword) not in (None, ""):
                found[keyword] = source[keyword]
    return found


def is_grey(data: Dataset) -> bool:
    """Whether an image is grey, not coloured."""
    return str(data.get("PhotometricInterpretation", "")).startswith("MONOCHROME")


def own_window(frame: Dataset) -> tuple[float, float] | None:
    """The middle and width of the first window of a frame; None where it has none, or one that is not linear."""
    centre, width = (_first(frame.get(keyword)) for keyword in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None or width < 1 or frame.get("VOILUTFunction", "LINEAR") != "LINEAR":
        return None
    return None if "VOILUTSequence" in frame else (centre, width)


def window_of_all(frame: Dataset, stored: Values) -> tuple[float, float]:
    """The window from the darkest to the brightest value of a frame that has none."""
    values = apply_modality_lut(stored, frame)
    low, high = float(values.min()), float(values.max())
    return (low + high + 1) / 2, high - low + 1


def greys(frame: Dataset, stored: Values, window: tuple[float, float] | None = None) -> Values:
    """Stored values as greys from 0 (black) to 1, in a reader's window or the frame's own; MONOCHROME1 turned round."""
    values = apply_modality_lut(stored, frame).astype(np.float64)
    if chosen := window or own_window(frame):
        shown = _linear(values, *chosen)
    else:
        looked = apply_voi_lut(apply_modality_lut(stored, frame), frame).astype(np.float64)
        low, high = float(looked.min()), float(looked.max())
        shown = (looked - low) / ((high - low) or 1)
    return 1 - shown if frame.get("PhotometricInterpretation") == "MONOCHROME1" else shown


def _linear(values: Values, centre: float, width: float) -> Values:
    """PS3.3, C.11.2.1.2.1, from 0 to 1."""
    if width == 1:
        return (values > centre - 0.5).astype(np.float64)
    shown: Values = np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)
    return shown


def _first(value: Any) -> float | None:  # noqa: ANN401  an element has one value, several or none
    if value in (None, ""):
        return None
    try:
        return float(value if isinstance(value, (int, float, str)) else value[0])
    except (TypeError, IndexError):
        return None
