"""The past weeks of the demo country: its people order, perform, read and sign, each at their moment."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from pydicom import Dataset

from wasl.archive import queries as archive_queries
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.edges.cli.demo import known
from wasl.edges.cli.demo import patients as stories
from wasl.edges.cli.demo.clock import Clock, moved
from wasl.edges.cli.demo.country import Country, Hospital
from wasl.edges.cli.demo.patients import Exam
from wasl.edges.cli.demo.pictures import FROM_WORKLIST, part10, picture, small
from wasl.edges.cli.demo.sessions import Turns, on_session
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import queries as patients_queries
from wasl.patients import services as patients
from wasl.radiology import queries
from wasl.radiology import services as radiology
from wasl.radiology.dicom import worklist_items

# made after the demo country is there, while people look around: a signed PDF takes its time
LATER = ("wasl.radiology.dicom.speaking.",)
EXAMS_OF = (9, 6, 5, 4, 4, 4, 3, 3, 3, 2)  # how the hospitals of the country share the exams
LEILA_READS = 3  # times more than each of the others
IN_SESSION = 0.9


@dataclass(frozen=True)
class Offer:
    """An exam of the catalogue, as far as the loader needs it."""

    key: UUID
    code: str
    modality: str
    title: str


def catalogue() -> dict[str, Offer]:
    """The exams on offer, by their codes."""
    return {
        exam.code: Offer(exam.id, exam.code, exam.modality, exam.name_fr)
        for exam in queries.procedures(viewer=SYSTEM)
    }  # fmt: skip


def tell(country: Country, stories_to_tell: range, turns: Turns = ()) -> Iterator[int]:
    """Tell the stories that were not told yet, each in one transaction; yields the number of each.

    Most are read by who has a session then.
    """
    now = timezone.localtime()
    offers = catalogue()
    for number in stories_to_tell:
        chance = Random(f"{country.code} {number}")  # noqa: S311  invented people
        hospital = chance.choices(country.hospitals, weights=EXAMS_OF[: len(country.hospitals)])[0]
        case = stories.pick(chance)
        offer = offers[case["procedure"]]
        if offer.modality not in hospital.machines:
            hospital = country.hospitals[1]
        if patients_queries.by_local_number(local_number(number), place=hospital.place, viewer=SYSTEM):
            continue
        who = stories.identity(chance, country.code, case, now.date())
        exams = stories.exams(chance, case, now)
        with transaction.atomic(), moved(exams[0].moments["ordered"]) as clock:
            patient = register(hospital, who, local_number(number))
            known.write(Random(f"{country.code} known {number}"), hospital, patient)  # noqa: S311  invented people
            for exam in exams:
                reader = chance.choices(country.readers, weights=[LEILA_READS] + [1] * (len(country.readers) - 1))[0]
                if chance.random() < IN_SESSION:
                    reader = on_session(turns, exam.moments.get("signed", now)) or reader
                play(clock, hospital, patient, exam, reader, offer=offer, now=now)
        yield number


def local_number(number: int) -> str:
    """The hospital number of an invented patient, which says what it is."""
    return f"DEMO-{number:04}"


def register(hospital: Hospital, who: dict[str, Any], local: str) -> UUID:
    """Give an invented patient a Wasl number."""
    return patients.register_patient(
        place=hospital.place, by=hospital.requester, identities=[("local", local)], region=hospital.region, **who
    ).id


def play(
    clock: Clock, hospital: Hospital, patient: UUID, exam: Exam, reader: Actor, *, offer: Offer,
    now: datetime.datetime, file: str = "",
) -> None:  # fmt: skip
    """Play one exam from its order to the last step that lies before now."""
    moments = {step: moment for step, moment in exam.moments.items() if moment < now}
    order = ask(clock, hospital, patient, exam, offer)
    if exam.cancelled:
        clock.set(moments.get("started", now))
        radiology.cancel_order(order, because="Patient non venu (démonstration).", by=hospital.requester)
        return
    if "performed" not in moments:
        return
    item = _perform(clock, hospital, order, offer, moments)
    if "received" in moments and "complete" in moments:
        clock.set(moments["received"])
        study = _receive(hospital, item, offer, moments["performed"], file)
        clock.tell()
        clock.set(moments["complete"])
        archive.complete_study(study, how="quiet", by=SYSTEM)
        clock.tell()
        _read(clock, hospital, order, exam, reader, moments)


def ask(clock: Clock, hospital: Hospital, patient: UUID, exam: Exam, offer: Offer) -> UUID:
    """Order the exam, at its moment."""
    clock.set(exam.moments["ordered"])
    order = radiology.send_order(
        patient=patient, place=hospital.place, procedure=offer.key, urgency=exam.urgency,
        question=exam.words["question"], answers=exam.answers(), side=exam.case["side"], by=hospital.requester,
        repeat_because="control",  # kept only where an earlier exam stands for it
    )  # fmt: skip
    clock.tell()
    return order.id


def worklist_item(accession: str) -> Dataset:
    """The question that a modality asks about one order: everything that goes into its images."""
    asked = Dataset()
    for keyword in FROM_WORKLIST:
        setattr(asked, keyword, None)
    asked.AccessionNumber = accession
    return asked


def _perform(
    clock: Clock, hospital: Hospital, order: UUID, offer: Offer, moments: dict[str, datetime.datetime]
) -> Dataset:  # fmt: skip
    """Take the order from the modality's worklist and perform it; the worklist's item."""
    clock.set(moments["started"])
    question = worklist_item(queries.order(order, viewer=SYSTEM).accession)
    item = next(worklist_items(question, viewer=_station(hospital, offer)))
    radiology.start_exam(order, by=hospital.radiographer)
    clock.set(moments["performed"])
    radiology.perform_exam(order, by=hospital.radiographer)
    clock.tell()
    return item


def _station(hospital: Hospital, offer: Offer) -> Actor:
    station = archive_queries.actor_of_source(hospital.machines[offer.modality], "127.0.0.1")
    assert station is not None  # noqa: S101  it was made known with the hospital
    return station


def _receive(hospital: Hospital, item: Dataset, offer: Offer, moment: datetime.datetime, file: str) -> UUID:
    """Take a small image of the exam's kind into the archive, from the hospital's own machine."""
    station = _station(hospital, offer)
    image = picture(
        file or small(offer.code, offer.modality), item, title=offer.title, moment=timezone.localtime(moment)
    )
    arrived = incoming(part10(image), source=station.id, place=hospital.place)
    (outcome,) = archive.receive([arrived], by=station)
    return outcome.study


def _read(
    clock: Clock, hospital: Hospital, order: UUID, exam: Exam, reader: Actor, moments: dict[str, datetime.datetime]
) -> None:
    """Claim the case, write, sign; the doctor who asked reads the report and acknowledges what is critical."""
    if "claimed" not in moments:
        return
    clock.set(moments["claimed"])
    reading = queries.readings(viewer=reader).get(order=order)
    radiology.claim_reading(reading.id, by=reader)
    clock.tell()
    if "signed" not in moments:
        return
    clock.set(moments["signed"])
    report = write(reading.id, exam, by=reader)
    sign(reading, report, by=reader)
    clock.tell(*LATER)
    if "read" in moments:
        clock.set(moments["read"])
        radiology.read_report(report, by=hospital.requester)
        if exam.words["critical"]:
            radiology.acknowledge_result(report, by=hospital.requester)
        clock.tell()


def sign(reading: queries.Reading, report: UUID, *, by: Actor) -> None:
    """Sign a draft, at a screen that the reader has just checked where its exam asks for that."""
    screen = uuid4()
    if queries.asks_for_display(reading, viewer=by):
        check = radiology.begin_display_check(screen=screen, width=2560, height=1440, by=by)
        radiology.answer_display_check(check.id, answers=[picture["place"] for picture in check.pattern], by=by)
    radiology.sign_report(report, revision=1, screen=screen, by=by)


def write(reading: UUID, exam: Exam, *, by: Actor) -> UUID:
    """Write the report of a case, as a draft."""
    return radiology.save_draft(
        reading, sections=exam.sections, language=exam.language, revision=0, critical=bool(exam.words["critical"]),
        critical_what=exam.words["critical"], by=by,
    ).id  # fmt: skip
