"""The viewer in a real browser: real images are shown, in the person's language, and nothing leaves the house."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.cast import cast
from tests.edges.dicomweb import arrive, cookies
from wasl.archive.models import Study
from wasl.kernel.access import Actor

# headless Chromium draws WebGL in software
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking"]
VIEWPORT = "[data-cy='viewport-pane'] canvas, .cornerstone-canvas"
# one of each kind: CT, MR and US in JPEG 2000, CR without a spacing, MR with many frames in RLE
IMAGES = ("693_UNCI.dcm", "MR2_J2KR.dcm", "US1_J2KR.dcm", "RG1_UNCR.dcm", "emri_small_RLE.dcm")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's own loop runs in the thread of the tests
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class Window:
    """A browser window of one person, and what happened in it."""

    def __init__(self, browser: Browser, server: str, person: Actor) -> None:
        self.server = server
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": name, "value": value, "url": server} for name, value in cookies(person).items()])
        self.page: Page = context.new_page()
        self.hosts: set[str] = set()
        self.wrong: list[str] = []
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda line: self.wrong.append(line.text) if line.type == "error" else None)
        self.page.on("response", lambda r: self.wrong.append(f"{r.status} {r.url}") if r.status >= 400 else None)

    def open(self, study: Study) -> None:
        self.page.goto(f"{self.server}/viewer/viewer?StudyInstanceUIDs={study.uid}")

    def colours(self) -> int:
        """How many grey levels or colours the image's canvas shows."""
        shown = Image.open(io.BytesIO(self.page.locator(VIEWPORT).first.screenshot()))
        middle = shown.convert("RGB").crop(
            tuple(
                int(side * share) for side, share in zip((*shown.size, *shown.size), (0.2, 0.2, 0.8, 0.8), strict=True)
            )
        )  # type: ignore[arg-type]
        return len(middle.getcolors(1 << 24) or ())

    def shows(self) -> bool:
        """Whether an image comes to be seen."""
        self.page.locator(VIEWPORT).first.wait_for(timeout=60_000)
        for _ in range(60):
            if self.colours() > 40:
                return True
            self.page.wait_for_timeout(250)
        return False


@pytest.mark.parametrize("name", IMAGES)
def test_real_images_are_shown(server: str, browser: Browser, name: str, tmp_path: Path) -> None:
    stage = cast()
    study = arrive(name, by=stage.sami, place=stage.regional)
    window = Window(browser, server, stage.sami)
    window.open(study)
    try:
        assert window.shows(), window.wrong
    finally:
        window.page.screenshot(path=f"/tmp/h4-viewer-{name}.png")
    assert window.hosts - {"", urlsplit(server).netloc} == set()
    assert window.wrong == []
