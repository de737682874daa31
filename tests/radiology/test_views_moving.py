"""The pages on which images are put right: both sides, what was done, and an undo for each step."""

import pytest
from django.urls import reverse

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.radiology.test_moving import WHY, hear, mongi
from wasl.archive import queries as archive
from wasl.archive import services as archive_services
from wasl.archive.models import Conflict
from wasl.kernel.access import SYSTEM
from wasl.radiology.models import Move


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def text(browser: object, name: str, *args: object) -> str:
    """A page."""
    return str(browser.get(reverse(name, args=args)).content.decode())  # type: ignore[attr-defined]


def test_a_study_is_moved_and_moved_back_on_its_page(stage: Cast) -> None:
    report = make.signed_report(stage)
    study, owner = report.reading.study_id, report.reading.patient_id
    hear()
    right = make.order(stage, patient=mongi(stage))
    browser = browser_of(stage.sami)
    page = text(browser, "radiology:reconcile", study)
    assert "Are they another patient" in page
    assert right.accession in page
    assert 'class="differs"' in page or 'class="agrees"' in page
    move = reverse("radiology:move_study", args=[study])
    assert browser_of(stage.amel).post(move, {"order": str(right.id), "because": WHY}).status_code == 403
    assert browser.post(move, {"order": "x", "because": WHY}).status_code == 404
    browser.post(move, {"order": str(right.id), "because": "so"})
    assert archive.study(study, viewer=SYSTEM).patient_id == owner
    browser.post(move, {"order": str(right.id), "because": WHY})
    assert archive.study(study, viewer=SYSTEM).patient_id == right.patient_id
    page = text(browser, "radiology:reconcile", study)
    assert WHY in page
    assert "Moved to another patient" in page
    amel = browser_of(stage.amel)
    assert "A report that you had was withdrawn." in text(amel, "radiology:results")
    hear()
    assert "filed under another patient" in text(amel, "radiology:report", report.followers.get().id)
    undo = reverse("radiology:undo_step", args=[study, "move", Move.objects.get().id])
    assert browser_of(stage.nour).post(undo).status_code == 403
    assert browser.post(reverse("radiology:undo_step", args=[study, "match", Move.objects.get().id])).status_code == 404
    browser.post(undo)
    assert archive.study(study, viewer=SYSTEM).patient_id == owner
    assert "undone" in text(browser, "radiology:reconcile", study)


def test_series_are_split_off_and_put_back_on_the_page(stage: Cast) -> None:
    study = make.study(stage, images=1)
    make.send(stage, make.image(2, StudyInstanceUID=study.uid, SeriesInstanceUID="1.2.3.4", SeriesNumber=2))
    browser, address = browser_of(stage.sami), reverse("radiology:move_series", args=[study.id])
    series = archive.series_of(study.id, viewer=SYSTEM).get(number=2)
    browser.post(address, {"series": [str(series.id)], "because": WHY})
    assert archive.study(study.id, viewer=SYSTEM).instance_count == 1
    page = text(browser, "radiology:reconcile", study.id)
    assert "Images went to another study" in page
    (step,) = archive.regroupings_of(study.id, viewer=SYSTEM)
    browser.post(reverse("radiology:undo_step", args=[study.id, "went", step.act]))
    assert archive.study(study.id, viewer=SYSTEM).instance_count == 2


def test_an_unknown_person_is_named_in_two_clicks(stage: Cast) -> None:
    unknown = make.patient(stage, kind="unknown", description="un homme jeune", given_name="", family_name="",
                           given_name_ar="", family_name_ar="", birth_date=None, sex="male").id  # fmt: skip
    study, known = make.study(stage, images=1), mongi(stage)
    archive_services.match_study(study.id, patient=unknown, because="the man of bed 4", by=stage.sami)
    browser = browser_of(stage.sami)
    assert reverse("radiology:unknown", args=[unknown]) in text(browser, "radiology:reconciliation")
    found = browser.post(reverse("radiology:unknown", args=[unknown]), {"q": "Mongi Ferchichi"}).content.decode()
    assert f'value="{known}"' in found
    address = reverse("radiology:identify_patient", args=[unknown])
    browser.post(address, {"patient": str(known), "because": "his identity card"})
    assert archive.study(study.id, viewer=SYSTEM).patient_id == known
    assert "The unknown person was identified" in text(browser, "radiology:reconcile", study.id)


def test_images_kept_aside_become_a_study_on_the_page_of_conflicts(stage: Cast) -> None:
    data = make.image(1)
    make.send(stage, data)
    data.PatientName, data.PatientID = "Trabelsi^Zied", "HZ-2"
    make.send(stage, data)
    browser, conflict = browser_of(stage.sami), Conflict.objects.get()
    assert "These are images of another exam" in text(browser, "archive:conflicts")
    address = reverse("archive:separate_images", args=[conflict.id])
    assert browser_of(stage.leila).post(address, {"because": WHY}).status_code == 403
    browser.post(address, {"because": WHY})
    conflict.refresh_from_db()
    assert conflict.separated is not None
    assert "Trabelsi" in text(browser, "radiology:reconciliation")
    assert "has a study of its own" in browser.get("/archive/conflicts/?state=settled").content.decode()
