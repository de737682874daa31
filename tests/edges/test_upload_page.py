"""The upload page in a real browser: a folder's files and an archive, each answered, none sent twice."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.cast import cast
from tests.edges.dicomweb import image
from tests.edges.test_viewer import Window, chromium
from wasl.accounts import services as accounts
from wasl.archive.models import Instance


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
        expect(summary).to_have_text(f"4 of 4 files; {outcome}, kept aside: 0, not taken: 2", timeout=60_000)
        lines = window.page.locator("#lines")
        expect(lines).to_contain_text("This is not a DICOM file")
        expect(lines).to_contain_text("disc.zip › report.pdf")
    assert len(uploads) == 4 + 2, "what is here already is not sent again"
    assert Instance.objects.count() == 3
    assert window.wrong == []
    window.page.set_viewport_size({"width": 390, "height": 800})
    assert window.page.evaluate("document.documentElement.scrollWidth") == 390
    assert re.search(r"place=[0-9a-f-]{36}", uploads[0])
