"""What asks for too much, or under a false name, is refused before it costs anything."""

import pytest

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.edges.foreign import door, session
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.kernel.http import csv_table
from wasl.patients import rules, services
from wasl.patients.models import Access, CareRelationship
from wasl.places import services as places

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def test_a_number_cannot_be_guessed(stage: Cast) -> None:
    patient = make.patient(stage)
    browser, where = browser_of(stage.zied), f"/patients/{patient.id}/present/"
    for tried in range(rules.MOST_TRIES):
        assert browser.post(where, {"number": f"{tried:08d}"}).status_code == 422
    assert browser.post(where, {"number": patient.number}).status_code == 429
    assert not CareRelationship.objects.filter(place=stage.other).exists()
    tries = Access.objects.filter(patient=patient, what=services.WRONG_NUMBER, actor=str(stage.zied), ground="none")
    assert tries.count() == rules.MOST_TRIES
    assert browser_of(stage.amel).post(where, {"number": patient.number}).status_code == 302  # others may still
    Access.objects.all().delete()
    assert browser.post(where, {"number": patient.number}).status_code == 302


def test_a_table_holds_no_formulas(stage: Cast) -> None:
    names = ("=cmd|' /C calc'!A0",) * 3
    region = places.add_region(
        country="TN", code="X", kind="governorate", name_ar="س", name_fr="X", name_en="X", latitude=36, longitude=9,
        source="tests", by=SYSTEM,
    )  # fmt: skip
    place = places.add_place(code="formula", names=names, region=region.id, kind="tn_hr", by=SYSTEM)
    assert stage.amel.id
    accounts.give_post(stage.amel.id, role="requester", place=place.id, by=SYSTEM)
    amel = accounts_queries.actor_of(stage.amel.id)
    make.order(stage, patient=make.patient(stage, place=place.id, by=amel).id, place=place.id, by=amel)
    table = b"".join(browser_of(stage.hatem).get("/radiology/service/table.csv")).decode()
    assert f"\r\n'{names[0]}," in table
    rows = b"".join(csv_table([("-1", "@x", 3, "a=b", "")], name="table"))
    assert rows.decode("utf-8-sig") == "'-1,'@x,3,a=b,\r\n"


def test_a_question_is_not_endless(stage: Cast) -> None:
    browser = browser_of(stage.hatem)
    usual = browser.get("/radiology/service/").content.count(b"<rect")
    for query in (
        "since=0001-01-01&until=9999-12-31",
        "since=1900-01-01&until=2026-01-01",
        "since=2026-02-01&until=2026-01-01",
    ):
        page = browser.get(f"/radiology/service/?{query}")
        assert (page.status_code, page.content.count(b"<rect")) == (200, usual)
    for page_asked in ("²", "9" * 30, "-1", "x", "٣"):
        assert browser.get("/radiology/service/cases/", {"page": page_asked}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_no_answer_is_made_under_a_false_name(stage: Cast) -> None:
    with door() as opened:
        for path in ("/dicom-web/studies", "/fhir/Organization", "/"):
            answer = opened.get(path, session(stage.amel), headers={"host": "evil.example"})
            assert answer.status_code == 400
            assert "evil.example" not in answer.text
        answer = opened.get("/dicom-web/studies", session(stage.amel))
        assert (answer.status_code, answer.headers["x-content-type-options"]) == (200, "nosniff")


@pytest.mark.django_db(transaction=True)
def test_no_picture_stays_in_a_browser(stage: Cast) -> None:
    make.patient(stage)
    study = make.study(stage)
    with door() as opened:
        for what in ("thumbnail", "metadata"):
            answer = opened.get(f"/dicom-web/studies/{study.uid}/{what}", session(stage.sami))
            assert (answer.status_code, answer.headers.get_list("cache-control")) == (200, ["no-store"])
