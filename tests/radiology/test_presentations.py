"""What the reader saw of the key images goes out with the report, as presentation states that other viewers read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests import make
from tests.cast import Cast, cast
from tests.radiology.test_documents import deliver, filed
from tests.radiology.test_shown import ARROW, LENGTH, OVAL, VIEW, drawn
from tests.valid import errors, said_of
from wasl.archive import queries as archive
from wasl.archive import services as archiving
from wasl.kernel.access import SYSTEM
from wasl.radiology import services
from wasl.radiology.dicom.documents import objects
from wasl.radiology.dicom.presentations import arrow
from wasl.radiology.models import Document, KeyImage, Reading, Report
from wasl.radiology.rules.shown import NotAView

pytestmark = pytest.mark.django_db
RGB = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "BitsAllocated": 8,
       "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0}  # fmt: skip


@pytest.fixture
def stage() -> Cast:
    return cast()


def case_of(stage: Cast, *images: dict[str, Any]) -> Reading:
    """A case of Leila's, of these images."""
    order, uid = make.order(stage), str(generate_uid())
    sent = []
    for number, values in enumerate(images, 1):
        data = make.image(number, StudyInstanceUID=uid, AccessionNumber=order.accession, **values)
        if data.SamplesPerPixel == 3:
            del data.RescaleIntercept, data.RescaleSlope
            data.PixelData = bytes(data.Rows * data.Columns * 3)
        if data.get("NumberOfFrames"):
            data.PixelData = data.PixelData * int(data.NumberOfFrames)
        sent.append(data)
    study = make.send(stage, *sent)[0].study
    archiving.complete_study(study, how="quiet", by=SYSTEM)
    services.link_study(order.id, study=study, because="accession", by=SYSTEM)
    return services.claim_reading(services.open_reading(order.id, study=study, by=SYSTEM).id, by=stage.leila)


def mark(stage: Cast, case: Reading, number: int, view: object, frame: int = 1) -> KeyImage:
    uid = archive.instances_of(case.study_id, viewer=SYSTEM).get(number=number, frames__gt=0).uid
    return services.mark_key_image(case.id, instance_uid=uid, frame=frame, by=stage.leila, view=view)


def signed(stage: Cast, case: Reading) -> Report:
    report = make.signed_report(stage, case=case.id, revision=1)
    deliver()
    return report


def states(report: Report) -> list[Dataset]:
    """The presentation states that lie in the report's study, each judged by dciodvfy."""
    found = []
    for key in filed(report):
        path: Path = archive.path_of(key, viewer=SYSTEM)
        if "SoftcopyPresentationState" in "".join(said_of(path)):
            assert errors(path) == set()
            found.append(dcmread(path))
    return sorted(found, key=lambda data: int(data.InstanceNumber))


def test_a_view_becomes_a_presentation_state_of_the_same_pixels(stage: Cast) -> None:
    case = case_of(stage, {}, {"Rows": 12})
    plain, image = mark(stage, case, 1, None), mark(stage, case, 2, VIEW)
    report = signed(stage, case)
    (data,) = states(report)
    assert (data.Modality, data.SOPClassUID) == ("PR", "1.2.840.10008.5.1.4.1.1.11.1")
    assert (data.ContentLabel, str(data.ContentCreatorName)) == ("WASL KEY IMAGES", "Haddad^Leila")
    assert str(data.PatientName).startswith("Ben Salah^Salma")
    (series,) = data.ReferencedSeriesSequence
    assert [one.ReferencedSOPInstanceUID for one in series.ReferencedImageSequence] == [image.instance_uid]
    assert plain.instance_uid not in str(data)
    assert (data.RescaleIntercept, data.RescaleSlope) == (-1024, 1)
    (voi,) = data.SoftcopyVOILUTSequence
    assert (voi.WindowCenter, voi.WindowWidth, data.PresentationLUTShape) == (40, 80.5, "INVERSE")
    (area,) = data.DisplayedAreaSelectionSequence
    assert area.DisplayedAreaTopLeftHandCorner == [1, 1]
    assert area.DisplayedAreaBottomRightHandCorner == [16, 12]
    assert (area.PresentationSizeMode, area.PresentationPixelSpacing) == ("SCALE TO FIT", [0.5, 0.5])
    (drawings,) = data.GraphicAnnotationSequence
    assert drawings.GraphicLayer == data.GraphicLayerSequence[0].GraphicLayer
    line, pointer = drawings.GraphicObjectSequence
    assert (line.GraphicAnnotationUnits, line.GraphicType, line.NumberOfGraphicPoints) == ("PIXEL", "POLYLINE", 2)
    assert line.GraphicData == pytest.approx([2.5, 3, 12.25, 9.123], abs=1e-3)
    assert (pointer.GraphicType, pointer.GraphicData[:4]) == ("POLYLINE", [2, 2, 8, 8])
    assert [(text.UnformattedTextValue, text.AnchorPoint) for text in drawings.TextObjectSequence] == [
        ("4.9 mm", [13, 10]), ("نزف", [1, 1])
    ]  # fmt: skip


def test_told_again_it_is_the_same_object(stage: Cast) -> None:
    case = case_of(stage, {})
    mark(stage, case, 1, VIEW)
    report = signed(stage, case)
    document = Document.objects.get(report=report)
    first, again = (objects(document, viewer=SYSTEM) for _ in range(2))
    assert [data.SOPInstanceUID for data in first] == [data.SOPInstanceUID for data in again]
    uids = {data.SOPInstanceUID for data in first} | {data.SeriesInstanceUID for data in first}
    assert len(uids) == 2 * len(first) == 8
    assert len(filed(report)) == 4


def test_the_selection_says_by_what_its_images_are_shown(stage: Cast) -> None:
    case = case_of(stage, {}, {})
    shown, plain = mark(stage, case, 2, VIEW), mark(stage, case, 1, None)
    report = signed(stage, case)
    (state,) = states(report)
    paths = [archive.path_of(key, viewer=SYSTEM) for key in filed(report)]
    (path,) = (path for path in paths if "KeyObjectSelectionDocument" in said_of(path))
    assert errors(path) == set()
    data = dcmread(path)
    images = [item.ReferencedSOPSequence[0] for item in data.ContentSequence if "ReferencedSOPSequence" in item]
    assert [image.ReferencedSOPInstanceUID for image in images] == [shown.instance_uid, plain.instance_uid]
    assert images[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == state.SOPInstanceUID
    assert "ReferencedSOPSequence" not in images[1]
    evidence = data.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert state.SOPInstanceUID in {one.ReferencedSOPInstanceUID for s in evidence for one in s.ReferencedSOPSequence}


def test_images_shown_as_they_are_make_no_state(stage: Cast) -> None:
    case = case_of(stage, {})
    mark(stage, case, 1, None)
    assert states(signed(stage, case)) == []


def test_what_the_reader_left_is_said_again(stage: Cast) -> None:
    """A state stands in place of the image's own window; without one it is from the darkest to the brightest value."""
    case = case_of(stage, {"WindowCenter": [35, 300], "WindowWidth": [75.5, 1500]}, {})
    for number in (1, 2):
        mark(stage, case, number, {"drawings": [LENGTH]})
    (data,) = states(signed(stage, case))
    own, none = data.SoftcopyVOILUTSequence
    assert ([*own.WindowCenter], [*own.WindowWidth]) == ([35, 300], [75.5, 1500])
    assert data.PresentationLUTShape == "IDENTITY"
    stored = np.random.default_rng(2).integers(0, 2000, (16, 16), dtype="int16") - 1024
    low = none.WindowCenter - 0.5 - (none.WindowWidth - 1) / 2
    high = none.WindowCenter - 0.5 + (none.WindowWidth - 1) / 2
    assert (low, high) == (stored.min(), stored.max())


def test_images_that_differ_in_what_one_state_says_have_several(stage: Cast) -> None:
    case = case_of(stage, {}, {"PhotometricInterpretation": "MONOCHROME1"}, {"RescaleIntercept": 0}, {}, RGB)
    for number in (1, 2, 3, 4):
        mark(stage, case, number, {"window": [40, 80]})
    mark(stage, case, 5, {"drawings": [ARROW, OVAL]})
    made = states(signed(stage, case))
    said = [
        (data.SOPClassUID[-4:], data.get("PresentationLUTShape"), data.get("RescaleIntercept"),
         len(data.ReferencedSeriesSequence[0].ReferencedImageSequence))
        for data in made
    ]  # fmt: skip
    assert said == [
        ("11.1", "IDENTITY", -1024, 2), ("11.1", "INVERSE", -1024, 1), ("11.1", "IDENTITY", 0, 1),
        ("11.2", None, None, 1),
    ]  # fmt: skip
    assert len({data.SeriesInstanceUID for data in made}) == 1
    oval = made[3].GraphicAnnotationSequence[0].GraphicObjectSequence[1]
    assert (oval.GraphicType, oval.GraphicFilled, oval.GraphicData) == ("ELLIPSE", "N", [2, 6, 14, 6, 8, 4, 8, 8])
    assert made[3].ICCProfile[12:16] == b"scnr"


def test_colours_have_no_window(stage: Cast) -> None:
    case = case_of(stage, RGB)
    for view in ({"window": [40, 80]}, {"inverted": True}):
        with pytest.raises(NotAView):
            mark(stage, case, 1, view)


def test_frames_of_one_image_stand_together(stage: Cast) -> None:
    ultrasound = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.3", "NumberOfFrames": 3, "Modality": "OT"}
    case = case_of(stage, ultrasound)
    for frame in (3, 2):
        mark(stage, case, 1, drawn(kind="closed", points=[[1, 1], [5, 1], [frame, 5]]), frame)
    (data,) = states(signed(stage, case))
    (image,) = data.ReferencedSeriesSequence[0].ReferencedImageSequence
    assert image.ReferencedFrameNumber == [3, 2]
    first, second = data.GraphicAnnotationSequence
    assert [one.ReferencedImageSequence[0].ReferencedFrameNumber for one in (first, second)] == [3, 2]
    assert first.GraphicObjectSequence[0].GraphicData == [1, 1, 5, 1, 3, 5, 1, 1]


def test_an_arrow_is_one_line_that_stays_within_the_image() -> None:
    tail, tip, left, again, right = arrow([[0, 50], [100, 50]], (512, 512))
    assert (tail, tip, again) == ([100, 50], [0, 50], [0, 50])
    assert left[0] == pytest.approx(right[0])
    assert left[1] - 50 == pytest.approx(50 - right[1])
    for point in arrow([[0, 0], [100, 1]], (512, 512)):
        assert min(point) >= 0
