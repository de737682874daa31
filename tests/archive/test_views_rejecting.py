"""The pages on which images are taken back and put back: one tap each."""

from html import unescape

import pytest

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.archive.models import Rejection, Series, Study

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def pages(study: Study) -> tuple[str, str]:
    return f"/archive/studies/{study.id}/", f"/archive/studies/{study.id}/reject/"


@pytest.mark.parametrize(
    ("language", "word", "back"), [("fr", "Mauvaise qualité", "Rétablir"), ("ar", "جودة رديئة", "إعادة")]
)
def test_a_series_is_taken_back_in_one_tap_and_put_back_in_another(
    stage: Cast, language: str, word: str, back: str
) -> None:
    study = make.study(stage, images=2)
    browser, (page, reject) = browser_of(stage.sami, language), pages(study)
    assert page in browser.get("/archive/").content.decode()
    assert word in unescape(browser.get(page).content.decode())
    answer = browser.post(reject, {"series": Series.objects.get().id, "reason": "113001"})
    assert (answer.status_code, answer["location"]) == (302, "/archive/rejections/")
    rejection = Rejection.objects.get()
    assert (rejection.hidden, rejection.reason) == (2, "113001")
    assert page not in browser.get("/archive/").content.decode()
    listed = unescape(browser.get("/archive/rejections/").content.decode())
    assert back in listed
    assert "Ben Salah Salma" in listed
    assert browser.post(f"/archive/rejections/{rejection.id}/restore/").status_code == 302
    assert browser.get(page).status_code == 200
    assert "Ben Salah Salma" not in browser.get("/archive/rejections/").content.decode()
    assert "Ben Salah Salma" in browser.get("/archive/rejections/?state=restored").content.decode()


def test_what_makes_no_sense_changes_nothing_and_says_so(stage: Cast) -> None:
    study = make.study(stage, images=1)
    browser, (_, reject) = browser_of(stage.sami, "en"), pages(study)
    series = Series.objects.get().id
    for said in ({}, {"series": "x", "reason": "113001"}, {"series": series}, {"series": series, "reason": "113039"}):
        answer = browser.post(reject, said, follow=True)
        assert "Say why these images are taken back" in unescape(answer.content.decode())
    assert not Rejection.objects.exists()
    done = {"series": series, "reason": "113037"}
    browser.post(reject, done)
    assert browser.post(reject, done).status_code == 404, "what is hidden is not there to be taken back"


def test_the_pages_are_not_for_everyone(stage: Cast) -> None:
    study = make.study(stage, images=1)
    page, reject = pages(study)
    said = {"series": Series.objects.get().id, "reason": "113001"}
    for person in (stage.amel, stage.nour, stage.hatem, stage.fatma, stage.zied):
        browser = browser_of(person)
        codes = [browser.get(page), browser.get("/archive/rejections/"), browser.post(reject, said)]
        assert [answer.status_code for answer in codes] == [403] * 3
    assert browser_of(stage.leila).get(page).status_code == 404  # she reads elsewhere, and the study is nobody's
    assert not Rejection.objects.exists()
