"""Orders as worklist items: complete, Arabic intact, of the modality's own place, and gone when the exam is done."""

import datetime
import uuid
from io import BytesIO
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian

from tests import make
from tests.cast import Cast, cast
from wasl.archive import queries as archive
from wasl.kernel.access import STRANGER, Actor, Held
from wasl.radiology import services
from wasl.radiology.dicom import worklist_items

# the elements that PS3.4, table K.6-1 has every item return, of type 1 and of type 2
STEP_1 = ("ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime", "Modality", "ScheduledProcedureStepID")
STEP_2 = ("ScheduledPerformingPhysicianName", "ScheduledProcedureStepLocation")
ITEM_1 = ("SpecificCharacterSet", "RequestedProcedureID", "StudyInstanceUID", "PatientName", "PatientID",
          "RequestedProcedureDescription", "RequestedProcedureCodeSequence")  # fmt: skip
ITEM_2 = ("ReferencedStudySequence", "RequestedProcedurePriority", "PatientTransportArrangements", "AccessionNumber",
          "RequestingPhysician", "ReferringPhysicianName", "AdmissionID", "CurrentPatientLocation",
          "ReferencedPatientSequence", "PatientBirthDate", "PatientSex", "PatientWeight", "PatientState",
          "ConfidentialityConstraintOnPatientDataDescription", "PregnancyStatus", "MedicalAlerts", "Allergies",
          "SpecialNeeds")  # fmt: skip


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


@pytest.fixture
def scanner(stage: Cast) -> Actor:
    """The CT of the regional hospital, as the archive knows it."""
    make.source(stage)
    found = archive.actor_of_source("CT_OUEDZEN", "127.0.0.1")
    assert found is not None
    return found


def keys(**values: Any) -> Dataset:  # noqa: ANN401
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def step(**values: Any) -> Dataset:  # noqa: ANN401
    return keys(ScheduledProcedureStepSequence=[keys(**values)])


def test_an_order_is_a_complete_item(stage: Cast, scanner: Actor) -> None:
    order = make.order(stage, urgency="P0")
    (item,) = worklist_items(Dataset(), viewer=scanner)
    (inner,) = item.ScheduledProcedureStepSequence
    assert [k for k in ITEM_1 if not item.get(k)] == []
    assert [k for k in ITEM_2 if k not in item] == []
    assert [k for k in STEP_1 if not inner.get(k)] == []
    assert [k for k in STEP_2 if k not in inner] == []
    assert item.PatientName == "Ben Salah^Salma=بن صالح^سلمى"
    assert (item.PatientID, item.IssuerOfPatientID) == (order.patient.number, "WASL")
    assert (item.PatientBirthDate, item.PatientSex) == ("19800312", "F")
    assert (item.AccessionNumber, item.StudyInstanceUID) == (order.accession, order.study_uid)
    assert item.RequestedProcedurePriority == "STAT"
    assert item.RequestingPhysician == "Gharbi^Amel"
    assert item.ReasonForTheRequestedProcedure.startswith("Hémiparésie")
    assert inner.ScheduledStationAETitle == "CT_OUEDZEN"
    assert (inner.Modality, inner.ScheduledProcedureStepStatus) == ("CT", "SCHEDULED")
    (code,) = item.RequestedProcedureCodeSequence
    assert (code.CodingSchemeDesignator, code.CodeMeaning) == ("99WASL", "Scanner cérébral")


def test_an_item_survives_the_wire(stage: Cast, scanner: Actor) -> None:
    make.order(stage)
    (item,) = worklist_items(Dataset(), viewer=scanner)
    buffer = BytesIO()
    item.save_as(buffer, implicit_vr=False, little_endian=True)
    buffer.seek(0)
    back = dcmread(buffer, force=True)
    back.file_meta = type(back.file_meta)()
    back.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    assert str(back.PatientName) == "Ben Salah^Salma=بن صالح^سلمى"
    assert back.InstitutionName == "Hôpital régional Oued Zen"


def test_only_what_was_asked_comes_back(stage: Cast, scanner: Actor) -> None:
    order = make.order(stage)
    asked = keys(PatientName="", PatientComments="", AccessionNumber=order.accession)
    asked.ScheduledProcedureStepSequence = [keys(Modality="CT", ScheduledStationName="")]
    (item,) = worklist_items(asked, viewer=scanner)
    assert {e.keyword for e in item} == {
        "SpecificCharacterSet", "PatientName", "PatientComments", "AccessionNumber", "ScheduledProcedureStepSequence",
    }  # fmt: skip
    assert {e.keyword for e in item.ScheduledProcedureStepSequence[0]} == {"Modality", "ScheduledStationName"}
    asked.ScheduledProcedureStepSequence = []
    (item,) = worklist_items(asked, viewer=scanner)
    assert item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID == order.accession


def test_keys_narrow_the_list(stage: Cast, scanner: Actor) -> None:
    head = make.order(stage)
    knee = make.order(stage, procedure=make.procedure(modality="CR", region_name="Knee").id)
    mongi = make.order(
        stage, scheduled_for=timezone.now() + datetime.timedelta(days=2),
        patient=make.patient(stage, family_name="Ferchichi", given_name="Mongi", family_name_ar="الفرشيشي",
                             given_name_ar="المنجي", sex="male").id,
    )  # fmt: skip
    today, later = f"{timezone.localdate():%Y%m%d}", f"{timezone.localdate() + datetime.timedelta(days=2):%Y%m%d}"

    def found(query: Dataset) -> set[str]:
        query.StudyInstanceUID = ""
        return {item.StudyInstanceUID for item in worklist_items(query, viewer=scanner)}

    assert found(Dataset()) == {head.study_uid, knee.study_uid, mongi.study_uid}
    assert found(step(Modality="CR")) == {knee.study_uid}
    assert found(step(ScheduledProcedureStepStartDate=today)) == {head.study_uid, knee.study_uid}
    assert found(step(ScheduledProcedureStepStartDate=f"{later}-")) == {mongi.study_uid}
    assert found(step(ScheduledStationAETitle="CT_OUEDZEN")) == {head.study_uid, mongi.study_uid}
    assert found(step(ScheduledStationAETitle="ELSEWHERE")) == set()
    assert found(keys(PatientName="الفرش*")) == {mongi.study_uid}
    assert found(keys(PatientName="ferch*")) == {mongi.study_uid}
    assert found(keys(PatientID=head.patient.number)) == {head.study_uid}
    assert found(keys(AccessionNumber=knee.accession)) == {knee.study_uid}
    assert found(keys(AccessionNumber=knee.accession[:6] + "*")) == {knee.study_uid}
    assert found(keys(RequestedProcedureID=head.accession)) == {head.study_uid}
    assert found(keys(PatientName="Nobody*")) == set()


def test_what_is_done_or_cancelled_is_not_listed(stage: Cast, scanner: Actor) -> None:
    done, cancelled, begun = (make.order(stage) for _ in range(3))
    services.perform_exam(done.id, by=stage.sami)
    services.cancel_order(cancelled.id, because="ordered twice", by=stage.amel)
    services.start_exam(begun.id, by=stage.sami)
    (item,) = worklist_items(Dataset(), viewer=scanner)
    assert item.AccessionNumber == begun.accession
    assert item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStatus == "STARTED"


def test_the_most_urgent_first(stage: Cast, scanner: Actor) -> None:
    for urgency in ("P3", "P0", "P2"):
        make.order(stage, urgency=urgency)
    items = worklist_items(Dataset(), viewer=scanner)
    assert [i.RequestedProcedurePriority for i in items] == ["STAT", "MEDIUM", "ROUTINE"]


def test_an_exam_not_made_on_its_day_is_due_today(stage: Cast, scanner: Actor) -> None:
    make.order(stage, scheduled_for=timezone.now() - datetime.timedelta(days=3))
    (item,) = worklist_items(step(ScheduledProcedureStepStartDate=f"{timezone.localdate():%Y%m%d}"), viewer=scanner)
    assert item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate == f"{timezone.localdate():%Y%m%d}"


def test_safety_answers_stand_where_the_console_shows_them(stage: Cast, scanner: Actor) -> None:
    asks = make.procedure(questions=("pregnancy", "renal", "allergy", "implants"), contrast=True)
    make.order(stage, procedure=asks.id, urgency="P0", answers={
        "pregnancy": "yes", "renal": "unknown", "allergy": "contrast", "allergy_what": "iode \\ urticaire " + "x" * 80,
        "implants": "pacemaker", "implants_what": "Medtronic 2019", "proceed_because": "polytraumatisme, accord écrit",
    })  # fmt: skip
    (item,) = worklist_items(Dataset(), viewer=scanner)
    assert item.PregnancyStatus == 3
    assert isinstance(item.Allergies, str)
    assert len(item.Allergies) <= 64
    assert len(item.MedicalAlerts) == 3
    assert item.MedicalAlerts[-1] == "polytraumatisme, accord écrit"
    assert "\\" not in "".join(item.MedicalAlerts) + item.Allergies


@pytest.mark.parametrize(
    ("answer", "status"), [({"pregnancy": "no"}, 1), ({"pregnancy": "unknown", "proceed_because": "polytrauma"}, 4)]
)
def test_pregnancy_status(stage: Cast, scanner: Actor, answer: dict[str, str], status: int) -> None:
    make.order(stage, procedure=make.procedure(questions=("pregnancy",)).id, answers=answer)
    (item,) = worklist_items(Dataset(), viewer=scanner)
    assert item.PregnancyStatus == status


@pytest.mark.parametrize(
    ("about", "name"),
    [
        ({"family_name": "", "given_name": ""}, "بن صالح^سلمى"),
        ({"family_name_ar": "", "given_name_ar": "", "given_name": ""}, "Ben Salah"),
        ({"kind": "unknown", "family_name": "", "given_name": "", "family_name_ar": "", "given_name_ar": "",
          "birth_date": None, "description": "man of about 40, blue jacket"}, "INCONNU^"),
    ],
)  # fmt: skip
def test_names_of_every_kind(stage: Cast, scanner: Actor, about: dict[str, Any], name: str) -> None:
    patient = make.patient(stage, **about)
    make.order(stage, patient=patient.id)
    (item,) = worklist_items(Dataset(), viewer=scanner)
    assert item.PatientName == (name + patient.number if name.endswith("^") else name)


def test_another_places_modality_sees_nothing(stage: Cast, scanner: Actor) -> None:
    make.order(stage)
    other = Actor(kind="modality", id=uuid.uuid4(), name="CT2", held=(Held("modality", stage.other),))
    for viewer in (other, STRANGER, stage.zied, stage.hatem, stage.amel):
        assert list(worklist_items(Dataset(), viewer=viewer)) == []


def test_the_list_takes_four_queries(stage: Cast, scanner: Actor) -> None:
    for _ in range(5):
        make.order(stage)
    with CaptureQueriesContext(connection) as seen:
        assert len(list(worklist_items(Dataset(), viewer=scanner))) == 5
    assert len(seen) == 4
