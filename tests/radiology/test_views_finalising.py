"""Preliminary reports on their pages: marked, compared by words, classed, signed; over-reading; in three languages."""

import datetime
import json
import uuid

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.radiology.test_reading import second_reader
from wasl.kernel.access import SYSTEM
from wasl.patients.models import Access
from wasl.radiology import services
from wasl.radiology.models import OverRead, Reading, Report

pytestmark = pytest.mark.django_db
LANGUAGES = ["ar", "fr", "en"]


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def issued(stage: Cast) -> Report:
    """What Sirine issued and Amel has in her inbox."""
    report = make.preliminary(stage)
    services.hand_over_report(report.id, by=SYSTEM)
    return report


def address(name: str, key: uuid.UUID | str) -> str:
    return reverse(f"radiology:{name}", args=[key])


def test_a_resident_is_offered_to_issue_and_never_to_sign(stage: Cast) -> None:
    case = services.claim_reading(make.reading(stage).id, by=stage.sirine)
    draft = make.draft(stage, case.id, by=stage.sirine)
    browser = browser_of(stage.sirine)
    text = browser.get(address("reading", case.id)).content.decode()
    assert 'id="issue"' in text
    assert 'id="sign"' not in text
    answer = browser.post(
        address("issue_preliminary", draft.id), json.dumps({"revision": 1}), content_type="application/json"
    )
    assert answer.json() == {"address": address("report", draft.id)}
    again = browser.post(
        address("issue_preliminary", draft.id), json.dumps({"revision": 1}), content_type="application/json"
    )
    assert (again.status_code, again.json()["refusal"]) == (409, "AlreadyPreliminary")
    page = browser.get(reverse("radiology:readings")).content.decode()
    assert address("claim_reading", case.id) not in page  # a senior takes it


def test_the_editor_keeps_the_language_of_the_report(stage: Cast) -> None:
    case = services.claim_reading(make.reading(stage).id, by=stage.sirine)
    make.draft(stage, case.id, by=stage.sirine, language="ar")
    text = browser_of(stage.sirine, "fr").get(address("reading", case.id)).content.decode()
    assert '<option value="ar" lang="ar" selected>' in text


def test_a_radiologist_is_offered_both(stage: Cast) -> None:
    case = services.claim_reading(make.reading(stage).id, by=stage.leila)
    text = browser_of(stage.leila).get(address("reading", case.id)).content.decode()
    assert 'id="issue"' in text
    assert 'id="sign"' in text
    assert 'id="finalise"' not in text


@pytest.mark.parametrize(("language", "mark"), [("ar", "تقرير أولي"), ("fr", "PROVISOIRE"), ("en", "PRELIMINARY")])
def test_it_is_marked_everywhere(stage: Cast, issued: Report, language: str, mark: str) -> None:
    for actor, pages in (
        (stage.amel, (address("report", issued.id), reverse("radiology:results"), address("verify", issued.digest))),
        (stage.leila, (reverse("radiology:readings"),)),
    ):
        browser = browser_of(actor, language)
        for page in pages:
            text = browser.get(page).content.decode()
            assert f'<html lang="{language}"' in text
            assert mark in text or (page.startswith("/radiology/verify") and "alert-warning" in text)
    assert "is-preliminary" in browser_of(stage.amel).get(address("report", issued.id)).content.decode()


def test_the_orders_list_says_so(stage: Cast, issued: Report) -> None:
    browser = browser_of(stage.amel)
    page = browser.get(reverse("radiology:orders"), {"stage": "preliminary"}).content.decode()
    assert "preliminary report" in page
    assert address("report", issued.id) in page
    story = browser.get(reverse("radiology:order", args=[issued.reading.order_id])).content.decode()
    assert "Preliminary report issued" in story


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_changed_is_seen_before_it_is_signed(stage: Cast, issued: Report, language: str) -> None:
    services.claim_reading(issued.reading_id, by=stage.leila)
    make.draft(
        stage, issued.reading_id, revision=1, critical=True, critical_what="AVC",
        sections={**make.WRITTEN, "conclusion": "AVC ischémique sylvien droit."},
    )  # fmt: skip
    browser = browser_of(stage.leila, language)
    assert 'id="finalise"' in browser.get(address("reading", issued.reading_id)).content.decode()
    text = browser.get(address("finalise", issued.reading_id)).content.decode()
    assert ": </span>gauche</del>" in text
    assert ": </span>droit</ins>" in text
    assert 'value="none"' not in text
    assert Access.objects.filter(what="radiology.compare").exists()
    for sent, status in (
        ({"revision": 2}, 422), ({"revision": 2, "change": "none"}, 422), ({"revision": 1, "change": "minor"}, 409),
        ({"revision": "x", "change": "minor"}, 409),
    ):  # fmt: skip
        assert browser.post(address("finalise", issued.reading_id), sent).status_code == status
    signed = browser.post(address("finalise", issued.reading_id), {"revision": 2, "change": "major"})
    final = Report.objects.get(finalises=issued)
    assert signed["Location"] == address("report", final.id)
    assert (final.change, final.author_id) == ("major", stage.leila.id)


def test_what_says_the_same_is_signed_as_unchanged(stage: Cast, issued: Report) -> None:
    services.claim_reading(issued.reading_id, by=stage.leila)
    browser = browser_of(stage.leila)
    text = browser.get(address("finalise", issued.reading_id)).content.decode()
    assert '<input type="hidden" name="change" value="none">' in text
    assert 'type="radio"' not in text
    browser.post(address("finalise", issued.reading_id), {"revision": 1, "change": "none"})
    final = Report.objects.get(finalises=issued)
    page = browser_of(stage.amel).get(address("report", issued.id)).content.decode()
    assert "It says the same" in page
    assert str(stage.sirine.id) not in page
    assert "Sirine Chaabane" in page
    assert "Leila Haddad" in page
    assert final.change == "none"


def test_only_the_holder_compares_and_only_the_two_see_the_class(stage: Cast, issued: Report) -> None:
    for actor in (stage.leila, stage.sirine):
        assert browser_of(actor).get(address("finalise", issued.reading_id)).status_code in (403, 404, 409)
    final = make.finalised(stage, issued, change="minor", sections={"conclusion": "Autre."})
    for actor in (stage.sirine, stage.leila):
        text = browser_of(actor).get(address("changes", issued.id)).content.decode()
        assert "Minor discrepancy" in text
    services.hand_over_report(final.id, by=SYSTEM)
    amel = browser_of(stage.amel)
    for page in (address("report", final.id), reverse("radiology:results")):
        text = amel.get(page).content.decode()
        assert "changed" in text
        assert "discrepancy" not in text.lower()
    for actor in (stage.amel, stage.zied, stage.karim):
        assert browser_of(actor).get(address("changes", issued.id)).status_code == 404
    assert Client().get(address("changes", issued.id)).status_code == 302


@pytest.mark.parametrize("language", LANGUAGES)
def test_over_reading(stage: Cast, language: str) -> None:
    report = make.signed_report(stage)
    hour = timezone.localtime(report.signed_at).hour
    services.set_supervision(
        final_minutes=60, since=timezone.localdate() - datetime.timedelta(days=1), night=(hour, (hour + 1) % 24),
        by=stage.hatem,
    )  # fmt: skip
    mounir = second_reader(stage)
    browser = browser_of(mounir, language)
    assert address("begin_over_reading", report.id) in browser.get(reverse("radiology:readings")).content.decode()
    assert browser.get(address("over_read_report", report.id)).status_code == 403  # not taken yet
    taken = browser.post(address("begin_over_reading", report.id))
    assert browser.get(taken["Location"]).status_code == 200
    wrong = browser.post(address("over_read_report", report.id), {"verdict": "major"})
    assert wrong.status_code == 422
    done = browser.post(address("over_read_report", report.id), {"verdict": "major", "reason": "Fracture de C2"})
    assert done["Location"] == address("reading", report.reading_id)
    assert 'id="editor"' in browser.get(done["Location"]).content.decode()
    assert OverRead.objects.get().reader_id == mounir.id
    page = browser_of(stage.leila).get(address("report", report.id)).content.decode()
    assert "Fracture de C2" in page
    assert "Fracture de C2" not in browser_of(stage.amel).get(address("report", report.id)).content.decode()


def test_an_agreement_goes_back_to_the_report(stage: Cast) -> None:
    report = make.signed_report(stage)
    browser = browser_of(second_reader(stage))
    browser.post(address("begin_over_reading", report.id))
    done = browser.post(address("over_read_report", report.id), {"verdict": "agrees"})
    assert done["Location"] == address("report", report.id)
    assert browser.get(address("over_read_report", report.id)).status_code == 404
    assert Reading.objects.get(id=report.reading_id).state == "signed"
