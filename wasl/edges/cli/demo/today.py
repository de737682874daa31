"""The demo country today: real images of many kinds, sent through the DICOM port; some read, some waiting.

Among them a patient with an earlier exam, a study whose header was typed by hand and belongs to no order, and an image
that comes a second time with other content.
"""

import datetime
import os
import time
from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from pydicom import Dataset
from pydicom.uid import generate_uid

from wasl.archive import queries as archive_queries
from wasl.edges.cli.demo import head
from wasl.edges.cli.demo import patients as stories
from wasl.edges.cli.demo.clock import moved
from wasl.edges.cli.demo.country import Country, Hospital, rows
from wasl.edges.cli.demo.history import Offer, ask, catalogue, play, register, sign, worklist_item, write
from wasl.edges.cli.demo.patients import Exam
from wasl.edges.cli.demo.pictures import LABEL, picture
from wasl.edges.cli.demo.scanner import NotReached, Scanner
from wasl.edges.cli.ports import dicom_address
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused
from wasl.patients import queries as patients_queries
from wasl.radiology import queries
from wasl.radiology import services as radiology

READY_WITHIN = 90.0  # seconds for the worker to offer what was sent
PRIOR = datetime.timedelta(days=20)
PRIOR_IMAGE = "693_UNCI.dcm"
TYPED_IMAGE, AGAIN_IMAGE = "RG1_J2KI.dcm", "OBXXXX1A_rle.dcm"


def scanner(title: str) -> Scanner:
    """A machine of the demo country, speaking to this instance."""
    host, port = dicom_address()
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  read here, not bound
    return Scanner(title, near, port, os.environ.get("WASL_AE_TITLE", "WASL"))


def exams() -> list[dict[str, str]]:
    """The rows of today's exams; the whole head CT is one of them where the machine has it."""
    return [row for row in rows("today.csv") if row["image"] != head.FILE.name or head.FILE.is_file()]


def send(country: Country) -> Iterator[str]:
    """Order today's exams, send their images, and let the readers read some. Raises NotReached."""
    offers = catalogue()
    asked = [(row, *_order(country, row, number, offers)) for number, row in enumerate(exams(), 1)]
    for row, exam, order in asked:
        _perform(country.hospitals[int(row["hospital"])], offers[row["procedure"]], exam, order, row["image"])
    yield f"{len(asked)} studies of real images were sent through the DICOM port."
    for number, (row, exam, order) in enumerate(asked):
        if row["outcome"] != "waiting":
            _read(country, row["outcome"], exam, order, number)
    _send_typed(country, offers["DX-CHEST"])
    row, _exam, order = next(one for one in asked if one[0]["image"] == AGAIN_IMAGE)
    _send_again(country, row, order, offers)
    yield "One more belongs to no order, and one image came twice with other content."


def _order(country: Country, row: dict[str, str], number: int, offers: dict[str, Offer]) -> tuple[Exam, UUID]:
    """The patient and the order of one of today's exams, made where they are missing."""
    hospital = country.hospitals[int(row["hospital"])]
    chance = Random(f"{country.code} today {number}")  # noqa: S311  invented people
    case = _case(row)
    now = timezone.localtime()
    who = stories.identity(chance, country.code, case, now.date())
    local = f"DEMO-T{number:02}"
    ordered = now - datetime.timedelta(minutes=int(row["minutes"]))
    exam = Exam(case, row["urgency"], "fr", False, {"ordered": ordered})
    known = patients_queries.by_local_number(local, place=hospital.place, viewer=SYSTEM)
    if known is None:
        offer, earlier = offers[row["procedure"]], row["outcome"] == "critical"
        with transaction.atomic(), moved(ordered - PRIOR if earlier else ordered) as clock:
            patient = register(hospital, who, local)
            if earlier:
                prior = _prior(case, ordered)
                play(clock, hospital, patient, prior, country.readers[1], offer=offer, now=now, file=PRIOR_IMAGE)
            return exam, ask(clock, hospital, patient, exam, offer)
    newest = queries.orders_of(known.id, viewer=SYSTEM).first()
    assert newest is not None  # noqa: S101  both were made in one transaction
    return exam, newest.id


def _case(row: dict[str, str]) -> dict[str, Any]:
    """What this exam is about; a critical outcome takes the case that says so."""
    critical = row["outcome"] == "critical"
    found = [case for case in stories.cases() if case["procedure"] == row["procedure"]]
    case = next((case for case in found if bool(case["fr"]["critical"]) == critical), found[0])
    return {**case, "side": row["side"]}


def _prior(case: dict[str, Any], ordered: datetime.datetime) -> Exam:
    """An earlier exam of the same kind, in which nothing was found."""
    first = ordered - PRIOR
    steps = ("ordered", "started", "performed", "received", "complete", "claimed", "signed", "read")
    moments = {step: first + datetime.timedelta(minutes=12 * number) for number, step in enumerate(steps)}
    calm = next(c for c in stories.cases() if c["procedure"] == case["procedure"] and not c["fr"]["critical"])
    return Exam(calm, "P1", "fr", False, moments)


def _arrived(uid: str) -> bool:
    try:
        return archive_queries.study_by_uid(uid, viewer=SYSTEM).instance_count > 0
    except Refused:
        return False


def _perform(hospital: Hospital, offer: Offer, exam: Exam, order: UUID, image: str) -> None:
    """Perform an exam at the machine, unless its images are there."""
    asked = queries.order(order, viewer=SYSTEM)
    if _arrived(asked.study_uid):
        return
    machine = scanner(hospital.machines[offer.modality])
    items = machine.worklist(worklist_item(asked.accession))
    if not items:
        raise NotReached(f"the order {asked.accession} is not on the worklist of its modality")
    item, now = items[0], timezone.localtime()
    if image == head.FILE.name:
        taken = head.slices(item, title=offer.title, moment=now)
    else:
        taken = [picture(image, item, title=offer.title, moment=now)]
    machine.perform(item, taken, modality=offer.modality)


def _read(country: Country, outcome: str, exam: Exam, order: UUID, number: int) -> None:
    """Let a reader take the case, and sign it where its outcome says so."""
    reader = country.readers[number % len(country.readers)]
    reading = _offered(order)
    if reading is None or reading.state != "waiting":
        return
    radiology.claim_reading(reading.id, by=reader)
    if outcome != "claimed":
        report = write(reading.id, exam, by=reader)
        sign(reading, report, by=reader)


def _offered(order: UUID) -> Any:  # noqa: ANN401  a row of another module
    """The reading of an order, once the worker has opened it."""
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end:
        found = queries.readings(viewer=SYSTEM).filter(order=order).first()
        found = found or queries.signed_readings(viewer=SYSTEM).filter(order=order).first()
        if found:
            return found
        time.sleep(0.3)
    return None


def _send_typed(country: Country, offer: Offer) -> None:
    """A chest radiograph whose header was typed at the console: right birth date, misspelt name, no order."""
    hospital = country.hospitals[0]
    chance = Random(f"{country.code} typed")  # noqa: S311  invented people
    case = stories.cases()[1]
    now = timezone.localtime()
    who = stories.identity(chance, country.code, case, now.date())
    if patients_queries.by_local_number("DEMO-T90", place=hospital.place, viewer=SYSTEM) is None:
        ordered = now - datetime.timedelta(minutes=55)
        with transaction.atomic(), moved(ordered) as clock:
            patient = register(hospital, who, "DEMO-T90")
            ask(clock, hospital, patient, Exam(case, "P2", "fr", False, {"ordered": ordered}), offer)
    item = Dataset()
    family = who["family_name"].upper()
    item.PatientName = f"{family[:2]}{family[3:]}^{who['given_name'].upper()}"  # a letter is missing
    item.PatientID, item.AccessionNumber, item.StudyInstanceUID = "T90", "", _uid(country, "typed")
    item.PatientBirthDate, item.PatientSex = f"{who['birth_date']:%Y%m%d}", who["sex"][0].upper()
    if not _arrived(item.StudyInstanceUID):
        image = picture(TYPED_IMAGE, item, title=offer.title, moment=now)
        scanner(hospital.machines["DX"]).store([image])


def _send_again(country: Country, row: dict[str, str], order: UUID, offers: dict[str, Offer]) -> None:
    """An image that comes a second time under the same UID, with other content."""
    hospital, offer = country.hospitals[int(row["hospital"])], offers[row["procedure"]]
    if (
        archive_queries.conflicts(viewer=SYSTEM).exists()
        or archive_queries.conflicts(viewer=SYSTEM, settled=True).exists()
    ):
        return
    asked = queries.order(order, viewer=SYSTEM)
    item = Dataset()
    item.PatientName, item.PatientID, item.AccessionNumber = "DOUBLON^ESSAI", "T91", asked.accession
    item.StudyInstanceUID = asked.study_uid
    image = picture(AGAIN_IMAGE, item, title=offer.title, moment=timezone.localtime())
    image.ImageComments = f"{LABEL}, sent again after a change at the console"
    scanner(hospital.machines[offer.modality]).store([image])


def _uid(country: Country, word: str) -> str:
    """A UID of this instance's own: random once, then found by its study."""
    with_seed = patients_queries.by_local_number("DEMO-T90", place=country.hospitals[0].place, viewer=SYSTEM)
    assert with_seed is not None  # noqa: S101  the patient was registered just now
    return str(generate_uid(entropy_srcs=[str(with_seed.id), word]))
