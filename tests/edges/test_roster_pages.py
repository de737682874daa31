"""The pages of rosters in a real browser, in Arabic, on a phone and on a screen; and a month drafted by hand."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from tests.cast import Cast, cast
from tests.edges.dicomweb import cookies
from tests.edges.test_archive_pages import PHONE, fits_and_names
from tests.edges.test_viewer import chromium
from tests.workforce import plan
from wasl.accounts import services as accounts
from wasl.kernel.access import Actor
from wasl.places import services as places
from wasl.workforce import services
from wasl.workforce.models import Roster, Shift

WIDTHS = (PHONE, 1440)


@dataclass
class Scene:
    """A published month, a draft, and an offer each way."""

    server: str
    stage: Cast
    published: Roster
    draft: Roster
    mine: Shift


@pytest.fixture
def scene(server: str) -> Scene:
    stage = cast()
    leila, other = plan.leila(stage), plan.reader(stage, 1)
    group = plan.group(stage)
    names = ("عيد الفطر", "Aïd el-Fitr", "Eid al-Fitr")
    places.set_holiday(plan.next_month().replace(day=10), names=names, estimated=True, by=stage.hatem)
    published = plan.published(stage, leila, other, of=group)
    draft = services.draft_roster(group.id, month=plan.next_month(2), by=stage.karim)
    services.add_pattern(
        draft.id, worker=leila.worker, days=plan.days_of(draft.month)[2:20], begins=8, ends=20, kind="onsite",
        by=stage.karim,
    )  # fmt: skip
    services.add_pattern(
        draft.id, worker=other.worker, days=plan.days_of(draft.month)[2:16], begins=20, ends=8, kind="oncall",
        by=stage.karim,
    )  # fmt: skip
    mine, theirs = plan.shift_of(leila, 4), plan.shift_of(other, 6)
    services.propose_swap(mine.id, colleague=other.worker, against=theirs.id, by=leila.actor)
    services.propose_swap(theirs.id, colleague=leila.worker, by=other.actor)
    services.renew_calendar(by=leila.actor)
    return Scene(server, stage, published, draft, plan.shift_of(leila, 6))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def window(browser: Browser, scene: Scene, who: Actor, width: int, language: str) -> Page:
    accounts.change_preferences(language=language, by=who)
    context = browser.new_context(viewport={"width": width, "height": 900})
    jar = cookies(who)
    context.add_cookies([{"name": name, "value": value, "url": scene.server} for name, value in jar.items()])
    return context.new_page()


def test_every_page_fits_and_names_what_it_offers(scene: Scene, browser: Browser) -> None:
    stage = scene.stage
    walked = {
        stage.hatem: (("workforce:rosters",), ("workforce:found_group",), ("workforce:group", scene.published.group_id),
                      ("places:holidays",)),
        stage.karim: (("workforce:roster", scene.draft.id), ("workforce:shift", scene.mine.id)),
        stage.leila: (("workforce:roster", scene.published.id), ("workforce:shift", scene.mine.id),
                      ("workforce:my_shifts",)),
    }  # fmt: skip
    for who, addresses in walked.items():
        for width in WIDTHS:
            page = window(browser, scene, who, width, "ar")
            for name, *args in addresses:
                answer = page.goto(f"{scene.server}{reverse(str(name), args=args)}")
                assert answer and answer.status == 200, name
                fits_and_names(page, str(name), width)


def test_a_month_is_drafted_by_hand(scene: Scene, browser: Browser) -> None:
    """A planner on a phone fills the gaps, takes a shift off, and publishes; nothing loads a new page before."""
    page = window(browser, scene, scene.stage.karim, PHONE, "fr")
    page.goto(f"{scene.server}{reverse('workforce:roster', args=[scene.draft.id])}")
    expect(page.locator("#cover")).to_contain_text("trous")
    page.evaluate("window.here = true")
    page.get_by_label("Lecteur", exact=True).select_option(label="Yassine Riahi 1")
    page.get_by_label("À", exact=True).select_option("8")
    page.get_by_label("De", exact=True).select_option("8")
    for day in range(20, len(plan.days_of(scene.draft.month)) + 1):
        page.locator(f".choose-days input[name=days][value='{day}']").check(force=True)
    page.get_by_role("button", name="Mettre de garde").click()
    expect(page.locator(".alert-danger")).to_have_count(0)
    days = plan.days_of(scene.draft.month)
    expect(page.locator(".days > li").nth(len(days) - 1)).to_contain_text("Yassine Riahi 1")
    page.locator(".days > li").nth(4).get_by_role("button").first.click()
    expect(page.locator(".days > li").nth(4)).to_contain_text("personne de garde")
    assert Shift.objects.filter(roster=scene.draft).count() == 18 + 14 + len(days) - 19 - 1
    assert page.evaluate("window.here")
    page.get_by_role("button", name="Publier le mois").click()
    expect(page.locator("#notices")).to_contain_text("Pas assez de médecins de garde")
    scene.draft.refresh_from_db()
    assert scene.draft.state == "draft"
