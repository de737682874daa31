"""A case with an earlier exam of the same kind: both stand side by side without a click, scrolled together."""

from collections.abc import Iterable

import pytest
from playwright.sync_api import Browser, Frame
from pydicom.uid import generate_uid

from tests import make
from tests.cast import Cast, cast
from tests.edges.scenes import PATIENCE
from tests.edges.test_viewer import Window, browser  # noqa: F401  a fixture
from wasl.archive import services as archive
from wasl.archive.models import Study
from wasl.kernel.access import SYSTEM
from wasl.radiology import services as radiology

SLICES = 9
# the pictures of each viewport: whose study, and which of them is shown
SHOWN = """() => {
    const viewports = window.cornerstone?.getRenderingEngines().flatMap((engine) => engine.getViewports()) || [];
    return viewports.map((viewport) => [
        (viewport.getCurrentImageId?.() || "").split("/studies/")[1]?.split("/")[0],
        viewport.getCurrentImageIdIndex?.() ?? -1,
        viewport.getImageIds?.().length ?? 0,
    ]);
}"""
SCROLL = """(number) => {
    const [viewport] = window.cornerstone.getRenderingEngines().flatMap((engine) => engine.getViewports());
    return viewport.setImageIdIndex(number);
}"""


HEIGHTS = range(1, SLICES + 1)  # of the slices of the new exam, in mm above where its scanner has its zero


def slices(stage: Cast, study: str, *, heights: Iterable[int] = HEIGHTS, **values: object) -> Study:
    """Some slices of a head, at these heights."""
    about = {"StudyInstanceUID": study, "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], **values}
    frame = str(generate_uid())
    sent = (
        make.image(n, ImagePositionPatient=[0, 0, height], FrameOfReferenceUID=frame, **about)
        for n, height in enumerate(heights, 1)
    )
    outcomes = make.send(stage, *sent)
    archive.complete_study(outcomes[0].study, how="quiet", by=SYSTEM)
    return Study.objects.get(id=outcomes[0].study)


def comes(frame: Frame, wanted: list[object], *, of: int, scrolled: int | None = None) -> bool:
    """Whether the viewports come to show what is wanted, while the first is scrolled."""
    for _ in range(round(2 * PATIENCE)):
        if scrolled is not None:
            frame.evaluate(SCROLL, scrolled)
        frame.page.wait_for_timeout(500)
        if [one[of] for one in frame.evaluate(SHOWN)] == wanted:
            return True
    return False


# another scanner has its zero elsewhere; a third counts from the top, its slices ever farther apart;
# the viewer lays each from the top
@pytest.mark.parametrize(("heights", "beside"), [(range(401, 401 + SLICES), 4), ([400 - n * n for n in HEIGHTS], 1)])
def test_an_earlier_exam_of_the_same_kind_stands_beside(
    server: str,
    browser: Browser,  # noqa: F811
    heights: list[int],
    beside: int,
) -> None:
    stage = cast()
    order = make.order(stage)
    now = slices(stage, order.study_uid, AccessionNumber=order.accession)
    radiology.link_study(order.id, study=now.id, because="accession", by=SYSTEM)
    case = radiology.open_reading(order.id, study=now.id, by=SYSTEM)
    before = slices(
        stage, str(generate_uid()), heights=heights, StudyDate="20250503", StudyDescription="Scanner du crâne"
    )
    other = slices(
        stage, str(generate_uid()), StudyDate="20250703", StudyDescription="Scanner du genou", BodyPartExamined="KNEE"
    )
    for study in (before, other):
        archive.match_study(study.id, patient=order.patient_id, because="test", by=stage.sami)
    radiology.claim_reading(case.id, by=stage.leila)
    window = Window(browser, server, stage.leila)
    window.page.goto(f"{server}/radiology/readings/{case.id}/")
    (frame,) = (frame for frame in window.page.frames if "/viewer/" in frame.url)
    assert comes(frame, [now.uid, before.uid], of=0)
    assert comes(frame, [SLICES, SLICES], of=2)
    assert comes(frame, [4, beside], of=1, scrolled=4)
    assert window.page.locator("#section-comparison").input_value().startswith("Scanner du crâne du 03/05/2025")
    assert window.wrong == []
