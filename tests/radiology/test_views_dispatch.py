"""The next case on the worklist, passing over it, the profiles of readers, and the rule as its planners see it."""

import uuid
from dataclasses import asdict
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.radiology.test_reading import second_reader
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.radiology import queries, services
from wasl.radiology.models import DispatchRule, Effort, Reading, Skip
from wasl.radiology.rules import dispatch as rules
from wasl.radiology.rules.dispatch import Weights

pytestmark = pytest.mark.django_db
LIST, NEXT = reverse("radiology:readings"), reverse("radiology:take_next_reading")
PROFILES, RULE = reverse("radiology:profiles"), reverse("radiology:dispatch")
WHY = "As the simulation of October showed."


@pytest.fixture
def stage() -> Cast:
    return cast()


def test_the_worklist_begins_with_the_next_case(stage: Cast) -> None:
    make.reading(stage, urgency="P3")
    vital = make.reading(stage, urgency="P0")
    browser = browser_of(stage.leila, "en")
    text = browser.get(LIST).content.decode()
    assert "It is due first of the 2 cases that wait for you." in text
    assert text.index(NEXT) < text.index('class="card card-body filters')
    fragment = browser.get(LIST, headers={"HX-Request": "true", "HX-Target": "readings"}).content.decode()
    assert '<div id="next" hx-swap-oob="true">' in fragment
    assert reverse("radiology:skip_reading", args=[vital.id]) in text
    answer = browser.post(NEXT)
    assert answer.headers["Location"] == reverse("radiology:reading", args=[vital.id])
    assert Reading.objects.get(id=vital.id).claimed_by_id == stage.leila.id
    assert browser.get(NEXT).status_code == 405


def test_when_nothing_waits(stage: Cast) -> None:
    browser = browser_of(stage.leila, "en")
    assert NEXT not in browser.get(LIST).content.decode()
    answer = browser.post(NEXT, follow=True)
    assert "No case waits that you may read now." in answer.content.decode()
    # who heads readers and does not read is shown no next case
    assert NEXT not in browser_of(stage.karim).get(LIST).content.decode()


def test_what_a_colleague_signed_meanwhile_is_passed(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    other, gone = second_reader(stage), make.reading(stage, urgency="P0")
    left = make.reading(stage)
    line = queries.line(viewer=stage.leila)
    services.claim_reading(gone.id, by=other)
    written = make.draft(stage, gone.id, by=other)
    services.sign_report(written.id, revision=written.revision, by=other)
    monkeypatch.setattr(queries, "line", lambda *, viewer: line)
    text = browser_of(stage.leila).get(LIST).content.decode()
    assert reverse("radiology:skip_reading", args=[left.id]) in text
    assert reverse("radiology:skip_reading", args=[gone.id]) not in text


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages_speak(stage: Cast, language: str) -> None:
    case = make.reading(stage)
    make.reading(stage)
    services.set_effort("CT", points=12, since=timezone.localdate(), by=SYSTEM)
    services.publish_rule(services.draft_rule(weights={}, why=WHY, by=SYSTEM).id, by=SYSTEM)
    for who, addresses in (
        (stage.leila, (LIST, PROFILES, reverse("radiology:skip_reading", args=[case.id]))),
        (stage.karim, (PROFILES,)),
        (stage.hatem, (RULE,)),
    ):
        for address in addresses:
            page = browser_of(who, language).get(address)
            assert page.status_code == 200
            assert f'<html lang="{language}"' in page.content.decode()


def test_passing_over_says_why(stage: Cast) -> None:
    case = make.reading(stage)
    here = reverse("radiology:skip_reading", args=[case.id])
    browser = browser_of(stage.leila, "en")
    assert case.order.question not in browser.get(here).content.decode()
    refused = browser.post(here, {"reason": "other", "note": ""})
    assert refused.status_code == 422
    assert "Say why you skip this case" in refused.content.decode()
    answer = browser.post(here, {"reason": "question", "note": ""}, follow=True)
    assert "in 30 minutes" in answer.content.decode()
    assert NEXT not in answer.content.decode()
    assert Skip.objects.get().reason == "question"
    assert browser.get(here).status_code == 403


def test_a_reader_sees_their_profile_and_a_chief_those_of_theirs(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    other = second_reader(stage)
    for number, who in enumerate((stage.leila, stage.leila, other)):
        case = make.reading(stage, urgency=("P0", "P1", "P2")[number])
        services.take_next_reading(by=who)
        assert case
    last, waiting = make.reading(stage, urgency="P3"), make.reading(stage, urgency="P0")
    services.skip_reading(waiting.id, reason="images", by=other)
    services.claim_reading(last.id, by=stage.leila)
    services.hand_back_reading(last.id, by=stage.leila)
    assert other.id
    month = timezone.localdate().replace(day=1)
    (mine,) = queries.profiles(month, viewer=stage.leila)
    assert (mine.next, mine.picked, mine.out_of_order, mine.rank, mine.handed_back) == (2, 1, 1, 2.0, 1)
    assert (mine.taken, mine.share, mine.easy, mine.easy_of_all, mine.skips) == (3, 67, None, None, {})
    profiles = {row.reader: row for row in queries.profiles(month, viewer=stage.karim)}
    assert profiles.keys() == {stage.leila.id, other.id}
    assert profiles[other.id].skips == {"images": 1}
    monkeypatch.setattr(rules, "FAIR_NUMBER", 3)
    (fair,) = queries.profiles(month, viewer=stage.leila)
    assert (fair.easy, fair.easy_of_all) == (0, 0), "all are of the same length"
    for stranger in (stage.amel, stage.zied, stage.hatem, STRANGER):
        assert queries.profiles(month, viewer=stranger) == []
    text = browser_of(stage.karim, "en").get(PROFILES).content.decode()
    assert "Mounir Chebbi" in text
    assert "1 · images missing or not good enough" in text
    text = browser_of(stage.leila, "en").get(PROFILES, {"month": "2020-02"}).content.decode()
    assert "Mounir" not in text
    assert "February 2020" in text


def weights(**values: object) -> dict[str, Any]:
    return {**asdict(Weights()), "why": WHY, **values}


def test_a_planner_drafts_and_publishes_a_rule(stage: Cast) -> None:
    browser = browser_of(stage.hatem, "en")
    assert "What is built in decides" in browser.get(RULE).content.decode()
    browser.post(reverse("radiology:draft_rule"), weights(horizon=90))
    draft = DispatchRule.objects.get()
    assert (draft.weights["horizon"], draft.published_at) == (90, None)
    assert "Publish version 1" in browser.get(RULE).content.decode()
    browser.post(reverse("radiology:publish_rule", args=[draft.id]))
    text = browser.get(RULE).content.decode()
    assert "Version 1 decides" in text
    assert WHY in text
    for wrong in (weights(horizon=-1), weights(horizon=""), weights(why="short")):
        answer = browser.post(reverse("radiology:draft_rule"), wrong)
        assert answer.status_code == 422
    assert DispatchRule.objects.count() == 1


def test_measured_efforts_are_adopted(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MEASURED_NUMBER", 1)
    browser, adopt = browser_of(stage.hatem, "en"), reverse("radiology:adopt_efforts")
    assert "No exam was read often enough" in browser.post(adopt, follow=True).content.decode()
    report = make.signed_report(stage)
    assert "measured now, 1 readings" in browser.get(RULE).content.decode()
    browser.post(adopt)
    effort = Effort.objects.get()
    assert (effort.procedure_id, effort.measured) == (report.reading.order.procedure_id, 1)


def test_strangers_are_refused(stage: Cast) -> None:
    case = make.reading(stage)
    skip = reverse("radiology:skip_reading", args=[case.id])
    for address in (LIST, PROFILES, RULE, skip):
        assert Client().get(address).status_code == 302
    for who in (stage.amel, stage.zied):
        for address in (PROFILES, RULE, skip):
            assert browser_of(who).get(address).status_code == 403
    for who in (stage.leila, stage.karim, stage.fatma):
        assert browser_of(who).get(RULE).status_code == 403
        assert browser_of(who).post(reverse("radiology:publish_rule", args=[uuid.uuid4()])).status_code == 403
    assert browser_of(stage.leila).get(reverse("radiology:skip_reading", args=[uuid.uuid4()])).status_code == 403
