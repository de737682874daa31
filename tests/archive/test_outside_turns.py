"""Which earlier exams matter, and in which turn they are brought."""

import datetime

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Job

from tests import make
from tests.cast import Cast, cast
from wasl.archive import rules, services
from wasl.archive.models import Bringing
from wasl.edges.dicom.calling import Unreachable
from wasl.edges.dicom.errands import FAILED, Behind
from wasl.kernel.access import SYSTEM
from wasl.patients import services as patients

CHEST = {"region": "Thorax Scanner thoracique sans injection CT of the chest without contrast", "modality": "CT"}
SPINE = {"region": "Lumbar spine IRM du rachis lombaire MRI of the lumbar spine", "modality": "MR"}


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


@pytest.mark.parametrize(
    ("wanted", "said", "same"),
    [
        (CHEST, "Radiographie du thorax au lit", True),
        (CHEST, "CT CHEST W/O CONTRAST", True),
        (CHEST, "Scanner abdomino-pelvien sans injection", False),
        (CHEST, "CT of the head without contrast", False),
        (SPINE, "Scanner du rachis lombaire", True),
        (SPINE, "IRM du rachis cervical", False),
        (SPINE, "MRI of the knee", False),
        (SPINE, "", False),
    ],
)
def test_the_part_of_the_body_is_what_is_left_of_a_name(wanted: dict[str, str], said: str, same: bool) -> None:
    found = {"body_part": "", "description": said, "modalities": ["US"], "date": "20250101"}
    assert rules.relevance(found, wanted) == (same, False, "20250101")


def test_what_is_needed_sooner_passes_what_is_on_its_way(stage: Cast) -> None:
    patient = make.patient(stage)
    source = make.source(stage, ae_title="PACS", name="PACS", port=4242, asks=True)
    exam = {"uid": "1.2.3", "date": "20250101", "description": "CT chest", "body_part": "", "modalities": ["CT"],
            "name": "Ben Salah^Salma", "born": "19800312", "number": ""}  # fmt: skip
    now = timezone.now()
    for needed in (now + datetime.timedelta(days=3), now, now + datetime.timedelta(days=1)):
        (inquiry,) = services.fetch_priors(patient.id, place=stage.regional, needed=needed, by=SYSTEM, **CHEST)
        services.hear_of_studies(inquiry.id, found=[exam], by=SYSTEM)
    (row,) = Bringing.objects.all()
    assert row.needed_at == now
    later, soon = ProcrastinateJob.objects.filter(task_name="dicom.bring_study", args__key=str(row.id)).order_by("id")
    assert (later.lock, soon.lock) == (f"dicom.{source.id}.later", f"dicom.{source.id}.soon")
    assert soon.priority > later.priority
    assert {later.queue_name, soon.queue_name} == {services.SLOW}


def test_every_place_that_knows_a_patient_is_asked_by_its_own_number(stage: Cast) -> None:
    patient = make.patient(stage)
    patients.add_identity(patient.id, kind="local", value="OTH-7", place=stage.other, by=SYSTEM)
    for title, place in (("HERE", stage.regional), ("THERE", stage.other), ("NOWHERE", stage.university)):
        make.source(stage, ae_title=title, name=title, place=place, port=4242, asks=True)
    asked = services.fetch_priors(patient.id, place=stage.regional, needed=timezone.now(), by=SYSTEM, **CHEST)
    assert {(one.source.ae_title, one.keys.get("PatientID", "")) for one in asked} == {("HERE", ""), ("THERE", "OTH-7")}
    there = next(one for one in asked if one.source.ae_title == "THERE")
    assert there.wanted is not None
    assert there.wanted["number"] == "OTH-7"


def test_what_failed_goes_behind_what_was_not_tried() -> None:
    job = Job(id=1, queue="lines", lock=None, queueing_lock=None, task_name="dicom.bring_study", priority=-100)
    again = Behind().get_retry_decision(exception=Unreachable(), job=job)
    assert again is not None
    assert again.retry_at is not None
    assert again.priority == -100 - FAILED
