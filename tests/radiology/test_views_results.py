"""The report, its PDF, the inbox of who asked, and the public page that verifies."""

import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.radiology.test_documents import deliver as make_documents
from tests.radiology.test_results import handed_over
from wasl.archive import queries as archive
from wasl.kernel.access import SYSTEM
from wasl.patients.models import Access
from wasl.radiology import services
from wasl.radiology.models import Document, Obligation, Receipt, Report

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def critical(stage: Cast) -> Report:
    return handed_over(stage, critical=True, critical_what="Hémorragie sous-arachnoïdienne")


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages_speak(stage: Cast, language: str) -> None:
    report = critical(stage)
    browser = browser_of(stage.amel, language)
    for name, key in (("report", [report.id]), ("results", []), ("verify", [report.digest])):
        page = browser.get(reverse(f"radiology:{name}", args=key))
        assert page.status_code == 200
        assert f'<html lang="{language}"' in page.content.decode()


def test_the_doctor_who_asked_reads(stage: Cast) -> None:
    report = handed_over(stage)
    text = browser_of(stage.amel).get(reverse("radiology:report", args=[report.id])).content.decode()
    for words in ("AVC ischémique sylvien gauche.", "Leila Haddad", "TN-R-1001", "Amel Gharbi"):
        assert words in text
    assert Receipt.objects.get().read_at is not None
    access = Access.objects.get(what="radiology.report")
    assert (access.subject, access.ground, access.actor_name) == (report.id, "care", "Amel Gharbi")


def test_the_record_leads_to_it_by_its_reading(stage: Cast) -> None:
    report = handed_over(stage)
    page = browser_of(stage.amel).get(reverse("radiology:report", args=[report.reading_id]))
    assert page.context["first"] == report


def test_others_read_and_leave_no_receipt(stage: Cast) -> None:
    report = handed_over(stage)
    assert browser_of(stage.leila).get(reverse("radiology:report", args=[report.id])).status_code == 200
    assert Receipt.objects.get().read_at is None


def test_who_has_no_ground_sees_nothing(stage: Cast) -> None:
    report = handed_over(stage)
    for name in ("report", "report_pdf"):
        address = reverse(f"radiology:{name}", args=[report.id])
        assert Client().get(address).status_code == 302
        for other in (stage.zied, stage.hatem, stage.karim):
            refused = browser_of(other).get(address)
            assert refused.status_code == 403
            assert "sylvien" not in refused.content.decode()
    assert not Access.objects.exists()
    assert browser_of(stage.amel).get(reverse("radiology:report", args=[uuid.uuid4()])).status_code == 403


def test_the_pdf(stage: Cast) -> None:
    report = handed_over(stage)
    browser = browser_of(stage.amel)
    address = reverse("radiology:report_pdf", args=[report.id])
    assert browser.get(address).status_code == 404, "it is not made yet"
    make_documents()
    answer = browser.get(address)
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content == bytes(Document.objects.get().pdf)
    assert report.reading.order.accession in answer["Content-Disposition"]
    assert Access.objects.filter(what="radiology.report_pdf").count() == 1


def test_key_images_and_addenda_are_shown(stage: Cast) -> None:
    case = services.claim_reading(make.reading(stage).id, by=stage.leila)
    image = archive.instances_of(case.study_id, viewer=SYSTEM)[0]
    services.mark_key_image(case.id, instance_uid=image.uid, note="Ici", by=stage.leila)
    report = make.signed_report(stage, case=case.id, revision=1)
    draft = services.begin_addendum(report.id, by=stage.leila)
    saved = make.draft(stage, case.id, revision=draft.revision, sections={"conclusion": "Complément <b>."})
    services.sign_report(saved.id, revision=saved.revision, by=stage.leila)
    text = browser_of(stage.amel).get(reverse("radiology:report", args=[report.id])).content.decode()
    assert f"/series/{image.series.uid}/instances/{image.uid}/frames/1/rendered" in text
    assert "Complément &lt;b&gt;." in text


def test_the_inbox(stage: Cast) -> None:
    usual, urgent = handed_over(stage), critical(stage)
    browser = browser_of(stage.amel)
    page = browser.get(reverse("radiology:results"))
    assert [line["report"].id for line in page.context["lines"]] == [urgent.id, usual.id]
    assert "Hémorragie" in page.content.decode()
    shown = browser.get(reverse("radiology:results"), {"show": "critical"}).context["lines"]
    assert [line["report"].id for line in shown] == [urgent.id]
    services.read_report(usual.id, by=stage.amel)
    shown = browser.get(reverse("radiology:results"), {"show": "unread"}).context["lines"]
    assert [line["report"].id for line in shown] == [urgent.id]
    fragment = browser.get(reverse("radiology:results"), headers={"HX-Request": "true", "HX-Target": "results"})
    assert fragment.content.decode().lstrip().startswith('<div id="results">')
    assert browser_of(stage.sami).get(reverse("radiology:results")).status_code == 403
    assert Client().get(reverse("radiology:results")).status_code == 302


def test_the_inbox_asks_no_more_for_more_results(stage: Cast) -> None:
    browser = browser_of(stage.amel)

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            browser.get(reverse("radiology:results"))
        return len(seen)

    critical(stage)
    asked()
    one = asked()
    critical(stage)
    handed_over(stage)
    assert asked() == one


def test_acknowledging(stage: Cast) -> None:
    report = critical(stage)
    address = reverse("radiology:acknowledge_result", args=[report.id])
    assert browser_of(stage.zied).post(address).status_code == 403
    browser = browser_of(stage.amel)
    assert browser.get(address).status_code == 405
    assert browser.post(address)["Location"] == reverse("radiology:report", args=[report.id])
    assert Obligation.objects.get().acknowledged_by_id == stage.amel.id
    assert browser.post(address).status_code == 409
    text = browser.get(reverse("radiology:report", args=[report.id])).content.decode()
    assert address not in text


def test_a_withdrawn_report_warns(stage: Cast) -> None:
    report = handed_over(stage)
    services.withdraw_reading(report.reading_id, by=SYSTEM)
    text = browser_of(stage.amel).get(reverse("radiology:report", args=[report.id])).content.decode()
    assert "alert-danger" in text


def test_anybody_verifies_and_learns_no_name(stage: Cast) -> None:
    report = handed_over(stage)
    page = Client().get(reverse("radiology:verify", args=[report.digest]))
    text = page.content.decode()
    assert page.status_code == 200
    assert "alert-success" in text
    assert "El Amal" in text
    for secret in ("Salma", "Ben Salah", "سلمى", report.reading.order.patient.number, "Leila", "sylvien"):
        assert secret not in text
    unknown = Client().get(reverse("radiology:verify", args=["0" * 64]))
    assert unknown.status_code == 404
    assert "alert-danger" in unknown.content.decode()
