"""The viewer in a real browser: real images are shown, in the person's language, and nothing leaves the house."""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests import make
from tests.cast import cast
from tests.edges.dicomweb import arrive, cookies
from wasl.accounts import services as accounts
from wasl.archive import services as archive
from wasl.archive.models import Study
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import services as patients

# headless Chromium draws WebGL in software
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking"]
VIEWPORT = "[data-cy='viewport-pane'] canvas, .cornerstone-canvas"
# one of each kind: CT, MR and US in JPEG 2000, CR without a spacing, MR with many frames in RLE
IMAGES = ("693_UNCR.dcm", "MR2_J2KR.dcm", "US1_J2KR.dcm", "RG1_UNCR.dcm", "emri_small_RLE.dcm")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's own loop runs in the thread of the tests
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


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
        width, height = shown.size
        middle = shown.convert("RGB").crop((width // 5, height // 5, width * 4 // 5, height * 4 // 5))
        return len(middle.getcolors(1 << 24) or ())

    def shows(self) -> bool:
        """Whether an image comes to be seen."""
        self.page.locator(VIEWPORT).first.wait_for(timeout=60_000)
        for _ in range(60):
            if self.colours() > 40:
                return True
            self.page.wait_for_timeout(250)
        return False


def test_real_images_are_shown(server: str, browser: Browser) -> None:
    stage = cast()
    window = Window(browser, server, stage.sami)
    for name in IMAGES:
        window.open(arrive(name, by=stage.sami, place=stage.regional))
        assert window.shows(), f"{name} stays blank: {window.wrong}"
    assert window.hosts - {"", urlsplit(server).netloc} == set(), "something was asked of another host"
    assert window.wrong == []


def test_earlier_studies_of_the_patient_and_the_person_s_language(server: str, browser: Browser) -> None:
    stage = cast()
    salma = make.patient(stage)
    now = arrive("693_UNCR.dcm", by=stage.sami, place=stage.regional)
    before = arrive("MR2_J2KR.dcm", by=stage.karim, place=stage.university)
    arrive("US1_J2KR.dcm", by=stage.karim, place=stage.university)  # nobody's yet
    assert now.header_id != before.header_id
    for study, by in ((now, stage.sami), (before, stage.karim)):
        archive.match_study(study.id, patient=salma.id, because="test", by=by)
    patients.open_for_care(salma.id, place=stage.university, source=now.id, because="test", by=SYSTEM)
    window = Window(browser, server, stage.leila)
    for language, title in (("ar", "الدراسات"), ("fr", "Études")):
        accounts.change_preferences(language=language, by=stage.leila)
        window.open(now)
        window.page.get_by_text(title).first.wait_for(timeout=60_000)
        assert window.shows(), window.wrong
        window.page.get_by_text("SHOULDER").wait_for()  # made at another hospital, under another number
        studies = window.page.locator("[data-cy='studyBrowser-panel']").inner_text()
        assert ("MR" in studies, "CT" in studies, "US" in studies) == (True, True, False)


def test_the_viewer_is_for_those_who_are_signed_in(server: str, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{server}/viewer/viewer?StudyInstanceUIDs=1.2.3")
    assert urlsplit(page.url).path.startswith("/account/login")
