"""A morning of a training world, minute by minute: exams come, readers read, the clock's jobs run, and something fails.

Everybody acts through the verbs that people use, and what follows from a fact is told to its listeners; only the clock
is set. A world is lived through twice from the same rows, with the outage and without.
"""

import contextlib
import datetime
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pydicom
from django.db import transaction
from procrastinate.contrib.django import app as jobs
from pydicom import Dataset

from wasl.accounts import queries as accounts
from wasl.accounts import services as accounts_services
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.edges.cli.demo.clock import Clock, moved, numbered
from wasl.edges.cli.demo.pictures import dressed, part10
from wasl.edges.cli.drill.lives import Life, Lived, note
from wasl.edges.cli.drill.world import BEGINS, DRILLED, MINUTE, Exam, Rules, Scale, World, build
from wasl.kernel import journal
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import Refused
from wasl.kernel.models import Fact
from wasl.radiology import queries
from wasl.radiology import services as radiology

CLOCK = (
    "radiology.time_out_readings",
    "radiology.escalate",
    "archive.look_at_lines",
)  # the jobs of every minute that a drill is about
ELSEWHERE = ("wasl.contracts.", "wasl.planning.", "wasl.radiology.dicom.")  # who counts and prints hears nothing
IMAGE = Path(pydicom.__file__).parent / "data/test_files/CT_small.dcm"  # comes with the library that reads images
SET_UP = datetime.timedelta(hours=1)  # before it begins, the world is there
NOTICED = {  # the fact by which it is known
    "centre": "radiology.CentreWentDark", "link": "archive.LineMissed", "reader": "radiology.ReadingTimedOut",
}  # fmt: skip
INFORMS = frozenset({
    *(f"radiology.{kind}" for kind in ("escalated", "redistributed", "centre_dark", "left_unread", "timed_out")),
    "archive.line_silent", "archive.line_back",
})  # fmt: skip
HELD = 3  # cases that a reader had open who is gone
WRITTEN = {"indication": "Drill.", "technique": "Drill.", "findings": "Drill.", "conclusion": "Drill."}


@dataclass
class _Desk:
    """A reader at work, and the case that they read, until when."""

    actor: Actor
    reading: UUID | None = None
    until: datetime.datetime = BEGINS


def play(kind: str, seed: int, rules: Rules, scale: Scale) -> tuple[Lived, Lived]:
    """Live through a seed's world without an outage, and with one of a kind; nothing of it stays in the database."""
    (calm, struck) = plays(("", kind), seed, rules, scale)
    return calm, struck


def plays(kinds: tuple[str, ...], seed: int, rules: Rules, scale: Scale) -> Iterator[Lived]:
    """Live through one world several times, each time with another outage, or none (an empty kind)."""
    with transaction.atomic(), moved(BEGINS - SET_UP) as clock, numbered(seed):
        world = build(seed, rules, scale)
        clock.tell(*ELSEWHERE)
        for kind in kinds:
            # a clock never goes back: each life has its own
            with transaction.atomic(), moved(BEGINS) as mine:
                lived = _Morning(world, mine, kind).live()
                transaction.set_rollback(True)
            yield lived
        transaction.set_rollback(True)


class _Morning:
    """The state of a morning while it is lived through."""

    def __init__(self, world: World, clock: Clock, kind: str) -> None:
        self.world, self.clock, self.kind = world, clock, kind
        self.desks = [[_Desk(reader) for reader in readers] for readers in world.readers]
        self.coming = list(world.exams)
        self.exams: dict[UUID, Exam] = {}  # by order
        self.readings: dict[UUID, UUID] = {}  # order by reading
        self.owed: list[tuple[Exam, UUID]] = []  # made while the line is cut
        self.since = Fact.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
        scale = world.scale
        self.lived = Lived(kind, [Life(exam) for exam in world.exams], BEGINS + (scale.before + scale.after) * MINUTE)

    def live(self) -> Lived:
        """Live until the end."""
        now = BEGINS
        while now < self.lived.ends:
            now += MINUTE
            self.clock.set(now)
            self._fail(now)
            self._speak()
            self._make(now)
            self._tell()
            for job in CLOCK:
                jobs.tasks[job](0)
            self._tell()
            for desk in self._at_work():
                self._work(desk, now)
            self._tell()
        self._remember()
        return self.lived

    def _tell(self) -> None:
        self.clock.tell(*ELSEWHERE)

    def _at_work(self) -> list[_Desk]:
        return [desk for desks in self.desks for desk in desks if desk.actor.id not in self.lived.gone]

    # what fails

    def _fail(self, now: datetime.datetime) -> None:
        """Let it fail once it is time, and, for a reader or a line, once there is something on the way."""
        lived, scale = self.lived, self.world.scale
        if lived.failed is not None:
            if self.kind == "link" and lived.back is None and now >= lived.failed + scale.cut * MINUTE:
                lived.back = now
            return
        if now < BEGINS + scale.before * MINUTE:
            return
        if self.kind == "centre":
            lived.failed, lived.gone = now, frozenset(_key(desk) for desk in self.desks[DRILLED])
        elif self.kind == "reader":
            self._lose_reader(self.desks[DRILLED][0], now)
        elif self.kind == "link" and any(self._crosses(exam) for exam in self._made(now)):
            lived.failed = now

    def _lose_reader(self, desk: _Desk, now: datetime.datetime) -> None:
        """A reader goes in the middle of a case, with others open that they had looked into."""
        if desk.reading is None:
            return
        held = [desk.reading]
        for reading in queries.readings(viewer=desk.actor).filter(state="waiting")[: HELD - 1]:
            held.append(radiology.claim_reading(reading.id, by=desk.actor).id)
        self.lived.failed, self.lived.gone = now, frozenset({_key(desk)})
        self.lived.struck = frozenset(self._exam(key).number for key in held)

    def _is_cut(self) -> bool:
        return self.kind == "link" and self.lived.failed is not None and self.lived.back is None

    def _speak(self) -> None:
        """Every gateway whose line carries says that it is there, as all do."""
        for number, hospital in enumerate(self.world.hospitals):
            if not (number == DRILLED and self._is_cut()):
                accounts_services.note_gateway(by=hospital.gateway)

    # exams

    def _made(self, now: datetime.datetime) -> list[Exam]:
        return [exam for exam in self.coming if exam.at <= now]

    def _crosses(self, exam: Exam) -> bool:
        return exam.hospital == DRILLED

    def _make(self, now: datetime.datetime) -> None:
        """The exams of this minute are ordered, made and named; what a line carries arrives."""
        for exam in self._made(now):
            self.coming.remove(exam)
            order = self._order(exam)
            if not (self._is_cut() and self._crosses(exam)):
                self._send(exam, order)
                continue
            if not self.owed:  # the line is cut in the middle of a study: it was named, and of two images one came
                archive.receive(self._name(exam, order, images=2)[:1], by=SYSTEM)
            self.owed.append((exam, order))
            self.lived.struck |= {exam.number}
        if self.lived.back is not None:
            for exam, order in self.owed:
                self._send(exam, order)
            self.owed.clear()

    def _order(self, exam: Exam) -> UUID:
        hospital = self.world.hospitals[exam.hospital]
        order = radiology.send_order(
            patient=hospital.patient, place=hospital.place, procedure=self.world.procedures[exam.kind],
            urgency=exam.urgency, question="Training: nobody is ill.", answers={}, by=hospital.doctor,
            repeat_because="control",
        )  # fmt: skip
        self.exams[order.id] = exam
        return order.id

    def _name(self, exam: Exam, order: UUID, images: int = 1) -> list[archive.Incoming]:
        """The site says which images its study has; the images."""
        asked, place = queries.order(order, viewer=SYSTEM), self.world.hospitals[exam.hospital].place
        files = [_image(asked, exam, number) for number in range(1, images + 1)]
        taken = [incoming(file, place=place) for _image_set, file in files]
        named = [
            archive.Image(image.SOPInstanceUID, image.SeriesInstanceUID, one.dataset_sha256, len(file), frames=1)
            for (image, file), one in zip(files, taken, strict=True)
        ]
        archive.announce_manifest(asked.study_uid, named, place=place, rank=3, whole=True, by=SYSTEM)
        return taken

    def _send(self, exam: Exam, order: UUID) -> None:
        interrupted = bool(self.owed) and exam is self.owed[0][0]
        archive.receive(self._name(exam, order, images=2 if interrupted else 1), by=SYSTEM)

    # readers

    def _work(self, desk: _Desk, now: datetime.datetime) -> None:
        """A reader looks at the worklist, reads on, signs what is read, and takes the next case."""
        radiology.note_presence(by=desk.actor)
        if desk.reading and now < desk.until:
            radiology.keep_reading(desk.reading, by=desk.actor)
            return
        if desk.reading:
            report = radiology.save_draft(desk.reading, sections=WRITTEN, language="fr", revision=0, by=desk.actor)
            radiology.sign_report(report.id, revision=report.revision, by=desk.actor)
            desk.reading = None
        if not queries.readings(viewer=SYSTEM).filter(state="waiting").exists():
            return
        if not queries.readings(viewer=desk.actor).filter(state="waiting").exists():
            return  # the worklist is empty, which costs less to ask than who reads what next
        with contextlib.suppress(Refused):  # nothing waits for this reader
            desk.reading = radiology.take_next_reading(by=desk.actor).id
            desk.until = now + self._exam(desk.reading).minutes * MINUTE

    def _exam(self, reading: UUID) -> Exam:
        if reading not in self.readings:
            self.readings[reading] = queries.readings(viewer=SYSTEM).get(id=reading).order_id
        return self.exams[self.readings[reading]]

    # what is told of it

    def _remember(self) -> None:
        """Read in the journal what became of every exam."""
        by_order = {str(order): self.lived.lives[exam.number] for order, exam in self.exams.items()}
        told = defaultdict(list)
        for fact in journal.facts(since=self.since):
            told[fact.name].append(fact)
            life = by_order.get(fact.data.get("order") or "")
            if life is not None:
                note(life, fact)
        self._say(told)
        lines = {
            key
            for desk in self._at_work()
            for key in queries.readings(viewer=desk.actor).values_list("order", flat=True)
        }
        for order, exam in self.exams.items():
            life = self.lived.lives[exam.number]
            life.found = life.signed is not None or order in lines

    def _say(self, told: dict[str, list[Fact]]) -> None:
        lived = self.lived
        if lived.failed is None:
            return
        seen = told[NOTICED[self.kind]]
        lived.noticed = next((fact.at for fact in seen if fact.at >= lived.failed), None)
        if self.kind == "centre":
            at = lived.noticed or lived.ends
            lived.struck = frozenset(life.exam.number for life in lived.lives if self._stood(life, at))
        lived.steps = sum(fact.at >= lived.failed for fact in told["radiology.ReadingEscalated"])
        messages = accounts.messages(viewer=SYSTEM).filter(created_at__gte=lived.failed, kind__in=INFORMS)
        lived.told = messages.order_by().values("person").distinct().count()

    def _stood(self, life: Life, at: datetime.datetime) -> bool:
        """Whether a case stood in the dark centre, in its line or before its silent readers."""
        if life.exam.hospital != DRILLED or life.opened is None or life.opened > at:
            return False
        holder = life.holder(at)
        return (life.signed is None or life.signed > at) and (holder is None or holder in self.lived.gone)


def _image(asked: queries.Order, exam: Exam, number: int) -> tuple[Dataset, bytes]:
    """An image as the hospital's machine makes it for an order, and its file."""
    item, known = Dataset(), asked.patient
    item.PatientName = f"{known.family_name}^{known.given_name}"
    item.PatientBirthDate, item.PatientSex = f"{known.birth_date:%Y%m%d}", known.sex[0].upper()
    item.PatientID, item.AccessionNumber = f"DRILL-{exam.hospital}", asked.accession
    item.StudyInstanceUID = asked.study_uid
    image = dressed(pydicom.dcmread(IMAGE), item, title="Drill", moment=exam.at, number=number)
    image.Modality = exam.kind
    return image, part10(image)


def _key(desk: _Desk) -> UUID:
    if desk.actor.id is None:
        raise RuntimeError("a reader is somebody")
    return desk.actor.id
