"""The pages of critical results in a real browser, on a phone: they fit, name what they offer, answer in one tap."""

from django.urls import reverse
from playwright.sync_api import BrowserContext

from tests.cast import cast
from tests.edges.dicomweb import cookies
from tests.edges.test_archive_pages import PHONE, fits_and_names
from tests.edges.test_viewer import chromium
from tests.radiology.test_critical import let_time_pass, owed, raised
from tests.radiology.test_results import colleague
from wasl.accounts import services as accounts
from wasl.kernel.access import Actor


def test_every_page_fits_a_phone_and_is_answered_in_one_tap(server: str) -> None:
    stage = cast()
    colleague(stage)
    report, other = raised(stage), raised(stage)
    let_time_pass(other)
    accounts.change_preferences(language="ar", by=stage.leila)
    accounts.change_preferences(language="ar", by=stage.hatem)
    with chromium() as browser:

        def window(person: Actor) -> BrowserContext:
            context = browser.new_context(viewport={"width": PHONE, "height": 844})
            jar = cookies(person)
            context.add_cookies([{"name": name, "value": value, "url": server} for name, value in jar.items()])
            return context

        page = window(stage.leila).new_page()
        for name, keys in (("owed", []), ("critical_result", [report.id]), ("critical_notice", [report.id])):
            where = reverse(f"radiology:{name}", args=keys)
            page.goto(f"{server}{where}")
            fits_and_names(page, where)
        page.goto(f"{server}{reverse('radiology:critical_result', args=[other.id])}")
        mark = page.locator(".small-screen")
        assert mark.is_visible()  # no diagnosis is made on a telephone
        page.set_viewport_size({"width": 1440, "height": 900})
        assert not mark.is_visible()
        page.set_viewport_size({"width": PHONE, "height": 844})
        page.check("[name=read_back]")
        page.click("form[action$='/told/'] button")
        page.wait_for_selector("form[action$='/told/']", state="detached")
        page = window(stage.hatem).new_page()
        page.goto(f"{server}{reverse('radiology:closures')}")
        fits_and_names(page, "closures")
        page = window(stage.amel).new_page()
        for name in ("acknowledge_by_code", "results"):
            page.goto(f"{server}{reverse(f'radiology:{name}')}")
            fits_and_names(page, name)
        page.click("form[action$='/acknowledge/'] button")
        page.wait_for_url(f"{server}{reverse('radiology:report', args=[report.id])}")
    assert owed(report).acknowledged_by_id == stage.amel.id
    assert owed(other).how == "phone"
