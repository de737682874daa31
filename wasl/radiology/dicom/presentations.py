"""How the reader showed the key images, as Softcopy Presentation States (PS3.3, A.33.1; coloured images: A.33.2).

A presentation state stands in place of what an image says of its greys (PS3.4, N.2): each says again the rescaling and
the window of its images, where the reader left them as they were. It has one rescaling and one polarity for all of its
images, so that those which differ in these have several.
"""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.utils import timezone
from PIL import ImageCms
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array
from pydicom.sequence import Sequence
from pydicom.uid import ColorSoftcopyPresentationStateStorage, GrayscaleSoftcopyPresentationStateStorage

from wasl.archive import queries as archive
from wasl.kernel.access import Actor
from wasl.radiology import queries
from wasl.radiology.dicom import greys
from wasl.radiology.dicom.header import MARK, ROOT, begin, is_preliminary
from wasl.radiology.queries import Document, KeyImage, Report

ROLE = 4  # of the series; the objects are counted from FIRST on
FIRST = 100
LABEL = "WASL KEY IMAGES"
DESCRIPTION = "Key images as the reader saw them"
LAYER = "DRAWN"
YELLOW = [56360, 33410, 51400]  # CIELab, as PS3.3, C.10.7.1.1 has it
HEAD, ANGLE = 0.25, math.radians(25)  # of an arrow: of its length, and between its head and itself
LONGEST_HEAD = 0.04  # of the image's width
TYPES = {"line": "POLYLINE", "closed": "POLYLINE", "arrow": "POLYLINE", "ellipse": "ELLIPSE", "point": "POINT"}
Point = list[float]


@dataclass(frozen=True)
class Shown:
    """A key image that is shown otherwise than it is, with what its header says."""

    image: KeyImage
    sop_class: str
    series: str
    data: Dataset
    frame: Dataset  # what turns its values into greys
    path: Path

    @property
    def view(self) -> dict[str, Any]:
        """How the reader showed it."""
        return dict(self.image.view or {})

    @property
    def reference(self) -> Dataset:
        """The image, and the frame where it has several (PS3.3, Table 10-3)."""
        reference = Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = self.sop_class, self.image.instance_uid
        if int(self.data.get("NumberOfFrames") or 1) > 1:
            reference.ReferencedFrameNumber = self.image.frame
        return reference

    @property
    def modality(self) -> Dataset:
        """What turns its stored values into those of its modality."""
        kept = Dataset()
        for keyword in greys.MODALITY:
            if keyword in self.frame and greys.is_grey(self.data):
                kept[keyword] = self.frame[keyword]
        if "RescaleSlope" in kept:
            kept.RescaleType = kept.get("RescaleType") or "US"  # unspecified
        return kept

    @property
    def shape(self) -> str:
        """The polarity, which stands in place of the image's own: MONOCHROME1 is INVERSE."""
        if not greys.is_grey(self.data):
            return ""
        turned = self.data.PhotometricInterpretation == "MONOCHROME1"
        return "INVERSE" if turned != bool(self.view.get("inverted")) else "IDENTITY"


def presentations(document: Document, report: Report, *, viewer: Actor) -> list[tuple[Dataset, list[KeyImage]]]:
    """The presentation states of a report, each with the key images it is of; none where all are shown as they are.

    An image that is not in the archive any more, or whose header cannot be read, is left out.
    """
    alike: dict[tuple[str, str], list[Shown]] = {}
    for one in _shown(report, viewer=viewer):
        rescaling = json.dumps(one.modality.to_json_dict(), sort_keys=True)
        alike.setdefault((one.shape, rescaling), []).append(one)
    made = []
    for number, group in enumerate(alike.values(), 1):
        data = _state(document, report, number, group, viewer=viewer)
        made.append((data, [one.image for one in group]))
    return made


def reference_to(data: Dataset) -> Dataset:
    """A presentation state, as others refer to it."""
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    return reference


def _shown(report: Report, *, viewer: Actor) -> Iterable[Shown]:
    wanted = [image for image in queries.key_images([report.id], viewer=viewer) if image.view]
    if not wanted:
        return
    rows = archive.instances_of(report.reading.study_id, viewer=viewer)
    here = {row.uid: row for row in rows.filter(uid__in=[image.instance_uid for image in wanted])}
    for image in wanted:
        if row := here.get(image.instance_uid):
            try:
                path = archive.path_of(row.id, viewer=viewer)
                data = dcmread(path, stop_before_pixels=True)
                yield Shown(
                    image=image, sop_class=row.sop_class, series=row.series.uid, data=data, path=path,
                    frame=_with_window(greys.of_frame(data, image.frame), image, path),
                )  # fmt: skip
            except greys.UNREAD:
                continue


def _with_window(frame: Dataset, image: KeyImage, path: Path) -> Dataset:
    """What a frame says of its greys, with the reader's window, or one from its darkest to its brightest value."""
    window = (image.view or {}).get("window")
    says = "VOILUTSequence" in frame or "WindowCenter" in frame
    if not greys.is_grey(frame) or (says and not window):
        return frame
    if not window:
        window = greys.window_of_all(frame, pixel_array(path, index=image.frame - 1))
    for keyword in greys.VOI:
        frame.pop(keyword, None)
    frame.WindowCenter, frame.WindowWidth = (f"{value:.10g}" for value in window)
    return frame


def _state(document: Document, report: Report, number: int, group: list[Shown], *, viewer: Actor) -> Dataset:
    """One presentation state of images of one rescaling and one polarity, or of coloured images."""
    shape = group[0].shape
    kind = GrayscaleSoftcopyPresentationStateStorage if shape else ColorSoftcopyPresentationStateStorage
    data = begin(document, report, viewer=viewer, role=ROLE, sop_class=kind, modality="PR")
    data.SOPInstanceUID = f"{ROOT}.{document.id.int + FIRST + number}"
    data.InstanceNumber = number
    data.Laterality = ""
    signed = timezone.localtime(report.signed_at)
    data.PresentationCreationDate, data.PresentationCreationTime = f"{signed:%Y%m%d}", f"{signed:%H%M%S}"
    data.ContentLabel = LABEL
    data.ContentDescription = f"{MARK} {DESCRIPTION}" if is_preliminary(report) else DESCRIPTION
    data.ContentCreatorName = f"{report.author.family_name}^{report.author.given_name}"
    data.ReferencedSeriesSequence = Sequence(_series(group))
    data.DisplayedAreaSelectionSequence = Sequence(_area(one) for one in group)
    if drawn := [_annotation(one) for one in group if one.view["drawings"]]:
        data.GraphicAnnotationSequence = Sequence(drawn)
        data.GraphicLayerSequence = Sequence([_layer()])
    if shape:
        data.update(group[0].modality)
        data.SoftcopyVOILUTSequence = Sequence(_voi(one) for one in group)
        data.PresentationLUTShape = shape
    else:
        data.ICCProfile = _srgb()
    return data


def _series(group: list[Shown]) -> Iterable[Dataset]:
    """The images by their series; several frames of one image stand together."""
    series: dict[str, dict[str, Dataset]] = {}
    for one in group:
        images, reference = series.setdefault(one.series, {}), one.reference
        known = images.setdefault(one.image.instance_uid, reference)
        if known is not reference:
            before = known["ReferencedFrameNumber"]
            frames = [before.value] if before.VM == 1 else [*before.value]
            known.ReferencedFrameNumber = [*frames, one.image.frame]
    for uid, images in series.items():
        item = Dataset()
        item.SeriesInstanceUID = uid
        item.ReferencedImageSequence = Sequence(images.values())
        yield item


def _area(one: Shown) -> Dataset:
    """The whole image, as large as there is room (PS3.3, C.10.4)."""
    item = Dataset()
    item.ReferencedImageSequence = Sequence([one.reference])
    item.DisplayedAreaTopLeftHandCorner = [1, 1]
    item.DisplayedAreaBottomRightHandCorner = [one.data.Columns, one.data.Rows]
    item.PresentationSizeMode = "SCALE TO FIT"
    if "PixelSpacing" in one.data and one.data.PixelSpacing:
        item.PresentationPixelSpacing = one.data.PixelSpacing
    else:
        item.PresentationPixelAspectRatio = one.data.get("PixelAspectRatio") or [1, 1]
    return item


def _voi(one: Shown) -> Dataset:
    item = Dataset()
    item.ReferencedImageSequence = Sequence([one.reference])
    for keyword in greys.VOI:
        if keyword in one.frame:
            item[keyword] = one.frame[keyword]
    return item


def _layer() -> Dataset:
    layer = Dataset()
    layer.GraphicLayer, layer.GraphicLayerOrder = LAYER, 1
    layer.GraphicLayerRecommendedDisplayGrayscaleValue = 0xFFFF
    layer.GraphicLayerRecommendedDisplayCIELabValue = YELLOW
    layer.GraphicLayerDescription = "What the reader drew"
    return layer


def _annotation(one: Shown) -> Dataset:
    """What is drawn on an image (PS3.3, C.10.5): lines and forms, and the texts where they stood."""
    item = Dataset()
    item.ReferencedImageSequence = Sequence([one.reference])
    item.GraphicLayer = LAYER
    drawings = one.view["drawings"]
    item.GraphicObjectSequence = Sequence(_graphic(drawing, one) for drawing in drawings)
    if texts := [_text(drawing) for drawing in drawings if "text" in drawing]:
        item.TextObjectSequence = Sequence(texts)
    return item


def _graphic(drawing: dict[str, Any], one: Shown) -> Dataset:
    graphic, points = Dataset(), drawing["points"]
    if drawing["kind"] == "closed":
        points = [*points, points[0]]
    elif drawing["kind"] == "arrow":
        points = arrow(points, (one.data.Columns, one.data.Rows))
    graphic.GraphicAnnotationUnits, graphic.GraphicDimensions = "PIXEL", 2
    graphic.NumberOfGraphicPoints = len(points)
    graphic.GraphicData = [value for point in points for value in point]
    graphic.GraphicType = TYPES[drawing["kind"]]
    if drawing["kind"] in ("closed", "ellipse"):
        graphic.GraphicFilled = "N"
    return graphic


def arrow(points: list[Point], size: tuple[int, int]) -> list[Point]:
    """An arrow as one line, from its end to its tip (the first point) and along both edges of its head."""
    (x, y), (from_x, from_y) = points
    length = min(HEAD * math.hypot(from_x - x, from_y - y), LONGEST_HEAD * max(size))
    back = math.atan2(from_y - y, from_x - x)
    edges = [[x + length * math.cos(back + turn), y + length * math.sin(back + turn)] for turn in (ANGLE, -ANGLE)]
    first, second = ([min(max(value, 0.0), most) for value, most in zip(edge, size, strict=True)] for edge in edges)
    return [[from_x, from_y], [x, y], first, [x, y], second]


def _text(drawing: dict[str, Any]) -> Dataset:
    text = Dataset()
    text.AnchorPointAnnotationUnits, text.AnchorPointVisibility = "PIXEL", "N"
    text.AnchorPoint = drawing["at"]
    text.UnformattedTextValue = drawing["text"].replace("\n", "\r\n")
    return text


def _profile() -> bytes:
    """The sRGB colours as those of a camera: the standard takes input profiles alone (PS3.3, C.11.15)."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made[12:16] = b"scnr"
    return bytes(made) + b"\0" * (len(made) % 2)


_srgb: Callable[[], bytes] = cache(_profile)
