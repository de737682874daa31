"""How many images a second: C-STORE of a 300-slice CT with one and four associations, beside Debian's Orthanc.

Both peers receive the same files from the same clients (DCMTK's storescu) in the same run; only the ratios travel from
one machine to another. Nothing is asserted.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SLICES, SIZE, TURNS = 300, 512, 2
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
add_source(ae_title="BENCH", place=place.id, name="bench", by=SYSTEM)
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


def send(port: int, title: str, folder: Path, associations: int) -> float:
    """Images a second that a receiver acknowledges, the slices shared out among so many associations."""
    files = sorted(map(str, folder.iterdir()))
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
            yield port
        finally:
            process.terminate()


@contextlib.contextmanager
def wasl(home: Path) -> Iterator[int]:
    """Wasl on a database of its own."""
    from wasl.edges.cli.postgres import Postgres

    port, database = free_port(), Postgres(home)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WASL_")}
    env = {**kept, "WASL_DATA": str(home), "WASL_DICOM_PORT": str(port), "DJANGO_SETTINGS_MODULE": "wasl.settings"}
    database.ensure()
    try:
        subprocess.run([*WASL, "migrate"], env=env, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([sys.executable, "-c", ADD_SOURCE], env=env, check=True)
        with running([*WASL, "dicom"], port, env) as ready:
            yield ready
    finally:
        database.stop()


@contextlib.contextmanager
def orthanc(home: Path) -> Iterator[int]:
    """Debian's Orthanc on the loopback, without its delays."""
    port = free_port()
    home.mkdir()
    settings = {
        "DicomPort": port, "HttpPort": free_port(), "DicomAet": "ORTHANC", "StorageDirectory": str(home),
        "IndexDirectory": str(home), "RemoteAccessAllowed": False, "DicomAlwaysAllowStore": True,
        "DicomCheckCalledAet": False, "TcpNoDelay": True, "Plugins": [],
    }  # fmt: skip
    (home / "orthanc.json").write_text(json.dumps(settings))
    env = {**os.environ, "TCP_NODELAY": "1"}  # DCMTK's own name for it; without it Orthanc waits after every image
    with running(["Orthanc", str(home / "orthanc.json")], port, env) as ready:
        yield ready


def main() -> None:
    """Measure both in turn, twice, and print the better of each."""
    peers = {"WASL": wasl, "ORTHANC": orthanc}
    if not shutil.which("Orthanc"):
        print("Orthanc is not installed (Debian: apt-get install orthanc): Wasl is measured alone.")
        del peers["ORTHANC"]
    work = Path(tempfile.mkdtemp(prefix="wasl-bench-"))
    work.chmod(0o711)
    best: dict[tuple[str, int], float] = {}
    try:
        for associations in (1, 4):
            for turn in range(TURNS):
                slices(work / f"{associations}-{turn}", generate_uid())
        for title, receiver in peers.items():
            with receiver(work / title) as port:
                for associations in (1, 4):
                    figures = [
                        send(port, title, work / f"{associations}-{turn}", associations) for turn in range(TURNS)
                    ]
                    best[title, associations] = max(figures)
    finally:
        shutil.rmtree(work)
    for associations in (1, 4):
        mine = best["WASL", associations]
        line = f"C-STORE, CT {SIZE}², {associations} associations: Wasl {mine:.0f}/s"
        if theirs := best.get(("ORTHANC", associations)):
            line += f", Orthanc {theirs:.0f}/s, ratio {mine / theirs:.2f}"
        print(line)


if __name__ == "__main__":
    main()
