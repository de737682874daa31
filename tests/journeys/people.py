"""People at their browsers: each signs in with a password, and everything that their pages ask for and say is noted."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Locator, Page, Request, expect

PATIENCE = 90_000  # milliseconds; the machine may be busy, and no time is asserted
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# how a browser speaks of what this person may not do, or of a session that ended: a refusal is no fault
REFUSALS = re.compile(r"status of (401|403|409|422)")
LOOKS, PAUSE = 90, 1000  # times, and milliseconds between them
CANVAS = "[data-cy='viewport-pane'] canvas, .cornerstone-canvas"
GREYS = 40  # a blank canvas has one colour, its corners' words a few more
MEASURE = """() => [document.title, document.querySelectorAll("h1").length, document.documentElement.scrollWidth]"""
# what a page, and the viewer in it, say when nobody answers
LATE = re.compile(
    r"status of 404.*/dicom-web/"
    r"|(request failed|no such study that you can see|got status 404|XMLHttpRequest wadors).*/viewer/", re.DOTALL,
)  # fmt: skip
BROKEN = re.compile(r"net::ERR_|Failed to fetch|sse|SSE|/viewer/|\[object Event\]")


@dataclass
class Heard:
    """What a browser asked for, and what went wrong in it."""

    house: str
    strangers: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def asked(self, request: Request) -> None:
        """Note a request to another host."""
        where = urlsplit(request.url)
        if where.scheme in ("http", "https", "ws", "wss") and where.netloc != self.house:
            self.strangers.add(request.url)

    def said(self, line: ConsoleMessage) -> None:
        """Note an error of the console."""
        if line.type == "error" and not REFUSALS.search(line.text):
            self.faults.append(f"{line.text} ({line.location.get('url')})")

    def forgives_late_pictures(self) -> None:
        """A case was handed back while pictures were on their way: they come no more, and the viewer says so."""
        self.faults = [fault for fault in self.faults if not LATE.search(fault)]

    def forgives_the_house(self) -> None:
        """Its processes were killed: what broke for that reason is no fault of the pages."""
        self.faults = [fault for fault in self.faults if not BROKEN.search(fault)]


class Person:
    """Somebody signed in, at a screen of this size, reading this language."""

    def __init__(self, browser: Browser, address: str, name: str, password: str, *, language: str = "fr",
                 screen: dict[str, int] | None = None) -> None:  # fmt: skip
        self.name, self.language, self.address = name, language, address
        self._browser, self._password, self._screen = browser, password, screen or DESK
        self.heard = Heard(urlsplit(address).netloc)
        self.context: BrowserContext
        self.page: Page
        self.sits_down()

    def sits_down(self) -> None:
        """Open a browser, sign in, and choose the language."""
        self.context = self._browser.new_context(viewport=self._screen, locale="fr-FR", accept_downloads=True)  # type: ignore[arg-type]
        self.context.set_default_timeout(PATIENCE)
        self.context.on("request", self.heard.asked)
        self.context.on("console", self.heard.said)
        self.context.on("weberror", lambda fault: self.heard.faults.append(str(fault.error)))
        self.page = self.context.new_page()
        self.page.goto(self.address)
        self.sees("")  # whatever the language: the way in, and then the start page
        self.signs_in()
        self.speaks(self.language)
        self.sees("")

    def signs_in(self) -> None:
        """Fill in the sign-in page, reached from wherever the person is."""
        if "/account/login/" not in self.page.url:
            self.page.goto(f"{self.address}/account/login/")
        self.page.locator("#id_login").fill(self.name)
        self.page.locator("#id_password").fill(self._password)
        self.page.locator("form[action*=login] button.btn-primary").first.click()
        self.page.wait_for_url(lambda url: "/account/login/" not in url)

    def speaks(self, language: str) -> None:
        """Choose a language in the menu, unless it is spoken already."""
        self.language = language
        if self.page.locator("html").get_attribute("lang") == language:
            return
        self.page.locator("details.menu", has=self.page.locator("button[name=language]")).locator("summary").click()
        self.page.locator(f"button[name=language][value={language}]").click()
        expect(self.page.locator("html")).to_have_attribute("lang", language)

    def opens(self, path: str, heading: str) -> Page:
        """Go to an address, and see the page that is meant."""
        self.page.goto(path if "://" in path else f"{self.address}{path}")
        return self.sees(heading)

    def follows(self, link: Locator, heading: str) -> Page:
        """Click on something, and see the page where it leads."""
        link.click()
        return self.sees(heading)

    def sees(self, heading: str) -> Page:
        """The page has this heading; it has a title, no other heading of its rank, and fits on a phone."""
        expect(self.page.locator("h1")).to_contain_text(heading)
        self.page.wait_for_load_state("load")
        self.page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        title, headings, width = self.page.evaluate(MEASURE)
        self.page.set_viewport_size(self._screen)  # type: ignore[arg-type]
        assert title.strip(" ·") not in ("", "Wasl", "وصل"), f"{self.page.url} has no title"
        assert headings == 1, f"{self.page.url} has {headings} first headings"
        assert width <= PHONE["width"], f"{self.page.url} is {width} pixels wide on a phone"
        return self.page

    def reads(self, words: str, within: str = "body") -> None:
        """Wait until these words are seen."""
        expect(self.page.locator(within).filter(has_text=words).first).to_be_visible()

    def presses(self, words: str, within: str = "main") -> None:
        """Press a button by its words."""
        self.page.locator(within).get_by_role("button", name=words, exact=True).first.click()

    def drops(self, files: list[Path], onto: str) -> None:
        """Drag files from the desktop and let go of them over a place of the page, as the mouse does."""
        self.page.locator(onto).scroll_into_view_if_needed()
        box = self.page.locator(onto).bounding_box()
        assert box is not None
        hand = self.context.new_cdp_session(self.page)
        dragged = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for step in ("dragEnter", "dragOver", "drop"):
            where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 20}
            hand.send("Input.dispatchDragEvent", {"type": step, **where, "data": dragged})

    def awaits(self, what: Locator, path: str) -> None:
        """Look again, as people do, until something is seen on a page that is written by a job."""
        for _ in range(LOOKS):
            if what.count():
                return
            self.page.wait_for_timeout(PAUSE)
            self.page.goto(f"{self.address}{path}")
        raise AssertionError(f"{what} did not come to be seen")

    def fetches(self, path: str, until: Callable[[bytes], bool] = bool) -> bytes:
        """Download a file with the session of this browser, once it is made."""
        for _ in range(LOOKS):
            answer = self.page.request.get(path if "://" in path else f"{self.address}{path}")
            if answer.ok and until(answer.body()):
                return answer.body()
            self.page.wait_for_timeout(PAUSE)
        raise AssertionError(f"{path} was not made: {answer.status}")

    def awaits_the_house(self) -> None:
        """Wait until the pages are served again."""
        for _ in range(LOOKS):
            try:
                if self.page.request.get(f"{self.address}/account/login/").ok:
                    return
            except Error:
                self.page.wait_for_timeout(PAUSE)
        raise AssertionError("the pages did not come back")

    def dies(self) -> None:
        """The browser ends without a word; what it kept for its session is gone, another is opened."""
        self.context.close()

    def leaves(self) -> None:
        """Close the browser; nothing went wrong in it, and nothing was asked of a stranger."""
        self.context.close()
        assert not self.heard.strangers, self.heard.strangers
        assert not self.heard.faults, self.heard.faults


def shows_pixels(page: Page) -> bool:
    """Whether the viewer beside the report comes to show an image, not an empty canvas."""
    canvas = page.frame_locator(".desk-images iframe").locator(CANVAS).first
    canvas.wait_for(timeout=2 * PATIENCE)
    for _ in range(LOOKS):
        if _colours(canvas.screenshot()) > GREYS:
            return True
        page.wait_for_timeout(PAUSE)
    return False


def _colours(picture: bytes) -> int:
    """How many colours the middle of a picture has."""
    shown = Image.open(io.BytesIO(picture)).convert("RGB")
    width, height = shown.size
    middle = shown.crop((width // 4, height // 4, width * 3 // 4, height * 3 // 4))
    return len(middle.getcolors(1 << 24) or ())


@contextmanager
def signed_in(browser: Browser, address: str, name: str, password: str, **how: object) -> Iterator[Person]:
    """A person for as long as a part of a story lasts."""
    person = Person(browser, address, name, password, **how)  # type: ignore[arg-type]
    try:
        yield person
    except BaseException:
        person.context.close()
        raise
    person.leaves()
