"""A radiograph on a thin line in a real browser: seen at once, marked as partial, and not signed before it is whole."""

from collections.abc import Iterator

import numpy as np
import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from tests import make
from tests.cast import Cast, cast
from tests.edges.test_viewer import VIEWPORT, Window, chromium
from tests.pixels import with_pixels
from wasl.archive import listeners
from wasl.archive import services as archive
from wasl.archive.models import Instance
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact
from wasl.radiology import services as radiology
from wasl.radiology.models import Reading, Report

SIDE = 1600
THIN = {"offline": False, "latency": 20, "downloadThroughput": 120_000, "uploadThroughput": 120_000}
WIDE = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
PATIENCE = 120_000  # milliseconds


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def a_radiograph(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> Reading:
    """A case of Leila's: one noisy radiograph, kept as HTJ2K."""
    order = make.order(stage, procedure=make.procedure(modality="DX").id)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    body = 2000 + 900 * np.sin(rows / 90) * np.cos(columns / 70) + np.random.default_rng(2).normal(0, 60, rows.shape)
    data = make.image(
        1, Rows=SIDE, Columns=SIDE, BitsStored=12, HighBit=11, PixelRepresentation=0, Modality="DX",
        StudyInstanceUID=order.study_uid, AccessionNumber=order.accession, RescaleIntercept=0,
        WindowCenter=2000, WindowWidth=2400,
    )  # fmt: skip
    (outcome,) = make.send(stage, with_pixels(data, np.clip(body, 0, 4095).astype("u2"), 1))
    archive.complete_study(outcome.study, how="quiet", by=SYSTEM)
    monkeypatch.setattr(settings, "KEEPING", "htj2k")
    listeners.transcode_study(study=str(outcome.study))
    assert Instance.objects.get(id=outcome.instance).transfer_syntax.endswith(".202")
    radiology.link_study(order.id, study=outcome.study, because="accession", by=SYSTEM)
    case = radiology.open_reading(order.id, study=outcome.study, by=SYSTEM)
    radiology.claim_reading(case.id, by=stage.leila)
    return case


def sign(page: Page) -> None:
    page.locator("#sign").click()
    page.locator("#confirm-yes").click()


def test_a_partial_picture_is_seen_marked_and_not_signed(
    server: str, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = cast()
    case = a_radiograph(stage, monkeypatch)
    make.draft(stage, case.id)
    window = Window(browser, server, stage.leila)
    window.open(case.study)  # the viewer itself is in the browser from now on
    assert window.shows(), window.wrong
    expect(window.page.locator(".wasl-partial:visible")).to_have_count(0)

    page = window.page
    line = page.context.new_cdp_session(page)
    line.send("Network.setCacheDisabled", {"cacheDisabled": False})
    page.goto(f"{server}/radiology/readings/{case.id}/", wait_until="commit")
    line.send("Network.emulateNetworkConditions", THIN)
    frame = page.frame_locator("iframe")
    badge = frame.locator(".wasl-partial")
    expect(badge).to_be_visible(timeout=PATIENCE)
    expect(frame.locator(VIEWPORT).first).to_be_visible()
    expect(page.locator("#pixels-state")).to_be_visible()
    sign(page)
    expect(page.locator("#notices")).to_contain_text("pas encore arrivées en entier", timeout=PATIENCE)
    assert Report.objects.get().state == "draft"
    line.send("Network.emulateNetworkConditions", WIDE)
    expect(badge).to_be_hidden(timeout=PATIENCE)
    expect(page.locator("#pixels-state")).to_be_hidden()
    sign(page)
    page.wait_for_url("**/radiology/reports/**", timeout=PATIENCE)
    assert Report.objects.get().state == "signed"
    assert Fact.objects.get(name="radiology.ReportSigned").data["pixels"] == "whole"
