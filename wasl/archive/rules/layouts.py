"""How the viewer lays out series: what a layout may say, for which kind of exam it is, and who keeps one for whom.

A series is known again by what tells it, never by its UID: its modality, its plane, what it is called, its number.
"""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, TypeGuard
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.kernel.text import fold

READERS: Final = frozenset({"resident", "radiologist", "chief"})
CAN: dict[str, frozenset[str]] = dict.fromkeys(
    ("save_layout", "import_layout", "rename_layout", "use_layout", "forget_layout"), READERS
)
MOST: Final = 6  # rows, and columns
LETTERS: Final = 64  # of a text (PS3.5, 6.2, LO)
PLANES: Final = ("axial", "coronal", "sagittal", "oblique")
WIDEST: Final = 1e6  # of grey values
NUMBERS: Final = 2**31  # of series (PS3.5, 6.2, IS)
# of an exam of several modalities the one that it is called by; what is made for reports and marks is none
CALLED_BY: Final = ("PT", "NM", "MR", "CT")
NO_IMAGES: Final = frozenset({"SR", "KO", "PR", "DOC", "SEG", "REG", "RTSTRUCT", "RTPLAN", "RTDOSE", "FID", "RWV"})
_MODALITY = re.compile(r"[A-Z0-9]{2,16}")
_PART = re.compile(r"[A-Z0-9 _]{1,16}")  # PS3.5, 6.2, CS


class NotALayout(Invalid):
    """A layout says which series stand in its rows and columns, up to six of each, and at least one series."""


class LayoutUnnamed(Invalid):
    """Give the layout a name of at most {most} letters."""


class LayoutNamesPatient(Invalid):
    """A layout is for every exam of its kind: its name must not hold a patient's."""


class NoKind(Refused):
    """This study has no images to lay out."""


class NoSuchLayout(Refused):
    """There is no such layout here."""

    http = 404
    fhir_issue = "not-found"


class LayoutKnown(Refused):
    """There is a layout for this kind of exam already: “{name}”. Delete it first."""


class NotTheChief(NotAllowed):
    """The layouts of a hospital are its head of imaging's."""


class NotALayoutFile(Invalid):
    """This is not a DICOM hanging protocol, or it is damaged. Nothing was imported."""


class LayoutTooLarge(Invalid):
    """This file is too large for a hanging protocol. Nothing was imported."""


class CannotShow(Invalid):
    """This hanging protocol says something that the viewer cannot show: {what}. Nothing was imported."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of exam: its modality, its part of the body or else its name, and whether an earlier one is beside it."""

    modality: str
    body_part: str = ""
    procedure: str = ""
    earlier: bool = False


@dataclass(frozen=True, kw_only=True)
class Box:
    """What stands in one place: a series of the exam or of the earlier one, and its greys, their centre and width."""

    modality: str
    description: str = ""
    number: int | None = None
    plane: str = ""
    earlier: bool = False
    window: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """Rows, columns, and what stands in each place, from the first row on; None: nothing."""

    rows: int
    columns: int
    boxes: tuple[Box | None, ...]

    @property
    def said(self) -> list[dict[str, Any] | None]:
        """The boxes as JSON."""
        return [
            None if box is None else {**asdict(box), "window": box.window and list(box.window)} for box in self.boxes
        ]


def arranged(said: Mapping[str, Any], *, earlier: bool) -> Arrangement:
    """What a viewer or a file says, when it makes a layout; `earlier`: of exams with one beside. Raises NotALayout."""
    rows, columns, boxes = said.get("rows"), said.get("columns"), said.get("boxes")
    if not (_is_size(rows) and _is_size(columns) and isinstance(boxes, list)):
        raise NotALayout
    if len(boxes) != rows * columns or all(box is None for box in boxes):
        raise NotALayout
    found = tuple(None if box is None else _box(box) for box in boxes)
    if not earlier and any(box and box.earlier for box in found):
        raise NotALayout
    return Arrangement(rows=rows, columns=columns, boxes=found)


def kind_of(modalities: Collection[str], *, body_part: str, description: str, names: str, earlier: bool) -> Kind:
    """Of which kind an exam is, by its header; what names the patient (`names`) is no kind. Raises NoKind."""
    images = sorted({modality for modality in modalities if _MODALITY.fullmatch(modality)} - NO_IMAGES)
    if not images:
        raise NoKind
    modality = next((one for one in CALLED_BY if one in images), images[0])
    part = body_part.strip().upper()
    part = part if _PART.fullmatch(part) and not is_named(part, names) else ""
    procedure = "" if part or is_named(description, names) else written(description)
    return Kind(modality=modality, body_part=part, procedure=procedure, earlier=earlier)


def check_kind(kind: Kind) -> None:
    """A kind is what a header could say. Raises NotALayout."""
    part = not kind.body_part or _PART.fullmatch(kind.body_part)
    if not (_MODALITY.fullmatch(kind.modality) and part and written(kind.procedure) == kind.procedure):
        raise NotALayout
    if kind.body_part and kind.procedure:
        raise NotALayout


def unnamed(arrangement: Arrangement, names: str) -> Arrangement:
    """A layout that says nothing of a patient: series whose description names them are told by the rest alone."""
    boxes = (
        replace(box, description="") if box and is_named(box.description, names) else box for box in arrangement.boxes
    )
    return replace(arrangement, boxes=tuple(boxes))


def is_named(text: str, names: str) -> bool:
    """Whether a text holds a word of somebody's names."""
    return not {word for word in fold(names).split() if len(word) > 2}.isdisjoint(fold(text).split())


def written(text: str) -> str:
    """A text as it is kept and compared: in one line, of letters that a DICOM text may have."""
    clean = "".join(letter if letter.isprintable() and letter != "\\" else " " for letter in text)
    return " ".join(clean.split())[:LETTERS].strip()


def called(name: str, *, names: str = "") -> str:
    """The name of a layout, which is not the patient's (`names`). Raises LayoutUnnamed, LayoutNamesPatient."""
    clean = written(name[: LETTERS + 1])
    if not clean or len(name) > LETTERS:
        raise LayoutUnnamed(most=LETTERS)
    if is_named(clean, names):
        raise LayoutNamesPatient
    return clean


def check_shares(place: UUID | None, *, by: Actor) -> None:
    """A layout for a hospital is its head of imaging's to keep."""
    if place is None or not any(held.role == "chief" and held.place == place for held in by.held):
        raise NotTheChief


def check_keeps(*, person: UUID | None, place: UUID | None, by: Actor) -> None:
    """One's own layouts are one's own, and a hospital's are its head's."""
    if person is None:
        check_shares(place, by=by)
    elif person != by.id:
        raise NoSuchLayout


def _box(said: object) -> Box:
    """One place of a layout."""
    if not isinstance(said, dict) or not said.keys() <= Box.__annotations__.keys():
        raise NotALayout
    modality, plane, number = said.get("modality"), said.get("plane", ""), said.get("number")
    description, earlier = said.get("description", ""), said.get("earlier", False)
    if not (isinstance(modality, str) and _MODALITY.fullmatch(modality) and plane in ("", *PLANES)):
        raise NotALayout
    if not (isinstance(description, str) and isinstance(earlier, bool)):
        raise NotALayout
    if number is not None and not (type(number) is int and -NUMBERS <= number < NUMBERS):
        raise NotALayout
    return Box(
        modality=modality, description=written(description), number=number, plane=plane, earlier=earlier,
        window=_window(said.get("window")),
    )  # fmt: skip


def _window(said: object) -> tuple[float, float] | None:
    """Centre and width of the greys, to a tenth; nothing is none."""
    if said is None:
        return None
    if not isinstance(said, list) or len(said) != 2 or not all(type(one) in (int, float) for one in said):
        raise NotALayout
    centre, width = (float(one) for one in said)
    if not (math.isfinite(centre) and abs(centre) <= WIDEST and 1 <= width <= WIDEST):
        raise NotALayout
    return round(centre, 1), round(width, 1)


def _is_size(number: object) -> TypeGuard[int]:
    return type(number) is int and 1 <= number <= MOST
