"""A key image is seen on the page, on paper and in the viewer as the reader showed it, by who may read the report."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pypdf
import pytest
from django.urls import reverse
from PIL import Image

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.radiology.test_documents import deliver
from tests.radiology.test_presentations import RGB, case_of, mark
from tests.radiology.test_reading import second_reader
from tests.radiology.test_shown import OVAL, VIEW, drawn
from wasl.archive import queries as archive
from wasl.kernel.access import STRANGER
from wasl.patients import rules as patient_rules
from wasl.patients.models import Access
from wasl.radiology import queries, services
from wasl.radiology.dicom.pictures import picture
from wasl.radiology.models import Document, KeyImage, Reading
from wasl.radiology.rules import shown as rules

LINE = drawn(points=[[2, 8], [14, 8]])


def file_of(folder: Path, **values: object) -> Path:
    path = folder / "image.dcm"
    path.write_bytes(make.part10(make.image(1, **values)))
    return path


def shown(path: Path, view: dict[str, Any]) -> npt.NDArray[np.uint8]:
    return picture(path, 1, rules.view_of(view, columns=16, rows=16))


def yellow(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Where a picture is yellow."""
    red, green, blue = (pixels[..., colour].astype(int) for colour in range(3))
    return np.asarray((red > 200) & (green > 150) & (blue < 120))


def test_a_window_is_shown_as_the_standard_has_it(tmp_path: Path) -> None:
    """Values and their greys of PS3.3, C.11.2.1.2.1: what is outside is black or white, the middle is grey."""
    path = file_of(tmp_path, WindowCenter=40, WindowWidth=400)
    values = np.random.default_rng(1).integers(0, 2000, (16, 16), dtype="int16").astype(float) - 1024
    for window, view in (((40, 400), {"drawings": []}), ((-200, 101), {"window": [-200, 101]})):
        centre, width = window
        grey = np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1) * 255
        assert np.abs(shown(path, view) - grey).max() <= 0.5
    assert (shown(path, {"window": [-200, 101], "inverted": True}) == 255 - shown(path, {"window": [-200, 101]})).all()
    narrow = shown(path, {"window": [0, 1]})
    assert (narrow == np.where(values > -0.5, 255, 0)).all()


def test_a_window_wider_than_the_values_is_not_stretched_to_them(tmp_path: Path) -> None:
    assert np.ptp(shown(file_of(tmp_path), {"window": [0, 100_000]})) < 8


def test_what_was_drawn_is_seen_where_it_was_drawn_and_nowhere_else(tmp_path: Path) -> None:
    path = file_of(tmp_path)
    without, pixels = shown(path, {"inverted": True}), shown(path, LINE)
    assert without.shape == (16, 16)
    assert pixels.shape == (700, 700, 3)
    rows, columns = np.nonzero(yellow(pixels))
    assert abs(rows - 350).max() <= 4
    assert (columns.min(), columns.max()) == (pytest.approx(2 * 700 / 16, abs=5), pytest.approx(14 * 700 / 16, abs=5))


@pytest.mark.parametrize(
    ("drawing", "place"),
    [
        ({"kind": "closed", "points": [[2, 2], [14, 2], [14, 14]]}, (8, 8)), (OVAL, (14, 6)), (OVAL, (8, 8)),
        ({"kind": "arrow", "points": [[4, 8], [12, 8]]}, (8, 8)), ({"kind": "point", "points": [[5, 11]]}, (5, 11)),
        ({"kind": "point", "points": [[1, 1]], "text": "نزف 12 mm\nII", "at": [16, 16]}, (1, 1)),
    ],
)  # fmt: skip
def test_each_kind_of_drawing(tmp_path: Path, drawing: dict[str, Any], place: tuple[int, int]) -> None:
    pixels = shown(file_of(tmp_path), {"drawings": [drawing]})
    x, y = (round(value * 700 / 16) for value in place)
    assert yellow(pixels[max(y - 4, 0) : y + 4, max(x - 4, 0) : min(x, 696) + 4]).any()
    written = yellow(pixels[620:, 400:]).any()  # a text that stood outside is within
    assert written == ("text" in drawing)


def test_colours_are_drawn_on_too(tmp_path: Path) -> None:
    data = make.image(1, **RGB)
    data.PixelData = bytes(16 * 16 * 3)
    path = tmp_path / "colour.dcm"
    path.write_bytes(make.part10(data))
    assert yellow(picture(path, 1, rules.view_of(LINE, columns=16, rows=16))).any()


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def case(stage: Cast) -> Reading:
    """A case that Leila holds, of two images."""
    return case_of(stage, {}, {})


@pytest.mark.django_db
def test_paper_and_page_show_it(stage: Cast, case: Reading) -> None:
    plain, image = mark(stage, case, 1, None), mark(stage, case, 2, LINE)
    report = make.signed_report(stage, case=case.id, revision=1)
    deliver()
    page = pypdf.PdfReader(io.BytesIO(bytes(Document.objects.get(report=report).pdf))).pages[0]
    seen = [yellow(np.asarray(one.image.convert("RGB"))).any() for one in page.images if one.image]
    assert sorted(seen) == [False, True]
    browser = browser_of(stage.amel)
    text = browser.get(reverse("radiology:report", args=[report.id])).content.decode()
    address = reverse("radiology:key_image", args=[image.id])
    assert f'src="{address}"' in text
    assert f"/instances/{plain.instance_uid}/frames/1/rendered" in text
    assert f"&amp;marked={image.id}" in text
    assert f"&amp;marked={plain.id}" in text
    answer = browser.get(address)
    assert answer["Content-Type"] == "image/png"
    assert yellow(np.asarray(Image.open(io.BytesIO(answer.content)))).any()
    assert Access.objects.filter(what="radiology.key_image", actor=str(stage.amel)).count() == 1


@pytest.mark.django_db
def test_the_editor_shows_it_and_tells_what_is_refused(stage: Cast, case: Reading) -> None:
    browser = browser_of(stage.leila)
    image = mark(stage, case, 1, None)
    address = reverse("radiology:mark_key_image", args=[case.id])
    said = {"instance": image.instance_uid, "language": "fr"}
    text = browser.post(address, {**said, "view": json.dumps(LINE)}).content.decode()
    assert reverse("radiology:key_image", args=[image.id]) in text
    image.refresh_from_db()
    assert image.view == rules.view_of(LINE, columns=16, rows=16)
    assert browser.get(reverse("radiology:key_image", args=[image.id])).status_code == 200
    for wrong in ("[", "[" * 100_000, '{"zoom": 1}', json.dumps(drawn(points=[[0, 0], [99, 1]])), " " * 500_000):
        assert browser.post(address, {**said, "view": wrong}).status_code == 422
    assert KeyImage.objects.get().view == image.view
    browser.post(address, said)
    assert KeyImage.objects.get().view is None


@pytest.mark.django_db
def test_the_viewer_is_told_of_it_by_who_may_read_the_report(stage: Cast, case: Reading) -> None:
    image = mark(stage, case, 2, VIEW)
    address = f"{reverse('radiology:marked_images')}?study={case.study.uid}"
    assert browser_of(stage.leila).get(address).json() == {"images": []}  # a draft is nobody's business
    report = make.signed_report(stage, case=case.id, revision=1)
    (said,) = browser_of(stage.amel).get(address).json()["images"]
    assert (said["id"], said["instance"], said["frame"]) == (str(image.id), image.instance_uid, 1)
    assert {name: said[name] for name in VIEW} == rules.view_of(VIEW, columns=16, rows=16)
    assert said["said"] == "4.9 mm · نزف"
    assert not said["preliminary"]
    assert [row.subject for row in Access.objects.filter(what="radiology.marked_images")] == [report.id]
    assert browser_of(stage.amel).get(address.replace(case.study.uid, "1.2.3")).json() == {"images": []}


@pytest.mark.django_db
def test_strangers_see_none(stage: Cast, case: Reading) -> None:
    image = mark(stage, case, 2, VIEW)
    for other in (stage.amel, second_reader(stage)):  # who asked, and who reads beside Leila: it is her draft
        with pytest.raises(patient_rules.NoGround):
            queries.key_image(image.id, viewer=other)
    make.signed_report(stage, case=case.id, revision=1)
    assert queries.key_image(image.id, viewer=stage.amel) == image
    assert queries.marked_images(case.study.uid, viewer=stage.amel) == [image]
    for nobody in (stage.zied, STRANGER):
        with pytest.raises(patient_rules.NoGround):
            queries.key_image(image.id, viewer=nobody)
        with pytest.raises(patient_rules.NoGround):
            queries.key_image(case.id, viewer=nobody)  # what is not there is refused alike
        assert queries.marked_images(case.study.uid, viewer=nobody) == []
    answer = browser_of(stage.zied).get(f"{reverse('radiology:marked_images')}?study={case.study.uid}")
    assert answer.json() == {"images": []}
    assert browser_of(stage.zied).get(reverse("radiology:key_image", args=[image.id])).status_code == 403
    assert not Access.objects.filter(actor=str(stage.zied)).exists()


@pytest.mark.django_db
def test_a_withdrawn_report_and_a_preliminary_one_made_final_are_passed(stage: Cast) -> None:
    case = services.claim_reading(make.reading(stage).id, by=stage.sirine)
    first = mark_by(stage, case)
    issued = make.preliminary(stage, case=case.id, revision=1)
    assert queries.marked_images(case.study.uid, viewer=stage.amel) == [first]
    make.finalised(stage, issued)
    (final,) = queries.marked_images(case.study.uid, viewer=stage.amel)
    assert final.id != first.id
    assert final.view == first.view
    Reading.objects.filter(id=case.id).update(state="withdrawn")
    assert queries.marked_images(case.study.uid, viewer=stage.amel) == []


def mark_by(stage: Cast, case: Reading) -> KeyImage:
    """What Sirine marked."""
    uid = archive.instances_of(case.study_id, viewer=stage.sirine)[0].uid
    return services.mark_key_image(case.id, instance_uid=uid, by=stage.sirine, view=VIEW)
