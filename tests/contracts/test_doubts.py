"""Doubts: what dated rules doubt, what they hold, who clears it; and how much injected fraud they find."""

import datetime
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast
from tests.contracts import doubting
from tests.contracts.doubting import Rule
from tests.contracts.paid import scale, session
from tests.contracts.test_paying import ready, settle, signed
from wasl.contracts import queries, services
from wasl.contracts.models import Act, Doubt, DoubtRule, Fee, Hold, Suspicion
from wasl.contracts.rules import doubts as rules
from wasl.contracts.rules.doubts import Seen
from wasl.contracts.rules.sessions import ReasonMissing
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.patients import services as patients
from wasl.radiology import queries as radiology

HONEST = Seen(modality="CT", seconds=600, opened=True, alike=0, hour=5)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"alike": 1}, [("twice", 1)]),
        ({"seconds": 59}, [("fast", 59)]),
        ({"seconds": 60}, []),
        ({"seconds": None}, []),
        ({"modality": "CR", "seconds": 10}, []),
        ({"modality": "CR", "seconds": 9}, [("fast", 9)]),
        ({"hour": 26}, [("many", 26)]),
        ({"hour": 25}, []),
        ({"opened": False}, [("unseen", 0)]),
        ({"opened": False, "seconds": 3, "alike": 2}, [("fast", 3), ("twice", 2), ("unseen", 0)]),
    ],
)
def test_what_is_doubted(changes: dict[str, Any], found: list[tuple[str, int]]) -> None:
    seen = Seen(**{**vars(HONEST), **changes})
    assert sorted((str(rule.kind), counted) for rule, counted in rules.doubted(seen, doubting.RULES)) == found
    assert list(rules.doubted(seen, [])) == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fraud_injected_in_a_month_is_found(seed: int) -> None:
    found = doubting.measured(seed)
    said = "\n".join(doubting.told(seed))
    frauds = [found[kind] for kind in Suspicion.values]
    assert sum(one.doubted for one in frauds) >= 0.85 * sum(one.acts for one in frauds), said
    assert found[""].share <= 0.02, said
    assert doubting.measured(seed, rules_without("unseen"))["unseen"].doubted == 0


def rules_without(kind: str) -> list[Rule]:
    return [rule for rule in doubting.RULES if rule.kind != kind]


@pytest.fixture
def stage(db: None) -> Cast:
    return ready()


def rule(kind: str, *, limit: int = 0, holds: bool = True, modality: str = "") -> DoubtRule:
    return services.set_doubt_rule(
        kind=kind, modality=modality, limit=limit, holds=holds, source="essai", since=timezone.localdate(), by=SYSTEM
    )


def test_without_rules_nothing_is_doubted(stage: Cast) -> None:
    signed(stage)
    assert not Doubt.objects.exists()


def test_what_a_rule_holds_is_paid_once_cleared(stage: Cast) -> None:
    rule("unseen")
    rule("fast", limit=3600, holds=False)
    scale()
    session(stage)
    report = signed(stage)
    assert not Fee.objects.exists()
    unseen, fast = Doubt.objects.get(kind="unseen"), Doubt.objects.get(kind="fast")
    assert (unseen.seen_at, unseen.signed_at, unseen.holds) == (None, report.signed_at, True)
    assert unseen.claimed_at
    assert unseen.claimed_at <= unseen.signed_at
    assert fast.counted < 3600
    hold = Hold.objects.get()
    assert (hold.reason, hold.decision) == ("doubt", "")
    with pytest.raises(rules.InDoubt):
        services.release_act(hold.id, mode="urgent", because="Si.", by=stage.karim)
    services.doubt_act(Act.objects.get().id, by=SYSTEM)
    assert Fact.objects.filter(name="contracts.ActDoubted").count() == 2
    for other in (stage.leila, stage.amel, stage.zied, STRANGER):
        with pytest.raises(NotAllowed):
            services.clear_doubt(unseen.id, because="Si.", by=other)
    with pytest.raises(ReasonMissing):
        services.clear_doubt(unseen.id, because=" ", by=stage.karim)
    with pytest.raises(NotFound):
        services.clear_doubt(report.id, because="Si.", by=stage.karim)
    services.clear_doubt(unseen.id, because="Lu sur film.", by=stage.karim)
    with pytest.raises(rules.DoubtCleared):
        services.clear_doubt(unseen.id, because="Si.", by=stage.hatem)
    settle()
    assert Fee.objects.get(taken_back_at__isnull=True).act_id == hold.act_id
    assert Hold.objects.get().decision == "over"
    for wrong in (
        lambda: Doubt.objects.filter(id=unseen.id).update(because="Autre."),
        lambda: Doubt.objects.filter(id=fast.id).update(counted=9),
        lambda: Doubt.objects.filter(id=fast.id).delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            wrong()


@pytest.mark.django_db(transaction=True)
def test_cleared_by_sixteen_at_once_it_is_cleared_once() -> None:
    stage = ready()
    rule("unseen")
    scale()
    session(stage)
    report = signed(stage)
    doubt = Doubt.objects.get()
    clears = [partial(services.clear_doubt, doubt.id, because=f"Vu {n}.", by=stage.karim) for n in range(8)]
    settles = [partial(services.settle_act, report.reading_id, by=SYSTEM)] * 8
    assert at_once(*clears, *settles) == ["DoubtCleared"] * 7
    settle()
    assert Fact.objects.filter(name="contracts.DoubtCleared").count() == 1
    assert Fee.objects.filter(taken_back_at__isnull=True).count() == 1


def test_what_a_rule_only_notes_is_paid(stage: Cast) -> None:
    rule("unseen", holds=False)
    scale()
    session(stage)
    signed(stage)
    assert Fee.objects.count() == Doubt.objects.count() == 1


def test_a_look_at_the_images_is_evidence(stage: Cast) -> None:
    rule("unseen")
    case = make.reading(stage)
    patients.log_access(case.patient_id, what="archive.study", ground="reading", by=stage.leila, subject=case.study_id)
    make.signed_report(stage, case=case.id)
    settle()
    assert not Doubt.objects.exists()
    evidence = radiology.evidence_of(case.id, viewer=SYSTEM)
    assert evidence
    assert evidence.seen_at
    assert radiology.evidence_of(case.id, viewer=stage.karim) is None
    assert radiology.evidence_of(make.reading(stage).id, viewer=SYSTEM) is None


def test_the_same_exam_of_the_same_patient_twice(stage: Cast) -> None:
    rule("twice", holds=False)
    person, exam = make.patient(stage), make.procedure()
    for _ in range(2):
        make.signed_report(stage, case=make.reading(stage, patient=person.id, procedure=exam.id).id)
        settle()
    make.signed_report(stage, case=make.reading(stage, procedure=exam.id).id)
    settle()
    doubt = Doubt.objects.get()
    assert (doubt.kind, doubt.counted) == ("twice", 1)
    assert doubt.act == Act.objects.order_by("done_at")[1]


def test_rules_have_dates(stage: Cast) -> None:
    today = timezone.localdate()
    made = rule("many", limit=20)
    said: dict[str, Any] = {"modality": "", "holds": False, "source": "essai", "by": stage.hatem}
    for kind, limit in (("many", 0), ("unseen", 1), ("never", 0)):
        with pytest.raises(rules.BadDoubtRule):
            services.set_doubt_rule(kind=kind, limit=limit, since=today, **said)
    with pytest.raises(rules.DoubtRuleNotLater):
        services.set_doubt_rule(kind="many", limit=30, since=today, **said)
    services.set_doubt_rule(kind="many", limit=30, since=today + datetime.timedelta(days=3), **said)
    made.refresh_from_db()
    assert made.period.upper == today + datetime.timedelta(days=3)
    later = DoubtRule.objects.get(limit=30)
    services.end_doubt_rule(later.id, by=stage.hatem)
    with pytest.raises(NotFound):
        services.end_doubt_rule(later.id, by=stage.hatem)
    assert [one.limit for one in queries.doubt_rules(on=today, viewer=stage.karim)] == [20, 30]
    assert not queries.doubt_rules(on=today, viewer=stage.leila)
    with pytest.raises(NotAllowed):
        services.end_doubt_rule(made.id, by=stage.karim)


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_page_of_doubts(stage: Cast, language: str) -> None:
    address = reverse("contracts:doubts")
    assert "empty-title" in browser_of(stage.karim, language).get(address).content.decode()
    rule("unseen")
    signed(stage)
    doubt = Doubt.objects.get()
    clear = reverse("contracts:clear_doubt", args=[doubt.id])
    for viewer in (stage.karim, stage.hatem):
        page = browser_of(viewer, language).get(address)
        text = page.content.decode()
        assert f'<html lang="{language}"' in text
        assert clear in text
        assert "Salma" not in text
        assert "سلمى" not in text
    assert Client().get(address).status_code == 302
    for other in (stage.leila, stage.amel, stage.zied, stage.fatma):
        assert browser_of(other).get(address).status_code == 403
        assert not queries.doubts(viewer=other)
        assert not queries.doubts_to_clear(viewer=other)
    karim = browser_of(stage.karim, language)
    assert karim.post(clear, {"because": ""}).status_code == 422
    assert karim.post(clear, {"because": "Lu sur film."}).status_code == 302
    assert karim.post(clear, {"because": "Encore."}).status_code == 409
    assert "Lu sur film." in karim.get(address, {"show": "cleared"}).content.decode()


def test_rules_are_set_on_the_page_by_the_planner(stage: Cast) -> None:
    address = reverse("contracts:set_doubt_rule")
    assert browser_of(stage.karim).get(address).status_code == 403
    hatem = browser_of(stage.hatem)
    said = {"kind": "fast", "modality": "CT", "limit": "60", "holds": "on", "since": f"{timezone.localdate()}",
            "source": "Circulaire"}  # fmt: skip
    assert hatem.post(address, {**said, "limit": "0"}).status_code == 422
    assert hatem.post(address, said).status_code == 302
    made = DoubtRule.objects.get()
    assert (made.kind, made.modality, made.limit, made.holds) == ("fast", "CT", 60, True)
    assert hatem.post(reverse("contracts:end_doubt_rule", args=[made.id])).status_code == 302
    made.refresh_from_db()
    assert made.period.upper
