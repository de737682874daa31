"""ImagingStudy: golden, valid R4, and in the record exactly while it is somebody's."""

import json
from typing import Any
from uuid import UUID

import pytest
from fhir.resources.R4B.imagingstudy import ImagingStudy

from tests import make
from tests.cast import Cast, cast
from wasl.archive import services as archive
from wasl.kernel.access import SYSTEM
from wasl.record.models import Entry
from wasl.record.services import verify

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def recorded(key: UUID) -> dict[str, Any] | None:
    """What the record says of a study now."""
    entry = Entry.objects.filter(type="ImagingStudy", id=key, deleted=False).first()
    if entry is None:
        return None
    body: dict[str, Any] = json.loads(entry.body)
    ImagingStudy.model_validate(body)
    return body


def test_a_study_is_in_the_record_while_it_is_somebodys(stage: Cast) -> None:
    study = make.study(stage, images=2, AccessionNumber="A-5")
    assert recorded(study.id) is None
    patient = make.patient(stage)
    archive.match_study(study.id, patient=patient.id, because="test", by=stage.sami)
    told = recorded(study.id)
    assert told is not None
    assert (told["status"], told["subject"]["reference"]) == ("registered", f"Patient/{patient.id}")
    assert "numberOfInstances" not in told
    archive.complete_study(study.id, how="quiet", by=SYSTEM)
    told = recorded(study.id)
    assert told is not None
    del told["meta"]
    series = study.series.get()
    assert told == {
        "resourceType": "ImagingStudy",
        "id": str(study.id),
        "identifier": [
            {"system": "urn:dicom:uid", "value": f"urn:oid:{study.uid}"},
            {
                "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]},
                "value": "A-5",
            },
        ],
        "status": "available",
        "modality": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"}],
        "subject": {"reference": f"Patient/{patient.id}"},
        "started": "2026-11-10T07:05:00+00:00",
        "location": {"reference": f"Location/{stage.regional}"},
        "description": "CT du crâne",
        "numberOfSeries": 1,
        "numberOfInstances": 2,
        "series": [
            {
                "uid": series.uid,
                "number": 1,
                "modality": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"},
                "description": "Axial",
                "numberOfInstances": 2,
            }
        ],
    }
    archive.unmatch_study(study.id, by=stage.sami)
    assert recorded(study.id) is None


def test_the_record_agrees_with_the_tables_whatever_comes(stage: Cast) -> None:
    study = make.study(stage, images=2)
    archive.match_study(study.id, patient=make.patient(stage).id, because="test", by=stage.sami)
    make.send(stage, make.image(3, StudyInstanceUID=study.uid))
    archive.complete_study(study.id, how="quiet", by=SYSTEM)
    note = make.image(4, StudyInstanceUID=study.uid, SeriesInstanceUID=f"{study.uid[:56]}.2", Modality="SR")
    del note.PixelData
    make.send(stage, note)
    told = recorded(study.id)
    assert told is not None
    assert (told["numberOfInstances"], told["numberOfSeries"]) == (4, 2)
    make.send(stage, make.image(5, StudyInstanceUID=study.uid))  # which opens it again
    told = recorded(study.id)
    assert told is not None
    assert told["status"] == "registered"
    assert not list(verify())
