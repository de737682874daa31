"""Everything killed again and again under load, with `kill -9`: what was acknowledged is there, and told once.

Modalities send, associations are aborted and cut, a reader writes, a doctor orders, while `wasl serve`, `wasl dicom`,
`wasl work` and PostgreSQL die. `make hard` does it with ten thousand images: WASL_LONG says how many, WASL_SEED which
deaths.
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests import make
from tests.edges.dicom import OURS, THEIRS, client, write
from tests.edges.listed import PAGE, found, given
from tests.edges.scenes import Command, environment, eventually, free_port, migrated_folder
from tests.edges.test_dimse_breaks import ROOT, Recorder, cut
from tests.edges.test_up import READY, answers, running
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres
from wasl.edges.cli.postgres_processes import server_pid

IMAGES = 12  # of a study
STUDIES = int(os.environ.get("WASL_LONG", "288")) // IMAGES
SEED = int(os.environ.get("WASL_SEED", "11"))
PIXELS = 64 * 64 * 2  # bytes at the end of each image
FACTS = "from kernel_fact where name ="
UNTOLD = "select n.listener, f.name from kernel_notice n join kernel_fact f on f.seq = n.fact_id where told_at is null"
JOBS = (
    "select id, status, task_name, lock, attempts, scheduled_at - now(), worker_id from procrastinate_jobs order by id"
)
VICTIMS = ("serve", "dicom", "work", "postgres", "serve", "postgres")
PAUSE = 0.2  # seconds between two associations that are broken off
PER_DEATH = 250  # images, on a long run
AN_HOUR = 3600.0  # seconds for all to be sent, and told: a job that failed often is put off for minutes
STAGE = """
import json
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.conf import settings
from django.db import transaction
from tests import make
from tests.cast import cast
from wasl.accounts.models import Person
from wasl.radiology import services
with transaction.atomic():  # `wasl work` would link the study before it is linked here
    stage = cast()
    make.source(stage)
    patient, exam = make.patient(stage), make.procedure()
    case = make.reading(stage, patient=patient.id, procedure=exam.id)
    services.claim_reading(case.id, by=stage.leila)
    asked = [make.order(stage, patient=patient.id, procedure=exam.id) for _ in range({studies})]
def session_of(name):
    person, session = Person.objects.get(username=name), SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(person.pk), person.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session.create()
    return session.session_key
print(json.dumps(dict(
    **{{name: session_of(name) for name in ("leila", "amel", "sami")}}, patient=str(patient.id), number=patient.number,
    exam=str(exam.id), case=str(case.id), studies=[order.study_uid for order in asked])))
"""
PROOF = """
import datetime, hashlib, json
from django.conf import settings
from wasl.archive import services as archive
from wasl.archive.dicom import read
from wasl.archive.models import Conflict, Instance
from wasl.kernel import journal
archive.sweep(older_than=datetime.timedelta(), days=None)  # whatever no row knows is gone, and nothing else
rows = dict()
for row in Instance.objects.all():
    data = (settings.STORAGE / row.path).read_bytes()
    assert hashlib.sha256(data[read(memoryview(data)).start:]).digest() == bytes(row.sha256), row.uid
    rows[row.uid] = hashlib.sha256(data[-{pixels}:]).hexdigest()
files = {{str(path.relative_to(settings.STORAGE)) for path in settings.STORAGE.rglob("*.dcm")}}
assert files == set(Instance.objects.values_list("path", flat=True))
assert not Conflict.objects.exists()
print(json.dumps(dict(images=rows, broken=[str(found) for found in journal.verify()])))
"""


class Load(threading.Thread):
    """Somebody who goes on doing the same thing, and remembers what was acknowledged."""

    def __init__(self, act: Callable[[], str]) -> None:
        super().__init__()
        self.acknowledged: list[str] = []
        self.failed = 0
        self._act = act
        self._over = threading.Event()

    def run(self) -> None:
        """Do it again until told to stop; what fails is not acknowledged."""
        while not self._over.is_set():
            try:
                self.acknowledged.append(self._act())
            except (httpx.HTTPError, ConnectionError):
                self.failed += 1
                self._over.wait(0.05)

    def stop(self) -> None:
        """Do no more."""
        self._over.set()
        self.join()


class Browser:
    """A person at work over HTTP."""

    def __init__(self, port: str, session: str) -> None:
        mark = "k" * 32
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=60, headers={"x-csrftoken": mark},
            cookies={"sessionid": session, "csrftoken": mark},
        )  # fmt: skip

    def close(self) -> None:
        """Leave."""
        self._client.close()

    def ask(self, method: str, path: str, *expected: int, **more: Any) -> httpx.Response:  # noqa: ANN401
        """An answer; anything but the expected is a failure, to be tried again."""
        answer = self._client.request(method, path, **more)
        if answer.status_code not in expected:
            raise ConnectionError(answer.status_code)
        return answer


class Writer:
    """Leila, who saves her draft with every word."""

    def __init__(self, browser: Browser, case: str) -> None:
        self._browser, self._path = browser, f"/radiology/readings/{case}/draft/"
        self._words, self._revision = 0, 0

    def save(self) -> str:
        """Save one word more; after a failure ask first how the draft stands."""
        self._words += 1
        text = f"mot {self._words}"
        sent = {"revision": self._revision, "language": "fr", "sections": {"findings": text}}
        try:
            self._revision = self._browser.ask("POST", self._path, 200, json=sent).json()["revision"]
        except (httpx.HTTPError, ConnectionError):
            self._revision = self._browser.ask("GET", self._path, 200).json()["revision"]
            raise
        return text


def order(browser: Browser, scene: dict[str, Any]) -> str:
    """Send an order; its key."""
    form = {"procedure": scene["exam"], "urgency": "P2", "question": "Chute de cheval ?", "repeat_because": "control"}
    answer = browser.ask("POST", f"/radiology/orders/new/{scene['patient']}/", 302, data=form)
    return answer.headers["location"].rstrip("/").rpartition("/")[2]


class Modality:
    """A scanner that sends one study after the other, image by image, and sends again what was not acknowledged."""

    def __init__(self, folder: Path, port: str, studies: list[str], number: str, *, called: str = OURS) -> None:
        self.stored: dict[str, str] = {}
        self._folder, self._port, self._number, self._called = folder, port, number, called
        self._studies = list(studies)
        self._waiting: dict[Path, str] = {}

    def make(self) -> None:
        """Make the next study, if there is one."""
        for study in self._studies[:1]:
            for n in range(IMAGES):
                data = make.image(n, StudyInstanceUID=study, PatientID=self._number, Rows=64, Columns=64)
                path = self._folder / f"{data.SOPInstanceUID}.dcm"
                path.write_bytes(make.part10(data))
                self._waiting[path] = str(data.SOPInstanceUID)
        del self._studies[:1]

    def send(self) -> str:
        """Send some images in one association; those acknowledged need not be sent again."""
        if not self._waiting:
            self.make()
        batch = list(self._waiting)[:IMAGES]
        if not batch:
            raise ConnectionError("everything is sent")
        said = subprocess.run(
            ["storescu", "-v", "-nh", "-aec", self._called, "-aet", THEIRS, "127.0.0.1", self._port, *map(str, batch)],
            capture_output=True, text=True, errors="replace", timeout=600,
        )  # fmt: skip
        heard = [line for line in (said.stdout + said.stderr).splitlines() if "Received Store Response" in line]
        done = [path for path, line in zip(batch, heard, strict=False) if "Success" in line]
        for path in done:
            self.stored[self._waiting.pop(path)] = hashlib.sha256(path.read_bytes()[-PIXELS:]).hexdigest()
        if not done:
            raise ConnectionError("nothing was taken")
        return done[-1].name


class Breaker:
    """A scanner on a bad line: every association is aborted, or cut at a random byte."""

    def __init__(self, folder: Path, port: int, seed: int) -> None:
        images = [
            make.image(n, StudyInstanceUID=f"{ROOT}.1", SOPInstanceUID=f"{ROOT}.1.{n}", Rows=64, Columns=64)
            for n in range(3)
        ]
        recorder = Recorder(port)
        assert client("storescu", recorder.port, *write(folder, *images)).code == 0
        recorder.close()
        self._said, self._port, self._numbers = recorder.said, port, count(seed % 1000 * 100_000)
        self._pixels = [hashlib.sha256(data.PixelData).hexdigest() for data in images]
        self._kept: list[str] = []
        self.aborts = 0

    def abort(self) -> str:
        """Send some of three images and break off; who died first has broken off too."""
        time.sleep(PAUSE)  # beside the others, not instead of them
        try:
            cut(self._port, self._said, next(self._numbers), self._kept)
        except (OSError, StopIteration, AssertionError) as error:  # nobody, or a rejection for now
            raise ConnectionError("nobody answered") from error
        self.aborts += 1
        return str(self.aborts)

    @property
    def stored(self) -> dict[str, str]:
        """What was acknowledged all the same, with the hash of its pixels."""
        return {uid: self._pixels[int(uid.rpartition(".")[2])] for uid in self._kept}


def run(env: dict[str, str], script: str) -> dict[str, Any]:
    """What a script says in the instance."""
    words = [sys.executable, "-c", f"import django; django.setup()\n{script}"]
    env = {**env, "DJANGO_SETTINGS_MODULE": "wasl.settings"}
    done = subprocess.run(words, cwd=CHECKOUT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def ask(env: dict[str, str], query: str) -> list[tuple[object, ...]]:
    address = env.get("WASL_DATABASE_URL") or Postgres(Path(env["WASL_DATA"])).dsn
    with psycopg.connect(address, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.fixture
def env() -> Iterator[dict[str, str]]:
    with migrated_folder() as home:
        yield environment(
            home, WASL_HTTP_PORT=str(free_port()), WASL_DICOM_PORT=str(free_port()), WASL_DEMO="1",
            WASL_HTTP_WORKERS="1", WASL_QUIET_SECONDS="3600", WASL_FIND_LIMIT="1000000",  # all is listed
        )  # fmt: skip


def went_on(loads: list[Load], known: list[int]) -> bool:
    """Whether more was acknowledged to each than was."""
    return all(len(load.acknowledged) > number for load, number in zip(loads, known, strict=True))


def kill(up: Command, env: dict[str, str], victim: str) -> None:
    """Kill a part as soon as it runs."""

    def done() -> bool:
        try:
            pid = server_pid(Path(env["WASL_DATA"]) / "pg18") if victim == "postgres" else running(up, "wasl", victim)
            if pid:
                os.kill(pid, signal.SIGKILL)
        except (OSError, AssertionError):  # it, or a process beside it, ended while it was looked for
            return False
        return pid is not None

    assert eventually(done), up.said


def test_what_was_acknowledged_outlives_every_death(env: dict[str, str], tmp_path: Path) -> None:
    chance = random.Random(SEED)
    port, images = int(env["WASL_DICOM_PORT"]), STUDIES * IMAGES
    more = max(0, images // PER_DEATH - len(VICTIMS))
    victims = [*VICTIMS, *chance.choices(sorted(set(VICTIMS)), k=more)]
    moments = sorted(chance.choices(range(images), k=len(victims)))  # after so many images
    with Command("up", env=env) as up:
        assert up.says(READY), up.said
        scene = run(env, STAGE.format(studies=STUDIES))
        modalities = []
        for n in range(2):
            (folder := tmp_path / str(n)).mkdir()
            studies = list(scene["studies"])[n::2]
            modalities.append(Modality(folder, env["WASL_DICOM_PORT"], studies, scene["number"]))
        breaker = Breaker(tmp_path, port, SEED)
        leila, amel, sami = (Browser(env["WASL_HTTP_PORT"], scene[name]) for name in ("leila", "amel", "sami"))
        writer = Load(Writer(leila, scene["case"]).save)
        doctor = Load(lambda: order(amel, scene))
        loads = [writer, doctor, Load(breaker.abort), *(Load(modality.send) for modality in modalities)]
        for load in loads:
            load.start()
        try:
            for victim, moment in zip(victims, moments, strict=True):
                known = [len(load.acknowledged) for load in loads[:3]]
                assert eventually(partial(went_on, loads[:3], known)), up.said
                assert eventually(partial(came, modalities, moment), AN_HOUR), up.said
                kill(up, env, victim)
            known = [len(load.acknowledged) for load in loads[:3]]
            assert eventually(partial(went_on, loads[:3], known)), up.said
            assert eventually(lambda: answers(env)), up.said
            assert eventually(partial(came, modalities, images), AN_HOUR), up.said
        finally:
            for load in loads:
                load.stop()
            for browser in (leila, amel):
                browser.close()
        stored = {**modalities[0].stored, **modalities[1].stored, **breaker.stored}
        print(f"\n{images} images, {len(breaker.stored)} more in {breaker.aborts} associations aborted or cut, "
              f"{len(victims)} deaths, {len(writer.acknowledged)} drafts, {len(doctor.acknowledged)} orders, "
              f"{sum(load.failed for load in loads)} failures heard; seed {SEED}")  # fmt: skip
        assert len(stored) > images
        assert len(doctor.acknowledged) > len(victims)
        assert eventually(lambda: ask(env, UNTOLD) == [], AN_HOUR), (
            ask(env, UNTOLD), ask(env, JOBS), up.said
        )  # fmt: skip
        prove(env, scene, writer.acknowledged, doctor.acknowledged, stored)
        prove_listed(sami, port, tmp_path, stored)
        sami.close()
        assert up.end() == 0, up.said


def came(modalities: list[Modality], number: int) -> bool:
    """Whether so many images were acknowledged to the modalities."""
    return sum(len(modality.stored) for modality in modalities) >= number


def prove(
    env: dict[str, str], scene: dict[str, Any], drafts: list[str], orders: list[str], stored: dict[str, str]
) -> None:
    """Images by their hash, the draft by its words, orders by their key, the journal whole, every fact told once."""
    proof = run(env, PROOF.format(pixels=PIXELS))
    assert stored.items() <= proof["images"].items()
    assert proof["broken"] == []
    ((text,),) = ask(env, f"select sections->>'findings' from radiology_report where reading_id = '{scene['case']}'")
    assert int(str(text).split()[1]) >= int(drafts[-1].split()[1])  # the last one, or one whose answer was cut off
    kept = {str(key) for (key,) in ask(env, "select id from radiology_order")}
    assert set(orders) <= kept
    assert len(set(orders)) == len(orders)
    told = ask(env, f"select (data->>'order')::uuid, count(*) {FACTS} 'radiology.OrderSent' group by 1")
    assert {str(key): times for key, times in told} == dict.fromkeys(kept, 1)
    arrived = ask(env, f"select count(*), count(distinct subject) {FACTS} 'archive.StudyArrived'")
    assert arrived == ask(env, "select count(*), count(*) from archive_study")
    linked = ask(env, f"select count(*), count(distinct data->>'study') {FACTS} 'radiology.StudyLinked'")
    uids = "', '".join(scene["studies"])
    ((ordered,),) = ask(env, f"select count(*) from archive_study where uid in ('{uids}')")
    assert ordered
    assert linked == [(int(str(ordered)) + 1,) * 2]  # each found its order, once; one more was linked before all began


def prove_listed(browser: Browser, port: int, folder: Path, stored: dict[str, str]) -> None:
    """C-FIND and QIDO-RS list the same, all of it is given whole, and what was acknowledged is among it."""
    listed = found(port, folder / "found")
    assert listed == listed_by_qido(browser)
    images = given(port, folder / "given", list(listed), PIXELS)
    assert stored.items() <= images.items()
    assert len(images) == sum(listed.values())


def listed_by_qido(browser: Browser) -> dict[str, int]:
    """The studies that a person finds, by UID, with how many images they are said to have."""
    listed: dict[str, int] = {}
    while True:
        page = browser.ask("GET", f"/dicom-web/studies?limit={PAGE}&offset={len(listed)}", 200, 204).content
        for one in json.loads(page or b"[]"):
            listed[one["0020000D"]["Value"][0]] = one["00201208"]["Value"][0]
        if len(listed) % PAGE or not page:
            return listed
