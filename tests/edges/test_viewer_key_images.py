"""What a reader sees and draws on a key image in the viewer is what the next person sees there, to the pixel."""

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Frame, Page

from tests import make
from tests.cast import cast
from tests.edges.scenes import PATIENCE
from tests.edges.test_viewer import Window, browser  # noqa: F401  a fixture
from tests.radiology.test_presentations import case_of
from wasl.accounts.models import Person
from wasl.patients.models import Access
from wasl.radiology.models import KeyImage, Reading

CANVAS = ".cornerstone-canvas"
TOOL = "(toolName) => window.commandsManager.runCommand('setToolActive', { toolName })"
# the points of what is drawn, in the image's pixels, by the viewer's own arithmetic for patients' millimetres
DRAWN = """() => {
    const { cornerstone, cornerstoneTools } = window;
    const all = cornerstoneTools.annotation.state.getAllAnnotations();
    return all.filter(({ metadata }) => metadata.referencedImageId).map(({ metadata, data }) => ({
        tool: metadata.toolName,
        points: data.handles.points.map((world) =>
            [...cornerstone.utilities.worldToImageCoords(metadata.referencedImageId, world)]),
    }));
}"""
LEVELS = """() => {
    const { voiRange, invert } = window.wasl.viewportInUse().getProperties();
    return [voiRange.lower, voiRange.upper, invert];
}"""
# which image is shown, its greys, and where the lines over it lie in its pixels
SHOWN = """() => {
    const viewport = window.wasl?.viewportInUse?.();
    const sheet = document.querySelector(".wasl-marked");
    if (!viewport || !sheet) return null;
    const { imageData } = viewport.getImageData();
    const index = (point) => imageData.worldToIndex([...viewport.canvasToWorld(point.split(",").map(Number))]);
    const place = (point) => index(point).slice(0, 2).map((value) => value + 0.5);
    const { voiRange, invert } = viewport.getProperties();
    const all = window.cornerstoneTools.annotation.state.getAllAnnotations();
    const lines = [...sheet.querySelectorAll("polyline[stroke='#ffd43b']")];
    return {
        image: window.wasl.imageOf(viewport.getCurrentImageId()),
        greys: [voiRange.lower, voiRange.upper, invert],
        lines: lines.map((line) => line.getAttribute("points").split(" ").map(place)),
        texts: [...sheet.querySelectorAll("text")].map((text) => text.textContent),
        annotations: all.filter(({ metadata }) => metadata.referencedImageId).length,
    };
}"""


def until(page: Page, what: Any) -> Any:  # noqa: ANN401  whatever comes
    """What comes, once it does."""
    for _ in range(round(4 * PATIENCE)):
        if found := what():
            return found
        page.wait_for_timeout(250)
    return None


def reading_page(window: Window, case: Reading) -> Frame:
    """The viewer within the reading page, once it shows its image."""
    page = window.page
    page.goto(window.server + reverse("radiology:reading", args=[case.id]))
    element = page.locator(".desk-images iframe").element_handle()
    frame = element.content_frame()
    assert frame
    frame.locator(CANVAS).first.wait_for()
    ready = "() => Boolean(window.wasl?.shownImage && window.wasl.viewportInUse?.()?.getCornerstoneImage?.())"
    assert until(page, lambda: frame.evaluate(ready)), window.wrong
    return frame


def drag(page: Page, frame: Frame, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Draw with the mouse, from one place to another, each from the middle of the picture on."""
    box = frame.locator(CANVAS).first.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + start[0], y + start[1])
    page.mouse.down()
    page.mouse.move(x + (start[0] + end[0]) / 2, y + (start[1] + end[1]) / 2, steps=4)
    page.mouse.move(x + end[0], y + end[1], steps=4)
    page.mouse.up()


def draw(window: Window, frame: Frame) -> None:
    """A length, an arrow with a text, and other greys."""
    page = window.page
    frame.evaluate(TOOL, "Length")
    drag(page, frame, (-90, -60), (70, 85))
    frame.get_by_role("button", name="Yes", exact=True).click()
    frame.evaluate(TOOL, "ArrowAnnotate")
    drag(page, frame, (60, -80), (110, -20))
    frame.get_by_role("dialog").get_by_role("textbox").fill("Ici")
    frame.get_by_role("dialog").get_by_role("button", name="Save").click()
    frame.evaluate(TOOL, "WindowLevel")
    drag(page, frame, (0, 0), (-60, 40))


def test_the_next_person_sees_the_same_drawings_and_greys(server: str, browser: Browser) -> None:  # noqa: F811
    stage = cast()
    Person.objects.update(language="en")  # by whose words the buttons are found
    size = {"Rows": 48, "Columns": 64, "WindowCenter": 0, "WindowWidth": 2000}
    case = case_of(stage, size, size, size)
    leila = Window(browser, server, stage.leila)
    page, frame = leila.page, reading_page(leila, case)
    frame.evaluate("() => window.wasl.viewportInUse().setImageIdIndex(1)")
    draw(leila, frame)
    drawn = {one["tool"]: one["points"] for one in frame.evaluate(DRAWN)}
    lower, upper, _inverted = frame.evaluate(LEVELS)
    assert (lower, upper) != (-1000, 999)
    page.get_by_role("button", name="Mark the image shown in the viewer").click()
    page.locator("figure.marked img").wait_for()
    image = KeyImage.objects.get()
    assert image.view
    line, arrow = image.view["drawings"]
    assert (line["kind"], arrow["kind"], arrow["text"]) == ("line", "arrow", "Ici")
    assert line["text"].endswith("mm")
    for kept, was in ((line, drawn["Length"]), (arrow, drawn["ArrowAnnotate"])):
        for point, expected in zip(kept["points"], was, strict=True):
            assert point == pytest.approx(expected, abs=0.01)
    centre, width = image.view["window"]
    assert (centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2) == pytest.approx((lower, upper), abs=0.01)
    assert leila.wrong == []
    report = make.signed_report(stage, case=case.id, revision=1)
    amel = Window(browser, server, stage.amel)
    amel.page.goto(server + reverse("radiology:report", args=[report.id]))
    amel.page.locator(".pictures figure a").click()
    seen = until(amel.page, lambda: amel.page.evaluate(SHOWN))
    assert seen, amel.wrong
    assert seen["image"] == {"instance": image.instance_uid, "frame": 1}
    assert seen["greys"] == [pytest.approx(lower, abs=0.01), pytest.approx(upper, abs=0.01), False]
    assert seen["lines"][0] == [pytest.approx(point, abs=0.5) for point in drawn["Length"]]
    assert seen["lines"][1] == [pytest.approx(point, abs=0.5) for point in drawn["ArrowAnnotate"]]
    assert seen["texts"] == [line["text"], "Ici"]
    assert seen["annotations"] == 0  # nobody takes them for measurements of one's own
    assert amel.wrong == []
    assert Access.objects.filter(what="radiology.marked_images", actor=str(stage.amel)).exists()
