"""A study of many slices, from the scanner to all that gives it again: no process of Wasl grows with it.

What is measured is VmHWM of /proc: the most that a process ever held resident, with what it shares with others, as
PostgreSQL's buffers, and the files that it mapped. `make hard` does it with five thousand slices; WASL_SLICES says how
many.
"""

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom import dcmread

from tests import make
from tests.edges.dicom import client
from tests.edges.listed import PAGE, found, given
from tests.edges.scenes import Command, descendants, environment, eventually, free_port, migrated_folder
from tests.edges.test_dicomweb_wado import FILES, FRAMES, parts
from tests.edges.test_kill import STAGE, UNTOLD, ask, run
from tests.edges.test_up import READY

SLICES = int(os.environ.get("WASL_SLICES", "200"))
SIDE = 512
PIXELS = SIDE * SIDE * 2  # bytes at the end of each slice
MOST = 400 << 10  # kilobytes that a process may hold
EYES = 6  # connections of one viewer
LINES = 12  # processes that are printed, the largest first
LONG = 3600.0  # seconds; thousands of slices take a while
BUSY = "select count(*) from procrastinate_jobs where status in ('todo', 'doing') and scheduled_at is null"


class Peaks(threading.Thread):
    """The most memory of a process and of all below it, in kilobytes, each with what it is; until told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self.most: dict[int, tuple[int, str]] = {}
        self._pid = pid
        self._over = threading.Event()

    def run(self) -> None:
        """Look again and again: who ended cannot be asked any more."""
        while not self._over.wait(0.1):
            self.look()

    def look(self) -> None:
        for pid in (self._pid, *descendants(self._pid)):
            with suppress(OSError, StopIteration):  # it ended meanwhile, and has no memory
                line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmHWM"))
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                self.most[pid] = int(line.split()[1]), name if name.startswith("wasl ") else words.strip()

    def __enter__(self) -> "Peaks":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self.join()


@pytest.fixture
def env() -> Iterator[dict[str, str]]:
    with migrated_folder() as home:
        ports = {"WASL_HTTP_PORT": str(free_port()), "WASL_DICOM_PORT": str(free_port())}
        yield environment(home, **ports, WASL_DEMO="1", WASL_QUIET_SECONDS="3")


def test_no_process_grows_with_the_study(env: dict[str, str], tmp_path: Path) -> None:
    with Command("up", env=env) as up:
        assert up.says(READY), up.said
        with Peaks(up.process.pid) as peaks:
            scene = run(env, STAGE.format(studies=1))
            (study,) = scene["studies"]
            pixels = is_received(env, study, scene["number"], tmp_path / "sent")
            all_is_done_about_it(env, study, up)
            is_given_by_dimse(int(env["WASL_DICOM_PORT"]), study, f"{study[:56]}.1", pixels, tmp_path)
            is_given_on_the_web(env, scene, study, pixels)
            exported = is_exported(env, pixels, tmp_path / "exported")
            peaks.look()
        assert "Traceback" not in up.said, up.said
    most = sorted((*peaks.most.values(), *exported.most.values()), reverse=True)
    print(f"\n{SLICES} slices; the most that each process held:")
    for size, what in most[:LINES]:
        print(f"  {size >> 10:4} MB  {what[:100]}")
    for part in ("wasl up", "wasl serve", "wasl dicom", "wasl work", "wasl archive export", "postgres"):
        assert any(part in what for _, what in most), part
    assert [line for line in most if line[0] > MOST] == []


def is_received(env: dict[str, str], study: str, number: str, folder: Path) -> dict[str, str]:
    """A scanner sends all of it in one association; by UID the hash of the pixels."""
    folder.mkdir()
    pixels = {}
    for n in range(SLICES):
        data = make.image(n, StudyInstanceUID=study, PatientID=number, Rows=SIDE, Columns=SIDE)
        (folder / f"{n:05}.dcm").write_bytes(make.part10(data))
        pixels[str(data.SOPInstanceUID)] = hashlib.sha256(data.PixelData).hexdigest()
    said = client("storescu", int(env["WASL_DICOM_PORT"]), "-v", "-nh", "+sd", folder, patience=LONG)
    assert said.code == 0, said.text[-2000:]
    assert said.text.count("Received Store Response (Success)") == SLICES
    shutil.rmtree(folder)
    return pixels


def all_is_done_about_it(env: dict[str, str], study: str, up: Command) -> None:
    """It is whole, and all that follows from that is over."""
    whole = f"select instance_count from archive_study where uid = '{study}' and complete_at is not null"
    assert eventually(lambda: ask(env, whole) == [(SLICES,)], LONG), up.said
    assert eventually(lambda: ask(env, UNTOLD) == [], LONG), ask(env, UNTOLD)
    assert eventually(lambda: ask(env, BUSY) == [(0,)], LONG), up.said


def is_given_by_dimse(port: int, study: str, series: str, pixels: dict[str, str], folder: Path) -> None:
    """C-FIND lists the study and each of its slices, C-GET gives them."""
    assert found(port, folder / "found")[study] == SLICES
    (listed := folder / "listed").mkdir()
    keys = ("QueryRetrieveLevel=IMAGE", f"StudyInstanceUID={study}", f"SeriesInstanceUID={series}", "SOPInstanceUID")
    words = (word for key in keys for word in ("-k", key))
    said = client("findscu", port, "-S", "-X", "-od", listed, *words, patience=LONG)
    assert said.code == 0, said.text[-2000:]
    assert {str(dcmread(path, force=True).SOPInstanceUID) for path in listed.iterdir()} == pixels.keys()
    assert given(port, folder / "given", [study], PIXELS, patience=LONG) == pixels
    shutil.rmtree(folder / "given")


def is_given_on_the_web(env: dict[str, str], scene: dict[str, Any], study: str, pixels: dict[str, str]) -> None:
    """What the list, the viewer and a copier ask: studies, slices, metadata, every frame, and all in one answer."""
    address, cookies = f"http://127.0.0.1:{env['WASL_HTTP_PORT']}", {"sessionid": scene["sami"]}
    limits = httpx.Limits(max_connections=EYES)
    with httpx.Client(base_url=f"{address}/dicom-web", cookies=cookies, timeout=LONG, limits=limits) as sami:
        (one,) = sami.get("/studies", params={"StudyInstanceUID": study}).json()
        assert one["00201208"]["Value"] == [SLICES]
        (series,) = sami.get(f"/studies/{study}/series").json()
        within = f"/studies/{study}/series/{series['0020000E']['Value'][0]}"
        listed = [one for at in range(0, SLICES, PAGE) for one in page(sami, within, at)]
        assert len(listed) == SLICES
        for told in (listed, *(sami.get(f"{of}/metadata").json() for of in (f"/studies/{study}", within))):
            assert {one["00080018"]["Value"][0] for one in told} == pixels.keys()

        def frame(uid: str) -> bool:
            ((_, content),) = parts(sami.get(f"{within}/instances/{uid}/frames/1", headers={"accept": FRAMES}))
            return hashlib.sha256(content).hexdigest() == pixels[uid]

        with ThreadPoolExecutor(EYES) as eyes:
            assert all(eyes.map(frame, pixels))
        with sami.stream("GET", f"/studies/{study}", headers={"accept": FILES}) as answer:
            assert answer.status_code == 200
            assert sum(map(len, answer.iter_raw(1 << 20))) > SLICES * PIXELS


def page(sami: httpx.Client, within: str, at: int) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = sami.get(f"{within}/instances", params={"limit": PAGE, "offset": at}).json()
    return answer


def is_exported(env: dict[str, str], pixels: dict[str, str], folder: Path) -> Peaks:
    """All of it lies in a folder to be carried elsewhere; how much memory that took."""
    with Command("archive", "export", str(folder), env=env) as export, Peaks(export.process.pid) as peaks:
        assert export.process.wait(LONG) == 0, export.said
    written = {hashlib.sha256(path.read_bytes()[-PIXELS:]).hexdigest() for path in folder.rglob("*.dcm")}
    assert set(pixels.values()) <= written
    shutil.rmtree(folder)
    return peaks
