"""The pages of vetting: the queue, the decision, the order's page, what is set, and the rates; in three languages."""

import csv
import io
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.browser import browser_of
from tests.cast import Cast
from tests.radiology.test_vetting import WHY, accept, ruled
from wasl.kernel.models import Fact
from wasl.patients.models import Access
from wasl.radiology import services
from wasl.radiology.models import Order, Protocol, Verdict, Vetting, VettingRule, VettingTarget

pytestmark = pytest.mark.django_db
QUEUE, RULES, RATES = (reverse(f"radiology:{name}") for name in ("vettings", "vetting_rules", "vetting_rates"))


@pytest.fixture
def stage() -> Cast:
    return ruled()


def page(order: Order, name: str = "vet_exam") -> str:
    return reverse(f"radiology:{name}", args=[order.id])


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages_speak(stage: Cast, language: str) -> None:
    waiting, bypassed = make.order(stage), make.order(stage, urgency="P0")
    services.bypass_vetting(bypassed.id, because="Engagement cérébral.", by=stage.amel)
    for who, addresses in (
        (stage.leila, (QUEUE, page(waiting), page(bypassed), page(waiting, "order"))),
        (stage.sami, (page(waiting, "order"), reverse("radiology:exams"))),
        (stage.hatem, (RULES, RATES)), (stage.karim, (RULES, RATES)),
    ):  # fmt: skip
        browser = browser_of(who, language)
        for address in addresses:
            answer = browser.get(address)
            assert answer.status_code == 200
            assert f'<html lang="{language}"' in answer.content.decode()


def test_a_radiologist_decides(stage: Cast) -> None:
    order, other, third = (make.order(stage) for _ in range(3))
    browser = browser_of(stage.leila)
    text = browser.get(QUEUE).content.decode()
    assert page(order) in text
    assert "waiting for" in text
    seen = browser.get(page(order)).content.decode()
    assert order.question in seen
    assert Access.objects.filter(what="radiology.vetting", patient=order.patient_id).exists()
    wrong = browser.post(page(order, "accept_exam"), {"accept-instructions": "Coupes fines", "accept-contrast": ""})
    assert (wrong.status_code, Verdict.objects.count()) == (422, 0)
    assert "Coupes fines" in wrong.content.decode()
    said = {"accept-instructions": "Coupes fines", "accept-contrast": "no"}
    assert browser.post(page(order, "accept_exam"), said).headers["Location"] == QUEUE
    assert Verdict.objects.get().instructions == "Coupes fines"
    assert browser.post(page(order, "accept_exam"), said).status_code == 422
    assert browser.post(page(other, "refuse_exam"), {"refuse-reason": "lately"}).status_code == 422
    browser.post(page(other, "refuse_exam"), {f"refuse-{name}": value for name, value in WHY.items()})
    better = make.procedure()
    changed: dict[str, Any] = {
        "change-procedure": better.id, "change-because": "Autre région.", "change-instructions": "Du sinus au vertex",
        "change-contrast": "no",
    }  # fmt: skip
    assert browser.post(page(third, "change_exam"), {**changed, "change-procedure": "x"}).status_code == 422
    browser.post(page(third, "change_exam"), changed)
    assert dict(Order.objects.values_list("id", "state")) == {order.id: "sent", other.id: "refused", third.id: "sent"}
    text = browser_of(stage.amel).get(page(other, "order")).content.decode()
    for words in ("the answer is in an earlier exam", WHY["note"], WHY["alternative"]):
        assert words in text
    shown = browser_of(stage.sami).get(reverse("radiology:exams")).content.decode()
    assert "without contrast medium" in shown
    assert "Du sinus au vertex" in shown


def test_a_vital_emergency_is_let_go_on_from_the_orders_page(stage: Cast) -> None:
    order, calm = make.order(stage, urgency="P0"), make.order(stage)
    amel, leila = browser_of(stage.amel), browser_of(stage.leila)
    assert page(order, "bypass_vetting") in amel.get(page(order, "order")).content.decode()
    assert page(calm, "bypass_vetting") not in amel.get(page(calm, "order")).content.decode()
    refused = amel.post(page(order, "bypass_vetting"), {"because": ""}, follow=True)
    assert "Say why in at least five letters." in refused.content.decode()
    amel.post(page(order, "bypass_vetting"), {"because": "Engagement cérébral."})
    assert page(order) in leila.get(QUEUE).content.decode()
    assert leila.post(page(order, "vet_afterwards"), {"right": "no", "note": ""}).status_code == 422
    leila.post(page(order, "vet_afterwards"), {"right": "yes", "note": ""})
    assert Verdict.objects.latest("created_at").kind == "right"
    assert Fact.objects.filter(name="radiology.ExamVettedAfterwards", data__order=str(order.id)).count() == 1
    assert amel.post(page(order, "vet_afterwards"), {"right": "yes"}).status_code == 403


def test_what_is_vetted_is_set(stage: Cast) -> None:
    exam, today = make.procedure(), str(timezone.localdate())
    hatem, karim = browser_of(stage.hatem), browser_of(stage.karim)
    rule = {"place": stage.regional, "exam": exam.id, "needed": "no", "since": today}
    hatem.post(reverse("radiology:set_vetting_rule"), rule)
    assert VettingRule.objects.get(procedure=exam).needed is False
    assert hatem.post(reverse("radiology:set_vetting_rule"), rule).status_code == 422
    karim.post(
        reverse("radiology:set_vetting_rule"), {**rule, "exam": "CT", "place": stage.university, "needed": "yes"}
    )
    assert VettingRule.objects.get(place=stage.university).needed is True
    assert karim.post(reverse("radiology:set_vetting_rule"), {**rule, "place": stage.other}).status_code == 422
    target = {"urgency": "P1", "minutes": 45, "since": today}
    assert hatem.post(reverse("radiology:set_vetting_target"), {**target, "minutes": 0}).status_code == 422
    hatem.post(reverse("radiology:set_vetting_target"), target)
    assert VettingTarget.objects.get(urgency="P1").minutes == 45
    assert karim.post(reverse("radiology:set_vetting_target"), target).status_code == 403
    names = {"name_ar": "ب", "name_fr": "Protocole AVC", "name_en": "Stroke"}
    for status in (302, 422):
        answer = hatem.post(reverse("radiology:add_protocol"), {"exam": "CT", "code": "AVC", **names})
        assert answer.status_code == status
    assert Protocol.objects.get().name_fr == "Protocole AVC"
    text = hatem.get(RULES).content.decode()
    assert "Stroke" in text


def test_rates_of_few_exams_are_not_told(stage: Cast) -> None:
    for _ in range(4):
        accept(make.order(stage), stage)
    hatem = browser_of(stage.hatem)
    assert "4 / 4" not in hatem.get(RATES).content.decode()
    services.refuse_exam(make.order(stage).id, **WHY, by=stage.leila)
    text = hatem.get(RATES).content.decode()
    assert "4 / 5" in text
    assert "80.0 %" in text
    body = b"".join(hatem.get(reverse("radiology:vetting_rates_csv"))).decode("utf-8-sig")
    head, line = csv.reader(io.StringIO(body))
    assert len(head) == len(line) == 14
    assert line[2:8] == ["4", "5", "0", "5", "1", "5"]
    assert line[8:10] == ["", ""]  # no target
    assert "4 / 5" not in hatem.get(RATES, {"month": "2020-02"}).content.decode()


def test_the_queue_asks_no_more_of_more_exams(stage: Cast) -> None:
    browser = browser_of(stage.leila)
    browser.get(QUEUE)  # what is asked once for each session
    asked = []
    for _ in range(2):
        make.order(stage)
        make.order(stage)
        with CaptureQueriesContext(connection) as seen:
            assert browser.get(QUEUE).status_code == 200
        asked.append(len(seen))
    assert asked[0] == asked[1]
    assert Vetting.objects.count() == 4
