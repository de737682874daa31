"""Double reading on its pages, in three languages: unknowing first, then shown, then decided between A and B."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.radiology.test_double import compared, decided, make_overdue, read_twice
from tests.radiology.test_reading import second_reader
from wasl.patients.models import Access
from wasl.radiology import services
from wasl.radiology.models import DoubleReading, DoubleRule
from wasl.radiology.rules import double as rules

pytestmark = pytest.mark.django_db
LANGUAGES = ["ar", "fr", "en"]
SECTIONS = {**make.WRITTEN, "findings": "Relu avec le Dr Haddad.", "conclusion": "Pas d’AVC."}
AUTHOR = ("Haddad", "الحداد", "Leila", "ليلى")


@pytest.fixture
def stage() -> Cast:
    return cast()


def address(name: str, *key: object) -> str:
    return reverse(f"radiology:{name}", args=key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_exam_is_read_again_before_the_first_reading_is_shown(stage: Cast, language: str) -> None:
    double = read_twice(stage, sections=SECTIONS)
    browser, page = browser_of(second_reader(stage), language), address("double_reading", double.id)
    listed = browser.get(address("double_readings")).content.decode()
    assert address("claim_double_reading", double.id) in listed
    assert browser.get(page).status_code == 404  # not taken yet
    assert browser.post(address("claim_double_reading", double.id))["Location"] == page
    before = browser.get(page).content.decode()
    assert f'<html lang="{language}"' in before
    assert double.report.reading.study.uid in before
    accession = double.report.reading.order.accession
    for secret in (*AUTHOR, "AVC", str(stage.leila.id), double.report.digest, accession):
        assert secret not in listed + before, secret
    look = Access.objects.filter(what="radiology.double_reading").latest("created_at")
    assert (look.ground, look.patient_id) == ("review", double.report.reading.patient_id)
    own = {"conclusion": "Hématome.", "category": "critical"}
    for wrong in ({}, {**own, "category": "x"}, {**own, "conclusion": " "}):
        assert browser.post(address("give_second_reading", double.id), wrong).status_code == 422
    assert browser.post(address("give_second_reading", double.id), own)["Location"] == page
    shown = browser.get(page).content.decode()
    assert "AVC" in shown
    for secret in AUTHOR:
        assert secret not in shown
    assert browser.post(address("give_second_reading", double.id), own).status_code == 409
    assert browser.post(address("compare_readings", double.id), {"verdict": "agrees"}).status_code == 422
    done = browser.post(address("compare_readings", double.id), {"verdict": "major", "reason": "Hématome."})
    assert done["Location"] == page
    assert "Hématome." in browser.get(page).content.decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_arbiter_decides_between_a_and_b(stage: Cast, language: str) -> None:
    double = compared(stage, category="finding")
    browser, page = browser_of(second_reader(stage), language), address("double_reading", double.id)
    browser.post(address("claim_double_reading", double.id))
    text = browser.get(page).content.decode()
    assert "Hématome sous-dural." in text
    for secret in (*AUTHOR, "Autre chose."):
        assert secret not in text, secret
    letter = "AB"[rules.in_order(double.id).index("second")]
    assert browser.post(address("arbitrate_readings", double.id), {"stands": "C", "reason": "x"}).status_code == 422
    sent = {"stands": letter, "reason": "Net sur la coupe 12."}
    assert browser.post(address("arbitrate_readings", double.id), sent)["Location"] == page
    assert DoubleReading.objects.get().stands == "second"
    told = browser_of(stage.leila, language).get(address("double_readings")).content.decode()
    assert "Net sur la coupe 12." in told
    assert address("begin_addendum", double.report_id) in told
    assert "Mounir" not in told
    matters = browser_of(stage.karim, language).get(address("matters")).content.decode()
    assert double.report.reading.order.accession in matters
    assert "Hématome" not in matters


def test_it_is_given_back(stage: Cast) -> None:
    double, reader = read_twice(stage), second_reader(stage)
    browser = browser_of(reader)
    browser.post(address("claim_double_reading", double.id))
    other = browser_of(second_reader(stage))
    assert other.post(address("claim_double_reading", double.id)).status_code == 409
    assert other.get(address("double_reading", double.id)).status_code == 404
    assert other.post(address("give_back_double_reading", double.id)).status_code == 404
    assert browser.post(address("give_back_double_reading", double.id))["Location"] == address("double_readings")
    assert browser.get(address("double_reading", double.id)).status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_rules_are_set_and_ended_and_say_what_they_bring(stage: Cast, language: str) -> None:
    make.procedure()
    browser, page = browser_of(stage.hatem, language), address("double_rules")
    sent = {
        "name": "Nuit", "centre": "", "exam": "CT", "urgencies": ["P0", "P1"], "night_from": "22", "night_until": "6",
        "one_in": "2", "within": "24", "since": str(timezone.localdate()),
    }  # fmt: skip
    assert browser.get(page).status_code == 200
    for wrong in ({"night_until": ""}, {"one_in": "0"}, {"name": ""}, {"since": ""}, {"exam": "zz"}):
        assert browser.post(address("set_double_rule"), {**sent, **wrong}).status_code == 422, wrong
    assert browser.post(address("set_double_rule"), sent)["Location"] == page
    rule = DoubleRule.objects.get()
    assert (rule.modality, rule.urgencies, rule.night_from, rule.one_in) == ("CT", ["P0", "P1"], 22, 2)
    assert browser.post(address("set_double_rule"), sent).status_code == 422  # it holds already
    text = browser.get(page).content.decode()
    assert "Nuit" in text
    head = browser_of(stage.karim, language)
    assert head.post(address("set_double_rule"), {**sent, "centre": str(stage.university)})["Location"] == page
    assert head.post(address("end_double_rule", rule.id)).status_code == 403
    assert browser.post(address("end_double_rule", rule.id))["Location"] == page
    assert address("end_double_rule", rule.id) not in browser.get(page).content.decode()
    for other in (stage.leila, stage.amel):
        assert browser_of(other).get(page).status_code == 403


def test_lists_ask_no_more_when_there_is_more(stage: Cast) -> None:
    decided(stage)
    read_twice(stage)
    browsers = [(browser_of(actor), page) for actor, page in (
        (second_reader(stage), "double_readings"), (stage.leila, "double_readings"), (stage.karim, "matters"),
        (stage.hatem, "double_rules"),
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
    decided(stage)
    read_twice(stage)
    assert asked() == before


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_overdue_stands_on_both_lists_and_names_nobody(stage: Cast, language: str) -> None:
    double, reader = read_twice(stage), second_reader(stage)
    matters = browser_of(stage.karim, language)
    assert 'id="overdue"' not in matters.get(address("matters")).content.decode()
    make_overdue()
    text = matters.get(address("matters")).content.decode()
    assert 'id="overdue"' in text
    for secret in (*AUTHOR, "Salma", "سلمى", double.report.reading.order.accession):
        assert secret not in text
    services.claim_double_reading(double.id, by=reader)
    assert "bg-red-lt" in browser_of(reader, language).get(address("double_readings")).content.decode()
