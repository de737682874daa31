"""Readers' marks: kept in the study with who saved them; who may send no images still saves marks where they read."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, generate_uid

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.edges.dicomweb import service
from tests.edges.test_dicomweb_stow import send
from wasl.archive import queries
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Mark, Study
from wasl.archive.rules import marks as rules
from wasl.kernel.access import STRANGER, Actor
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.models import Fact
from wasl.radiology import services as radiology
from wasl.radiology.models import Reading

pytestmark = pytest.mark.django_db
MEASURED = "1.2.840.10008.5.1.4.1.1.88.34"


@pytest.fixture
def stage(store: Path) -> Iterator[Cast]:
    yield cast()


@pytest.fixture
def case(stage: Cast) -> Reading:
    """A case that Sirine, a resident, reads."""
    return radiology.claim_reading(make.reading(stage).id, by=stage.sirine)


def marks(study: Study, sop_class: str = MEASURED) -> Dataset:
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID, data.SOPInstanceUID = sop_class, str(generate_uid())
    data.StudyInstanceUID, data.SeriesInstanceUID, data.Modality = study.uid, str(generate_uid()), "SR"
    data.SeriesDescription = "Mesures"
    return data


def saved(data: Dataset, by: Actor, place: object) -> list[archive.Outcome]:
    return archive.save_marks([incoming(make.part10(data), place=place)], by=by)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sop_class", "reaches", "refusal"),
    [
        (MEASURED, True, None), ("1.2.840.10008.5.1.4.1.1.88.59", True, None),
        ("1.2.840.10008.5.1.4.1.1.11.1", True, None), (MEASURED, False, rules.OnlyMarks),
        (CTImageStorage, True, rules.OnlyMarks), ("", True, rules.OnlyMarks),
    ],
)  # fmt: skip
def test_what_a_resident_may_add(sop_class: str, reaches: bool, refusal: type[Refused] | None) -> None:
    if refusal is None:
        rules.check_marks(sop_class, reaches=reaches)
    else:
        with pytest.raises(refusal):
            rules.check_marks(sop_class, reaches=reaches)


def test_marks_are_kept_with_who_saved_them(stage: Cast, case: Reading) -> None:
    study, data = case.study, marks(case.study)
    study.refresh_from_db()
    (outcome,) = saved(data, stage.sirine, stage.university)
    assert outcome.what == "stored"
    (mark,) = queries.marks_of(study.id, viewer=stage.sirine)
    assert (mark.person_id, mark.kind, mark.instance.uid) == (stage.sirine.id, "measurements", data.SOPInstanceUID)
    told = Fact.objects.get(name="archive.MarksSaved")
    assert (told.actor, told.subject, told.data["study"]) == (str(stage.sirine), mark.id, str(study.id))
    now = Study.objects.get(id=study.id)
    assert (now.place_id, now.complete_at) == (stage.regional, study.complete_at)  # whole as before, and still its own
    assert saved(data, stage.sirine, stage.university)[0].what == "duplicate"
    assert Mark.objects.count() == 1
    for stranger in (stage.zied, stage.hatem, stage.fatma, STRANGER):
        assert not queries.marks_of(study.id, viewer=stranger)
    page = browser_of(stage.sirine, "fr").get(reverse("archive:study", args=[study.id])).content.decode()
    assert "Marques des lecteurs" in page and "Mesures" in page


def test_what_is_refused(stage: Cast, case: Reading) -> None:
    with pytest.raises(rules.OnlyMarks):
        saved(make.image(9, StudyInstanceUID=case.study.uid), stage.sirine, stage.university)
    with pytest.raises(rules.OnlyMarks):
        saved(marks(make.study(stage)), stage.sirine, stage.university)  # nobody's, at another hospital
    with pytest.raises(NotAllowed):
        saved(marks(case.study), stage.amel, stage.regional)
    with pytest.raises(NotAllowed):
        archive.receive([incoming(make.part10(marks(case.study)), place=stage.university)], by=stage.sirine)
    assert not Mark.objects.exists()


def test_a_radiologist_s_are_marks_too_and_a_machine_s_are_not(stage: Cast, case: Reading) -> None:
    radiology.hand_back_reading(case.id, by=stage.sirine)
    radiology.claim_reading(case.id, by=stage.leila)
    make.send(stage, marks(case.study), by=stage.leila, place=stage.university)
    make.send(stage, marks(case.study))  # a radiographer's upload
    assert [mark.person_id for mark in queries.marks_of(case.study_id, viewer=stage.leila)] == [stage.leila.id]


@pytest.mark.django_db(transaction=True)
def test_a_resident_s_viewer_saves_marks_and_nothing_else(stage: Cast, case: Reading) -> None:
    with service(stage.sirine) as door:
        assert send(door, make.part10(marks(case.study))).status_code == 200
        refused = send(door, make.part10(make.image(9, StudyInstanceUID=case.study.uid)))
    assert refused.status_code == 409
    assert Mark.objects.get().person_id == stage.sirine.id
