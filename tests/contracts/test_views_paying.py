"""The pages of sessions, pay and scales: who sees what, what they decide there, in three languages, and no patient."""

import datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.browser import browser_of
from tests.cast import Cast
from tests.contracts.paid import CODE, scale, session
from tests.contracts.test_paying import ready, settle, signed
from wasl.contracts.models import Fee, Hold, Price, Scale, Session
from wasl.workforce import queries as workforce

pytestmark = pytest.mark.django_db
PAGES = ("contracts:sessions", "contracts:pay", "contracts:scales")


@pytest.fixture
def stage() -> Cast:
    return ready()


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages_name_no_patient(stage: Cast, language: str) -> None:
    for name in PAGES:
        assert "empty-title" in browser_of(stage.leila, language).get(reverse(name)).content.decode()
    scale()
    signed(stage)
    session(stage)
    signed(stage)
    for viewer in (stage.leila, stage.karim, stage.hatem):
        for name in PAGES:
            page = browser_of(viewer, language).get(reverse(name))
            text = page.content.decode()
            assert page.status_code == 200
            assert f'<html lang="{language}"' in text
            assert "empty-title" not in text
            assert "Salma" not in text
            assert "سلمى" not in text


def test_who_may_not(stage: Cast) -> None:
    made = scale()
    addresses = [*map(reverse, PAGES), reverse("contracts:scale", args=[made.id]), reverse("contracts:pay_csv")]
    for address in addresses:
        assert Client().get(address).status_code == 302
        for other in (stage.amel, stage.sami, stage.zied, stage.fatma):
            assert browser_of(other).get(address).status_code in (403, 404)
    for other in (stage.leila, stage.karim):
        assert browser_of(other).get(reverse("contracts:draft_scale")).status_code == 403


def test_a_session_from_the_form_to_its_end(stage: Cast) -> None:
    leila, karim = browser_of(stage.leila), browser_of(stage.karim)
    address = reverse("contracts:sessions")
    begins = timezone.localtime() - datetime.timedelta(hours=1)
    said = {"reader": f"{stage.leila.id}", "begins_at": f"{begins:%Y-%m-%dT%H:%M}", "mode": "urgent"}
    assert leila.post(address, said).status_code == 302
    again = leila.post(address, said)
    assert again.status_code == 409
    assert "another session" in again.content.decode()
    assert leila.post(address, {**said, "begins_at": "soon"}).status_code == 422
    made = Session.objects.get()
    assert reverse("contracts:validate_session", args=[made.id]) not in leila.get(address).content.decode()
    assert reverse("contracts:validate_session", args=[made.id]) in karim.get(address).content.decode()
    assert leila.post(reverse("contracts:validate_session", args=[made.id])).status_code == 403
    assert karim.post(reverse("contracts:validate_session", args=[made.id])).status_code == 302
    assert karim.post(reverse("contracts:validate_session", args=[made.id])).status_code == 409
    assert "1 / 10" in leila.get(address).content.decode()
    wordless = karim.post(reverse("contracts:cancel_session", args=[made.id]), {"because": ""})
    assert wordless.status_code == 422
    assert karim.post(reverse("contracts:cancel_session", args=[made.id]), {"because": "Erreur"}).status_code == 302
    assert karim.post(address, said).status_code == 302  # the chief declares for a reader
    second = Session.objects.get(state="declared")
    assert karim.post(reverse("contracts:refuse_session", args=[second.id]), {"because": "Non"}).status_code == 302
    assert leila.post(address, said).status_code == 302
    third = Session.objects.get(state="declared")
    assert leila.post(reverse("contracts:withdraw_session", args=[third.id])).status_code == 302
    assert Session.objects.filter(state="withdrawn").count() == 1


def test_a_held_act_is_decided_on_the_page(stage: Cast) -> None:
    scale()
    for _ in range(2):
        signed(stage)
    first, second = Hold.objects.order_by("created_at")
    karim, address = browser_of(stage.karim), reverse("contracts:pay")
    assert reverse("contracts:release_act", args=[first.id]) in karim.get(address).content.decode()
    assert (
        reverse("contracts:release_act", args=[first.id]) not in browser_of(stage.hatem).get(address).content.decode()
    )
    release = reverse("contracts:release_act", args=[first.id])
    assert karim.post(release, {"mode": "urgent", "because": ""}).status_code == 422
    assert karim.post(release, {"mode": "never", "because": "Relève"}).status_code == 422
    assert karim.post(release, {"mode": "urgent", "because": "Relève"}).status_code == 302
    assert karim.post(release, {"mode": "urgent", "because": "Relève"}).status_code == 409
    assert karim.post(reverse("contracts:refuse_act", args=[second.id]), {"because": "Non"}).status_code == 302
    assert browser_of(stage.leila).post(release, {"mode": "urgent", "because": "Si"}).status_code == 403
    settle()
    assert Fee.objects.count() == 1


def test_the_csv_of_a_month(stage: Cast) -> None:
    scale()
    session(stage)
    signed(stage)
    answer = browser_of(stage.leila, "fr").get(reverse("contracts:pay_csv"))
    head, line, *rest = b"".join(answer).decode("utf-8-sig").splitlines()
    assert not rest
    assert len(head.split(",")) == len(line.split(",")) == 15
    assert line.endswith(f"{CODE},1,15.000,TND,compte rendu")
    other = browser_of(stage.leila).get(reverse("contracts:pay_csv"), {"month": "2020-01"})
    assert len(b"".join(other).decode().splitlines()) == 1


def test_a_scale_from_the_form_to_its_publication(stage: Cast) -> None:
    hatem, address = browser_of(stage.hatem), reverse("contracts:draft_scale")
    said = {
        "code": CODE, "source": "Décret", "since": "2025-01-01",
        "prices": ";CT;;urgent;;15,5\n\n;CT;;;;12.500\nIRM-1;MR;P0;urgent;outside;30\n;CT;;;;second;9,5\n",
    }  # fmt: skip
    made = hatem.post(address, said)
    assert made.status_code == 302
    found = Scale.objects.get()
    assert sorted(Price.objects.values_list("amount", flat=True)) == [9_500, 12_500, 15_500, 30_000]
    assert list(Price.objects.filter(part="second").values_list("amount", flat=True)) == [9_500]
    for wrong in ("CT;12", ";CT;;;;douze", ";CT;;;;1,2345", ";CT;;;;-1", ";CT;;soon;;1", ";CT;;;;1\n;CT;;;;2", "",
                  ";CT;;;;third;1", ";CT;;;;second;1;1"):  # fmt: skip
        answer = hatem.post(address, {**said, "prices": wrong})
        assert answer.status_code == 422, wrong
        assert "errors" in answer.content.decode()
    assert hatem.post(address, {**said, "code": "é"}).status_code == 422
    assert hatem.post(address, {**said, "source": ""}).status_code == 422
    assert browser_of(stage.leila).get(made["Location"]).status_code == 404  # a draft
    assert hatem.post(reverse("contracts:publish_scale", args=[found.id])).status_code == 302
    assert hatem.post(reverse("contracts:publish_scale", args=[found.id])).status_code == 409
    assert browser_of(stage.leila, "fr").get(made["Location"]).status_code == 200
    form = hatem.get(address, {"after": f"{found.id}"}).content.decode()
    assert "IRM-1;MR;P0;urgent;outside;30.000" in form
    second = hatem.post(address, {**said, "since": "2025-02-01"})
    assert hatem.post(reverse("contracts:discard_scale", args=[Scale.objects.get(version=2).id])).status_code == 302
    assert hatem.get(second["Location"]).status_code == 404


def test_the_rule_of_sessions_is_set_by_the_planner(stage: Cast) -> None:
    hatem, address = browser_of(stage.hatem, "fr"), reverse("contracts:set_session_rule")
    assert browser_of(stage.karim).get(address).status_code == 403
    assert "décret 2024-715" in hatem.get(address).content.decode()
    tomorrow = timezone.localdate() + datetime.timedelta(days=1)
    said = {"since": f"{tomorrow}", "hours": "12", "most": "", "opens": "", "closes": "", "source": "Texte"}
    assert hatem.post(address, {**said, "opens": "08:00"}).status_code == 422
    assert hatem.post(address, {**said, "hours": "0"}).status_code == 422
    assert hatem.post(address, {**said, "since": "2025-01-01"}).status_code == 422
    assert hatem.post(address, said).status_code == 302
    rule = workforce.session_rule(tomorrow, viewer=stage.hatem)
    assert rule
    assert (rule.hours, rule.most, rule.opens) == (12, None, None)


def test_money_as_people_write_it(stage: Cast) -> None:
    scale()
    session(stage)
    signed(stage)
    pages = {
        language: browser_of(stage.leila, language).get(reverse("contracts:pay")).content.decode()
        for language in ("fr", "ar", "en")
    }
    assert "15,000\xa0DT" in pages["fr"]
    assert "15,000\xa0د.ت." in pages["ar"]
    assert "TND15.000" in pages["en"]
