"""The viewer in a real browser: real images are shown, in the person's language, and nothing leaves the house."""

import io
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright
from pydicom.uid import generate_uid

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import arrive, cookies
from tests.edges.scenes import CHROMIUM, PATIENCE
from tests.edges.syntaxes import BYTES, LOSSY, TRUTH, image_in
from tests.edges.test_films import TRANSPORT, filmed
from wasl.accounts import services as accounts
from wasl.archive import services as archive
from wasl.archive.dicom import DECODED, incoming
from wasl.archive.models import Instance, Study
from wasl.edges.web.viewer import FILES
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import services as patients

VIEWPORT = "[data-cy='viewport-pane'] canvas, .cornerstone-canvas"
LOST = 20.0  # seconds after which a request has been forgotten
# one of each kind: CT, MR and US in JPEG 2000, CR without a spacing, MR with many frames in RLE
IMAGES = ("693_UNCR.dcm", "MR2_J2KR.dcm", "US1_J2KR.dcm", "RG1_UNCR.dcm", "emri_small_RLE.dcm")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    expect.set_options(timeout=1000 * PATIENCE)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's own loop runs in the thread of the tests
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


class Window:
    """A browser window of one person, known here or by a session's cookies, and what happened in it."""

    def __init__(self, browser: Browser, server: str, person: Actor | dict[str, str]) -> None:
        self.server = server
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(1000 * PATIENCE)
        given = cookies(person) if isinstance(person, Actor) else person
        context.add_cookies([{"name": name, "value": value, "url": server} for name, value in given.items()])
        self.page: Page = context.new_page()
        self.hosts: set[str] = set()
        self.wrong: list[str] = []
        self.flying: dict[Request, float] = {}  # what was asked and not answered yet, since when
        self.page.on("request", lambda request: self.flying.update({request: time.monotonic()}))
        self.page.on("requestfinished", self._landed)
        self.page.on("requestfailed", self._landed)
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda line: self.wrong.append(line.text) if line.type == "error" else None)
        self.page.on("response", lambda r: self.wrong.append(f"{r.status} {r.url}") if r.status >= 400 else None)

    def _landed(self, request: Request) -> None:
        self.flying.pop(request, None)

    def settle(self) -> None:
        """Wait until nothing is on its way: what is cut off by another page would be told as an error.

        Of a request that a worker gave up with its page, Chromium never tells the end.
        """
        for _ in range(round(2 * PATIENCE)):
            self.page.wait_for_timeout(500)
            if not any(time.monotonic() - begun < LOST for begun in self.flying.values()):
                return

    def open(self, study: Study) -> None:
        self.open_uid(study.uid)

    def open_uid(self, study: str) -> None:
        self.page.goto(f"{self.server}/viewer/viewer?StudyInstanceUIDs={study}")

    def colours(self) -> int:
        """How many grey levels or colours the image's canvas shows."""
        shown = Image.open(io.BytesIO(self.page.locator(VIEWPORT).first.screenshot()))
        width, height = shown.size
        middle = shown.convert("RGB").crop((width // 5, height // 5, width * 4 // 5, height * 4 // 5))
        return len(middle.getcolors(1 << 24) or ())

    def shows(self) -> bool:
        """Whether an image comes to be seen."""
        self.page.locator(VIEWPORT).first.wait_for()
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


# big endian and deflated data sets, JPEG lossless, JPEG-LS, JPEG 2000, HTJ2K, JPEG XL, deflated frames, RLE; baseline
# and extended JPEG, progressive JPEG, JPEG XL made of JPEG
SYNTAXES = (
    "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99",
    *(f"1.2.840.10008.1.2.4.{number}" for number in (70, 80, 90, 202, 110)), "1.2.840.10008.1.2.8.1",
    "1.2.840.10008.1.2.5", *(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 55, 111)),
)  # fmt: skip
SHOW = """async (number) => {
    const [viewport] = window.cornerstone.getRenderingEngines().flatMap((engine) => engine.getViewports());
    const wanted = viewport.getImageIds()[number];
    const drawn = new Promise((done) =>
        viewport.element.addEventListener("CORNERSTONE_IMAGE_RENDERED", done, { once: true }));
    await viewport.setImageIdIndex(number);
    viewport.render();
    await drawn;
    const image = viewport.getCornerstoneImage();
    const { canvas } = viewport;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const greys = new Set();
    for (let at = 0; at < data.length; at += 4) greys.add(data[at]);
    return image.imageId === wanted && [wanted, [...image.getPixelData()], greys.size];
}"""


def test_pictures_in_every_kind_of_transfer_syntax_are_shown(server: str, browser: Browser) -> None:
    """One stack of one picture in a syntax of each kind: each is drawn, and its pixels are those that were sent.

    Over a video stands that it cannot be shown, in the person's language.
    """
    stage = cast()
    study = str(generate_uid())
    files = {
        syntax: image_in(syntax, StudyInstanceUID=study, InstanceNumber=number, ImagePositionPatient=[0, 0, number])
        for number, syntax in enumerate(SYNTAXES, 1)
    }
    archive.receive([incoming(sent, place=stage.regional) for sent in files.values()], by=stage.sami)
    syntaxes = {row.uid: row.transfer_syntax for row in Instance.objects.filter(series__study__uid=study)}
    window = Window(browser, server, stage.sami)
    window.open_uid(study)
    assert window.shows(), window.wrong
    shown = set()
    for number in range(len(files)):
        found = window.page.evaluate(SHOW, number)
        assert found, f"picture {number} stays blank: {window.wrong}"
        address, pixels, greys = found
        syntax = syntaxes[address.partition("/instances/")[2].partition("/")[0]]
        assert greys > 40, f"{syntax} stays blank: {window.wrong}"
        truth = BYTES if syntax in LOSSY else TRUTH
        far = np.abs(np.array(pixels) - truth.ravel().astype(int))
        assert far.mean() < 12 if syntax in LOSSY else not far.any(), syntax
        shown.add(syntax)
    assert shown == set(files)
    assert window.wrong == []
    with_a_video(window, stage)


def with_a_video(window: Window, stage: Cast) -> None:
    """A video beside a picture: over the video stands a sentence, over the picture none."""
    study = str(generate_uid())
    filmed(stage, TRANSPORT, "1.2.840.10008.1.2.4.102", StudyInstanceUID=study, SeriesInstanceUID=f"{study[:56]}.2",
           SeriesDescription="Film")  # fmt: skip
    make.send(stage, make.image(1, StudyInstanceUID=study, SeriesNumber=2))
    window.open_uid(study)
    said, thumbnails = window.page.locator(".wasl-unshown"), window.page.locator("[data-cy='study-browser-thumbnail']")
    said.get_by_text("ne peut pas être affiché").wait_for()
    thumbnails.filter(has_text="Axial").dblclick()
    said.wait_for(state="hidden")
    assert window.shows(), window.wrong


def test_what_the_viewer_decodes_is_what_it_is_given() -> None:
    """The list is the one in the viewer's own code, of the main window and of its workers."""
    (program,) = FILES.glob("app.bundle.*.js")
    switches = re.findall(
        r"switch\(\w+\)\{(case\"1\.2\.840\.10008\.1\.2\":.*?)(?:default:|\.reject)", program.read_text("utf-8")
    )
    assert len(switches) == 2
    for switch in switches:
        assert set(re.findall(r'case"([0-9.]+)"', switch)) - {"3.2.840.10008.1.2.4.96"} == DECODED


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
        window.page.get_by_text(title).first.wait_for()
        assert window.shows(), window.wrong
        window.page.get_by_text("SHOULDER").wait_for()  # made at another hospital, under another number
        studies = window.page.locator("[data-cy='studyBrowser-panel']").inner_text()
        assert ("MR" in studies, "CT" in studies, "US" in studies) == (True, True, False)


def test_the_viewer_is_for_those_who_are_signed_in(server: str, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{server}/viewer/viewer?StudyInstanceUIDs=1.2.3")
    assert urlsplit(page.url).path.startswith("/account/login")


def test_what_a_browser_has_of_the_viewer_is_not_sent_again(server: str) -> None:
    codec = next(file.name for file in FILES.glob("*.wasm"))
    with httpx.Client(base_url=f"{server}/viewer/", cookies=cookies(cast().sami), timeout=PATIENCE) as client:
        for name, forever in (("index.html", False), ("app.bundle.css", False), (codec, True)):
            whole = client.get(name)
            assert whole.headers["content-encoding"] == "gzip"
            assert whole.content == (FILES / name).read_bytes()
            assert ("immutable" in whole.headers["cache-control"]) == forever
            again = client.get(name, headers={"if-none-match": whole.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["content-security-policy"] == whole.headers["content-security-policy"]
            plain = client.get(name, headers={"accept-encoding": "identity"})
            assert plain.content == whole.content
            assert plain.headers["etag"] != whole.headers["etag"]
