"""Prepare a night on call in a running instance: `python -m tests.journeys.night`, after the cast is on stage.

A second university hospital, Jebel, reads for El Nakhil; El Amal has an agreement with El Nakhil too. Last month Jebel
read some exams; tonight forty routine exams wait there, and at Oued Zen a stroke and an accident are at the scanner.
It prints the accession numbers of those two. The password is in STAGE_PASSWORD.
"""

import datetime
import json
import os
from typing import TYPE_CHECKING
from uuid import UUID

from wasl.edges.cli.instance import instance

if TYPE_CHECKING:
    from tests.cast import Cast
    from wasl.kernel.access import Actor

ROUTINE, READ = 40, 3  # exams that wait, and exams of last month
# exam -> family and given name of its patient, in Latin and Arabic letters, and the clinical question
URGENT = {
    "CT-HEAD": ("Mansouri", "Habib", "المنصوري", "الحبيب", "Hémiplégie gauche depuis une heure : AVC ?"),
    "CT-TRAUMA": ("Ferjani", "Yassine", "الفرجاني", "ياسين", "Accident de la route, polytraumatisé."),
}
# username -> given and family name, in Arabic, role
JEBEL = {
    "dalila": ("Dalila", "Ouni", "دليلة", "العوني", "chief"),
    "mourad": ("Mourad", "Tlili", "مراد", "التليلي", "radiologist"),
}


def prepare(password: str) -> dict[str, str]:
    """Play it by the verbs; the accession numbers of the two urgent exams."""
    from django.db import transaction

    from tests import make
    from wasl.kernel.access import SYSTEM
    from wasl.radiology import queries

    with transaction.atomic():
        stage = _known()
        dalila, mourad = _jebel(stage, password)
        _last_month(stage, dalila, mourad)
    with transaction.atomic():
        exam = make.procedure()
        for _ in range(ROUTINE):
            patient = make.patient(stage, family_name="Nakhil", place=stage.other, by=stage.zied)
            asked = {"place": stage.other, "by": stage.zied, "urgency": "P3"}
            make.study_of(stage, make.order(stage, patient=patient.id, procedure=exam.id, **asked))
        exams = {one.code: one.id for one in queries.procedures(viewer=SYSTEM)}
        orders = {}
        for code, (family, given, family_ar, given_ar, question) in URGENT.items():
            patient = make.patient(
                stage, family_name=family, given_name=given, family_name_ar=family_ar, given_name_ar=given_ar,
                sex="male", birth_date=datetime.date(1968, 2, 11),
            )  # fmt: skip
            asked = {"urgency": "P0", "question": question, "answers": {"renal": "unknown", "allergy": "unknown"}}
            orders[code] = make.order(stage, patient=patient.id, procedure=exams[code], **asked).accession
    return orders


def _known() -> "Cast":
    """The cast that is on stage."""
    from tests.cast import PARTS, Cast
    from wasl.accounts import queries as accounts
    from wasl.accounts.models import Person
    from wasl.kernel.access import SYSTEM
    from wasl.places import queries as places

    def hospital(code: str) -> UUID:
        return places.place_by_code(code, viewer=SYSTEM).id

    people = {name: accounts.actor_of(Person.objects.get(username=name).id) for name in PARTS}
    return Cast(regional=hospital("oued-zen"), university=hospital("el-amal"), other=hospital("el-nakhil"), **people)


def _jebel(stage: "Cast", password: str) -> tuple["Actor", "Actor"]:
    """The second university hospital, its head of imaging and its reader, and who reads for El Nakhil by agreement."""
    from django.utils import timezone

    from tests.cast import _agree
    from wasl.accounts import queries as accounts_queries
    from wasl.accounts import services as accounts
    from wasl.kernel.access import SYSTEM
    from wasl.places import queries as places_queries
    from wasl.places import services as places
    from wasl.workforce import services as workforce

    known = places_queries.place(stage.university, viewer=SYSTEM)
    jebel = places.add_place(
        code="jebel", names=("المستشفى الجامعي الجبل", "CHU Jebel", "Jebel University Hospital"),
        region=known.region_id, kind="tn_chu", by=SYSTEM, invented=True,
    ).id  # fmt: skip
    since = timezone.now() - datetime.timedelta(days=60)
    actors = []
    for name, (given, family, given_ar, family_ar, role) in JEBEL.items():
        person = accounts.add_person(
            username=name, password=password, given_name=given, family_name=family, given_name_ar=given_ar,
            family_name_ar=family_ar, demo=True, by=SYSTEM,
        )  # fmt: skip
        accounts.give_post(person.id, role=role, place=jebel, since=since, by=SYSTEM)
        actors.append(accounts_queries.actor_of(person.id))
    dalila, mourad = actors
    assert mourad.id is not None
    worker = workforce.enrol_worker(
        mourad.id, place=jebel, specialty="radiology", licence="TN-R-1003", languages=["ar", "fr"], by=SYSTEM
    )
    workforce.cover_place(worker.id, place=stage.other, modalities=[], since=since, by=SYSTEM)
    _agree(jebel, stage.other, dalila, stage.hatem)
    _agree(stage.university, stage.other, stage.karim, stage.hatem)
    return dalila, mourad


def _last_month(stage: "Cast", dalila: "Actor", mourad: "Actor") -> None:
    """Exams of El Nakhil that Mourad read on the last day of last month, in a session that Dalila validated."""
    from django.utils import timezone

    from tests import make
    from tests.contracts import paid
    from wasl.contracts import services as contracts
    from wasl.edges.cli.demo.clock import moved
    from wasl.kernel.access import SYSTEM
    from wasl.planning import services as planning
    from wasl.radiology import queries
    from wasl.radiology import services as radiology

    assert mourad.id is not None
    paid.scale()
    midnight = timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with moved(midnight - datetime.timedelta(hours=14)) as clock:
        session = contracts.declare_session(mourad.id, begins_at=timezone.now(), mode="urgent", by=mourad)
        contracts.validate_session(session.id, by=dalila)
        exam = make.procedure()
        for number in range(READ):
            clock.set(midnight - datetime.timedelta(hours=13 - number))
            patient = make.patient(stage, family_name="Nakhil", place=stage.other, by=stage.zied)
            order = make.order(stage, patient=patient.id, procedure=exam.id, place=stage.other, by=stage.zied)
            clock.tell()
            make.study_of(stage, order)
            clock.tell()
            reading = queries.readings(viewer=mourad).get(order=order.id)
            radiology.claim_reading(reading.id, by=mourad)
            draft = make.draft(stage, reading.id, by=mourad)
            radiology.sign_report(draft.id, revision=draft.revision, by=mourad)
            clock.tell()
    planning.count_month((midnight - datetime.timedelta(days=1)).date().replace(day=1), by=SYSTEM)


if __name__ == "__main__":
    with instance():
        print(json.dumps(prepare(os.environ["STAGE_PASSWORD"])))
