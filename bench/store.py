"""How many images a second: C-STORE of a 300-slice CT with one and four associations, beside Debian's Orthanc.

All receive the same files from the same clients (DCMTK's storescu) in the same run; only the ratios travel from
one machine to another. Nothing is asserted.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import numpy as np
import psycopg
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from bench.figures import note
from bench.peers import peers, started
from tests.edges.orthanc import TITLE

T = TypeVar("T")
SLICES, SIZE, TURNS = int(os.environ.get("BENCH_SLICES", "300")), 512, 2
WASL = [sys.executable, "-m", "wasl"]
ADD_SOURCE = """
import datetime, django
django.setup()
from wasl.archive.services import add_source
from wasl.kernel.access import SYSTEM
from wasl.places.services import add_place, add_region
region = add_region(country="TN", code="TN-00", kind="governorate", name_ar="-", name_fr="-", name_en="-",
                    latitude=0, longitude=0, source="bench", by=SYSTEM)
place = add_place(code="bench", names=("-", "-", "-"), region=region.id, kind="tn_hr", by=SYSTEM, invented=True)
add_source(ae_title="BENCH", place=place.id, name="bench", address="127.0.0.1", by=SYSTEM)
"""


def slices(folder: Path, study: str) -> None:
    """A CT of noise, 512 by 512 and 16 bits, as files; half a megabyte each, as from a scanner."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(1)
    for number in range(1, SLICES + 1):
        data = Dataset()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, generate_uid()
        data.StudyInstanceUID, data.SeriesInstanceUID = study, f"{study[:60]}.1"
        data.PatientName, data.PatientID, data.Modality = "Bench^Mark", "0", "CT"
        data.StudyDate, data.StudyTime, data.InstanceNumber = "20261110", "080000", number
        data.Rows = data.Columns = SIZE
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation = 15, 1
        data.add_new("PixelData", "OW", chance.integers(-1024, 3000, SIZE * SIZE, dtype="int16").tobytes())
        data.save_as(folder / f"{number:04d}.dcm", enforce_file_format=True)


def send(address: tuple[int, str], folder: Path, associations: int) -> float:
    """Images a second that a receiver acknowledges, the slices shared out among so many associations."""
    files = sorted(map(str, folder.iterdir()))
    port, title = address
    started = time.perf_counter()
    clients = [
        subprocess.Popen(["storescu", "-aec", title, "-aet", "BENCH", "127.0.0.1", str(port), *files[n::associations]])
        for n in range(associations)
    ]
    codes = [client.wait() for client in clients]
    seconds = time.perf_counter() - started
    if any(codes):
        raise SystemExit(f"{title} refused images.")
    return SLICES / seconds


def free_port() -> int:
    """A port that nothing listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Until somebody listens."""
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"Nobody listens at {port}.")


@contextlib.contextmanager
def running(command: list[str], port: int, env: dict[str, str]) -> Iterator[int]:
    """A receiver, as long as it is measured."""
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            yield process.pid
        finally:
            process.terminate()


def memory(process: int) -> int:
    """The most memory, in megabytes, that a process or one below it ever had (VmHWM)."""
    below = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    status = Path(f"/proc/{process}/status").read_text()
    own = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
    return max(own // 1024, *map(memory, map(int, below)), 0)


@contextlib.contextmanager
def wasl(home: Path) -> Iterator[tuple[int, str]]:
    """Wasl on a database of its own."""
    from wasl.edges.cli.postgres import Postgres

    port, database = free_port(), Postgres(home)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WASL_")}
    env = {**kept, "WASL_DATA": str(home), "WASL_DICOM_PORT": str(port), "DJANGO_SETTINGS_MODULE": "wasl.settings"}
    database.ensure()
    try:
        subprocess.run([*WASL, "migrate"], env=env, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([sys.executable, "-c", ADD_SOURCE], env=env, check=True)
        with running([*WASL, "dicom"], port, env) as process:
            yield port, "WASL"
            largest, gone = memory(process), lost(home, database.dsn)
            print(f"C-STORE: Wasl's largest process grew to {largest} MB; acknowledged and lost: {gone}")
            note("C-STORE memory", largest, size=SLICES)
            note("C-STORE lost", gone, size=SLICES)
    finally:
        database.stop()


def lost(home: Path, dsn: str) -> int:
    """How many of the images that were sent, all of them acknowledged, have no row or no whole file."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("select path, size from archive_instance").fetchall()
    files = {path: home / "storage" / path for path, _ in rows}
    kept = sum(files[path].exists() and files[path].stat().st_size == size for path, size in rows)
    return len(list(home.parent.glob("*-*/*.dcm"))) - kept


@contextlib.contextmanager
def orthanc(kind: str, home: Path) -> Iterator[tuple[int, str]]:
    """Debian's Orthanc on the loopback, without its delays."""
    with started(kind, home, web=False) as running:
        yield running.dicom, TITLE


def compare(
    what: str, work: Path, wasl: Callable[[Path], AbstractContextManager[T]],
    orthanc: Callable[[str, Path], AbstractContextManager[T]], act: Callable[[T, Path, int], float],
    numbers: Sequence[int],
) -> None:  # fmt: skip
    """Measure Wasl and each Orthanc in turn, twice, print the better of each, and the ratio to the faster Orthanc."""
    work.chmod(0o711)
    for number in numbers:
        for turn in range(TURNS):
            slices(work / f"{number}-{turn}", generate_uid())
    best: dict[str, dict[int, float]] = {}
    for title in ("Wasl", *peers()):
        home = work / title.replace(" ", "")
        with wasl(home) if title == "Wasl" else orthanc(title, home) as address:
            best[title] = {
                number: max(act(address, work / f"{number}-{turn}", number) for turn in range(TURNS))
                for number in numbers
            }
    ours = best.pop("Wasl")
    for number in numbers:
        theirs = {title: rates[number] for title, rates in best.items()}
        line = f"{what}, CT {SIZE}², {number} at once: Wasl {ours[number]:.0f}/s"
        line += "".join(f", {title} {rate:.0f}/s" for title, rate in theirs.items())
        print(line + (f", ratio {ours[number] / max(theirs.values()):.2f}" if theirs else ""))
        note(f"{what} {number}", ours[number], size=SLICES, others=theirs)


def main() -> None:
    """C-STORE."""
    with tempfile.TemporaryDirectory(prefix="wasl-bench-", ignore_cleanup_errors=True) as folder:
        compare("C-STORE", Path(folder), wasl, orthanc, send, (1, 4))


if __name__ == "__main__":
    main()
