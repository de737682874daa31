"""Three days without the line: a hospital goes on by its last worklist and by paper, and then it is put in order.

Of ten exams four were ordered before the line was cut. The others were written on paper, two of which nobody can put
down to a patient beyond doubt: of one the number was mistyped, of the other no paper is found.
"""

import contextlib
import datetime
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.uid import generate_uid

from tests import make
from tests.edges.clock import Clock
from tests.edges.dicom import client, write
from tests.edges.scenes import Command, data_folder, eventually
from tests.edges.sites import MACHINE, Site, centre, gateway
from tests.edges.test_gateway_alone import Scene
from tests.edges.test_gateway_story import the_gateway_joins, the_line

TITLE, SCANNER = "GATEWAY", "CT_OUEDZEN"
HOUR = 3600
HOURS = 72
TEN = ("ordered", "paper", "ordered", "paper", "mistyped", "ordered", "paper", "ordered", "paper", "lost")
STAGE = """
import json
from django.db import transaction
from tests import make
from tests.cast import cast
with transaction.atomic():
    stage = cast()
    exam = make.procedure()
    people = [make.patient(stage) for _ in range({exams})]
    asked = dict()
    for number in {ordered}:
        order = make.order(stage, patient=people[number].id, procedure=exam.id, urgency="P2")
        asked[number] = (order.accession, order.study_uid)
    unmade = make.order(stage, patient=people[0].id, procedure=exam.id)
print(json.dumps(dict(place=str(stage.regional), exam=str(exam.id), asked=asked, unmade=unmade.accession,
                      people=[(str(one.id), one.number) for one in people])))
"""
ENTER = """
import datetime
from uuid import UUID
from wasl.accounts import queries as accounts
from wasl.accounts.models import Person
from wasl.patients import services as patients
from wasl.radiology import services
amel = accounts.actor_of(Person.objects.get(username="amel").id, address="192.0.2.1")
about = dict(urgency="P2", question="Traumatisme crânien, coma bref ?", answers=dict(), by=amel,
             repeat_because="control")
for patient, number, made_at in {papers}:
    patients.present_card(UUID(patient), place=UUID({place!r}), number=number, by=amel)  # it stands on the paper
    services.enter_order(patient=UUID(patient), place=UUID({place!r}), procedure=UUID({exam!r}),
                         made_at=datetime.datetime.fromisoformat(made_at), **about)
"""
SPEAK = """
from uuid import uuid4
from django.utils import timezone
from wasl.accounts import queries as accounts
from wasl.accounts.models import Person
from wasl.archive import dicom, services
from wasl.archive.models import Study
hedi, study = Person.objects.get(username="hedi"), Study.objects.get(uid={study!r})
document = dicom.preliminary.written(study, text={text!r}, author="Ben Ali^Hédi", key=uuid4(), at=timezone.now())
hedi = accounts.actor_of(hedi.id, address="127.0.0.1")
services.write_preliminary(study.id, text={text!r}, document=document, by=hedi)
"""
HEARD = """
from wasl.archive import queries
from wasl.archive.models import Study
from wasl.kernel.access import SYSTEM
for word in queries.preliminaries_of(Study.objects.get(uid={study!r}).id, viewer=SYSTEM):
    print(word.author, word.written_at.isoformat(), word.text, sep="|")
"""
ANSWERED = (
    "select s.uid, o.accession, o.state, o.patient_id::text, o.created_at, s.complete_at, r.due_at, f.at from"
    " radiology_link l join radiology_order o on o.id = l.order_id join archive_study s on s.id = l.study_id"
    " left join radiology_reading r on r.order_id = o.id and r.study_id = s.id and r.state <> 'withdrawn'"
    " left join kernel_fact f on f.subject = o.id and f.name = 'radiology.ExamPerformed'"
    " where l.undone_at is null"
)
OPENED = f"select count(*) from ({ANSWERED}) answered where due_at is not null and at is not null"
# people say which order they answer, whoever their header names
UNANSWERED = (
    "select uid from archive_study s where not exists"
    " (select from radiology_link l where l.study_id = s.id and l.undone_at is null)"
)


@dataclass
class Exam:
    """An exam that was made while the line was cut."""

    kind: str
    patient: str
    number: str
    study: str
    accession: str
    made_at: datetime.datetime
    files: list[Path]
    images: list[str]


@dataclass(kw_only=True)
class Outage(Scene):
    """The two ends, and what the hospital did alone."""

    said: dict[str, Any]
    exams: list[Exam]
    folder: Path
    slices: int
    size: int  # rows and columns of each

    def make(self, numbers: Sequence[int]) -> None:
        """Make these exams now, and send their images to the gateway."""
        for number in numbers:
            patient, known = self.said["people"][number]
            kind = TEN[number % len(TEN)]
            accession, study = self.said["asked"].get(str(number), ("", str(generate_uid())))
            moment = datetime.datetime.now().astimezone() + datetime.timedelta(seconds=self.ahead)
            moment = moment.replace(second=0, microsecond=0)
            header: dict[str, object] = {
                "StudyInstanceUID": study, "AccessionNumber": accession, "StudyDate": f"{moment:%Y%m%d}",
                "StudyTime": f"{moment:%H%M%S}", "Rows": self.size, "Columns": self.size,
                "PatientID": f"{known}9" if kind == "mistyped" else known,
            }  # fmt: skip
            images = [make.image(slice, **header) for slice in range(1, self.slices + 1)]
            for image in images:  # that no packing makes smaller
                image.PixelData = random.Random(image.SOPInstanceUID).randbytes(self.size * self.size * 2)
            (folder := self.folder / study).mkdir()
            files, uids = write(folder, *images), [str(image.SOPInstanceUID) for image in images]
            self.exams.append(Exam(kind, patient, known, study, accession, moment, files, uids))
            self.send(self.exams[-1])

    def send(self, exam: Exam) -> None:
        """Send an exam's images, as often as one likes."""
        done = client("storescu", self.here.dicom, *exam.files, us=TITLE, me=SCANNER)
        assert done.code == 0, done.text

    def speak(self, exam: Exam, text: str) -> None:
        """A doctor of the hospital, known at its gateway alone, writes a preliminary word on an exam."""
        known = self.here.ask("select count(*) from accounts_person where username = 'hedi'") == [(1,)]
        if not known:
            words = ("person", "hedi", "--given", "Hédi", "--family", "Ben Ali", "--role", "radiologist")
            ended, said = self.here.run("edge", *words)
            assert ended == 0, said
        env = {**self.here.env, "WASL_DATA": str(self.here.home), "WASL_GATEWAY": "1"}
        Site(self.here.home, env, self.here.http, self.here.dicom).python(SPEAK.format(study=exam.study, text=text))

    def heard(self, exam: Exam) -> list[list[str]]:
        """What the centre has of such words: author, moment and text of each."""
        return [line.split("|") for line in self.there.python(HEARD.format(study=exam.study)).splitlines()]

    def enter(self, exams: Sequence[Exam]) -> None:
        """Somebody enters the orders of these exams from their papers, as far as there are any."""
        papers = [
            (exam.patient, exam.number, exam.made_at.isoformat())
            for exam in exams
            if exam.kind in ("paper", "mistyped")
        ]
        self.there.python(ENTER.format(papers=papers, place=self.said["place"], exam=self.said["exam"]))

    def of(self, *kinds: str) -> list[Exam]:
        """The exams of these kinds."""
        return [exam for exam in self.exams if exam.kind in kinds]

    @property
    def images(self) -> list[str]:
        """All images that were made."""
        return [uid for exam in self.exams for uid in exam.images]

    def put_in_order(self) -> bool:
        """Whether every exam about which nothing is in doubt is with its order, and offered to readers."""
        return self.there.ask(OPENED) == [(len(self.of("ordered", "paper")),)]


@contextlib.contextmanager
def outage(folder: Path, exams: int, *, slices: int = 2, size: int = 16) -> Iterator[Outage]:
    """A centre and a gateway that has heard of so many exams, less those on paper; then the line is cut."""
    with contextlib.ExitStack() as stack:
        clock = Clock(stack.enter_context(data_folder()))
        there = stack.enter_context(centre())
        here = stack.enter_context(gateway(machines=f'{MACHINE}address = "127.0.0.1"\n'))
        for site in (there, here):
            site.env.update(clock.env)
        thin = stack.enter_context(the_line(there))
        thin.rate = 0.0
        up = stack.enter_context(Command("up", env=there.env, within=clock.within))
        assert eventually(there.answers), up.said
        ordered = [number for number in range(exams) if TEN[number % len(TEN)] == "ordered"]
        said = json.loads(there.python(STAGE.format(exams=exams, ordered=ordered)))
        the_gateway_joins(there, here)
        opened = Outage(there, here, thin, clock, {}, said=said, exams=[], folder=folder, slices=slices, size=size)
        try:
            opened.start()
            known = "select count(*) from archive_expected where gone_at is null"
            assert eventually(lambda: here.ask(known) == [(len(ordered) + 1,)]), opened.edge and opened.edge.said
            thin.cut()
            yield opened
        finally:
            for life in opened.lives:
                life.__exit__()
        assert "Traceback" not in up.said, up.said
