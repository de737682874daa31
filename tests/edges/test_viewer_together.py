"""Two viewer windows of one reader: slice, greys and cursor of the one under the hand are those of the other."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from pydicom.uid import generate_uid

from tests import make
from tests.cast import Cast, cast
from tests.edges.scenes import PATIENCE
from tests.edges.test_viewer import VIEWPORT, Window, browser  # noqa: F401  a fixture
from wasl.accounts import services as accounts
from wasl.archive import services as archive
from wasl.archive.models import Study
from wasl.kernel.access import SYSTEM
from wasl.radiology import services as radiology

SLICES = 9
SIDE = 64
# what a window asks for or draws of each slice, and when, on one clock of all windows
NOTE = """(event) => {
    window.noted = {};
    document.addEventListener(event, ({ target, detail }) => {
        const { viewport } = window.cornerstone.getEnabledElement(target);
        const slice = viewport.getImageIds().indexOf(detail.imageId || viewport.getCurrentImageId());
        window.noted[slice] ??= performance.timeOrigin + performance.now();
    }, true);
}"""
SEEN = """() => (window.cornerstone?.getEnabledElements() || []).map(({ viewport }) => {
    const mark = viewport.element.querySelector(":scope > .wasl-cursor");
    const box = viewport.canvas.getBoundingClientRect();
    const sign = mark?.getBoundingClientRect();
    const at = sign && [sign.x + sign.width / 2 - box.x, sign.y + sign.height / 2 - box.y];
    const { lower, upper } = viewport.getProperties().voiRange || {};
    return {
        slice: viewport.getCurrentImageIdIndex(),
        series: window.cornerstone.metaData.get("generalSeriesModule", viewport.getCurrentImageId())?.seriesInstanceUID,
        greys: [lower, upper],
        cursor: at && [...viewport.canvasToWorld(at)],
        faint: mark?.style.opacity,
    };
})"""
# that something was said to all windows, after everybody else heard it
HEARD = """() => {
    window.heard = new Promise((done) => {
        new BroadcastChannel(`wasl-together-${window.wasl.person}`).onmessage = () => setTimeout(() => done(true), 300);
    });
}"""
WAITED = "() => window.heard"
WORLD = """([x, y]) => {
    const [{ viewport }] = window.cornerstone.getEnabledElements();
    const box = viewport.canvas.getBoundingClientRect();
    return [...viewport.canvasToWorld([x - box.x, y - box.y])];
}"""


def exam(stage: Cast) -> tuple[Study, Study]:
    """A head CT of Leila's, cut axially and coronally, and an earlier one with coordinates of its own."""
    order = make.order(stage)
    about = {"Rows": SIDE, "Columns": SIDE, "PixelSpacing": [1, 1]}
    now = {**about, "StudyInstanceUID": order.study_uid, "AccessionNumber": order.accession}
    space, other = str(generate_uid()), str(generate_uid())
    axial = [make.image(n, **now, FrameOfReferenceUID=space) for n in range(1, SLICES + 1)]
    coronal = [
        make.image(
            n, **now, FrameOfReferenceUID=space, SeriesInstanceUID=f"{order.study_uid[:56]}.2", SeriesNumber=2,
            SeriesDescription="Coronal", ImagePositionPatient=[0, 4 * n, 40],
            ImageOrientationPatient=[1, 0, 0, 0, 0, -1], SliceThickness=4,
        )
        for n in range(1, SLICES + 1)
    ]  # fmt: skip
    before = [
        make.image(n, **about, StudyInstanceUID=other, FrameOfReferenceUID=str(generate_uid()), StudyDate="20250503")
        for n in range(1, SLICES + 1)
    ]
    found = [make.send(stage, *images)[0].study for images in ([*axial, *coronal], before)]
    archive.complete_study(found[0], how="quiet", by=SYSTEM)
    archive.match_study(found[1], patient=order.patient_id, because="test", by=stage.sami)
    studies = Study.objects.in_bulk(found)
    radiology.link_study(order.id, study=found[0], because="accession", by=SYSTEM)
    case = radiology.open_reading(order.id, study=found[0], by=SYSTEM)
    radiology.claim_reading(case.id, by=stage.leila)
    return studies[found[0]], studies[found[1]]


@contextmanager
def second(window: Window) -> Iterator[Page]:
    """The window that the button of the toolbar opens, once it shows a picture."""
    with window.page.context.expect_page() as opened:
        window.page.get_by_role("button", name="Deuxième fenêtre").click()
    page = opened.value
    page.set_default_timeout(1000 * PATIENCE)
    page.on("pageerror", lambda error: window.wrong.append(str(error)))
    page.locator(VIEWPORT).first.wait_for()
    assert comes(page, lambda seen: seen["greys"][1] is not None)
    yield page
    page.close()


def comes(page: Page, right: Callable[[dict[str, Any]], bool]) -> bool:
    """Whether what the first viewport of a window shows comes to be right."""
    for _ in range(round(5 * PATIENCE)):
        seen = page.evaluate(SEEN)
        if seen and right(seen[0]):
            return True
        page.wait_for_timeout(50)
    return False


def shows_slice(number: int) -> Callable[[dict[str, Any]], bool]:
    return lambda seen: bool(seen["slice"] == number)


def middle(page: Page) -> tuple[float, float]:
    box = page.locator(VIEWPORT).first.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page) -> list[float]:
    """The greys that a hand gives to the picture."""
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 90, steps=4)
    page.mouse.up()
    greys: list[float] = page.evaluate(SEEN)[0]["greys"]
    return greys


@pytest.fixture
def opened(server: str, browser: Browser) -> tuple[Window, Study, Study]:  # noqa: F811
    """Leila's window of the new exam, and both exams."""
    stage = cast()
    now, before = exam(stage)
    accounts.change_preferences(language="fr", by=stage.leila)
    window = Window(browser, server, stage.leila)
    window.open(now)
    assert window.shows(), window.wrong
    return window, now, before


Opened = tuple[Window, Study, Study]


def test_slice_greys_and_cursor_are_those_of_the_other_window(opened: Opened) -> None:
    window, *_ = opened
    first = window.page
    drag(first)  # before the second is there
    with second(window) as other:
        was = first.evaluate(SEEN)[0]["greys"]
        assert comes(other, lambda seen: seen["greys"] == pytest.approx(was)), other.evaluate(SEEN)
        first.evaluate(NOTE, "CORNERSTONE_PRE_STACK_NEW_IMAGE")
        other.evaluate(NOTE, "CORNERSTONE_PRE_STACK_NEW_IMAGE")
        first.mouse.move(*middle(first))
        for number in range(1, SLICES - 1):
            first.mouse.wheel(0, 100)
            assert comes(other, shows_slice(number)), other.evaluate(SEEN)
        asked, followed = first.evaluate("window.noted"), other.evaluate("window.noted")
        took = [followed[number] - asked[number] for number in asked]
        print(f"\na slice is asked for in the other window after {statistics.median(took):.1f} ms, "
              f"at most {max(took):.1f} ms, of {len(took)}")  # fmt: skip
        greys = drag(first)
        assert greys != pytest.approx(was)
        assert comes(other, lambda seen: seen["greys"] == pytest.approx(greys)), other.evaluate(SEEN)
        x, y = middle(first)
        first.mouse.move(x - 80, y + 50, steps=3)
        place = first.evaluate(WORLD, [x - 80, y + 50])
        assert comes(other, lambda seen: bool(seen["cursor"]) and seen["cursor"] == pytest.approx(place, abs=0.5))
        assert other.evaluate(SEEN)[0]["faint"] == "1"
        other.mouse.move(*middle(other))  # the hand goes to the other screen, and leads there
        other.mouse.wheel(0, -100)
        assert comes(first, lambda seen: seen["slice"] == SLICES - 3 and bool(seen["cursor"]))
        assert other.locator(".wasl-cursor").count() == 0
        other.get_by_role("button", name="Garder les fenêtres ensemble").click()
        first.mouse.move(*middle(first))
        other.evaluate(HEARD)
        first.mouse.wheel(0, 100)
        assert comes(first, lambda seen: seen["slice"] == SLICES - 2)
        assert other.evaluate(WAITED)
        assert other.evaluate(SEEN)[0]["slice"] == SLICES - 3
    assert window.wrong == []


def test_a_series_that_is_cut_otherwise_goes_where_the_cursor_is(opened: Opened) -> None:
    window, *_ = opened
    first = window.page
    with second(window) as other:
        other.get_by_text("Coronal").first.dblclick()
        assert comes(other, lambda seen: str(seen["series"]).endswith(".2"))
        x, y = middle(first)
        first.mouse.move(x, y)
        first.mouse.move(x, y - 200, steps=2)  # to the front, where the coronal series ends
        assert comes(other, lambda seen: seen["faint"] == "0.35"), other.evaluate(SEEN)
        first.keyboard.down("Shift")
        first.mouse.move(x, y - 201)
        _, far, _ = first.evaluate(WORLD, [x, y - 201])
        wanted = round((4 * SLICES - far) / 4)
        assert 1 < wanted < SLICES - 1
        assert comes(other, lambda seen: seen["slice"] == wanted and seen["faint"] == "1"), other.evaluate(SEEN)
        first.keyboard.up("Shift")
    assert window.wrong == []


def test_of_another_exam_only_absolute_greys_are_shared(opened: Opened) -> None:
    """An exam of another day has other coordinates; a window of which no exam is shared is left alone."""
    window, now, before = opened
    first = window.page
    with second(window) as other:
        series = before.series.get().uid
        both = f"StudyInstanceUIDs={now.uid},{before.uid}"
        other.goto(f"{window.server}/viewer/viewer?{both}&initialSeriesInstanceUID={series}")
        assert comes(other, lambda seen: seen["series"] == series), other.evaluate(SEEN)
        first.mouse.move(*middle(first))
        first.mouse.wheel(0, 100)
        greys = drag(first)
        assert comes(other, lambda seen: seen["greys"] == pytest.approx(greys)), other.evaluate(SEEN)
        assert (first.evaluate(SEEN)[0]["slice"], other.evaluate(SEEN)[0]["slice"]) == (1, 0)
        other.goto(f"{window.server}/viewer/viewer?StudyInstanceUIDs={before.uid}")
        assert comes(other, lambda seen: seen["greys"][1] is not None)
        other.evaluate(HEARD)
        assert drag(first) != pytest.approx(greys)
        assert other.evaluate(WAITED)
        assert other.evaluate(SEEN)[0]["greys"] != pytest.approx(first.evaluate(SEEN)[0]["greys"])
    assert window.wrong == []
