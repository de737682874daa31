"""How soon a reader sees an image on a thin line: a 3036² radiograph on 4G, a CT at one megabit.

The same image is kept as it was sent, then as HTJ2K, and opened in the real viewer under Chromium's own emulation of
the line, the viewer itself in its cache. Printed are the time from asking for the pixels to the first picture and to
the whole one, and the bytes of pixels that had come by then. Nothing is asserted.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures import note
from bench.store import WASL, free_port, wait_for
from tests.edges.scenes import CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

IMAGES = {"radiograph": 1, "CT": 40}  # in each study
LINES = {"4G (20 Mbit/s, 50 ms)": (20, 50), "1 Mbit/s, 300 ms": (1, 300)}
STAGE = """
import json, sys, django
django.setup()
import numpy as np
from django.conf import settings
from tests import make
from tests.cast import cast
from tests.edges.dicomweb import cookies
from tests.pixels import with_pixels
from wasl.archive import listeners
from wasl.archive import services as archive

stage, chance, told, images = cast(), np.random.default_rng(4), {}, json.loads(sys.argv[1])
for keeping in ("sent", "htj2k"):
    settings.KEEPING = keeping
    for what, side, count in (("radiograph", 3036, images["radiograph"]), ("CT", 512, images["CT"])):
        y, x = np.mgrid[-1:1:side * 1j, -1:1:side * 1j]
        first = make.image(1, Rows=side, Columns=side)
        for number in range(1, count + 1):
            body = 1500 + 900 * np.exp(-3 * (x**2 + y**2)) + 200 * np.sin(20 * x + number / 9) * np.cos(14 * y)
            data = make.image(number, Rows=side, Columns=side, StudyInstanceUID=first.StudyInstanceUID,
                              SeriesInstanceUID=first.SeriesInstanceUID, PixelRepresentation=0, RescaleIntercept=0,
                              Modality="CT" if count > 1 else "DX", WindowCenter=1800, WindowWidth=1600)
            pixels = np.clip(body + chance.normal(0, 8, body.shape), 0, 4095).astype("u2")
            (outcome,) = make.send(stage, with_pixels(data, pixels, 1))
        listeners.transcode_study(study=str(outcome.study))
        told[f"{what}, {keeping}"] = str(first.StudyInstanceUID)
print(json.dumps({"studies": told, "cookies": cookies(stage.sami)}))
"""
# when pictures were drawn, and whether they were whole
WATCH = """
window.drawn = [];
document.addEventListener("CORNERSTONE_IMAGE_RENDERED", ({target}) => {
  const image = window.cornerstone?.getEnabledElement(target)?.viewport?.getCornerstoneImage?.();
  if (image) window.drawn.push([performance.timeOrigin + performance.now(), image.imageQualityStatus]);
}, true);
"""
WHOLE = 8  # cornerstone's ImageQualityStatus.FULL_RESOLUTION


@dataclass
class Shown:
    """When the pixels were asked for, and what came when (seconds of the same clock)."""

    asked: float = 0.0
    came: list[tuple[float, int]] | None = None

    def by(self, moment: float) -> int:
        """Bytes of pixels that had come by a moment."""
        return sum(size for at, size in self.came or () if at <= moment)


@contextlib.contextmanager
def instance(home: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Wasl on a database of its own, with the studies; its address, and what stands there."""
    from wasl.edges.cli.postgres import Postgres

    port, database = free_port(), Postgres(home)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WASL_")}
    env = {**kept, "WASL_DATA": str(home), "WASL_HTTP_PORT": str(port), "WASL_HTTP_WORKERS": "1", "WASL_DEMO": "1",
           "DJANGO_SETTINGS_MODULE": "wasl.settings"}  # fmt: skip
    database.ensure()
    try:
        subprocess.run([*WASL, "migrate"], env=env, check=True, stdout=subprocess.DEVNULL)
        said = subprocess.run(
            [sys.executable, "-c", STAGE, json.dumps(IMAGES)], env=env, check=True, capture_output=True, text=True
        )
        with subprocess.Popen([*WASL, "serve"], env=env, stdout=subprocess.DEVNULL) as server:
            try:
                wait_for(port)
                yield f"http://127.0.0.1:{port}", json.loads(said.stdout.splitlines()[-1])
            finally:
                server.terminate()
    finally:
        database.stop()


@dataclass(frozen=True)
class Look:
    """Seconds from asking for the pixels to the first picture and to the whole one, and kilobytes come by then."""

    first: float
    first_size: float
    whole: float
    whole_size: float

    def __str__(self) -> str:
        return (
            f"first picture {self.first:.2f} s after {self.first_size:.0f} kB, "
            f"whole {self.whole:.2f} s after {self.whole_size:.0f} kB"
        )


def look(page: "Page", line: "CDPSession", address: str) -> Look:
    """Open a study, and see when its first picture was drawn, first in part and then whole."""
    shown, frames = Shown(came=[]), set()

    def asks(event: dict[str, Any]) -> None:
        if "/frames/" in event["request"]["url"]:
            frames.add(event["requestId"])
            shown.asked = shown.asked or event["wallTime"]

    line.on("Network.requestWillBeSent", asks)
    line.on("Network.dataReceived", lambda event: event["requestId"] in frames and shown.came is not None
            and shown.came.append((time.time(), event["encodedDataLength"] or event["dataLength"])))  # fmt: skip
    page.goto(address, wait_until="commit")
    page.wait_for_function(f"window.drawn.some(([, quality]) => quality === {WHOLE})", timeout=300_000)
    drawn = [(at / 1000, quality) for at, quality in page.evaluate("window.drawn")]
    first, whole = drawn[0][0], next(at for at, quality in drawn if quality == WHOLE)
    return Look(first - shown.asked, shown.by(first) / 1024, whole - shown.asked, shown.by(whole) / 1024)


def main() -> None:
    """Open each study on each line that it is measured on, and print what was seen."""
    from playwright.sync_api import sync_playwright

    home = Path(tempfile.mkdtemp(prefix="wasl-bench-"))
    home.chmod(0o711)
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    try:
        with instance(home) as (server, told), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
            context = browser.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True)
            context.add_cookies([{"name": n, "value": v, "url": server} for n, v in told["cookies"].items()])
            context.add_init_script(WATCH)
            viewer = f"{server}/viewer/viewer?StudyInstanceUIDs="
            warm = context.new_page()
            warm.goto(viewer + told["studies"]["CT, htj2k"])
            warm.wait_for_function(f"window.drawn.some(([, quality]) => quality === {WHOLE})", timeout=120_000)
            warm.close()
            for what, name in (("radiograph", "4G (20 Mbit/s, 50 ms)"), ("CT", "1 Mbit/s, 300 ms")):
                speed, latency = LINES[name]
                seen: dict[str, Look] = {}
                for keeping in ("sent", "htj2k"):
                    page = context.new_page()
                    line = context.new_cdp_session(page)
                    line.send("Network.enable")
                    bytes_a_second = speed * 125_000
                    line.send("Network.emulateNetworkConditions", {
                        "offline": False, "latency": latency, "downloadThroughput": bytes_a_second,
                        "uploadThroughput": bytes_a_second,
                    })  # fmt: skip
                    seen[keeping] = look(page, line, viewer + told["studies"][f"{what}, {keeping}"])
                    print(f"{what}, {name}, {keeping}: {seen[keeping]}", flush=True)
                    page.close()
                images = IMAGES[what]
                note(f"first picture {what}", seen["htj2k"].first, size=images)
                before = {"as it was sent": seen["sent"].first_size}
                note(f"first bytes {what}", seen["htj2k"].first_size, size=images, others=before)
            browser.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
