"""Whoever reviews a report sees its images through DICOMweb, and nothing there that names who read them."""

import datetime

import pytest
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import Service, forget, service
from tests.radiology.test_reading import second_reader
from wasl.kernel.access import Actor
from wasl.patients import services as patients
from wasl.patients.models import Access
from wasl.radiology.models import Reading

pytestmark = pytest.mark.django_db(transaction=True)
JSON = "application/dicom+json"


@pytest.fixture
def stage(store: object) -> Cast:
    return cast()


def review(case: Reading, by: Actor) -> None:
    patients.open_for_review(
        case.patient_id, study=case.study_id, because="radiology.ReviewTaken",
        until=timezone.now() + datetime.timedelta(hours=1), by=by,
    )  # fmt: skip
    forget()


def series_of(browser: Service, uid: str) -> list[str]:
    found = browser.get(f"/studies/{uid}/series", JSON)
    return sorted(row["00080060"]["Value"][0] for row in found.json()) if found.status_code == 200 else []


@pytest.mark.parametrize("cares", [False, True])
def test_a_reviewer_sees_the_images_of_one_exam_and_no_document(stage: Cast, cares: bool) -> None:
    case = make.reading(stage)
    uid = case.study.uid
    written = make.image(
        90, StudyInstanceUID=uid, Modality="SR", SeriesInstanceUID=f"{uid}.9", SOPInstanceUID=f"{uid}.9.1"
    )
    make.send(stage, written)
    other = make.reading(stage, patient=case.patient_id)
    by = second_reader(stage)
    if cares:  # the record may be open to the reviewer for another reason
        patients.open_for_care(case.patient_id, person=by.id, source=other.id, because="tests", by=by)
    with service(by) as browser:
        assert series_of(browser, uid) == (["CT", "SR"] if cares else [])
        assert browser.get(f"/studies/{uid}/series/{uid}.9/metadata", JSON).status_code == (200 if cares else 404)
        review(case, by)
        assert series_of(browser, uid) == ["CT"]
        image = case.study.series.get(modality="CT").instances.first()
        assert image is not None
        at = f"/studies/{uid}/series/{image.series.uid}"
        told = browser.get(f"{at}/metadata", JSON)
        assert told.status_code == 200
        assert len(told.json()) == case.study.series.get(modality="CT").instance_count
        assert (
            browser.get(
                f"{at}/instances/{image.uid}/frames/1",
                'multipart/related; type="application/octet-stream"; transfer-syntax=*',
            ).status_code
            == 200
        )
        for hidden in (
            f"/studies/{uid}/series/{uid}.9/metadata", f"/studies/{uid}/series/{uid}.9",
            f"/studies/{uid}/series/{uid}.9/instances/{uid}.9.1", f"/studies/{uid}/instances/{uid}.9.1",
        ):  # fmt: skip
            assert browser.get(hidden).status_code in (404, 406), hidden
        whole = browser.get(f"/studies/{uid}/metadata", JSON)
        assert {row["00080060"]["Value"][0] for row in whole.json()} == {"CT"}
        assert {
            row["0020000D"]["Value"][0] for row in browser.get(f"/studies?StudyInstanceUID={uid}", JSON).json()
        } == {uid}
        # nothing else of the patient is open by that
        assert bool(series_of(browser, other.study.uid)) is cares
        # who looked a moment ago on another ground is not written down again
        looks = Access.objects.filter(subject=case.study_id, actor=str(by))
        assert looks.filter(ground="review").exists() is not cares
        assert by.id
        patients.close_for_review(study=case.study_id, person=by.id, by=by)
        forget()
        assert series_of(browser, uid) == (["CT", "SR"] if cares else [])
