"""Procedure steps and the worklist over real sockets: what a scanner is told, and what it tells."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, build_context

from tests import make
from tests.cast import Cast
from tests.edges.dicom import client, write
from wasl.archive.models import PerformedStep, Study
from wasl.edges.dicom.classes import PERFORMED_STEP

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scanner(port: int) -> Iterator[Any]:
    """A scanner that tells what it does."""
    association = AE("CT_OUEDZEN").associate("127.0.0.1", port, [build_context(PERFORMED_STEP)], ae_title="WASL")
    yield association
    association.release()


def begun(study: str) -> Dataset:
    """What a scanner says when it begins."""
    said, scheduled = Dataset(), Dataset()
    said.SpecificCharacterSet = "ISO_IR 192"
    scheduled.StudyInstanceUID, scheduled.AccessionNumber = study, "A-1"
    said.ScheduledStepAttributesSequence = [scheduled]
    said.PatientName = "Ben Salah^Salma=بن صالح^سلمى"
    said.PerformedProcedureStepID, said.PerformedStationAETitle, said.Modality = "1", "CT_OUEDZEN", "CT"
    said.PerformedProcedureStepStartDate, said.PerformedProcedureStepStartTime = "20261110", "081500.25"
    said.PerformedProcedureStepStatus = "IN PROGRESS"
    said.PerformedSeriesSequence = []
    return said


def ended(state: str, *images: Dataset) -> Dataset:
    """What a scanner says when it has finished, or broken off."""
    said, series = Dataset(), Dataset()
    said.PerformedProcedureStepStatus = state
    said.PerformedProcedureStepEndDate, said.PerformedProcedureStepEndTime = "20261110", "0825"
    series.SeriesInstanceUID, series.ReferencedImageSequence = generate_uid(), []
    for image in images:
        reference = Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
        series.ReferencedImageSequence.append(reference)
    said.PerformedSeriesSequence = [series]
    return said


def test_a_scanner_that_says_it_has_finished_completes_the_study(
    port: int, scanner: Any, stage: Cast, tmp_path: Path  # noqa: ANN401  pynetdicom ships no types
) -> None:  # fmt: skip
    study, uid = generate_uid(), generate_uid()
    images = [make.image(number, StudyInstanceUID=study) for number in (1, 2)]
    assert scanner.send_n_create(begun(study), PERFORMED_STEP, uid)[0].Status == 0x0000
    step = PerformedStep.objects.get()
    assert (step.uid, step.study_uid, step.accession, step.place_id) == (uid, study, "A-1", stage.regional)
    assert step.started_at is not None
    assert step.started_at.isoformat() == "2026-11-10T07:15:00+00:00"  # 8:15 in Tunis
    assert step.attributes["00100010"]["Value"][0]["Alphabetic"] == "Ben Salah^Salma"
    assert client("storescu", port, *write(tmp_path, *images)).code == 0
    assert Study.objects.get().complete_at is None
    assert scanner.send_n_set(ended("COMPLETED", *images), PERFORMED_STEP, uid)[0].Status == 0x0000
    assert Study.objects.get().complete_by == "mpps"
    assert scanner.send_n_set(ended("DISCONTINUED"), PERFORMED_STEP, uid)[0].Status == 0x0110  # no longer


def test_what_makes_no_sense_is_refused(scanner: Any) -> None:  # noqa: ANN401  pynetdicom ships no types
    uid = generate_uid()
    assert scanner.send_n_set(ended("COMPLETED"), PERFORMED_STEP, uid)[0].Status == 0x0112  # never begun
    done = begun(generate_uid())
    done.PerformedProcedureStepStatus = "COMPLETED"
    assert scanner.send_n_create(done, PERFORMED_STEP, uid)[0].Status == 0x0106
    nothing = begun(generate_uid())
    nothing.ScheduledStepAttributesSequence = []
    assert scanner.send_n_create(nothing, PERFORMED_STEP, uid)[0].Status == 0x0120
    assert scanner.send_n_create(begun(generate_uid()), PERFORMED_STEP, uid)[0].Status == 0x0000
    assert scanner.send_n_create(begun(generate_uid()), PERFORMED_STEP, uid)[0].Status == 0x0111
    assert scanner.send_n_set(ended("ASLEEP"), PERFORMED_STEP, uid)[0].Status == 0x0106
    assert PerformedStep.objects.get().state == "in progress"


def test_an_order_is_on_the_worklist_of_its_hospital(port: int, stage: Cast, tmp_path: Path) -> None:
    order = make.order(stage)
    make.source(stage, ae_title="CT_NAKHIL", place=stage.other)
    keys = [word for key in ("PatientName", "AccessionNumber", "ScheduledProcedureStepSequence[0].Modality=CT")
            for word in ("-k", key)]  # fmt: skip
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    for folder, title in ((here, "CT_OUEDZEN"), (elsewhere, "CT_NAKHIL")):
        folder.mkdir()
        said = client("findscu", port, "-W", "-X", "-od", folder, *keys, me=title)
        assert said.code == 0, said
    (path,) = here.iterdir()
    answer = path.read_bytes()
    assert "سلمى".encode() in answer
    assert order.accession.encode() in answer
    assert not list(elsewhere.iterdir())
