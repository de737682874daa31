"""The conversation in two real browsers: what one writes beside the report, the other side reads at once."""

from playwright.sync_api import Browser, expect

from tests import make
from tests.cast import cast
from tests.edges.test_viewer import Window, browser
from wasl.radiology import services
from wasl.radiology.models import Remark

__all__ = ["browser"]


def test_what_is_written_is_read_at_the_other_side(server: str, browser: Browser) -> None:
    stage = cast()
    case = services.claim_reading(make.reading(stage).id, by=stage.leila)
    amel, leila = (Window(browser, server, person) for person in (stage.amel, stage.leila))
    amel.page.goto(f"{server}/radiology/orders/{case.order_id}/")
    leila.page.goto(f"{server}/radiology/readings/{case.id}/")
    leila.page.locator("#remark-text").fill("Sous anticoagulants ?")
    leila.page.locator(".remark-form button").click()
    expect(amel.page.locator("#remarks")).to_contain_text("Sous anticoagulants ?")
    expect(leila.page.locator("#remark-text")).to_have_value("")
    expect(leila.page.locator(".remark-seen")).to_contain_text("Amel Gharbi")
    amel.page.locator(".calls button").first.click()
    expect(leila.page.locator(".remark-call")).to_contain_text("Leila Haddad")
    assert Remark.objects.get(kind="call").callee_id == stage.leila.id
    assert amel.wrong == []
