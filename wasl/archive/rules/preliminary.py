"""A preliminary word on a study, at the hospital that made it, while nobody else can read it (decision 58)."""

from typing import Final

from wasl.kernel.errors import Invalid, Refused

CAN: dict[str, frozenset[str]] = {"write_preliminary": frozenset({"radiologist", "chief"})}
BASIC_TEXT: Final = "1.2.840.10008.5.1.4.1.1.88.11"  # Basic Text SR Storage (PS3.4, B.5)
MODEL: Final = "Wasl gateway"  # by which such a word is known among other structured reports
LEAST: Final = 10  # letters
MOST: Final = 10_000


class ReadAtTheCentre(Refused):
    """Here exams are read from the readers' list; a preliminary word is written at a hospital's gateway."""


class NoPreliminary(Invalid):
    """Write at least ten letters, and ten thousand at most."""


def check_preliminary(text: str, *, gateway: bool) -> None:
    """A preliminary word says something, and is written where no reader's list is."""
    if not gateway:
        raise ReadAtTheCentre
    if not LEAST <= len(text.strip()) <= MOST:
        raise NoPreliminary
