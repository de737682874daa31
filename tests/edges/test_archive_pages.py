"""The archive's pages in a real browser, in Arabic, on a phone: each fits, has its title, and names what it offers."""

import datetime
from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from tests.cast import cast
from tests.edges import strangers
from tests.edges.dicomweb import cookies
from tests.edges.foreign import door
from tests.edges.strangers import World
from tests.edges.test_strangers_pages import PAGES, address
from tests.edges.test_viewer import chromium
from wasl.accounts import services as accounts
from wasl.archive import services as archive
from wasl.archive.models import PerformedStep
from wasl.kernel.access import SYSTEM

PHONE = 390
WALKED = ("archive:", "radiology:reconcil", "radiology:disc", "accounts:gateways")
# of a page, a file, what a script asks
PARTS = {"archive:outside_answers", "radiology:disc_read", "archive:export_layout", "archive:viewer_layout"}
# what is asked of a page: how wide it is, what it is called, and what is wrong in it
ASK = """() => {
  const all = (what) => [...document.querySelectorAll(what)];
  const told = (why, found) => found.map((what) => `${why}: ${what}`);
  const named = (e) =>
    e.textContent.trim() || e.querySelector("img[alt]")?.alt || e.ariaLabel || e.title || e.labels?.length;
  const nameless = all("a[href], button, summary, select, textarea, input:not([type=hidden])").filter((e) => !named(e));
  const headless = all(".stack td:not([data-title], [colspan], .text-end)");
  const ids = all("[id]").map((e) => e.id);
  const levels = all("h1, h2, h3").map((e) => Number(e.tagName[1]));
  // what is not written in the page's own letters is set apart, or it turns the order of what is beside it
  const apart = "bdi, code, option, template, [dir], svg";
  const latin = [], texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    if (/[a-z]{2}/i.test(data) && !parentElement.closest(apart)) latin.push(data.trim());
  }
  return {
    width: document.documentElement.scrollWidth,
    title: document.title,
    headings: all("h1").length,
    wrong: [
      ...told("no name", nameless.map((e) => e.outerHTML.slice(0, 120))),
      ...told("no head on a phone", headless.map((e) => e.textContent.trim())),
      ...told("an id that is there twice", ids.filter((id, at) => ids.indexOf(id) !== at)),
      ...told("a heading below a gap", levels.filter((level, at) => at && level > levels[at - 1] + 1)),
      ...told("not set apart", latin),
    ],
  };
}"""


@pytest.fixture
def world(server: str) -> Iterator[World]:
    """A whole case at one hospital, of which the server knows."""
    with door() as opened:
        played = strangers.played(opened, cast())
        step = archive.start_step(
            "1.2.3.4", study_uid="1.2.3.5", accession="", place=played.stage.regional, source=None, at=None,
            attributes={}, by=SYSTEM,
        )  # fmt: skip
        PerformedStep.objects.filter(id=step.id).update(heard_at=timezone.now() - datetime.timedelta(hours=3))
        yield played


def test_every_page_fits_a_phone_and_names_what_it_offers(server: str, world: World) -> None:
    stage = world.stage
    assert stage.sami.id
    accounts.give_post(stage.sami.id, role="steward", place=stage.regional, by=SYSTEM)
    jars = []
    for who in (stage.sami, stage.leila, stage.fatma):
        accounts.change_preferences(language="ar", by=who)
        jars.append(cookies(who))
    left = {name for name in PAGES if name.startswith(WALKED)} - PARTS
    with chromium() as browser:
        for jar in jars:
            context = browser.new_context(viewport={"width": PHONE, "height": 844})
            context.add_cookies([{"name": name, "value": value, "url": server} for name, value in jar.items()])
            page = context.new_page()
            for name in sorted(left):
                where = f"{server}{address(world, name)}"
                status = page.request.get(where).status
                if status == 200:
                    page.goto(where)
                    fits_and_names(page, name)
                if status in (200, 405):  # a page, or an act that is no page
                    left.discard(name)
    assert not left, "nobody saw these pages"


def fits_and_names(page: Page, name: str, width: int = PHONE) -> None:
    said = page.evaluate(ASK)
    assert said["width"] == width, f"{name} is {said['width']} pixels wide"
    assert said["title"].strip(" ·") not in ("", "وصل"), name
    assert (said["headings"], said["wrong"]) == (1, []), name
