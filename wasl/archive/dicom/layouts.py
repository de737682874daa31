"""Layouts as DICOM Hanging Protocols (PS3.3, A.44, C.23.1 to C.23.3), and back from such a file of anybody's.

Each place is an image set, told by its series, and a display set of one box. The modality of the exam stands in the
definition, what else tells it in each selector, since the standard would have codes there. The standard knows greys by
names only (lung, bone): those that a reader chose stand in a private element, which others pass over.
"""

import io
import struct
import warnings
from typing import Any, Final

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, HangingProtocolStorage, generate_uid

from wasl.archive.queries import Layout
from wasl.archive.rules import layouts as rules

LARGEST: Final = 1 << 20  # bytes of a file
GROUP, OURS, GREYS = 0x0073, "WASL LAYOUT", 0x01
PLANES: Final = {"axial": "TRANSVERSE", "coronal": "CORONAL", "sagittal": "SAGITTAL", "oblique": "OBLIQUE"}
SELECTED: Final = {
    "Modality": "CS", "SeriesDescription": "LO", "SeriesNumber": "IS", "BodyPartExamined": "CS",
    "StudyDescription": "LO",
}  # fmt: skip
BEFORE: Final = (1, 1)  # the latest earlier exam (PS3.3, C.23.1.1)
# what may be said where; what a viewer need not do to show it as it is meant stands beside it
SAID: Final = {
    "": {"HangingProtocolName", "HangingProtocolDescription", "HangingProtocolLevel", "HangingProtocolCreator",
         "HangingProtocolCreationDateTime", "HangingProtocolDefinitionSequence", "NumberOfPriorsReferenced",
         "ImageSetsSequence", "HangingProtocolUserIdentificationCodeSequence", "HangingProtocolUserGroupName",
         "SourceHangingProtocolSequence", "NumberOfScreens", "NominalScreenDefinitionSequence", "DisplaySetsSequence",
         "PartialDataDisplayHandling", "SOPClassUID", "SOPInstanceUID", "SpecificCharacterSet",
         "InstanceCreationDate", "InstanceCreationTime", "InstanceCreatorUID", "TimezoneOffsetFromUTC",
         "Manufacturer", "InstitutionName", "StationName", "ManufacturerModelName", "SoftwareVersions",
         "DeviceSerialNumber"},
    "HangingProtocolDefinitionSequence": {"Modality", "ProcedureCodeSequence",
                                          "ReasonForRequestedProcedureCodeSequence"},
    "ImageSetsSequence": {"ImageSetSelectorSequence", "TimeBasedImageSetsSequence"},
    "ImageSetSelectorSequence": {"ImageSetSelectorUsageFlag", "SelectorAttribute", "SelectorAttributeVR",
                                 "SelectorValueNumber", "SelectorCSValue", "SelectorLOValue", "SelectorISValue"},
    "TimeBasedImageSetsSequence": {"ImageSetNumber", "ImageSetSelectorCategory", "RelativeTime", "RelativeTimeUnits",
                                   "AbstractPriorValue", "ImageSetLabel"},
    "DisplaySetsSequence": {"DisplaySetNumber", "DisplaySetLabel", "DisplaySetPresentationGroup", "ImageSetNumber",
                            "ImageBoxesSequence", "FilterOperationsSequence", "SortingOperationsSequence"},
    "ImageBoxesSequence": {"ImageBoxNumber", "DisplayEnvironmentSpatialPosition", "ImageBoxLayoutType"},
    "FilterOperationsSequence": {"FilterByCategory", "FilterByOperator", "ImageSetSelectorUsageFlag",
                                 "SelectorAttributeVR", "SelectorCSValue"},
}  # fmt: skip
# what must say nothing, and what is not looked into
EMPTY: Final = {"ProcedureCodeSequence", "ReasonForRequestedProcedureCodeSequence", "SortingOperationsSequence"}
ASIDE: Final = {"SourceHangingProtocolSequence", "NominalScreenDefinitionSequence",
                "HangingProtocolUserIdentificationCodeSequence"}  # fmt: skip
BROKEN: Final = (
    InvalidDicomError, BytesLengthException, AttributeError, LookupError, ValueError, TypeError, EOFError,
    NotImplementedError, OSError, OverflowError, RecursionError, struct.error,
)  # fmt: skip


def written(layout: Layout) -> bytes:
    """A layout as a Part 10 file: a Hanging Protocol that says nothing of any patient, nor of who made it."""
    kind = kind_of(layout)
    arrangement = rules.arranged(
        {"rows": layout.rows, "columns": layout.columns, "boxes": layout.boxes}, earlier=layout.earlier
    )
    data = _begun(layout, kind)
    data.ImageSetsSequence, data.DisplaySetsSequence = Sequence(), Sequence()
    for place, box in enumerate(arrangement.boxes):
        if box is not None:
            number = len(data.ImageSetsSequence) + 1
            data.ImageSetsSequence.append(_image_set(number, box, kind))
            data.DisplaySetsSequence.append(_display_set(number, box, _corners(arrangement, place)))
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    file = io.BytesIO()
    data.save_as(file, enforce_file_format=True)
    return file.getvalue()


def kind_of(layout: Layout) -> rules.Kind:
    """The kind of exam that a layout is for."""
    return rules.Kind(
        modality=layout.modality, body_part=layout.body_part, procedure=layout.procedure, earlier=layout.earlier
    )


def read(content: bytes) -> tuple[str, rules.Kind, rules.Arrangement]:
    """What a file of anybody's says, when the viewer can show all of it: the name, the kind of exam, the layout.

    Raises LayoutTooLarge, NotALayoutFile, CannotShow.
    """
    if len(content) > LARGEST:
        raise rules.LayoutTooLarge
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a value against its VR is refused below, or was not looked at
            data = dcmread(io.BytesIO(content))
            if data.get("SOPClassUID") != HangingProtocolStorage:
                raise rules.NotALayoutFile
            _check(data, "")
            return _read(data)
    except (rules.NotALayout, *BROKEN) as error:
        raise rules.NotALayoutFile from error


def _begun(layout: Layout, kind: rules.Kind) -> Dataset:
    """The modules C.23.1 and C.23.2, and what every object says."""
    data, definition = Dataset(), Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID = HangingProtocolStorage
    data.SOPInstanceUID = generate_uid(None, [str(layout.id), layout.name, layout.saved_at.isoformat()])
    data.Manufacturer = "Wasl"
    data.HangingProtocolName, data.HangingProtocolDescription = _short(layout.name), layout.name
    data.HangingProtocolLevel = "SITE" if layout.place_id else "SINGLE_USER"
    data.HangingProtocolCreator = "Wasl"
    data.HangingProtocolCreationDateTime = f"{layout.saved_at:%Y%m%d%H%M%S}+0000"
    definition.Modality = kind.modality
    definition.ProcedureCodeSequence = Sequence()
    definition.ReasonForRequestedProcedureCodeSequence = Sequence()
    data.HangingProtocolDefinitionSequence = Sequence([definition])
    data.NumberOfPriorsReferenced = int(kind.earlier)
    data.HangingProtocolUserIdentificationCodeSequence = Sequence()
    data.NumberOfScreens = 1
    data.NominalScreenDefinitionSequence = Sequence()
    data.PartialDataDisplayHandling = "MAINTAIN_LAYOUT"
    return data


def _short(name: str) -> str:
    """As much of a name as an SH has room for; judges count bytes."""
    return name.encode()[:16].decode("utf-8", "ignore").strip()


def _image_set(number: int, box: rules.Box, kind: rules.Kind) -> Dataset:
    """What tells the series of a place: all of it must be so."""
    one, time = Dataset(), Dataset()
    told: dict[str, str | int | None] = {
        "Modality": box.modality, "SeriesDescription": box.description, "SeriesNumber": box.number,
        "BodyPartExamined": kind.body_part, "StudyDescription": kind.procedure,
    }  # fmt: skip
    one.ImageSetSelectorSequence = Sequence(
        [_selector(keyword, value) for keyword, value in told.items() if value not in ("", None)]
    )
    time.ImageSetNumber = number
    if box.earlier:
        time.ImageSetSelectorCategory, time.AbstractPriorValue = "ABSTRACT_PRIOR", list(BEFORE)
    else:
        time.ImageSetSelectorCategory, time.RelativeTime, time.RelativeTimeUnits = "RELATIVE_TIME", [0, 0], "SECONDS"
    one.TimeBasedImageSetsSequence = Sequence([time])
    return one


def _selector(keyword: str, value: str | int | None) -> Dataset:
    item = Dataset()
    item.ImageSetSelectorUsageFlag = "NO_MATCH"  # who does not say it is not meant
    item.SelectorAttribute = Tag(keyword)
    item.SelectorAttributeVR = SELECTED[keyword]
    setattr(item, f"Selector{SELECTED[keyword]}Value", value)
    item.SelectorValueNumber = 1
    return item


def _display_set(number: int, box: rules.Box, corners: list[float]) -> Dataset:
    """One place, and what of its image set it shows."""
    one, place = Dataset(), Dataset()
    one.DisplaySetNumber, one.DisplaySetPresentationGroup, one.ImageSetNumber = number, 1, number
    place.ImageBoxNumber, place.ImageBoxLayoutType, place.DisplayEnvironmentSpatialPosition = 1, "STACK", corners
    one.ImageBoxesSequence = Sequence([place])
    one.FilterOperationsSequence, one.SortingOperationsSequence = Sequence(), Sequence()
    if box.plane:
        plane = Dataset()
        plane.FilterByCategory, plane.FilterByOperator = "IMAGE_PLANE", "MEMBER_OF"
        plane.ImageSetSelectorUsageFlag = "NO_MATCH"
        plane.SelectorAttributeVR, plane.SelectorCSValue = "CS", PLANES[box.plane]
        one.FilterOperationsSequence.append(plane)
    if box.window:
        one.private_block(GROUP, OURS, create=True).add_new(GREYS, "FD", list(box.window))
    return one


def _corners(arrangement: rules.Arrangement, place: int) -> list[float]:
    """Where a place is: its upper left and lower right corner, of a screen of 1 by 1 that begins below (C.23.3)."""
    row, column = divmod(place, arrangement.columns)
    across, down = 1 / arrangement.columns, 1 / arrangement.rows
    return [column * across, 1 - row * down, (column + 1) * across, 1 - (row + 1) * down]


def _check(data: Dataset, where: str) -> None:
    """Nothing is said that the viewer would pass over. Raises CannotShow."""
    for element in data:
        keyword = element.keyword
        if element.tag.is_private or element.tag.element == 0:
            continue
        if keyword not in SAID[where] or (keyword in EMPTY and element.value):
            raise rules.CannotShow(what=element.name[:60])
        if keyword not in ASIDE and element.VR == "SQ":
            for item in element.value:
                _check(item, keyword)


def _read(data: Dataset) -> tuple[str, rules.Kind, rules.Arrangement]:
    """The three from a data set that says nothing else."""
    _only(data, "NumberOfScreens", (None, "", 1))
    priors = int(data.NumberOfPriorsReferenced)
    if priors not in (0, 1):
        raise rules.CannotShow(what=f"{data['NumberOfPriorsReferenced'].name}: {priors}")
    told: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
    for one in data.ImageSetsSequence:
        selected = _selected(one)
        for time in one.TimeBasedImageSetsSequence:
            box = {"modality": selected.get("Modality", ""), "description": selected.get("SeriesDescription", ""),
                   "number": selected.get("SeriesNumber"), "earlier": _is_earlier(time)}  # fmt: skip
            told[int(time.ImageSetNumber)] = (box, selected)
    kind = _kind(data, [selected for _box, selected in told.values()], earlier=priors == 1)
    rows, columns, boxes = _laid([_place(one, told, kind) for one in data.DisplaySetsSequence])
    name = str(data.get("HangingProtocolDescription") or data.HangingProtocolName)
    arrangement = rules.arranged({"rows": rows, "columns": columns, "boxes": boxes}, earlier=kind.earlier)
    return rules.written(name), kind, arrangement


def _selected(image_set: Dataset) -> dict[str, Any]:
    """What an image set must say, by keyword."""
    found: dict[str, Any] = {}
    names = {int(Tag(keyword)): keyword for keyword in SELECTED}
    for item in image_set.ImageSetSelectorSequence:
        keyword = names.get(int(item.SelectorAttribute))
        if keyword is None or keyword in found:
            raise rules.CannotShow(what=f"{item['SelectorAttribute'].name} {item.SelectorAttribute}")
        value = item[f"Selector{SELECTED[keyword]}Value"].value
        if int(item.SelectorValueNumber) not in (0, 1):
            raise rules.CannotShow(what=item["SelectorValueNumber"].name)
        found[keyword] = int(value) if SELECTED[keyword] == "IS" else _text(value)
    return found


def _is_earlier(time: Dataset) -> bool:
    """Whether an image set is of the latest earlier exam, or of the exam itself."""
    if time.ImageSetSelectorCategory == "ABSTRACT_PRIOR" and tuple(time.AbstractPriorValue) == BEFORE:
        return True
    if time.ImageSetSelectorCategory == "RELATIVE_TIME" and list(time.RelativeTime) == [0, 0]:
        return False
    raise rules.CannotShow(what=time["ImageSetSelectorCategory"].name)


def _kind(data: Dataset, selected: list[dict[str, Any]], *, earlier: bool) -> rules.Kind:
    """The kind of exam that a hanging protocol is for: one modality, one part of the body or one name."""
    if not selected:
        raise rules.NotALayout
    if len(data.HangingProtocolDefinitionSequence) != 1:
        raise rules.CannotShow(what=data["HangingProtocolDefinitionSequence"].name)
    (definition,) = data.HangingProtocolDefinitionSequence
    said = {keyword: {one.get(keyword, "") for one in selected} for keyword in ("BodyPartExamined", "StudyDescription")}
    if any(len(values) != 1 for values in said.values()):
        raise rules.CannotShow(what=data["HangingProtocolDefinitionSequence"].name)
    part, procedure = (next(iter(values)) for values in said.values())
    kind = rules.Kind(modality=_text(definition.Modality), body_part=part, procedure=procedure, earlier=earlier)
    rules.check_kind(kind)
    return kind


def _place(
    one: Dataset, told: dict[int, tuple[dict[str, Any], dict[str, Any]]], kind: rules.Kind
) -> tuple[list[float], dict[str, Any]]:
    """Where a display set is, and what it shows."""
    if len(one.ImageBoxesSequence) != 1:
        raise rules.CannotShow(what=one["ImageBoxesSequence"].name)
    (place,) = one.ImageBoxesSequence
    _only(place, "ImageBoxLayoutType", ("STACK", "SINGLE"))
    _only(one, "DisplaySetPresentationGroup", (1,))
    box = {**told[int(one.ImageSetNumber)][0]}
    box["modality"] = box["modality"] or kind.modality
    if filters := list(one.get("FilterOperationsSequence") or ()):
        named = {said: plane for plane, said in PLANES.items()}
        (plane,) = filters if len(filters) == 1 else (Dataset(),)
        if (plane.get("FilterByCategory"), plane.get("FilterByOperator")) != ("IMAGE_PLANE", "MEMBER_OF"):
            raise rules.CannotShow(what=one["FilterOperationsSequence"].name)
        _only(plane, "SelectorCSValue", tuple(named))
        box["plane"] = named[plane.SelectorCSValue]
    if (greys := _greys(one)) is not None:
        box["window"] = greys
    return [float(corner) for corner in place.DisplayEnvironmentSpatialPosition], box


def _greys(one: Dataset) -> list[float] | None:
    """What we wrote of greys; nothing, where others wrote it."""
    try:
        return [float(number) for number in one.private_block(GROUP, OURS)[GREYS].value]
    except KeyError:
        return None


def _laid(placed: list[tuple[list[float], dict[str, Any]]]) -> tuple[int, int, list[dict[str, Any] | None]]:
    """Rows, columns and what stands in each place, when all places are of one size, in a grid, each its own."""
    left, top, right, bottom = placed[0][0]
    rows, columns = (round(1 / max(size, 1 / (2 * rules.MOST))) for size in (top - bottom, right - left))
    boxes: list[dict[str, Any] | None] = [None] * (rows * columns)
    for (left, top, right, bottom), box in placed:
        row, column = round((1 - top) * rows), round(left * columns)
        expected = [column / columns, 1 - row / rows, (column + 1) / columns, 1 - (row + 1) / rows]
        there = (left, top, right, bottom)
        fits = all(abs(said - meant) < 0.01 for said, meant in zip(there, expected, strict=True))
        if not (fits and 0 <= row < rows and 0 <= column < columns and boxes[row * columns + column] is None):
            raise rules.CannotShow(what="Display Environment Spatial Position")
        boxes[row * columns + column] = box
    return rows, columns, boxes


def _only(data: Dataset, keyword: str, values: tuple[object, ...]) -> None:
    """What is said is one of a few things. Raises CannotShow."""
    value = data.get(keyword)
    if value not in values:
        name = data[keyword].name if keyword in data else keyword
        raise rules.CannotShow(what=f"{name}: {str(value)[:30]}")


def _text(value: object) -> str:
    """One text. Raises NotALayout for several."""
    if not isinstance(value, str):
        raise rules.NotALayout
    return value
