"""What a reader measures in the viewer is saved in the study as a structured report, and opens as it was drawn."""

from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page

from tests import make, valid
from tests.cast import cast
from tests.edges.scenes import PATIENCE
from tests.edges.test_viewer import VIEWPORT, Window, browser  # noqa: F401  a fixture
from wasl.accounts.models import Person
from wasl.archive.models import Mark
from wasl.radiology import services as radiology

# the ends of each measurement in the patient's millimetres, and on which image it is
MEASURED = """() => window.services.measurementService.getMeasurements()
    .map(({ points, SOPInstanceUID }) => ({ points, image: SOPInstanceUID }))"""
LENGTH = "() => window.commandsManager.runCommand('setToolActive', { toolName: 'Length' })"
PANEL = "@ohif/extension-measurement-tracking.panelModule.trackedMeasurements"
OPEN_PANEL = f"() => window.services.panelService.activatePanel('{PANEL}', true)"


def measured(page: Page) -> list[dict[str, Any]]:
    """The measurements, once there are any."""
    for _ in range(round(4 * PATIENCE)):
        if found := page.evaluate(MEASURED):
            return list(found)
        page.wait_for_timeout(250)
    return []


def test_marks_are_saved_and_open_again_as_they_were(server: str, browser: Browser) -> None:  # noqa: F811
    stage = cast()
    case = make.reading(stage)
    radiology.claim_reading(case.id, by=stage.sirine)
    Person.objects.filter(username="sirine").update(language="en")  # by whose words its buttons are found
    window = Window(browser, server, stage.sirine)
    page = window.page
    window.open(case.study)
    assert window.shows(), window.wrong
    page.evaluate(LENGTH)
    box = page.locator(VIEWPORT).first.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 60, y - 40)
    page.mouse.down()
    page.mouse.move(x, y, steps=4)
    page.mouse.move(x + 60, y + 50, steps=4)
    page.mouse.up()
    (drawn,) = measured(page)
    page.get_by_role("button", name="Yes", exact=True).click()
    page.evaluate(OPEN_PANEL)
    page.get_by_role("button", name="Create SR").click()
    page.get_by_placeholder("Report name").fill("Mesures de Sirine")
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/dicom-web/" in answer.url) as kept:
        page.get_by_role("button", name="Save", exact=True).click()
    assert kept.value.status == 200
    mark = Mark.objects.select_related("instance__series").get()
    assert (mark.person_id, mark.kind) == (stage.sirine.id, "measurements")
    assert (mark.instance.series.description, mark.instance.series.study_id) == ("Mesures de Sirine", case.study_id)
    assert valid.errors(settings.STORAGE / mark.instance.path) == set()
    window.open(case.study)
    assert window.shows(), window.wrong
    assert page.evaluate(MEASURED) == []  # nothing of it is left in the browser
    page.get_by_text("Mesures de Sirine").first.dblclick()
    page.get_by_role("button", name="Yes", exact=True).click()
    (again,) = measured(page)
    assert again["image"] == drawn["image"]
    for end, was in zip(again["points"], drawn["points"], strict=True):
        assert end == pytest.approx(was, abs=1e-5)  # mm: coordinates are written in single precision
    assert window.wrong == []
