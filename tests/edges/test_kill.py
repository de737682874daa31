"""Everything killed again and again under load, with `kill -9`: what was acknowledged is there, and told once.

Modalities send, a reader writes, a doctor orders, while `wasl serve`, `wasl dicom`, `wasl work` and PostgreSQL die.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests import make
from tests.edges.dicom import OURS, THEIRS
from tests.edges.scenes import Command, data_folder, environment, eventually, free_port
from tests.edges.test_up import READY, answers, running
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres
from wasl.edges.cli.postgres_processes import server_pid

STUDIES, IMAGES = 24, 12
PIXELS = 64 * 64 * 2  # bytes at the end of each image
FACTS = "from kernel_fact where name ="
VICTIMS = ("serve", "dicom", "work", "postgres", "serve", "postgres")
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
    leila=session_of("leila"), amel=session_of("amel"), patient=str(patient.id), number=patient.number,
    exam=str(exam.id), case=str(case.id), studies=[order.study_uid for order in asked])))
"""
PROOF = """
import hashlib, json
from django.conf import settings
from wasl.archive.dicom import read
from wasl.archive.models import Instance
from wasl.kernel import journal
rows = dict()
for row in Instance.objects.all():
    data = (settings.STORAGE / row.path).read_bytes()
    assert hashlib.sha256(data[read(memoryview(data)).start:]).digest() == bytes(row.sha256), row.uid
    rows[row.uid] = hashlib.sha256(data[-{pixels}:]).hexdigest()
print(json.dumps(dict(images=rows, broken=[str(found) for found in journal.verify()])))
"""


class Load(threading.Thread):
    """Somebody who goes on doing the same thing, and remembers what was acknowledged."""

    def __init__(self, act: Callable[[], str]) -> None:
        super().__init__()
        self.acknowledged: list[str] = []
        self._act = act
        self._over = threading.Event()

    def run(self) -> None:
        """Do it again until told to stop; what fails is not acknowledged."""
        while not self._over.is_set():
            try:
                self.acknowledged.append(self._act())
            except (httpx.HTTPError, ConnectionError):
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
            base_url=f"http://127.0.0.1:{port}", timeout=10, headers={"x-csrftoken": mark},
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
    form = {"procedure": scene["exam"], "urgency": "P2", "question": "Chute de cheval ?"}
    answer = browser.ask("POST", f"/radiology/orders/new/{scene['patient']}/", 302, data=form)
    return answer.headers["location"].rstrip("/").rpartition("/")[2]


class Modality:
    """A scanner that sends one study after the other, image by image, and sends again what was not acknowledged."""

    def __init__(self, folder: Path, port: str, studies: list[str], number: str) -> None:
        self.stored: dict[str, str] = {}
        self._port = port
        self._waiting: dict[Path, str] = {}
        for study in studies:
            for n in range(IMAGES):
                data = make.image(n, StudyInstanceUID=study, PatientID=number, Rows=64, Columns=64)
                path = folder / f"{data.SOPInstanceUID}.dcm"
                path.write_bytes(make.part10(data))
                self._waiting[path] = str(data.SOPInstanceUID)

    def send(self) -> str:
        """Send some images in one association; those acknowledged need not be sent again."""
        batch = list(self._waiting)[:IMAGES]
        if not batch:
            raise ConnectionError("everything is sent")
        said = subprocess.run(
            ["storescu", "-v", "-nh", "-aec", OURS, "-aet", THEIRS, "127.0.0.1", self._port, *map(str, batch)],
            capture_output=True, text=True, errors="replace", timeout=60,
        )  # fmt: skip
        heard = [line for line in (said.stdout + said.stderr).splitlines() if "Received Store Response" in line]
        done = [path for path, line in zip(batch, heard, strict=False) if "Success" in line]
        for path in done:
            self.stored[self._waiting.pop(path)] = hashlib.sha256(path.read_bytes()[-PIXELS:]).hexdigest()
        if not done:
            raise ConnectionError("nothing was taken")
        return done[-1].name


def run(env: dict[str, str], script: str) -> dict[str, Any]:
    """What a script says in the instance."""
    words = [sys.executable, "-c", f"import django; django.setup()\n{script}"]
    env = {**env, "DJANGO_SETTINGS_MODULE": "wasl.settings"}
    done = subprocess.run(words, cwd=CHECKOUT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def ask(env: dict[str, str], query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(Postgres(Path(env["WASL_DATA"])).dsn, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.fixture
def env() -> Iterator[dict[str, str]]:
    with data_folder() as home:
        yield environment(
            home, WASL_HTTP_PORT=str(free_port()), WASL_DICOM_PORT=str(free_port()), WASL_DEMO="1",
            WASL_HTTP_WORKERS="1", WASL_QUIET_SECONDS="3600",
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
    with Command("up", env=env) as up:
        assert up.says(READY), up.said
        scene = run(env, STAGE.format(studies=STUDIES))
        modalities = []
        for n in range(2):
            (folder := tmp_path / str(n)).mkdir()
            studies = list(scene["studies"])[n::2]
            modalities.append(Modality(folder, env["WASL_DICOM_PORT"], studies, scene["number"]))
        leila, amel = (Browser(env["WASL_HTTP_PORT"], scene[name]) for name in ("leila", "amel"))
        writer = Load(Writer(leila, scene["case"]).save)
        doctor = Load(lambda: order(amel, scene))
        loads = [writer, doctor, *(Load(modality.send) for modality in modalities)]
        for load in loads:
            load.start()
        try:
            for victim in VICTIMS:
                known = [len(load.acknowledged) for load in loads[:2]]
                assert eventually(partial(went_on, loads[:2], known)), up.said
                kill(up, env, victim)
            assert eventually(lambda: answers(env)), up.said
            assert eventually(lambda: all(load.acknowledged for load in loads)), up.said
        finally:
            for load in loads:
                load.stop()
            for browser in (leila, amel):
                browser.close()
        assert eventually(lambda: ask(env, "select count(*) from kernel_notice where told_at is null") == [(0,)])
        prove(env, scene, writer.acknowledged, doctor.acknowledged, modalities)
        assert up.end() == 0, up.said


def prove(
    env: dict[str, str], scene: dict[str, Any], drafts: list[str], orders: list[str], modalities: list[Modality]
) -> None:
    """Images by their hash, the draft by its words, orders by their key, the journal whole, every fact told once."""
    proof = run(env, PROOF.format(pixels=PIXELS))
    stored = {uid: digest for modality in modalities for uid, digest in modality.stored.items()}
    assert len(stored) > IMAGES
    assert stored.items() <= proof["images"].items()
    assert proof["broken"] == []
    ((text,),) = ask(env, f"select sections->>'findings' from radiology_report where reading_id = '{scene['case']}'")
    assert int(str(text).split()[1]) >= int(drafts[-1].split()[1])  # the last one, or one whose answer was cut off
    kept = {str(key) for (key,) in ask(env, "select id from radiology_order")}
    assert set(orders) <= kept
    assert len(set(orders)) == len(orders) > len(VICTIMS)
    told = ask(env, f"select (data->>'order')::uuid, count(*) {FACTS} 'radiology.OrderSent' group by 1")
    assert {str(key): times for key, times in told} == dict.fromkeys(kept, 1)
    arrived = ask(env, f"select count(*), count(distinct subject) {FACTS} 'archive.StudyArrived'")
    linked = ask(env, f"select count(*), count(distinct data->>'study') {FACTS} 'radiology.StudyLinked'")
    assert arrived == linked != [(1, 1)]  # each study found its order, once
