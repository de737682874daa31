"""The upload page in a real browser: a folder's files and an archive, each answered, none sent twice."""

import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import image
from tests.edges.test_viewer import Window, chromium
from wasl.accounts import services as accounts
from wasl.archive.models import Instance, Study
from wasl.kernel.access import Actor


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_files_are_sent_each_with_its_answer(server: str, browser: Browser, tmp_path: Path) -> None:
    stage = cast()
    accounts.change_preferences(language="en", by=stage.sami)
    for name in ("693_J2KR.dcm", "US1_J2KR.dcm"):
        (tmp_path / name).write_bytes(image(name))
    (tmp_path / "readme.txt").write_bytes(b"hello")
    with zipfile.ZipFile(tmp_path / "disc.zip", "w") as archive:
        archive.writestr("IM/1", image("emri_small_RLE.dcm"))
        archive.writestr("report.pdf", b"%PDF")
    window = Window(browser, server, stage.sami)
    uploads: list[str] = []
    window.page.on("request", lambda asked: uploads.append(asked.url) if "/dicom-web/upload" in asked.url else None)
    for outcome in ("stored: 3, here already: 0", "stored: 0, here already: 3"):
        window.page.goto(f"{server}/archive/upload/")
        window.page.set_input_files("#files", [path for path in sorted(tmp_path.iterdir()) if path.is_file()])
        summary = window.page.locator("#summary")
        expect(summary).to_have_text(f"4 of 4 files; {outcome}, kept aside: 0, not taken: 2")
        lines = window.page.locator("#lines")
        expect(lines).to_contain_text("This is not a DICOM file")
        expect(lines).to_contain_text("disc.zip › report.pdf")
    assert len(uploads) == 4 + 2, "what is here already is not sent again"
    assert Instance.objects.count() == 3
    assert window.wrong == []
    window.page.set_viewport_size({"width": 390, "height": 800})
    assert window.page.evaluate("document.documentElement.scrollWidth") == 390
    assert re.search(r"place=[0-9a-f-]{36}", uploads[0])
    goes_on_after_a_cut(server, browser, stage.sami, tmp_path)
    is_compared_when_it_is_a_disc(server, browser, stage, tmp_path)


def goes_on_after_a_cut(server: str, browser: Browser, sami: Actor, folder: Path) -> None:
    """A large archive whose line is cut in the middle, and whose page is opened anew, goes on where it ended."""
    large = folder / "large.zip"
    with zipfile.ZipFile(large, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("IM/1", image("JPEG2000.dcm"))
        archive.writestr("film.avi", os.urandom(18 << 20))
    begins: list[int] = []
    first = Window(browser, server, sami)

    def cut(route: Route) -> None:
        begins.append(int(route.request.headers["upload-offset"]))
        if len(begins) == 1:
            route.continue_()
        else:
            first.page.context.set_offline(True)
            route.abort()

    first.page.route(
        "**/upload/parts/*", lambda route: cut(route) if route.request.method == "PATCH" else route.continue_()
    )
    first.page.goto(f"{server}/archive/upload/")
    first.page.set_input_files("#files", [large])
    expect(first.page.locator("#lines")).to_contain_text("waiting")
    assert begins == [0, 8 << 20]
    first.page.goto("about:blank")  # or it would go on as soon as the line is back, before it is opened anew
    first.page.unroute_all()
    first.page.context.set_offline(False)
    first.page.on(
        "request", lambda r: begins.append(int(r.headers.get("upload-offset", -1))) if r.method == "PATCH" else None
    )
    first.page.goto(f"{server}/archive/upload/")
    assert "large" not in first.page.evaluate("JSON.stringify(localStorage)"), "no name stays in the browser"
    first.page.set_input_files("#files", [large])
    expect(first.page.locator("#summary")).to_contain_text("1 of 1 files; stored: 1")
    assert begins == [0, 8 << 20, 8 << 20, 16 << 20]
    assert Instance.objects.count() == 4


def is_compared_when_it_is_a_disc(server: str, browser: Browser, stage: Cast, folder: Path) -> None:
    """What a disc says of its patient stands beside ours once it is read, and it becomes hers when somebody says so."""
    disc = folder / "disc"
    disc.mkdir()
    for number in (1, 2):
        (disc / f"IM{number}").write_bytes(make.part10(make.image(number, StudyInstanceUID="1.2.826.9.1")))
    (disc / "viewer.exe").write_bytes(b"MZ")
    salma = make.patient(stage)
    page = Window(browser, server, stage.sami).page
    page.goto(f"{server}/patients/{salma.id}/")
    page.get_by_role("button", name="Import a disc").click()
    page.set_input_files("#folder", disc)
    expect(page.locator("#summary")).to_contain_text("images read: 2, read before: 0, not taken: 0, no images: 1")
    expect(page.locator("#disc")).to_contain_text("Is this the same person?")
    page.set_input_files("#folder", disc)
    expect(page.locator("#summary")).to_contain_text("images read: 2, read before: 2")
    page.fill("#because", "The patient brought it.")
    page.get_by_role("button", name="These images are the patient's").click()
    page.wait_for_url(f"{server}/record/{salma.id}/")
    assert Study.objects.get(uid="1.2.826.9.1").patient_id == salma.id
