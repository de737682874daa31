"""The pages of critical results: what is owed, one result, its notice, the code on paper, the month's figures."""

import datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.radiology.test_critical import add, let_time_pass, owed, raised
from tests.radiology.test_results import colleague
from wasl.patients.models import Access
from wasl.radiology import services
from wasl.radiology.models import Obligation, WrongCode
from wasl.radiology.rules import results as rules

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def minute(at: datetime.datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages_speak(stage: Cast, language: str) -> None:
    report = raised(stage)
    for person, name, keys in (
        (stage.leila, "owed", []),
        (stage.leila, "critical_result", [report.id]),
        (stage.leila, "critical_notice", [report.id]),
        (stage.amel, "acknowledge_by_code", []),
        (stage.hatem, "closures", []),
    ):
        page = browser_of(person, language).get(reverse(f"radiology:{name}", args=keys))
        assert page.status_code == 200, name
        assert f'<html lang="{language}"' in page.content.decode()


def test_what_the_reader_and_the_head_see(stage: Cast) -> None:
    report = raised(stage)
    for viewer in (stage.leila, stage.karim):
        page = browser_of(viewer).get(reverse("radiology:owed"))
        assert [line["report"].id for line in page.context["lines"]] == [report.id]
        one = browser_of(viewer).get(reverse("radiology:critical_result", args=[report.id]))
        text = one.content.decode()
        assert rules.printed(owed(report).code or "") in text
        assert "Amel Gharbi" in text
        assert one.context["told"] is not None
        assert not one.context["may_answer"]
        assert not one.context["others"]
    seen = Access.objects.filter(what="radiology.critical_result")
    assert set(seen.values_list("subject", "ground")) == {(report.id, "care")}
    fragment = browser_of(stage.leila).get(
        reverse("radiology:owed"), headers={"HX-Request": "true", "HX-Target": "owed"}
    )
    assert fragment.content.decode().lstrip().startswith('<div id="owed">')


def test_what_the_hospital_sees(stage: Cast) -> None:
    report = raised(stage)
    wafa = colleague(stage)
    address = reverse("radiology:critical_result", args=[report.id])
    holder = browser_of(stage.amel).get(address).context
    assert holder["may_answer"]
    assert holder["code"]
    assert [key for key, _name in holder["others"]] == [str(wafa.id)]
    assert holder["told"] is None
    other = browser_of(wafa).get(address).context
    assert other["may_answer"]
    assert (other["code"], other["others"], other["told"]) == ("", [], None)


def test_who_has_no_part_in_it(stage: Cast) -> None:
    report = raised(stage)
    for name in ("critical_result", "critical_notice", "record_communication", "hand_over_result"):
        address = reverse(f"radiology:{name}", args=[report.id])
        assert Client().get(address).status_code == 302
        for other in (stage.zied, stage.hatem, stage.sami):
            ask = browser_of(other)
            answer = ask.post(address, {"to": stage.amel.id}) if name[:4] in ("reco", "hand") else ask.get(address)
            assert answer.status_code in (403, 404)
            assert "Hémorragie" not in answer.content.decode()
    for other in (stage.amel, stage.hatem):
        assert browser_of(other).get(reverse("radiology:owed")).status_code == 403
    assert browser_of(stage.hatem).get(reverse("radiology:acknowledge_by_code")).status_code == 403
    assert browser_of(stage.amel).get(reverse("radiology:closures")).status_code == 403
    assert not Access.objects.filter(what__startswith="radiology.critical").exists()


def test_phoning(stage: Cast) -> None:
    report = raised(stage)
    browser = browser_of(stage.leila)
    address = reverse("radiology:record_communication", args=[report.id])
    said = {"receiver": str(stage.amel.id), "how": "phone", "at": minute(timezone.now()), "said": "Hémorragie"}
    assert browser.post(address, {**said, "receiver": str(stage.zied.id)}).status_code == 422
    assert browser.post(address, {**said, "read_back": ""}).status_code == 422, "it was not read back"
    late = minute(timezone.now() + datetime.timedelta(days=1))
    assert browser.post(address, {**said, "at": late, "read_back": "on"}).status_code == 422
    assert owed(report).acknowledged_at is None
    answer = browser.post(address, {**said, "read_back": "on"})
    assert answer["Location"] == reverse("radiology:critical_result", args=[report.id])
    text = browser.get(answer["Location"]).content.decode()
    for word in ("Leila Haddad", "Amel Gharbi", "Hémorragie"):
        assert word in text
    assert rules.printed(owed(report).code or "") not in text, "it opens nothing any more"
    assert browser.post(address, {**said, "read_back": "on"}).status_code == 409
    assert browser.get(reverse("radiology:critical_notice", args=[report.id])).status_code == 403


def test_handing_over(stage: Cast) -> None:
    report = raised(stage)
    wafa = colleague(stage)
    address = reverse("radiology:hand_over_result", args=[report.id])
    assert browser_of(wafa).post(address, {"to": wafa.id}).status_code == 403
    browser = browser_of(stage.amel)
    assert browser.post(address, {"to": "nobody"}).status_code == 422
    assert browser.post(address, {"to": stage.zied.id}).status_code == 422
    assert browser.post(address, {"to": wafa.id})["Location"] == reverse("radiology:results")
    assert owed(report).holder_id == wafa.id


def test_the_notice(stage: Cast) -> None:
    report = raised(stage)
    text = browser_of(stage.amel).get(reverse("radiology:critical_notice", args=[report.id])).content.decode()
    for word in (rules.printed(owed(report).code or ""), "Hémorragie", report.reading.order.patient.printed_number):
        assert word in text
    assert Access.objects.filter(what="radiology.critical_notice", subject=report.id).count() == 1
    assert browser_of(colleague(stage)).get(reverse("radiology:critical_notice", args=[report.id])).status_code == 403


def test_the_code(stage: Cast) -> None:
    report = raised(stage)
    browser, address = browser_of(stage.amel), reverse("radiology:acknowledge_by_code")
    code = rules.printed(owed(report).code or "")
    assert report.signed_at is not None
    at = minute(report.signed_at)
    assert browser.post(address, {"code": "", "at": at}).status_code == 422
    assert browser.post(address, {"code": "AAAAA-AAAAA", "at": at}).status_code == 422
    assert WrongCode.objects.get().times == 1
    answer = browser.post(address, {"code": code.lower(), "at": at})
    assert answer["Location"] == reverse("radiology:critical_result", args=[report.id])
    assert (owed(report).how, owed(report).acknowledged_by_id) == ("code", stage.amel.id)
    assert browser.post(address, {"code": code, "at": at}).status_code == 409
    zied = browser_of(stage.zied)
    for _ in range(rules.WRONG_CODES):
        assert zied.post(address, {"code": code, "at": at}).status_code == 422
    assert zied.post(address, {"code": code, "at": at}).status_code == 429


def test_the_inbox_says_who_has_it(stage: Cast) -> None:
    report = raised(stage)
    acknowledge = reverse("radiology:acknowledge_result", args=[report.id])
    add(stage, "habib", "chief", stage.regional)
    text = browser_of(stage.amel).get(reverse("radiology:results")).content.decode()
    assert acknowledge in text
    for _ in range(3):
        let_time_pass(report)
    held = browser_of(stage.karim).get(reverse("radiology:results"))
    assert [line["report"].id for line in held.context["lines"]] == [report.id]
    assert acknowledge not in held.content.decode(), "who phones does not answer for the hospital"


def test_the_lists_ask_no_more_for_more(stage: Cast) -> None:
    browser = browser_of(stage.leila)

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            browser.get(reverse("radiology:owed"))
        return len(seen)

    raised(stage)
    asked()
    one = asked()
    raised(stage)
    assert asked() == one


def test_the_figures_of_a_month(stage: Cast) -> None:
    first, second = raised(stage), raised(stage)
    services.acknowledge_result(first.id, by=stage.amel)
    Obligation.objects.filter(report=second).update(due_at=timezone.now() - datetime.timedelta(minutes=1))
    month = {"month": f"{timezone.localdate():%Y-%m}"}
    page = browser_of(stage.hatem).get(reverse("radiology:closures"), month)
    ((_place, _category, row),) = page.context["lines"]
    assert (row.in_time, row.due, row.rate) == (1, 2, 50)
    sheet = browser_of(stage.hatem).get(reverse("radiology:closures_csv"), month)
    lines = b"".join(sheet.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 2
    assert lines[1].endswith(",1,2,1,2,0,1,50.0")
    empty = browser_of(stage.hatem).get(reverse("radiology:closures"), {"month": "2001-02"})
    assert empty.context["lines"] == []
    assert browser_of(stage.hatem).get(reverse("radiology:closures"), {"month": "9999-99"}).status_code == 200


def test_the_editor_keeps_the_category(stage: Cast) -> None:
    case = services.claim_reading(make.reading(stage).id, by=stage.leila)
    browser, address = browser_of(stage.leila), reverse("radiology:save_draft", args=[case.id])
    sent = {"sections": {}, "language": "fr", "revision": 0, "critical": True, "critical_what": "Nodule"}
    assert browser.post(address, {**sent, "critical_category": 4}, "application/json").status_code == 422
    assert browser.post(address, {**sent, "critical_category": 3}, "application/json").status_code == 200
    assert browser.get(address).json()["critical_category"] == 3
    page = browser.get(reverse("radiology:reading", args=[case.id])).content.decode()
    assert '<option value="3" selected>' in page
