"""What is lost when a machine is, and how long until another stands in its place: a copy that follows, under load.

A scanner sends, somebody writes a draft and orders; then everything is killed and its data removed. Printed are how old
the newest point was whenever it was looked at, and the seconds from the loss until the restored instance answers.
Nothing is asserted.
"""

import datetime
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from bench.figures import note
from tests.edges.scenes import Command, small
from tests.edges.test_kill import IMAGES, STAGE, Browser, Load, Modality, Writer, order, run
from wasl.edges.cli.standby_folder import generations

SECONDS, STUDIES = 30.0, 200  # of load, at most
READY = "Ctrl-C stops it."


def main() -> None:
    """Follow, lose the machine, bring it back, and print both figures."""
    top = Path(tempfile.mkdtemp(prefix="wasl-bench-"))
    top.chmod(0o711)
    home, folder, other = top / "home", top / "copy", top / "other"
    seconds = float(os.environ.get("BENCH_SECONDS", SECONDS))
    env = small(home, WASL_DEMO="1")
    try:
        with Command("up", env=env) as up, Command("backup", "--follow", str(folder), env=env) as copy:
            if not up.says(READY) or not copy.says("follows;"):
                raise SystemExit(up.said + copy.said)
            images, ages = work(env, top, folder, seconds)
            for command in (copy, up):  # PostgreSQL and the parts end with the process that started them
                command.process.send_signal(signal.SIGKILL)
                command.process.wait()
        shutil.rmtree(home, ignore_errors=True)
        began = time.monotonic()
        there = {**env, "WASL_DATA": str(other)}
        subprocess.run([sys.executable, "-m", "wasl", "restore", str(folder)], env=there, check=True)
        restored = time.monotonic() - began
        with Command("up", env=there) as again:
            again.says(READY)
            answers = time.monotonic() - began
        print(f"behind (RPO): {max(ages):.1f} s at most, {sorted(ages)[len(ages) // 2]:.1f} s mostly; {images} images")
        print(f"back (RTO): restored after {restored:.1f} s, at work after {answers:.1f} s")
        note("behind", max(ages), size=len(ages))
        note("back", answers, size=images)
    finally:
        shutil.rmtree(top, ignore_errors=True)


def work(env: dict[str, str], top: Path, folder: Path, seconds: float) -> tuple[int, list[float]]:
    """Have people and a scanner at work for a while: how many images were acknowledged, and how old the points were."""
    scene = run(env, STAGE.format(studies=STUDIES))
    (sent := top / "sent").mkdir()
    scanner = Modality(sent, env["WASL_DICOM_PORT"], scene["studies"], scene["number"])
    leila, amel = (Browser(env["WASL_HTTP_PORT"], scene[name]) for name in ("leila", "amel"))
    loads = [Load(Writer(leila, scene["case"]).save), Load(partial(order, amel, scene)), Load(scanner.send)]
    ages: list[float] = []
    for load in loads:
        load.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(scanner.stored) < STUDIES * IMAGES:
        time.sleep(0.2)
        newest = max(point.until for one in generations(folder) if (point := one.point()))
        ages.append((datetime.datetime.now(datetime.UTC) - newest).total_seconds())
    for load in loads:
        load.stop()
    for browser in (leila, amel):
        browser.close()
    return len(scanner.stored), ages


if __name__ == "__main__":
    main()
