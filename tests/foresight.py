"""Days of orders in simulated time: do the earlier exams come before the new one is whole?

The orders, the patients and their exams are made up, and so are the lines' speed and the hours; all that is decided is
decided by Wasl: the verbs, the listeners, the relevance of exams, the order of the jobs (PostgreSQL chooses them by the
queue's own function), how many are done at once, and when what failed is tried again.
"""

import csv
import datetime
import heapq
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django import app as jobs
from procrastinate.jobs import Job
from pydicom.uid import generate_uid

from tests import make
from tests.cast import Cast, cast
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.archive import queries as archive_queries
from wasl.archive import rules
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Source
from wasl.edges.cli import work
from wasl.edges.dicom import asking
from wasl.edges.dicom.calling import CONNECT, Unreachable
from wasl.kernel.access import SYSTEM
from wasl.patients import services as patients
from wasl.places import services as places
from wasl.places.models import Place
from wasl.radiology import services as radiology

MEGABIT = 125_000.0  # bytes
LINES = {"100 Mbit/s": 100, "20 Mbit/s": 20, "8 Mbit/s": 8, "2 Mbit/s": 2}  # of the hospitals, to the reader's node
ROUND = 0.3  # seconds there and back
LOCAL, QUESTION = 0.05, 4 * ROUND  # seconds of a job that speaks with nobody, and of a question
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
# millions of bytes of an exam as an archive keeps it, compressed without loss, and minutes of its making
EXAMS = {
    "DX": (6, 24, 3), "CT": (40, 160, 8), "MR": (25, 90, 25), "US": (4, 30, 15), "MG": (40, 120, 8), "NM": (1, 5, 30),
    "XA": (30, 120, 30),
}  # fmt: skip
# regions of the catalogue that have parts in common; every other is its own
TERRITORIES = {
    "Abdomen and Pelvis": "abdomen pelvis", "Chest, Abdomen and Pelvis": "chest abdomen pelvis", "Abdomen": "abdomen",
    "Pelvis": "pelvis", "Thorax": "chest", "Lung": "chest", "Pulmonary artery": "chest", "Rib": "chest",
    "Head": "head", "Brain": "head", "Circle of Willis": "head", "Cerebral artery": "head",
    "Head and Neck": "head neck", "Neck": "neck", "Carotid Artery": "neck", "Cervical spine": "neck",
    "Heart": "heart", "Coronary artery": "heart", "Uterus": "pelvis", "Kidney": "kidney",
    "Upper urinary tract": "kidney", "Pancreas": "bile", "Biliary tract": "bile", "Liver": "liver",
}  # fmt: skip
KINDS = ("emergency", "same day", "booked")
CATALOGUE = Path(work.__file__).parent / "data" / "procedures.csv"


@dataclass
class Exam:
    """An earlier exam at an archive: what the archive says of it, for which region it was made, and its size."""

    uid: str
    said: dict[str, Any]
    region: str
    size: float
    at: str  # the hospital's name
    came: float | None = None  # when it was at the reader's node


@dataclass
class Case:
    """An order: when it is sent, when the exam begins, when its last image is here, and what was there before."""

    kind: str
    line: str  # the hospital's name, which is the class of its line
    sent: float
    begins: float
    procedure: dict[str, str]
    size: float
    exams: list[Exam]
    names: tuple[str, str]
    whole: float = 0.0

    @property
    def best(self) -> list[Exam]:
        """The three that help most, by what they are, not by what an archive calls them."""

        def help_(exam: Exam) -> tuple[bool, bool, str]:
            same = territories(exam.region) & territories(self.procedure["region_name"])
            return bool(same), self.procedure["modality"] in exam.said["modalities"], exam.said["date"]

        return sorted(self.exams, key=help_, reverse=True)[: rules.PRIORS]

    @property
    def late(self) -> list[Exam]:
        """Those of the best that were not there when the new exam was whole."""
        return [exam for exam in self.best if exam.came is None or exam.came > self.whole]

    @property
    def could(self) -> bool:
        """Whether lines that carried nothing else could have brought the best in time."""
        load: dict[str, float] = {}
        for exam in self.best:
            load[exam.at] = load.get(exam.at, 0) + exam.size
        if load and self.line in load:
            load[self.line] += self.size if self.whole - self.sent < HOUR else 0
        return all(self.sent + QUESTION + size / (LINES[at] * MEGABIT) < self.whole for at, size in load.items())


def territories(region: str) -> set[str]:
    """The parts of the body that a region of the catalogue holds."""
    return set(TERRITORIES.get(region, region).split() if region in TERRITORIES else [region])


@dataclass
class Line:
    """A hospital's line to the reader's node: what is on its way shares it; at times it is away."""

    rate: float
    away: list[tuple[float, float]]
    flows: dict[int, float] = field(default_factory=dict)
    ends: dict[int, Callable[[], None]] = field(default_factory=dict)

    def is_away(self, now: float) -> bool:
        return any(begin <= now < end for begin, end in self.away)

    def carry(self, seconds: float) -> None:
        for key in self.flows:
            self.flows[key] -= seconds * self.rate / len(self.flows)

    @property
    def next_end(self) -> float:
        return max(min(self.flows.values()), 0) * len(self.flows) / self.rate if self.flows else float("inf")


def cases(count: int, seed: int, *, a_day: int = 300) -> list[Case]:
    """Orders of some days, each of a patient of its own."""
    dice = random.Random(seed)
    with CATALOGUE.open(encoding="utf-8") as file:
        catalogue = list(csv.DictReader(file))
    by_region: dict[str, list[dict[str, str]]] = {}
    for row in catalogue:
        by_region.setdefault(row["region"], []).append(row)
    return sorted(
        (_case(dice, catalogue, by_region, count / a_day, number) for number in range(count)), key=lambda one: one.sent
    )


def _case(
    dice: random.Random, catalogue: list[dict[str, str]], by_region: dict[str, list[dict[str, str]]], days: float,
    number: int,
) -> Case:  # fmt: skip
    kind = dice.choices(KINDS, (35, 25, 40))[0]
    sent = int(dice.uniform(0, days)) * DAY + dice.triangular(0, min(days, 1) * 24, 10) * HOUR
    wait = {"emergency": dice.uniform(5, 25) * MINUTE, "same day": dice.uniform(1, 5) * HOUR,
            "booked": dice.uniform(1, 6) * DAY}[kind]  # fmt: skip
    procedure = dice.choice([row for row in catalogue if kind != "emergency" or row["modality"] in ("CT", "DX", "US")])
    line = dice.choice(list(LINES))
    names = (f"Sassi{_letters(number)}", f"Rim{_letters(number)}")
    exams = [_exam(dice, line, dice.choice(by_region[procedure["region"]] if dice.random() < 0.4 else catalogue))
             for _ in range(dice.choice((0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 12)))]  # fmt: skip
    least, most, _ = EXAMS[procedure["modality"]]
    return Case(kind, line, sent, sent + wait, procedure, dice.uniform(least, most) * 1e6, exams, names)


def _exam(dice: random.Random, line: str, row: dict[str, str]) -> Exam:
    least, most, _ = EXAMS[row["modality"]]
    date = f"{dice.randrange(2014, 2026)}{dice.randrange(1, 13):02d}{dice.randrange(1, 29):02d}"
    uid = str(generate_uid(entropy_srcs=[str(dice.random())]))
    said = {
        "uid": uid, "date": date, "modalities": [row["modality"]],
        "description": row[dice.choice(("name_fr", "name_en"))],
        "body_part": dice.choice(("", row["region_name"].upper())),
        "images": 1, "sex": "F",
    }  # fmt: skip
    at = line if dice.random() < 0.75 else dice.choice(list(LINES))
    return Exam(uid, said, row["region_name"], dice.uniform(least, most) * 1e6, at)


def _letters(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


class Days:
    """The simulation: a clock, the lines, the workers' hands, and Wasl."""

    def __init__(self, stage: Cast, given: Sequence[Case], seed: int) -> None:
        dice = random.Random(seed + 1)
        self.now, self.began = 0.0, timezone.now()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._cases, self._stage = given, stage
        self._exams = {exam.uid: exam for case in given for exam in case.exams}
        self._of: dict[UUID, Case] = {}  # by patient
        self.lines = {name: Line(speed * MEGABIT, _outages(dice)) for name, speed in LINES.items()}
        self._places, self._sources = self._hospitals()
        self._procedures: dict[str, UUID] = {}
        jobs.perform_import_paths()  # type: ignore[no-untyped-call]  # as a worker does
        self._hands = work.share(jobs, work.CONCURRENCY)

    def _hospitals(self) -> tuple[dict[str, UUID], dict[UUID, str]]:
        found, sources = {}, {}
        region = Place.objects.get(id=self._stage.regional).region_id
        for number, name in enumerate(LINES):
            place = places.add_place(code=f"line-{number}", names=(name, name, name), region=region, kind="tn_hr",
                                     by=SYSTEM, invented=True).id  # fmt: skip
            for person, role in ((self._stage.amel, "requester"), (self._stage.nour, "registrar")):
                accounts.give_post(person.id, role=role, place=place, by=SYSTEM)  # type: ignore[arg-type]
            found[name] = place
            source = make.source(self._stage, ae_title=f"PACS{number}", name=name, place=place, port=4242, asks=True)
            sources[source.id] = name
        return found, sources

    def at(self, moment: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._count), act))

    def run(self) -> None:
        """Until every exam is whole and no job is left."""
        for case in self._cases:
            self.at(case.sent, lambda case=case: self._send(case))  # type: ignore[misc]
        with self._simulated():
            while self._events or any(line.flows for line in self.lines.values()):
                self._step()

    def _step(self) -> None:
        ahead = min((line.next_end for line in self.lines.values()), default=float("inf"))
        due = self._events[0][0] if self._events else float("inf")
        seconds = min(self.now + ahead, max(due, self.now)) - self.now
        for line in self.lines.values():
            line.carry(seconds)
        self.now += seconds
        for line in self.lines.values():
            for key in [key for key, left in line.flows.items() if left <= 1.0]:
                del line.flows[key]
                line.ends.pop(key)()
        while self._events and self._events[0][0] <= self.now:
            heapq.heappop(self._events)[2]()
        self._work()

    @contextmanager
    def _simulated(self) -> Iterator[None]:
        def now() -> datetime.datetime:
            return self.began + datetime.timedelta(seconds=self.now)

        with (
            patch.object(timezone, "now", now), patch.object(asking, "studies_at", self._told),
            patch.object(asking, "bring", self._brought),
        ):  # fmt: skip
            yield

    # what people and scanners do

    def _send(self, case: Case) -> None:
        amel, nour = (accounts_queries.actor_of(who.id) for who in (self._stage.amel, self._stage.nour))  # type: ignore[arg-type]
        person = make.patient(self._stage, place=self._places[case.line], by=nour, given_name=case.names[1],
                              family_name=case.names[0], given_name_ar="", family_name_ar="")  # fmt: skip
        self._of[person.id] = case
        for at in sorted({case.line, *(exam.at for exam in case.exams)}):
            patients.add_identity(person.id, kind="local", value=_number(case, at), place=self._places[at], by=SYSTEM)
        for exam in case.exams:
            exam.said |= {"number": _number(case, exam.at), "name": "^".join(case.names), "born": "19800312"}
        procedure = self._procedures.get(case.procedure["code"]) or self._procedure(case.procedure)
        radiology.send_order(
            patient=person.id, place=self._places[case.line], procedure=procedure, question="Since yesterday?",
            answers={},
            urgency={"emergency": "P1", "same day": "P2", "booked": "P3"}[case.kind], by=amel,
            scheduled_for=self.began + datetime.timedelta(seconds=case.begins) if case.kind != "emergency" else None,
        )  # fmt: skip
        self.at(case.begins + MINUTE, lambda: self._scan(case))

    def _procedure(self, row: dict[str, str]) -> UUID:
        made = make.procedure(
            code=f"A-{row['code']}", names=(row["name_ar"], row["name_fr"], row["name_en"]), modality=row["modality"],
            region=row["region"], region_name=row["region_name"],
        )  # fmt: skip
        self._procedures[row["code"]] = made.id
        return made.id

    def _scan(self, case: Case) -> None:
        def whole() -> None:
            case.whole = max(self.now, case.begins + EXAMS[case.procedure["modality"]][2] * MINUTE)

        self._flow(case.line, case.size, whole)

    def _flow(self, name: str, size: float, end: Callable[[], None]) -> int:
        key, line = next(self._count), self.lines[name]
        line.flows[key], line.ends[key] = size, end
        return key

    # what archives answer

    def _told(self, source: Source, keys: dict[str, str]) -> list[dict[str, Any]]:
        at = self._sources[source.id]
        return [
            exam.said for case in self._of.values() for exam in case.exams
            if exam.at == at and keys.get("PatientID", exam.said["number"]) == exam.said["number"]
            and keys.get("PatientName", case.names[0]) == case.names[0]
        ]  # fmt: skip

    def _brought(self, source: Source, uid: str) -> int:
        exam = self._exams[uid]
        image = make.image(1, StudyInstanceUID=uid, PatientID=exam.said["number"], PatientName=exam.said["name"])
        archive.receive([incoming(make.part10(image), source=source.id, place=source.place_id)], by=SYSTEM)
        exam.came = exam.came or self.now
        return 0

    # what the workers do

    def _work(self) -> None:
        self._look_ahead()
        for queues in self._hands:
            while self._hands[queues] > 0 and (job := _fetch(queues)):
                self._hands[queues] -= 1
                self._begin(job, queues)

    def _look_ahead(self) -> None:
        """What waits for a moment of the real clock waits for that of ours."""
        with connection.cursor() as cursor:
            cursor.execute(
                "update procrastinate_jobs set scheduled_at = 'infinity' from procrastinate_jobs old "
                "where old.id = procrastinate_jobs.id and old.status = 'todo' and old.scheduled_at < 'infinity' "
                "returning old.id, extract(epoch from old.scheduled_at - clock_timestamp())"
            )
            for key, seconds in cursor.fetchall():
                self.at(self.now + max(float(seconds), 0), lambda key=key: _due(key))  # type: ignore[misc]

    def _begin(self, job: Job, queues: tuple[str, ...]) -> None:
        def end(error: Exception | None = None) -> None:
            self._end(job, queues, error)

        match job.task_name:
            case "dicom.ask_for_studies":
                name = self._sources[
                    archive_queries.inquiry(UUID(str(job.task_kwargs["key"])), viewer=SYSTEM).source_id
                ]
                self._call(name, QUESTION, end)
            case "dicom.bring_study":
                row = archive_queries.bringing(UUID(str(job.task_kwargs["key"])), viewer=SYSTEM)
                self._carry(self._sources[row.source_id], self._exams[row.study_uid].size, end)
            case _:
                self.at(self.now + LOCAL, end)

    def _call(self, name: str, seconds: float, end: Callable[..., None]) -> None:
        if self.lines[name].is_away(self.now):
            self.at(self.now + CONNECT, lambda: end(Unreachable("away")))
        else:
            self.at(self.now + seconds, end)

    def _carry(self, name: str, size: float, end: Callable[..., None]) -> None:
        line = self.lines[name]
        if line.is_away(self.now):
            self._call(name, 0, end)
            return
        key = self._flow(name, size, end)

        def cut() -> None:
            if line.flows.pop(key, None) is not None:
                line.ends.pop(key)
                end(Unreachable("cut"))

        for begin, _ in line.away:
            if begin > self.now:
                self.at(begin, cut)
                break

    def _end(self, job: Job, queues: tuple[str, ...], error: Exception | None) -> None:
        self._hands[queues] += 1
        task = jobs.tasks[job.task_name]
        try:
            if error:
                raise error
            task.func(**job.task_kwargs)
        except Unreachable as failed:
            again = task.get_retry_exception(failed, job)
            assert again is not None
            decided = again.retry_decision
            values = [job.id, decided.retry_at, decided.priority, decided.queue, decided.lock]
            _sql("select procrastinate_retry_job_v2(%s, %s, %s, %s, %s)", *values)
        else:
            _sql("select procrastinate_finish_job_v1(%s, 'succeeded', true)", job.id)


def _outages(dice: random.Random) -> list[tuple[float, float]]:
    """A line is away for some minutes, twice a day."""
    begins = sorted(dice.uniform(0, 12 * DAY) for _ in range(24))
    return [(begin, begin + dice.uniform(1, 15) * MINUTE) for begin in begins]


def _number(case: Case, at: str) -> str:
    return f"{list(LINES).index(at)}-{case.names[0]}"


def _fetch(queues: tuple[str, ...]) -> Job | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select id, queue_name, lock, task_name, priority, args, attempts "
            "from procrastinate_fetch_job_v2(%s, null) where id is not null", [list(queues)]
        )  # fmt: skip
        row = cursor.fetchone()
    if row is None:
        return None
    args = row[5] if isinstance(row[5], dict) else json.loads(row[5])
    return Job(id=row[0], queue=row[1], lock=row[2], queueing_lock=None, task_name=row[3], priority=row[4],
               task_kwargs=args, attempts=row[6])  # fmt: skip


def _due(key: int) -> None:
    _sql("update procrastinate_jobs set scheduled_at = null where id = %s", key)


def _sql(words: str, *values: Any) -> None:  # noqa: ANN401  of whatever the function takes
    with connection.cursor() as cursor:
        cursor.execute(words, values)


def live(count: int, seed: int) -> list[Case]:
    """Live through some days of orders; how each went."""
    given = cases(count, seed)
    Days(cast(), given, seed).run()
    return given


def told(given: Sequence[Case]) -> Iterator[str]:
    """The share of orders whose most relevant exams were there in time, by class of order and of line, and what was in
    the way of the others.
    """
    some = [case for case in given if case.exams]
    yield f"{len(given)} orders, {len(some)} of patients with earlier exams ({sum(len(c.exams) for c in some)})"
    yield f"{'':12}" + "".join(f"{line:>16}" for line in (*LINES, "every line"))
    for kind in (*KINDS, "every order"):
        mine = [case for case in some if kind in (case.kind, "every order")]
        lines = [[case for case in mine if line in (case.line, "every line")] for line in (*LINES, "every line")]
        yield f"{kind:12}" + "".join(f"{_share(one):>16}" for one in lines)
    way = Counter(_in_the_way(case) for case in some if case.late)
    yield "in the way of the others: " + (", ".join(f"{why} {count}" for why, count in way.most_common()) or "nothing")


def in_time(given: Sequence[Case]) -> float:
    """The share of orders whose most relevant exams were there before the new one was whole; of those who had any."""
    some = [case for case in given if case.exams]
    return sum(not case.late for case in some) / len(some)


def _share(given: Sequence[Case]) -> str:
    return f"{100 * in_time(given):.1f} % of {len(given)}" if given else "none"


def _in_the_way(case: Case) -> str:
    if not case.could:
        return "the line is too thin"
    return "another exam was taken for more relevant" if any(exam.came is None for exam in case.late) else "a queue"
