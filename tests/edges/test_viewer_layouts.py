"""A reader's layout in the viewer: saved there, and taken by itself for the next exam of its kind; a hospital's too."""

from typing import Any

from playwright.sync_api import Browser, Page
from pydicom.uid import generate_uid

from tests import make
from tests.cast import Cast, cast
from tests.edges.scenes import PATIENCE
from tests.edges.test_viewer import VIEWPORT, Window, browser  # noqa: F401  a fixture
from wasl.accounts.models import Person
from wasl.archive import services as archive
from wasl.archive.models import Layout, Study
from wasl.archive.rules import layouts as rules
from wasl.kernel.access import SYSTEM
from wasl.patients import services as patients

CUTS = {"Axial 5 mm": [1, 0, 0, 0, 1, 0], "Coronal": [1, 0, 0, 0, 0, -1], "Sagittal": [0, 1, 0, 0, 0, -1]}
# of each viewport, from the first row on: whose series, what it is called, and its greys
SEEN = """() => {
    const { viewports, layout } = window.services.viewportGridService.getState();
    const all = [...viewports.values()].sort((a, b) => a.y - b.y || a.x - b.x);
    return all.map(({ viewportId, displaySetInstanceUIDs }) => {
        const [uid] = displaySetInstanceUIDs || [];
        const set = uid && window.services.displaySetService.getDisplaySetByUID(uid);
        const viewport = window.cornerstone.getEnabledElementByViewportId(viewportId)?.viewport;
        const { lower, upper } = viewport?.getProperties?.().voiRange || {};
        const greys = upper === undefined ? null : window.cornerstone.utilities.windowLevel.toWindowLevel(lower, upper);
        return {
            grid: [layout.numRows, layout.numCols],
            study: set?.StudyInstanceUID,
            series: set?.SeriesDescription,
            greys: greys && [Math.round(greys.windowCenter), Math.round(greys.windowWidth)],
        };
    });
}"""
GRID = """([numRows, numCols]) => window.commandsManager.runCommand('setViewportGridLayout', { numRows, numCols })"""
SET = """(wanted) => {
    const { viewportGridService: grid, displaySetService: sets } = window.services;
    const all = [...grid.getState().viewports.values()].sort((a, b) => a.y - b.y || a.x - b.x);
    grid.setDisplaySetsForViewports(all.map(({ viewportId }, place) => ({
        viewportId,
        displaySetInstanceUIDs: sets.getActiveDisplaySets()
            .filter((set) => set.SeriesDescription === wanted[place][0] && set.StudyInstanceUID === wanted[place][1])
            .map((set) => set.displaySetInstanceUID),
    })));
}"""
DYE = """([place, lower, upper]) => {
    const { viewports } = window.services.viewportGridService.getState();
    const all = [...viewports.values()].sort((a, b) => a.y - b.y || a.x - b.x);
    const { viewport } = window.cornerstone.getEnabledElementByViewportId(all[place].viewportId);
    viewport.setProperties({ voiRange: { lower, upper } });
    viewport.render();
}"""


def exam(stage: Cast, *cuts: str, part: str = "HEAD", day: str = "20261110", **names: str) -> Study:
    """A CT of Salma, of these series in this order; `names` calls one otherwise."""
    uid, space = str(generate_uid()), str(generate_uid())
    images = [
        make.image(
            n, StudyInstanceUID=uid, FrameOfReferenceUID=space, SeriesInstanceUID=f"{uid[:56]}.{number}",
            SeriesNumber=number, SeriesDescription=names.get(cut.split()[0].lower(), cut), BodyPartExamined=part,
            ImageOrientationPatient=CUTS[cut], Rows=64, Columns=64, PixelSpacing=[1, 1], StudyDate=day,
            ImagePositionPatient=[n * (cut == "Sagittal"), n * (cut == "Coronal"), n * cut.startswith("Axial")],
        )
        for number, cut in enumerate(cuts, 1)
        for n in range(1, 4)
    ]  # fmt: skip
    study = make.send(stage, *images)[0].study
    archive.complete_study(study, how="quiet", by=SYSTEM)
    salma = make.patient(stage)
    archive.match_study(study, patient=salma.id, because="test", by=stage.sami)
    patients.open_for_care(salma.id, place=stage.university, source=study, because="test", by=SYSTEM)
    return Study.objects.get(id=study)


def comes(page: Page, wanted: list[tuple[Any, ...]], *keys: str) -> bool:
    """Whether the viewports come to show what is wanted."""
    for _ in range(round(4 * PATIENCE)):
        if [tuple(one[key] for key in keys) for one in page.evaluate(SEEN)] == wanted:
            return True
        page.wait_for_timeout(250)
    return False


def opened(window: Window, *studies: Study, also: str = "") -> Page:
    window.settle()
    window.page.goto("about:blank")
    window.open_uid(",".join(study.uid for study in studies) + also)
    assert window.shows(), window.wrong
    return window.page


def lay(window: Window, grid: list[int], wanted: list[list[str]]) -> None:
    """Arrange series, each by its name and study, when what was there before is drawn and nothing is on its way."""
    page = window.page
    page.evaluate(GRID, grid)
    assert comes(page, [(grid,)] * (grid[0] * grid[1]), "grid")
    window.settle()
    page.wait_for_timeout(1000)
    page.evaluate(SET, wanted)


def dye(page: Page, place: int, lower: float, upper: float) -> None:
    """Give the picture of a place its greys, once it is there."""
    for _ in range(round(4 * PATIENCE)):
        if page.evaluate(SEEN)[place]["greys"]:
            break
        page.wait_for_timeout(250)
    page.evaluate(DYE, [place, lower, upper])


def keep(page: Page, name: str, *, shared: bool = False) -> None:
    """Press the button, give it a name, save it, and see that it is said."""
    page.get_by_role("button", name="My layout", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill(name)
    if shared:
        dialog.get_by_label("For my hospital, not for me alone").check()
    dialog.get_by_role("button", name="Save as my layout").click()
    dialog.get_by_text("Saved.").wait_for()


def test_a_layout_is_kept_and_taken_by_itself_for_the_next_exam_of_its_kind(
    server: str,
    browser: Browser,  # noqa: F811
) -> None:
    stage = cast()
    Person.objects.update(language="en")  # by whose words the buttons are found
    first = exam(stage, "Axial 5 mm", "Coronal", "Sagittal")
    # another scanner counts its series otherwise, and calls one otherwise: its plane tells it
    second = exam(stage, "Sagittal", "Axial 5 mm", "Coronal", day="20261111", coronal="COR RFMT")
    knee = exam(stage, "Axial 5 mm", "Coronal", part="KNEE", day="20261112")
    leila = Window(browser, server, stage.leila)
    page = opened(leila, first)
    assert comes(page, [([1, 1], "Axial 5 mm")], "grid", "series")
    lay(leila, [1, 2], [["Coronal", first.uid], ["Axial 5 mm", first.uid]])
    assert comes(page, [("Coronal",), ("Axial 5 mm",)], "series")
    dye(page, 1, -60.5, 139.5)
    keep(page, "Coronal et axial")
    row = Layout.objects.get()
    assert (row.person_id, row.body_part, row.rows, row.columns) == (stage.leila.id, "HEAD", 1, 2)
    assert [box["plane"] for box in row.boxes] == ["coronal", "axial"]
    assert row.boxes[1]["window"] == [40.0, 201.0]
    page = opened(leila, second)
    assert comes(page, [("COR RFMT",), ("Axial 5 mm",)], "series"), page.evaluate(SEEN)
    assert page.evaluate(SEEN)[1]["greys"] == [40, 201]
    page = opened(leila, knee)
    assert comes(page, [([1, 1], "Axial 5 mm")], "grid", "series"), page.evaluate(SEEN)
    # it is hers alone; the hospital's is for who has none
    sirine, karim = Window(browser, server, stage.sirine), Window(browser, server, stage.karim)
    page = opened(sirine, second)
    assert comes(page, [([1, 1],)], "grid"), page.evaluate(SEEN)
    page = opened(karim, first)
    lay(karim, [2, 1], [["Sagittal", first.uid], ["Axial 5 mm", first.uid]])
    assert comes(page, [([2, 1], "Sagittal"), ([2, 1], "Axial 5 mm")], "grid", "series")
    keep(page, "CHU", shared=True)
    page = opened(sirine, second)
    assert comes(page, [([2, 1], "Sagittal"), ([2, 1], "Axial 5 mm")], "grid", "series"), page.evaluate(SEEN)
    page = opened(leila, second)
    assert comes(page, [("COR RFMT",), ("Axial 5 mm",)], "series"), page.evaluate(SEEN)
    # and she forgets hers
    page.get_by_role("button", name="My layout", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Forget it").click()
    page.get_by_role("dialog").get_by_text("Forgotten.").wait_for()
    page = opened(leila, second)
    assert comes(page, [([2, 1], "Sagittal"), ([2, 1], "Axial 5 mm")], "grid", "series"), page.evaluate(SEEN)
    assert [window.wrong for window in (leila, sirine, karim)] == [[], [], []]


def test_a_layout_with_an_earlier_exam_beside_is_one_of_its_own(
    server: str,
    browser: Browser,  # noqa: F811
) -> None:
    """It takes the place of the usual one; one series twice in other greys, and a place left empty, come back so."""
    stage = cast()
    Person.objects.update(language="en")
    before = exam(stage, "Axial 5 mm", "Coronal", day="20250503")
    now = exam(stage, "Axial 5 mm", "Coronal")
    leila = Window(browser, server, stage.leila)
    compare = "&hangingProtocolId=wasl.compare"
    page = opened(leila, now, before, also=compare)
    assert comes(page, [([1, 2], now.uid), ([1, 2], before.uid)], "grid", "study"), page.evaluate(SEEN)
    axial, coronal = ["Axial 5 mm", now.uid], ["Coronal", before.uid]
    lay(leila, [2, 2], [axial, axial, coronal, ["", ""]])
    assert comes(page, [(now.uid,), (now.uid,), (before.uid,), (None,)], "study"), page.evaluate(SEEN)
    dye(page, 0, 0, 79)
    dye(page, 1, -500, 1499)
    keep(page, "Comparer")
    page = opened(leila, now, before, also=compare)
    wanted = [("Axial 5 mm", now.uid), ("Axial 5 mm", now.uid), ("Coronal", before.uid), (None, None)]
    assert comes(page, wanted, "series", "study"), page.evaluate(SEEN)
    assert [one["greys"] for one in page.evaluate(SEEN)[:2]] == [[40, 80], [500, 2000]]
    page = opened(leila, now)
    assert comes(page, [([1, 1], "Axial 5 mm")], "grid", "series"), page.evaluate(SEEN)
    assert leila.wrong == []


def test_the_viewer_starts_without_an_answer(server: str, browser: Browser) -> None:  # noqa: F811
    stage = cast()
    study = exam(stage, "Axial 5 mm")
    window = Window(browser, server, stage.leila)
    window.page.route("**/archive/layouts/of/**", lambda route: route.abort())
    opened(window, study)
    assert window.page.locator(VIEWPORT).count() == 1


def test_on_a_telephone_one_picture_fills_the_screen(server: str, browser: Browser) -> None:  # noqa: F811
    stage = cast()
    study = exam(stage, "Axial 5 mm", "Coronal")
    boxes = [{"modality": "CT", "plane": plane} for plane in ("coronal", "axial")]
    pair = rules.arranged({"rows": 1, "columns": 2, "boxes": boxes}, earlier=False)
    archive.save_layout(study.uid, name="Deux", arrangement=pair, earlier=False, by=stage.leila)
    window = Window(browser, server, stage.leila)
    for width, grid in ((390, [1, 1]), (1440, [1, 2])):
        window.page.set_viewport_size({"width": width, "height": 844})
        page = opened(window, study)
        assert [one["grid"] for one in page.evaluate(SEEN)] == [grid] * grid[1]
    assert window.wrong == []
