"""Does a country's day fit? 200 hospitals, 300 readers, 20,000 readings a day, lived through as fast as it goes.

On an instance of its own, with its pages and its worker running: hospitals order exams and send their images, readers
take the next case, write and sign, by the verbs that people use, from a process each; meanwhile readers' worklists are
asked over HTTP. How many readings a second come to their signature is set beside the day's busiest hour. The queue that
is left goes on being told until nobody is owed anything. Nothing is asserted.
"""

import contextlib
import datetime
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import httpx

from bench.blank import blank
from bench.figures import note

HOSPITALS, CENTRES, READERS, OPEN, SECONDS = 200, 20, 300, 400, 60
DAY = 20_000  # readings
PAGES = 20  # worklists whose queries are counted
PLAY = """
import json, sys, django
django.setup()
from bench import load
print(json.dumps(getattr(load, sys.argv[1])(*map(json.loads, sys.argv[2:]))))
"""


@dataclass
class Stage:
    """Who takes part: hospitals as (place, who asks, patient), readers by centre, exams by modality, and sessions."""

    hospitals: list[tuple[str, str, str]] = field(default_factory=list)
    readers: list[list[str]] = field(default_factory=list)
    exams: dict[str, str] = field(default_factory=dict)
    sessions: list[str] = field(default_factory=list)
    busiest: float = 0.0  # the share of a day's cases that comes in its busiest hour


def main() -> None:
    """Measure, print, and keep the figures."""
    from tests.edges.scenes import Command, eventually, free_port

    hospitals = int(os.environ.get("BENCH_HOSPITALS", HOSPITALS))
    seconds, waiting = int(os.environ.get("BENCH_SECONDS", SECONDS)), int(os.environ.get("BENCH_OPEN", OPEN))
    with blank() as env, contextlib.ExitStack() as running:
        stage = _played(env, "build", hospitals, waiting)
        port = free_port()
        env |= {"WASL_HTTP_PORT": str(port), "WASL_HTTP_WORKERS": "2", "PYTHONUNBUFFERED": "1"}
        for command in ("serve", "work"):
            running.enter_context(Command(command, env=env))
        address = f"http://127.0.0.1:{port}"
        if not eventually(lambda: _answers(address)):
            raise RuntimeError("the pages do not answer")
        _played(env, "wait")
        before = _played(env, "facts")
        over, late = threading.Event(), list[float]()
        asking = threading.Thread(target=_ask, args=(address, stage["sessions"], over, late))
        asking.start()
        begun = time.perf_counter()
        playing = [_begun(env, name, stage, seconds) for name in ("make", "read")]
        _made, read = (json.loads(process.communicate()[0].splitlines()[-1]) for process in playing)
        took = time.perf_counter() - begun
        over.set()
        asking.join()
        behind = _played(env, "wait")
        facts, queries = _played(env, "facts") - before, _played(env, "queries", stage["sessions"])
    signed, busiest = read["signed"] / took, DAY * stage["busiest"] / 3600
    print(f"{hospitals} hospitals, {READERS} readers, at least {waiting} cases open, {took:.0f} s:")
    print(f"  readings signed {signed:.2f}/s, {signed / busiest:.1f} x the busiest hour of {DAY} a day")
    print(f"  facts {facts / took:.1f}/s; told to everybody {behind:.0f} s after the last")
    print(f"  next case p95 {_p95(read['next']):.0f} ms, signature p95 {_p95(read['sign']):.0f} ms")
    print(f"  worklist page p95 {_p95(late):.0f} ms under that load ({len(late)} asked), {queries:.0f} queries")
    note("load readings signed", signed, size=DAY, others={"the busiest hour": busiest})
    note("load worklist p95", _p95(late), size=DAY)
    note("load next case p95", _p95(read["next"]), size=DAY)


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1] if len(times) > 1 else float("nan")


def _begun(env: dict[str, str], name: str, *words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PLAY, name, *map(json.dumps, words)]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


def _played(env: dict[str, str], name: str, *words: object) -> Any:  # noqa: ANN401  what JSON holds
    process = _begun(env, name, *words)
    said = process.communicate()[0]
    if process.returncode:
        raise RuntimeError(f"{name} failed")
    return json.loads(said.splitlines()[-1])


def _answers(address: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{address}/account/login/").status_code == 200
    return False


def _ask(address: str, sessions: list[str], over: threading.Event, late: list[float]) -> None:
    """Readers look at their worklists, one five times a second; how long each waited, in milliseconds."""
    chance = Random(5)  # noqa: S311  no secret
    with httpx.Client(base_url=address, timeout=60) as client:
        while not over.wait(0.2):
            begun = time.perf_counter()
            answer = client.get("/radiology/readings/", headers={"cookie": f"sessionid={chance.choice(sessions)}"})
            if answer.status_code != 200:
                raise RuntimeError(f"the worklist answered {answer.status_code}")
            late.append((time.perf_counter() - begun) * 1000)


def build(hospitals: int, waiting: int) -> dict[str, object]:
    """A country by the verbs that make one: each centre reads for its hospitals by agreements, and all are on duty."""
    from django.db import transaction
    from django.test import Client
    from django.utils import timezone

    from wasl.accounts.models import Person
    from wasl.edges.cli.drill import world
    from wasl.edges.cli.simulate.synthetic import HOURS
    from wasl.kernel.access import SYSTEM
    from wasl.radiology import services as radiology
    from wasl.workforce import queries as staff
    from wasl.workforce import services as workforce

    stage, today = Stage(busiest=max(HOURS) / sum(HOURS)), timezone.localdate()
    with transaction.atomic():
        for urgency, minutes in world.URGENCIES.items():
            radiology.set_target(urgency, minutes=minutes, since=today, by=SYSTEM)
        for kind, (_share, points, _classes) in world.KINDS.items():
            radiology.set_effort(kind, points=points, since=today, by=SYSTEM)
        stage.exams = {kind: str(world._procedure(kind)) for kind in world.KINDS_READ}
        regions = [world._region(number) for number in range(24)]
        planner = world._person("planner", "planner", None)
    for number in range(CENTRES):
        with transaction.atomic():
            centre = world._place(f"centre-{number}", "Centre", regions[number], "tn_chu")
            chief = world._person(f"chief{number}", "chief", centre)
            own = [_hospital(at, regions[at % 24]) for at in range(number, hospitals, CENTRES)]
            readers = [
                world._reader(f"reader{number}-{at}", centre, own[0].place) for at in range(READERS // CENTRES)
            ]  # fmt: skip
            for hospital in own:
                world._agree(centre, hospital.place, chief, planner)
            for reader in readers:
                worker = staff.worker_of(reader.id, viewer=SYSTEM) if reader.id else None
                for hospital in own[1:] if worker else ():
                    workforce.cover_place(
                        worker.id, place=hospital.place, modalities=[], since=timezone.now(), by=SYSTEM
                    )
                browser = Client()
                browser.force_login(Person.objects.get(id=str(reader.id)))
                stage.sessions.append(browser.cookies["sessionid"].value)
            _put_on_duty(number, centre, readers)
        stage.hospitals += [(str(one.place), str(one.doctor.id), str(one.patient)) for one in own]
        stage.readers.append([str(reader.id) for reader in readers])
    made = asdict(stage)
    for _ in zip(range(waiting), _cases(made), strict=False):
        pass
    return made


def _hospital(number: int, region: UUID) -> Any:  # noqa: ANN401  the drill's own
    """A hospital of the drill's kind, whose patient is the bench's."""
    from wasl.edges.cli.drill import world
    from wasl.kernel.access import SYSTEM
    from wasl.patients import services as patients

    place = world._place(f"hospital-{number}", "Hospital", region, "tn_hr")
    doctor = world._person(f"doctor{number}", "requester", place)
    patient = patients.register_patient(
        place=place, by=doctor, given_name="Training", family_name="Bench", sex="male",
        birth_date=datetime.date(1980, 1, 1), identities=[("local", f"DRILL-{number}")],
    )  # fmt: skip
    return world.Hospital(place, SYSTEM, doctor, patient.id)  # no gateway of its own: its images come by the verb


def _put_on_duty(number: int, centre: UUID, readers: Sequence[Any]) -> None:
    """A roster by which all are on duty now, written past the verbs: a month without a gap is not what is measured."""
    from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
    from django.utils import timezone

    from wasl.workforce.models import Group, Roster, Shift, Worker

    now, hours = timezone.now(), datetime.timedelta(hours=8)
    name = f"Centre {number}"
    group = Group.objects.create(name_ar=name, name_fr=name, name_en=name, specialty="radiology", lead_id=centre)
    roster = Roster.objects.create(
        group=group, month=timezone.localdate(now).replace(day=1), minimum=1, state="published", published_at=now
    )
    period = DateTimeTZRange(now - hours, now + hours)
    workers = Worker.objects.filter(person__in=[reader.id for reader in readers])
    Shift.objects.bulk_create([Shift(roster=roster, worker=one, period=period, kind="onsite") for one in workers])


def _cases(stage: dict[str, Any]) -> Iterator[None]:
    """Exams of a day's mix, ordered at hospitals by chance, performed, sent and complete, one after another."""
    from wasl.accounts import queries as accounts
    from wasl.archive import services as archive
    from wasl.archive.dicom import incoming
    from wasl.edges.cli.drill import play, world
    from wasl.kernel.access import SYSTEM
    from wasl.radiology import queries
    from wasl.radiology import services as radiology

    seed, actors = os.getpid(), dict[str, Any]()
    while True:
        seed += 1
        chance = Random(seed)  # noqa: S311  no secret
        for case, minutes in world.synthetic(seed, readers=READERS, days=1).cases:
            at = chance.randrange(len(stage["hospitals"]))
            place, doctor, patient = stage["hospitals"][at]
            order = radiology.send_order(
                patient=UUID(patient), place=UUID(place), procedure=UUID(stage["exams"][case.modality]),
                urgency=case.urgency, question="Training: nobody is ill.", answers={}, repeat_because="control",
                by=actors.get(doctor) or actors.setdefault(doctor, accounts.actor_of(UUID(doctor))),
            )  # fmt: skip
            exam = world.Exam(0, at, case.modality, case.urgency, case.opened_at, minutes)
            _image, file = play._image(queries.order(order.id, viewer=SYSTEM), exam, 1)
            (outcome,) = archive.receive([incoming(file, place=UUID(place))], by=SYSTEM)
            archive.complete_study(outcome.study, how="quiet", by=SYSTEM)
            yield


def make(stage: dict[str, Any], seconds: int) -> dict[str, object]:
    """Hospitals make exams for so many seconds; how many."""
    ends, made = time.monotonic() + seconds, 0
    for _ in _cases(stage):
        made += 1
        if time.monotonic() > ends:
            break
    return {"made": made}


def read(stage: dict[str, Any], seconds: int) -> dict[str, object]:
    """Readers, by chance, take the next case, write and sign for so many seconds; the milliseconds of what they did."""
    from wasl.accounts import queries as accounts
    from wasl.edges.cli.demo import history
    from wasl.edges.cli.drill.play import WRITTEN
    from wasl.kernel.errors import Refused
    from wasl.radiology import services as radiology

    chance, ends = Random(7), time.monotonic() + seconds  # noqa: S311  no secret
    readers = [accounts.actor_of(UUID(key)) for centre in stage["readers"] for key in centre]
    taking, signing = list[float](), list[float]()
    while time.monotonic() < ends:
        reader = chance.choice(readers)
        begun = time.perf_counter()
        try:
            reading = radiology.take_next_reading(by=reader)
        except Refused:  # nothing waits for this centre at this moment
            continue
        taking.append((time.perf_counter() - begun) * 1000)
        report = radiology.save_draft(reading.id, sections=WRITTEN, language="fr", revision=0, by=reader)
        begun = time.perf_counter()
        history.sign(reading, report.id, by=reader)
        signing.append((time.perf_counter() - begun) * 1000)
    return {"signed": len(signing), "next": taking, "sign": signing}


def wait() -> float:
    """Until the worker has told everybody what they are owed; the seconds that it took."""
    from procrastinate.contrib.django.models import ProcrastinateJob

    begun = time.perf_counter()
    while ProcrastinateJob.objects.filter(status__in=("todo", "doing"), scheduled_at__isnull=True).exists():
        time.sleep(0.5)
    return time.perf_counter() - begun


def facts() -> int:
    """How many facts the journal has."""
    from wasl.kernel.models import Fact

    return Fact.objects.count()


def queries(sessions: list[str]) -> float:
    """How many queries a worklist costs, on average."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    asked = []
    for session in sessions[:PAGES]:
        browser = Client()
        browser.cookies["sessionid"] = session
        with CaptureQueriesContext(connection) as one:
            answer = browser.get("/radiology/readings/", headers={"host": "127.0.0.1"})
        if answer.status_code != 200:
            raise RuntimeError(f"the worklist answered {answer.status_code}")
        asked.append(len(one))
    return statistics.mean(asked)


if __name__ == "__main__":
    main()
