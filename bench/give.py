"""How fast images are given and found: DICOMweb beside Debian's Orthanc and nginx, then Wasl at a million studies.

Frames, a range of one, and the metadata of a 300-slice CT; studies by patient and a page of them by date at 10,000
studies; all loaded by wrk in one run, since only the ratios travel from one machine to another. Wasl answers as it
always does: to a token, with the ground and the access log of a patient. Nothing is asserted. BENCH_SLICES,
BENCH_STUDIES, BENCH_MANY, BENCH_ASKED and BENCH_SECONDS make it small, to try it; `--short` leaves the million out,
`--alone` all the rest.
"""

import contextlib
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
from pydicom import dcmread
from pydicom.uid import generate_uid

from bench.figures import note
from bench.lists import MANY, measure
from bench.peers import peers, started
from bench.store import SLICES, WASL, free_port, running, slices
from wasl.patients.rules import name_form

SECONDS = int(os.environ.get("BENCH_SECONDS", "4"))
STUDIES = int(os.environ.get("BENCH_STUDIES", "10000"))
OCTETS = 'multipart/related; type="application/octet-stream"'
JSON = "application/dicom+json"
SEED = Path(__file__).with_name("seed.sql")
LOAD = """
local paths, n = {}, 0
function init(words) for line in io.lines(words[1]) do paths[#paths + 1] = line end end
function request() n = n + 1 return wrk.format("GET", paths[n % #paths + 1]) end
function done(all, latency)
  local bad = all.errors.status + all.errors.connect + all.errors.read + all.errors.timeout
  print(string.format('{"requests": %d, "us": %d, "bad": %d}', all.requests, all.duration, bad))
end
"""
PREPARE = """
import datetime, json, pathlib, sys, django
django.setup()
from wasl.accounts import services as accounts
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.kernel.access import SYSTEM
from wasl.patients import services as patients
from wasl.places.services import add_place, add_region
region = add_region(country="TN", code="TN-00", kind="governorate", name_ar="-", name_fr="-", name_en="-",
                    latitude=0, longitude=0, source="bench", by=SYSTEM)
place = add_place(code="bench", names=("-", "-", "-"), region=region.id, kind="tn_hr", by=SYSTEM, invented=True)
other = add_place(code="other", names=("-", "-", "-"), region=region.id, kind="tn_hr", by=SYSTEM, invented=True)
third = add_place(code="region", names=("-", "-", "-"), region=region.id, kind="tn_hr", by=SYSTEM, invented=True)
clients = {}
for name, where in (("bench", place), ("other", other), ("region", third)):
    _, key, secret = accounts.add_client(name=name, scopes=["dicomweb.read"], place=where.id, by=SYSTEM)
    clients[name] = [str(key), secret, str(where.id)]
patient = patients.register_patient(place=None, by=SYSTEM, given_name="Mark", family_name="Bench", sex="male",
                                    birth_date=datetime.date(1980, 1, 1))
files = sorted(pathlib.Path(sys.argv[1]).iterdir())
for begin in range(0, len(files), 50):
    got = archive.receive([incoming(f.read_bytes(), place=place.id) for f in files[begin:begin + 50]], by=SYSTEM)
archive.match_study(got[0].study, patient=patient.id, because="bench", by=SYSTEM)
archive.complete_study(got[0].study, how="quiet", by=SYSTEM)
if hasattr(archive, "prepare_metadata"):
    archive.prepare_metadata(got[0].study)
print(json.dumps(clients))
"""


@dataclass(frozen=True)
class Peer:
    """A server under load: its name, the address of its DICOMweb, and what it must be told."""

    name: str
    url: str
    headers: tuple[str, ...] = ()


def rate(url: str, paths: Sequence[str], headers: Sequence[str], *, clients: int, work: Path) -> float:
    """Answers a second that a server gives to so many clients."""
    script, listed = work / "load.lua", work / "paths"
    script.write_text(LOAD)
    listed.write_text("\n".join(paths))
    words = [word for header in headers for word in ("-H", header)]
    command = ["wrk", "-t1", f"-c{clients}", f"-d{SECONDS}s", *words, "-s", str(script), url, "--", str(listed)]
    best = 0.0
    for _ in range(2):
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        told = json.loads(said.strip().splitlines()[-1])
        if told["bad"]:
            print(f"{url}: {told['bad']} of {told['requests']} answers were not what was asked for.", file=sys.stderr)
        best = max(best, told["requests"] / told["us"] * 1e6)
    return best


class Instance:
    """Wasl on a database of its own, served, with the slices in it."""

    def __init__(self, home: Path, folder: Path) -> None:
        from wasl.edges.cli.postgres import Postgres

        self._home, self._folder, self._database = home, folder, Postgres(home)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WASL_")}
        self.port = free_port()
        self.env = {
            **kept, "WASL_DATA": str(home), "WASL_HTTP_PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "wasl.settings",
        }  # fmt: skip
        self.tokens: dict[str, str] = {}
        self.places: dict[str, str] = {}

    @contextlib.contextmanager
    def served(self) -> Iterator["Instance"]:
        """As long as it is measured."""
        self._database.ensure()
        try:
            subprocess.run([*WASL, "migrate"], env=self.env, check=True, stdout=subprocess.DEVNULL)
            made = subprocess.run(
                [sys.executable, "-c", PREPARE, str(self._folder)], env=self.env, check=True,
                stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            clients = json.loads(made.stdout.strip().splitlines()[-1])
            with running([*WASL, "serve"], self.port, self.env):
                for name, (key, secret, place) in clients.items():
                    answer = httpx.post(
                        f"http://127.0.0.1:{self.port}/oauth/token/", data={"grant_type": "client_credentials"},
                        auth=(key, secret), timeout=60,
                    )  # fmt: skip
                    self.tokens[name], self.places[name] = answer.json()["access_token"], place
                yield self
        finally:
            self._database.stop()

    def peer(self, name: str = "bench") -> Peer:
        """Wasl, asked by a machine of a place."""
        return Peer("Wasl", f"http://127.0.0.1:{self.port}/dicom-web", (f"Authorization: Bearer {self.tokens[name]}",))

    def fill(self, studies: int) -> None:
        """So many studies of half as many patients, as rows."""
        with psycopg.connect(self._dsn(), autocommit=True) as connection:
            values = {
                ":place": f"'{self.places['bench']}'", ":other": f"'{self.places['other']}'",
                ":region": f"'{self.places['region']}'", ":studies": str(studies),
                ":bensalah": name_form("بن صالح"), ":salma": name_form("سلمى"),
            }  # fmt: skip
            connection.execute(re.sub(r"(?<!:):[a-z]+", lambda found: values[found[0]], SEED.read_text()).encode())
            for table in ("archive_study", "patients_patient", "patients_carerelationship"):
                connection.execute(f"vacuum analyze {table}".encode())

    def _dsn(self) -> str:
        code = "import django; django.setup(); from wasl.edges.gate import conninfo; print(conninfo())"
        made = subprocess.run([sys.executable, "-c", code], env=self.env, check=True, capture_output=True, text=True)
        return made.stdout.strip().splitlines()[-1]


@contextlib.contextmanager
def orthanc(kind: str, home: Path, folder: Path) -> Iterator[Peer]:
    """Debian's Orthanc with its DICOMweb plugin, holding the slices and small studies besides."""
    web = {"Enable": True, "StudiesMetadata": "Full", "SeriesMetadata": "Full"}
    with started(kind, home, web=True, HttpThreadsCount=50, DicomWeb=web) as running:
        for file in sorted(folder.iterdir()):
            running.take(file.read_bytes())
        for begin in range(1, STUDIES, 1000):
            running.take(_small(begin, min(begin + 1000, STUDIES)))
        yield Peer(kind, f"http://127.0.0.1:{running.http}/dicom-web")


def _small(begin: int, end: int) -> bytes:
    """Studies of one tiny image each, as a ZIP archive, the same as `seed.sql` makes."""
    from pydicom.dataset import Dataset, FileMetaDataset

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(begin, end):
            data = Dataset()
            data.file_meta = FileMetaDataset()
            data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
            data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", f"1.2.826.{number}.1.1"
            data.StudyInstanceUID, data.SeriesInstanceUID = f"1.2.826.{number}", f"1.2.826.{number}.1"
            data.PatientName, data.PatientID, data.Modality = f"Patient^{number}", f"{10**11 + number // 2}", "CT"
            day = time.gmtime(1_600_000_000 + number * 86400 % 150_000_000)
            data.StudyDate, data.StudyTime = time.strftime("%Y%m%d", day), "080000"
            data.AccessionNumber, data.StudyDescription = f"A{number}", "CT"
            file = io.BytesIO()
            data.save_as(file, enforce_file_format=True)
            archive.writestr(f"{number}.dcm", file.getvalue())
    return packed.getvalue()


@contextlib.contextmanager
def nginx(home: Path, folder: Path) -> Iterator[Peer]:
    """Nginx with the frames as files, its access log on."""
    port = free_port()
    (home / "frames").mkdir(parents=True)
    for number, file in enumerate(sorted(folder.iterdir()), 1):
        (home / "frames" / f"{number}").write_bytes(dcmread(file).PixelData)
    home.chmod(0o755)
    (home / "nginx.conf").write_text(
        f"worker_processes 2; daemon off; pid {home}/pid; error_log {home}/error.log; events {{}} "
        f"http {{ sendfile on; tcp_nopush on; access_log {home}/access.log; client_body_temp_path {home}/b; "
        f"proxy_temp_path {home}/p; fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s; "
        f"server {{ listen 127.0.0.1:{port}; root {home}/frames; }} }}"
    )
    with running(["nginx", "-c", str(home / "nginx.conf")], port, dict(os.environ)):
        yield Peer("nginx", f"http://127.0.0.1:{port}")


@dataclass(frozen=True)
class Question:
    """What is asked of every peer: a name, addresses, headers, clients."""

    name: str
    paths: Sequence[str]
    headers: tuple[str, ...]
    clients: int


def questions(folder: Path) -> list[Question]:
    """What is asked of Wasl and Orthanc alike."""
    found = [dcmread(file, stop_before_pixels=True) for file in sorted(folder.iterdir())]
    series = f"/studies/{found[0].StudyInstanceUID}/series/{found[0].SeriesInstanceUID}"
    frames = [f"/dicom-web{series}/instances/{one.SOPInstanceUID}/frames/1" for one in found]
    numbers = random.Random(1).sample(range(2, STUDIES), 500)  # noqa: S311  no secret
    return [
        Question("frame", frames, (f"Accept: {OCTETS}",), 16),
        Question("series metadata", [f"/dicom-web{series}/metadata"], (f"Accept: {JSON}", "Accept-Encoding: gzip"), 4),
        Question(
            "QIDO by patient", [f"/dicom-web/studies?PatientID={10**11 + n // 2}" for n in numbers],
            (f"Accept: {JSON}",), 16,
        ),
        Question(
            "QIDO page by date",
            [f"/dicom-web/studies?StudyDate=20200101-20301231&limit=25&offset={n % 200}" for n in numbers],
            (f"Accept: {JSON}",), 16,
        ),
    ]  # fmt: skip


def beside(instance: Instance, work: Path, folder: Path) -> None:
    """Everybody in turn, and the ratios."""
    figures: dict[tuple[str, str], float] = {}
    asked = questions(folder)
    ranged = Question(
        "range of a frame", asked[0].paths, ("Accept: application/octet-stream", "Range: bytes=0-65535"), 16
    )

    def measure(peer: Peer, question: Question) -> None:
        root = peer.url.removesuffix("/dicom-web")
        figures[peer.name, question.name] = rate(
            root, question.paths, [*peer.headers, *question.headers], clients=question.clients, work=work
        )

    others = peers()
    for kind in others:
        with orthanc(kind, work / kind.replace(" ", ""), folder) as theirs:
            for question in asked:
                measure(theirs, question)
    if shutil.which("nginx"):
        others.append("nginx")
        with nginx(work / "nginx", folder) as theirs:
            for question in (asked[0], ranged):
                measure(theirs, Question(question.name, [f"/{n}" for n in range(1, SLICES + 1)], question.headers, 16))
    for question in (*asked, ranged):
        measure(instance.peer(), question)
        mine = figures["Wasl", question.name]
        line = f"{question.name}, {question.clients} clients: Wasl {mine:.0f}/s"
        beside = {name: figures[name, question.name] for name in others if (name, question.name) in figures}
        for name, answers in beside.items():
            line += f", {name} {answers:.0f}/s" + (f", ratio {mine / answers:.2f}" if answers else "")
        print(line, flush=True)
        note(question.name, mine, size=STUDIES if question.name.startswith("QIDO") else SLICES, others=beside)


def main() -> None:
    """Measure beside the others, then alone."""
    alone = "--alone" in sys.argv
    for program, needed in () if alone else (("wrk", "wrk"), ("nginx", "nginx")):
        if not shutil.which(program):
            print(f"{program} is not installed (Debian: apt-get install {needed}).")
    if not (alone or shutil.which("wrk")):
        return
    work = Path(tempfile.mkdtemp(prefix="wasl-bench-"))
    work.chmod(0o711)
    try:
        folder = work / "slices"
        slices(folder, generate_uid())
        with Instance(work / "wasl", folder).served() as instance:
            if not alone:
                instance.fill(STUDIES)
                beside(instance, work, folder)
            if "--short" not in sys.argv:
                instance.fill(MANY)
                clients = {name: f"Bearer {token}" for name, token in instance.tokens.items()}
                measure(instance.peer().url, clients)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
