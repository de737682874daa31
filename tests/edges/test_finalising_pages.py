"""A resident's night in a real browser: issued, changed by a senior who sees each word of it, classed and signed."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import cookies
from tests.edges.test_archive_pages import PHONE, fits_and_names
from tests.edges.test_viewer import chromium
from tests.radiology.test_reading import second_reader
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM, Actor
from wasl.radiology import services
from wasl.radiology.models import Report

WIDTHS = (PHONE, 1440)
ARABIC = {"title": "مفراس الدماغ", "findings": "لا يوجد نزف.\nNodule de 5 mm.", "conclusion": "جلطة سيلفية يسرى."}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@dataclass
class Window:
    """A page of one person, in a width."""

    browser: Browser
    server: str

    def of(self, actor: Actor, *, width: int = 1440, language: str = "fr") -> Page:
        accounts.change_preferences(language=language, by=actor)
        context = self.browser.new_context(viewport={"width": width, "height": 900})
        pairs = cookies(actor).items()
        context.add_cookies([{"name": name, "value": value, "url": self.server} for name, value in pairs])
        return context.new_page()

    def at(self, name: str, key: object) -> str:
        return f"{self.server}{reverse(f'radiology:{name}', args=[key])}"


@pytest.fixture
def window(browser: Browser, server: str) -> Window:
    return Window(browser, server)


def test_issued_then_compared_by_words_and_signed(window: Window) -> None:
    stage = cast()
    case = services.claim_reading(make.reading(stage).id, by=stage.sirine)
    make.draft(stage, case.id, by=stage.sirine)
    rim = window.of(stage.sirine)
    rim.goto(window.at("reading", case.id))
    rim.keyboard.press("Control+Enter")
    expect(rim.get_by_role("heading", name="Émettre ce compte rendu provisoire ?", exact=True)).to_be_visible()
    rim.locator("#confirm-yes").click()
    rim.wait_for_url("**/radiology/reports/**")
    expect(rim.locator(".preliminary")).to_contain_text("PROVISOIRE")
    issued = Report.objects.get(state="preliminary")

    services.claim_reading(case.id, by=stage.leila)
    leila = window.of(stage.leila)
    leila.goto(window.at("reading", case.id))
    field = leila.locator("#section-conclusion")
    field.fill("AVC ischémique sylvien droit.")
    leila.locator("#finalise").click()
    leila.wait_for_url("**/finalise/")
    expect(leila.locator("del", has_text="gauche")).to_be_visible()
    expect(leila.locator("ins", has_text="droit")).to_be_visible()
    button = leila.get_by_role("button", name="Signer le compte rendu définitif")
    button.click()
    assert not Report.objects.filter(state="signed").exists()  # the browser asks for the class first
    leila.get_by_role("radio", name="Discordance majeure").check()
    button.click()
    leila.wait_for_url("**/radiology/reports/**")
    final = Report.objects.get(finalises=issued)
    assert (final.change, final.sections["conclusion"]) == ("major", "AVC ischémique sylvien droit.")
    rim.goto(window.at("changes", issued.id))
    expect(rim.locator("main")).to_contain_text("Discordance majeure")


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_the_pages_fit_and_name_everything(window: Window, language: str) -> None:
    stage = cast()
    issued = prepared(stage)
    signed = Report.objects.get(state="signed")
    services.begin_over_reading(signed.id, by=stage.leila)
    for name, key in (("finalise", issued.reading_id), ("report", issued.id), ("over_read_report", signed.id)):
        for width in WIDTHS:
            page = window.of(stage.leila, width=width, language=language)
            page.goto(window.at(name, key))
            fits_and_names(page, name, width)
            page.context.close()


def prepared(stage: Cast) -> Report:
    """A preliminary report whose case Leila holds, with other words; and Mounir's report, which she may over-read."""
    case = services.claim_reading(make.reading(stage).id, by=(mounir := second_reader(stage)))
    draft = make.draft(stage, case.id, by=mounir)
    services.sign_report(draft.id, revision=1, by=mounir)
    issued = make.preliminary(stage, sections=ARABIC, language="ar", critical=True, critical_what="جلطة حديثة")
    services.hand_over_report(issued.id, by=SYSTEM)
    services.raise_critical_result(issued.id, by=SYSTEM)
    services.claim_reading(issued.reading_id, by=stage.leila)
    make.draft(
        stage, issued.reading_id, revision=1, language="ar", critical=True, critical_what="جلطة قديمة",
        sections={**ARABIC, "findings": "لا يوجد نزف حديث.\nNodule de 15 mm.", "conclusion": "جلطة سيلفية يمنى قديمة."},
    )  # fmt: skip
    return issued
