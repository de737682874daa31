"""Which objects are a reader's marks, and who saves them."""

from typing import Final

from wasl.kernel.errors import NotAllowed

SAVES_MARKS: Final = frozenset({"resident", "radiologist"})
CAN: dict[str, frozenset[str]] = {"save_marks": SAVES_MARKS}
# SOP classes (PS3.4, B.5)
KINDS: Final = {
    "1.2.840.10008.5.1.4.1.1.88.11": "measurements",  # Basic Text SR
    "1.2.840.10008.5.1.4.1.1.88.22": "measurements",  # Enhanced SR
    "1.2.840.10008.5.1.4.1.1.88.33": "measurements",  # Comprehensive SR
    "1.2.840.10008.5.1.4.1.1.88.34": "measurements",  # Comprehensive 3D SR
    "1.2.840.10008.5.1.4.1.1.88.59": "key images",  # Key Object Selection
    "1.2.840.10008.5.1.4.1.1.11.1": "presentation",  # Grayscale Softcopy Presentation State
    "1.2.840.10008.5.1.4.1.1.11.2": "presentation",  # Color Softcopy Presentation State
}


class OnlyMarks(NotAllowed):
    """You may save measurements, key images and presentation states to studies that are open to you, no images."""


def check_marks(sop_class: str, *, reaches: bool) -> None:
    """Whoever sends no images may add marks to a study that is here and open to them."""
    if sop_class not in KINDS or not reaches:
        raise OnlyMarks
