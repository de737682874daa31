"""The modality worklist as a foreign client sees it (DCMTK's findscu -W), within the second in which it was ordered."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from pydicom import Dataset, dcmread

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicom import client, listening
from wasl.radiology import services

pytestmark = pytest.mark.django_db(transaction=True)

ASKED = ("PatientName", "PatientID", "AccessionNumber", "StudyInstanceUID", "RequestedProcedureDescription",
         "ScheduledProcedureStepSequence[0].Modality",
         "ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate")  # fmt: skip


@pytest.fixture
def stage() -> Cast:
    stage = cast()
    make.source(stage)
    return stage


@pytest.fixture
def port(stage: Cast) -> Iterator[int]:
    with listening() as port:
        yield port


def found(port: int, folder: Path, *keys: str) -> list[Dataset]:
    """What the worklist answers to these keys, and to everything that a console asks besides."""
    folder.mkdir()
    named = {key.split("=")[0] for key in keys}
    words = [word for key in (*keys, *(a for a in ASKED if a not in named)) for word in ("-k", key)]
    said = client("findscu", port, "-W", "-X", "-od", folder, *words)
    assert said.code == 0, said
    return [dcmread(path, force=True) for path in sorted(folder.glob("*.dcm"))]


def test_an_order_is_on_the_worklist_at_once_with_its_arabic_name(stage: Cast, port: int, tmp_path: Path) -> None:
    assert found(port, tmp_path / "before") == []
    order = make.order(stage)
    (item,) = found(port, tmp_path / "after")
    assert item.PatientName == "Ben Salah^Salma=بن صالح^سلمى"
    assert item.SpecificCharacterSet == "ISO_IR 192"
    assert (item.PatientID, item.AccessionNumber) == (order.patient.number, order.accession)
    assert item.StudyInstanceUID == order.study_uid
    assert item.RequestedProcedureDescription == "Scanner cérébral"
    (step,) = item.ScheduledProcedureStepSequence
    assert (step.Modality, step.ScheduledProcedureStepStartDate) == ("CT", f"{timezone.localdate():%Y%m%d}")


def test_keys(stage: Cast, port: int, tmp_path: Path) -> None:
    make.order(stage)
    keys = {
        "PatientName=بن*": 1, "PatientName=BEN*": 1, "PatientName=Trabelsi*": 0,
        "ScheduledProcedureStepSequence[0].Modality=CT": 1, "ScheduledProcedureStepSequence[0].Modality=MR": 0,
        "ScheduledProcedureStepSequence[0].ScheduledStationAETitle=CT_OUEDZEN": 1,
        "ScheduledProcedureStepSequence[0].ScheduledStationAETitle=MR_OUEDZEN": 0,
        "ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate=20200101-20201231": 0,
    }  # fmt: skip
    answers = {
        key: len(found(port, tmp_path / str(number), key, "SpecificCharacterSet=ISO_IR 192"))
        for number, key in enumerate(keys)
    }
    assert answers == keys


def test_what_is_done_leaves_the_worklist(stage: Cast, port: int, tmp_path: Path) -> None:
    order, later = make.order(stage), make.order(stage, scheduled_for=timezone.now() + datetime.timedelta(days=1))
    services.perform_exam(order.id, by=stage.sami)
    (item,) = found(port, tmp_path / "found")
    assert item.AccessionNumber == later.accession
    services.cancel_order(later.id, because="ordered twice", by=stage.amel)
    assert found(port, tmp_path / "none") == []
