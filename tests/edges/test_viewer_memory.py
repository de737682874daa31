"""A computer of little memory: the viewer lets go of pictures, says so, and shows them rightly again."""

from typing import Any

from playwright.sync_api import Browser, Page, expect
from pydicom.uid import generate_uid

from tests import make
from tests.cast import cast
from tests.edges.scenes import PATIENCE
from tests.edges.test_viewer import VIEWPORT, Window, browser  # noqa: F401  a fixture
from wasl.accounts import services as accounts
from wasl.archive.models import Study

SLICES = 24
SIDE = 256  # 128 kB a slice: eight of them in a megabyte
KEPT = 1  # megabyte
# show a slice, and give its pixels once it is drawn
SHOW = """async (number) => {
    const [{ viewport }] = window.cornerstone.getEnabledElements();
    await viewport.setImageIdIndex(number);
    const image = viewport.getCornerstoneImage();
    return image.imageId === viewport.getImageIds()[number] && [...image.getPixelData().slice(0, 64)];
}"""
KINDS = "() => window.cornerstone.getEnabledElements().map(({ viewport }) => viewport.type)"
VOLUMES = "() => window.cornerstone.cache.getVolumes().length"
WHOLE = """() => {
    const { cache } = window.cornerstone;
    const [volume] = cache.getVolumes();
    return Boolean(volume) && volume.imageIds.every((id) => cache.isLoaded(id));
}"""
HELD = """() => {
    const [{ viewport }] = window.cornerstone.getEnabledElements();
    const { cache } = window.cornerstone;
    return [viewport.getImageIds().map((id) => cache.isLoaded(id)), cache.getCacheSize(), cache.getMaxCacheSize()];
}"""


def a_window(server: str, browser: Browser) -> tuple[Window, Study]:  # noqa: F811
    """Sami's window, and a study of slices of noise, each its own."""
    stage = cast()
    accounts.change_preferences(language="fr", by=stage.sami)
    uid = str(generate_uid())
    images = [make.image(n, StudyInstanceUID=uid, Rows=SIDE, Columns=SIDE) for n in range(1, SLICES + 1)]
    (outcome, *_) = make.send(stage, *images)
    return Window(browser, server, stage.sami), Study.objects.get(id=outcome.study)


def opened(window: Window, study: Study, more: str = "") -> Page:
    """The viewer on a study, told more in its address."""
    window.page.goto(f"{window.server}/viewer/viewer?StudyInstanceUIDs={study.uid}{more}")
    window.page.locator(VIEWPORT).first.wait_for()
    return window.page


def first_pixels(page: Page, number: int) -> list[int]:
    found: Any = page.evaluate(SHOW, number)
    assert found, f"slice {number} is not shown"
    return [int(value) for value in found]


def test_pictures_far_away_are_let_go_and_come_back_right(server: str, browser: Browser) -> None:  # noqa: F811
    window, study = a_window(server, browser)
    page = opened(window, study, f"&keep={KEPT}")
    assert window.shows(), window.wrong
    expect(page.locator(".wasl-much")).to_contain_text("plus de mémoire que cet ordinateur")
    before = [first_pixels(page, number) for number in range(SLICES)]
    assert len({tuple(pixels) for pixels in before}) == SLICES
    for number in range(SLICES):
        assert first_pixels(page, number) == before[number]
        _, held, most = page.evaluate(HELD)
        assert (0 < held <= most, most) == (True, KEPT << 20)
    loaded, *_ = page.evaluate(HELD)
    assert any(loaded)
    assert not all(loaded)  # which of them were let go depends on what the viewer fetched ahead meanwhile
    assert first_pixels(page, 0) == before[0]
    page.get_by_role("button", name="Fermer").click()
    expect(page.locator(".wasl-note")).to_have_count(0)
    assert window.wrong == []


def test_a_study_that_fits_is_kept_and_nothing_is_said(server: str, browser: Browser) -> None:  # noqa: F811
    window, study = a_window(server, browser)
    page = opened(window, study)
    assert window.shows(), window.wrong
    for number in range(SLICES):
        first_pixels(page, number)
    loaded, *_ = page.evaluate(HELD)
    assert all(loaded)
    expect(page.locator(".wasl-note")).to_have_count(0)
    assert window.wrong == []


def test_a_picture_larger_than_what_is_kept_is_shown(server: str, browser: Browser) -> None:  # noqa: F811
    stage = cast()
    uid = str(generate_uid())
    make.send(stage, *(make.image(n, StudyInstanceUID=uid, Rows=1024, Columns=1024) for n in (1, 2)))
    window = Window(browser, server, stage.sami)
    page = opened(window, Study.objects.get(uid=uid), f"&keep={KEPT}")
    assert window.shows(), window.wrong
    first = first_pixels(page, 0)
    assert first_pixels(page, 1) != first
    assert first_pixels(page, 0) == first
    assert window.wrong == []


def test_a_volume_that_does_not_fit_is_refused_in_words(server: str, browser: Browser) -> None:  # noqa: F811
    window, study = a_window(server, browser)
    page = opened(window, study, f"&keep={KEPT}&hangingProtocolId=mpr")
    expect(page.locator(".wasl-refused")).to_contain_text("regardez-les une à une")
    expect(page.locator("[data-cy='viewport-pane']")).to_have_count(1)
    assert window.shows(), window.wrong
    assert page.evaluate(KINDS) == ["stack"]
    for _ in range(round(4 * PATIENCE)):
        if page.evaluate(VOLUMES) == 0:
            break
        page.wait_for_timeout(250)
    assert page.evaluate(VOLUMES) == 0  # so that it is measured again, not found, when it is asked for again


def test_a_volume_that_fits_is_whole(server: str, browser: Browser) -> None:  # noqa: F811
    window, study = a_window(server, browser)
    page = opened(window, study, f"&keep={6 * KEPT}&hangingProtocolId=mpr")
    expect(page.locator("[data-cy='viewport-pane']")).to_have_count(3)
    for _ in range(round(4 * PATIENCE)):
        if page.evaluate(WHOLE):
            break
        page.wait_for_timeout(250)
    assert page.evaluate(WHOLE)
    assert page.evaluate(KINDS) == ["orthographic"] * 3
    expect(page.locator(".wasl-note")).to_have_count(0)


def test_a_small_screen_is_marked(server: str, browser: Browser) -> None:  # noqa: F811
    window, study = a_window(server, browser)
    window.page.set_viewport_size({"width": 360, "height": 740})
    page = opened(window, study)
    expect(page.locator(".wasl-small")).to_contain_text("pas de diagnostic primaire")
    assert window.shows(), window.wrong
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(page.locator(".wasl-small")).to_have_count(0)
    assert window.wrong == []
