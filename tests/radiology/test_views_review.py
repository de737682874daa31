"""Peer review on its pages, in three languages: neither side learns of the other, and nobody is ranked."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.radiology.test_review import FOUND, all_drawn, reader_of, ruled, scored, under_review
from wasl.kernel.access import SYSTEM
from wasl.patients.models import Access
from wasl.radiology import services
from wasl.radiology.models import Assessment, LearningCase, ReviewRule

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_drawn")]
LANGUAGES = ["ar", "fr", "en"]
__all__ = ["all_drawn"]  # the fixture


@pytest.fixture
def stage() -> Cast:
    return cast()


def address(name: str, *key: object) -> str:
    return reverse(f"radiology:{name}", args=key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_is_assessed_without_its_author(stage: Cast, language: str) -> None:
    ruled(stage)
    sections = {**make.WRITTEN, "findings": "Relu avec le Dr Haddad.", "conclusion": "Pas d’AVC."}
    asked = under_review(stage, sections=sections)
    browser, report = browser_of(reader_of(asked), language), asked.review.report
    page = address("assess", asked.id)
    assert page in browser.get(address("reviews")).content.decode()
    before = browser.get(page).content.decode()
    assert "Pas d’AVC" not in before  # not taken yet
    assert browser.post(page, {"score": "1"}).status_code == 409
    assert browser.post(address("take_review", asked.id))["Location"] == page
    text = browser.get(page).content.decode()
    assert f'<html lang="{language}"' in text
    assert "Pas d’AVC" in text
    assert report.reading.study.uid in text
    for secret in (
        "Haddad",
        "الحداد",
        "Leila",
        report.digest,
        str(stage.leila.id),
        report.reading.order.accession,
    ):
        assert secret not in text, secret
    look = Access.objects.get(what="radiology.review")
    assert (look.ground, look.patient_id) == ("review", report.reading.patient_id)
    for sent in (
        {"score": "2b"},
        {"score": "2b", "text": "x"},
        {"score": "9"},
        {},
        {"score": "2a", "reasons": "zz", "text": "x"},
    ):
        assert browser.post(page, sent).status_code == 422
    done = browser.post(page, {"score": "2b", "reasons": ["missed", "place"], "text": "Sous-dural."})
    assert done["Location"] == page
    after = browser.get(page).content.decode()
    assert "2b" in after
    assert "Pas d’AVC" not in after
    asked.refresh_from_db()
    assert (asked.score, asked.matters, asked.reasons) == (2, True, ["missed", "place"])
    assert browser.post(page, {"score": "1"}).status_code == 409


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_author_reads_what_was_found_and_not_by_whom(stage: Cast, language: str) -> None:
    found = scored(stage)
    by = reader_of(found)
    browser, page = browser_of(stage.leila, language), address("feedback", found.review_id)
    assert page in browser.get(address("reviews")).content.decode()
    text = browser.get(page).content.decode()
    assert FOUND["text"] in text
    assert address("begin_addendum", found.review.report_id) in text  # it may matter for the patient
    # nor does the log of who looked say it; the line itself is there
    Access.objects.create(
        patient_id=found.review.report.reading.patient_id, actor=str(by), actor_name=by.name, address="192.0.2.77",
        what="archive.images", ground="review", place=by.at,
    )  # fmt: skip
    looked = browser.get(reverse("patients:accesses", args=[found.review.report.reading.patient_id])).content.decode()
    for secret in ("Mounir", "Chebbi", str(by.id), "192.0.2.77"):
        assert secret not in text + looked, secret
    assert browser.post(page, {"answer": "disagrees"}).status_code == 422
    assert browser.post(page, {"answer": "disagrees", "text": "Artefact."})["Location"] == page
    assert "Artefact." in browser.get(page).content.decode()
    assert browser.post(page, {"answer": "accepts"}).status_code == 409
    for other in (stage.karim, by, stage.amel):
        assert browser_of(other).get(page).status_code in (403, 404)


def test_a_chief_is_told_of_the_patient_and_of_no_score(stage: Cast) -> None:
    found = scored(stage)
    text = browser_of(stage.karim).get(address("matters")).content.decode()
    assert found.review.report.reading.order.accession in text
    assert not re.search(r"\b2b\b", text)  # the letters alone may stand in a token
    for secret in ("Haddad", FOUND["text"], "Mounir"):
        assert secret not in text
    assert browser_of(stage.leila).get(address("matters")).status_code == 403


@pytest.mark.parametrize("language", LANGUAGES)
def test_figures_name_no_reader_and_the_planner_sets_the_rule(stage: Cast, language: str) -> None:
    browser, page = browser_of(stage.hatem, language), address("review_figures")
    rule = {"one_in": "25", "bands": "8 20", "days": "7", "fewest": "30", "since": "2020-01-01"}
    for wrong in ({"one_in": "50"}, {"bands": "x"}, {"bands": "30"}, {"days": "8"}, {"since": ""}):
        assert browser.post(address("set_review_rule"), {**rule, **wrong}).status_code == 422
    assert not ReviewRule.objects.exists()
    assert browser.post(address("set_review_rule"), rule)["Location"] == page
    assert browser.post(address("set_review_rule"), rule).status_code == 422  # it holds already
    scored(stage)
    for actor in (stage.hatem, stage.karim):
        text = browser_of(actor, language).get(page).content.decode()
        assert "CT" in text
        for secret in ("Haddad", "الحداد", "Chebbi", "Leila"):
            assert secret not in text
    own = browser_of(stage.leila, language).get(page).content.decode()
    assert "SHA-256" in own  # anybody who reads may check the draw
    assert browser_of(stage.leila).post(address("set_review_rule"), rule).status_code == 403
    assert browser_of(stage.amel).get(page).status_code == 403


def test_a_report_is_given_back_and_an_exam_goes_into_the_file(stage: Cast) -> None:
    asked = under_review(stage)
    browser = browser_of(reader_of(asked))
    assert browser.post(address("decline_review", asked.id)).status_code == 422
    assert browser.post(address("decline_review", asked.id), {"because": "away"})["Location"] == address("reviews")
    assert browser.get(address("assess", asked.id)).status_code == 404
    assert Assessment.objects.filter(declined="away").exists()
    found = scored(stage)
    browser, page = browser_of(reader_of(found)), address("add_to_learning_file", found.id)
    assert browser.get(page).status_code == 200
    assert browser.post(page, {"title": "x", "points": "short"}).status_code == 422
    points = {"title": "Un piège", "points": "Regarder la convexité avec une fenêtre adaptée."}
    assert browser.post(page, points)["Location"] == address("learning")
    assert browser.post(page, points).status_code == 422
    lesson = LearningCase.objects.get()
    text = browser_of(stage.sirine, "ar").get(address("learning")).content.decode()
    assert lesson.title in text
    for secret in ("Haddad", "Mounir", found.review.report.reading.order.accession, FOUND["text"]):
        assert secret not in text
    assert browser_of(stage.amel).get(address("learning")).status_code == 403


def test_lists_ask_no_more_when_there_is_more(stage: Cast) -> None:
    first = scored(stage)
    by = reader_of(first)
    browsers = [(browser_of(actor), page) for actor, page in (
        (by, "reviews"), (stage.leila, "reviews"), (stage.karim, "matters"), (stage.hatem, "review_figures"),
    )]  # fmt: skip

    def asked() -> list[int]:
        numbers = []
        for browser, page in browsers:
            with CaptureQueriesContext(connection) as found:
                assert browser.get(address(page)).status_code == 200
            numbers.append(len(found))
        return numbers

    asked()
    before = asked()
    for _ in range(2):
        one = services.draw_review(make.signed_report(stage).id, by=SYSTEM)
        assert one
        task = Assessment.objects.get(review__report=one.report_id)
        services.take_review(task.id, by=reader_of(task))
        services.score_review(task.id, by=reader_of(task), **FOUND)
    services.draw_review(make.signed_report(stage).id, by=SYSTEM)
    assert asked() == before
