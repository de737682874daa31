"""The next case is taken or passed over, by a rule that is published and by what exams were found to take."""

import datetime
import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.radiology.test_reading import second_reader
from wasl.kernel.access import STRANGER, SYSTEM, Held
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact
from wasl.radiology import queries, services
from wasl.radiology.models import DispatchRule, Effort, Reading, Report, Skip
from wasl.radiology.rules import dispatch as rules
from wasl.radiology.rules import reading as reading_rules
from wasl.workforce import services as workforce
from wasl.workforce.models import Cover

pytestmark = pytest.mark.django_db
MINUTE = datetime.timedelta(minutes=1)
WHY = "Set by what the simulation showed."


@pytest.fixture
def stage() -> Cast:
    return cast()


def claimed(case: Reading) -> dict[str, Any]:
    """What the journal says of how a case was taken last."""
    fact = Fact.objects.filter(subject=case.id, name="radiology.ReadingClaimed").latest("seq")
    return {name: fact.data[name] for name in ("how", "rule", "rank", "because", "points")}


def test_the_next_case_is_taken_with_its_reason(stage: Cast) -> None:
    make.reading(stage, urgency="P3")
    vital = make.reading(stage, urgency="P0")
    taken = services.take_next_reading(by=stage.leila)
    assert (taken.id, taken.state, taken.claimed_by_id) == (vital.id, "claimed", stage.leila.id)
    assert claimed(vital) == {"how": "next", "rule": 0, "rank": 1, "because": ["deadline"], "points": 10}


def test_who_picks_is_seen_to_pick(stage: Cast) -> None:
    routine = make.reading(stage, urgency="P3")
    make.reading(stage, urgency="P0")
    services.claim_reading(routine.id, by=stage.leila)
    assert claimed(routine) == {"how": "picked", "rule": 0, "rank": 2, "because": [], "points": 10}


def test_nothing_to_read(stage: Cast) -> None:
    with pytest.raises(rules.NothingToRead):
        services.take_next_reading(by=stage.leila)
    make.reading(stage)
    for other in (stage.amel, stage.karim, STRANGER, SYSTEM):
        with pytest.raises(NotAllowed):
            services.take_next_reading(by=other)


def test_a_case_that_may_not_be_read_is_not_proposed(stage: Cast) -> None:
    make.reading(stage)
    assert queries.line(viewer=second_reader(stage, modalities=("MR",))).proposals == []
    assert len(queries.line(viewer=second_reader(stage, modalities=("CT",))).proposals) == 1
    Cover.objects.update(period=DateTimeTZRange(timezone.now() - 9 * MINUTE, timezone.now() - MINUTE))
    with pytest.raises(rules.NothingToRead):
        services.take_next_reading(by=stage.leila)


def test_what_was_just_skipped_comes_later(stage: Cast) -> None:
    first, second = make.reading(stage, urgency="P0"), make.reading(stage, urgency="P3")
    skip = services.skip_reading(first.id, reason="known", by=stage.leila)
    assert skip.period.upper - skip.period.lower == rules.SKIP_MINUTES * MINUTE
    fact = Fact.objects.get(subject=first.id, name="radiology.ReadingSkipped")
    assert (fact.data["reader"], fact.data["reason"]) == (str(stage.leila.id), "known")
    assert [found.case.id for found in queries.line(viewer=stage.leila).proposals] == [second.id]
    assert len(queries.line(viewer=second_reader(stage)).proposals) == 2
    with pytest.raises(rules.AlreadySkipped):
        services.skip_reading(first.id, reason="known", by=stage.leila)
    Skip.objects.update(period=DateTimeTZRange(timezone.now() - 9 * MINUTE, timezone.now() - MINUTE))
    assert len(queries.line(viewer=stage.leila).proposals) == 2
    services.skip_reading(first.id, reason="other", note="je remplace un collègue", by=stage.leila)


def test_what_is_not_skipped(stage: Cast) -> None:
    case = make.reading(stage)
    with pytest.raises(rules.SkipReasonMissing):
        services.skip_reading(case.id, reason="", by=stage.leila)
    for key in (uuid.uuid4(), services.claim_reading(case.id, by=stage.leila).id):
        with pytest.raises(rules.NotInYourLine):
            services.skip_reading(key, reason="known", by=stage.leila)
    with pytest.raises(NotAllowed):
        services.skip_reading(case.id, reason="known", by=stage.amel)
    now = timezone.now()
    about = {"reading": case, "person_id": stage.leila.id, "reason": "known"}
    Skip.objects.create(**about, period=DateTimeTZRange(now, now + 9 * MINUTE))
    with pytest.raises(IntegrityError, match="radiology_a_case_is_skipped_once_at_a_time"), transaction.atomic():
        Skip.objects.create(**about, period=DateTimeTZRange(now + MINUTE, now + 10 * MINUTE))


def test_the_line_asks_no_more_for_more_cases(stage: Cast, django_assert_max_num_queries: Any) -> None:  # noqa: ANN401
    for _ in range(3):
        make.reading(stage)
    with django_assert_max_num_queries(17):
        assert len(queries.line(viewer=stage.leila).proposals) == 3


def test_a_region_read_often_and_the_hour_that_was_read_count(stage: Cast) -> None:
    for _ in range(2):
        make.signed_report(stage)
    services.set_effort("CT", points=7, since=timezone.localdate(), by=SYSTEM)
    make.reading(stage, urgency="P3")
    found = queries.line(viewer=stage.leila).proposals[0]
    assert found.reader.hour_points == 14
    assert (found.reader.focus, found.reader.languages) == (frozenset(), frozenset({"ar", "fr"}))
    assert found.case.points == 7


def test_strangers_have_no_line(stage: Cast) -> None:
    make.reading(stage)
    for other in (stage.amel, stage.zied, stage.karim, stage.hatem, STRANGER):
        assert queries.line(viewer=other).proposals == []


def test_a_rule_is_drafted_published_and_kept(stage: Cast) -> None:
    draft = services.draft_rule(weights={"horizon": 90}, why=WHY, by=stage.hatem)
    again = services.draft_rule(weights={"horizon": 60}, why=WHY, by=stage.hatem)
    assert (draft.id, draft.version, again.weights) == (again.id, 1, {"horizon": 60})
    assert queries.rule_in_force(viewer=stage.leila) == queries.InForce(0, rules.Weights())
    first = services.publish_rule(draft.id, by=stage.hatem)
    assert queries.rule_in_force(viewer=stage.leila) == queries.InForce(1, rules.Weights(horizon=60))
    case = make.reading(stage)
    services.take_next_reading(by=stage.leila)
    assert claimed(case)["rule"] == 1
    second = services.publish_rule(services.draft_rule(weights={}, why=WHY, by=stage.hatem).id, by=stage.hatem)
    first.refresh_from_db()
    assert first.period.upper == second.published_at
    with pytest.raises(rules.RuleIsPublished):
        services.publish_rule(second.id, by=stage.hatem)
    told = Fact.objects.filter(name__in=("radiology.RuleDrafted", "radiology.RulePublished")).order_by("seq")
    assert [fact.name.split(".")[1] for fact in told] == ["RuleDrafted", "RuleDrafted", "RulePublished"] + [
        "RuleDrafted", "RulePublished"]  # fmt: skip


def test_the_database_keeps_published_rules(stage: Cast) -> None:
    rule = services.publish_rule(services.draft_rule(weights={}, why=WHY, by=SYSTEM).id, by=SYSTEM)
    now = timezone.now()
    changes: tuple[dict[str, Any], ...] = (
        {"weights": {"horizon": 1}}, {"why": "else"}, {"period": DateTimeTZRange(now - MINUTE, None)},
        {"published_at": None, "period": None},
    )  # fmt: skip
    for change in changes:
        with pytest.raises(IntegrityError, match="published rule only ends"), transaction.atomic():
            DispatchRule.objects.filter(id=rule.id).update(**change)
    with pytest.raises(IntegrityError, match="published rule only ends"), transaction.atomic():
        DispatchRule.objects.filter(id=rule.id).delete()
    with pytest.raises(IntegrityError, match="radiology_one_rule_of_dispatch_holds_at_a_time"), transaction.atomic():
        later = now + MINUTE
        DispatchRule.objects.create(version=9, weights={}, published_at=later, period=DateTimeTZRange(later, None))
    DispatchRule.objects.filter(id=rule.id).update(period=DateTimeTZRange(rule.published_at, now))
    with pytest.raises(IntegrityError, match="published rule only ends"), transaction.atomic():
        DispatchRule.objects.filter(id=rule.id).update(period=DateTimeTZRange(rule.published_at, now + MINUTE))


def test_who_writes_the_rule(stage: Cast) -> None:
    for other in (stage.leila, stage.karim, stage.amel, stage.fatma, STRANGER):
        with pytest.raises(NotAllowed):
            services.draft_rule(weights={}, why=WHY, by=other)
    here = replace(stage.karim, held=(Held("planner", stage.university),))
    with pytest.raises(rules.NotTheCountrys):
        services.draft_rule(weights={}, why=WHY, by=here)
    with pytest.raises(rules.RuleWithoutReason):
        services.draft_rule(weights={}, why="why", by=stage.hatem)
    with pytest.raises(rules.UnknownWeight):
        services.draft_rule(weights={"speed": 3}, why=WHY, by=stage.hatem)
    services.draft_rule(weights={}, why=WHY, by=stage.hatem)
    assert [len(queries.dispatch_rules(viewer=who)) for who in (stage.hatem, stage.leila, stage.amel)] == [1, 0, 0]
    services.publish_rule(DispatchRule.objects.get().id, by=stage.hatem)
    assert [len(queries.dispatch_rules(viewer=who)) for who in (stage.hatem, stage.leila, stage.amel)] == [1, 1, 0]


def test_efforts_are_dated(stage: Cast) -> None:
    today, day = timezone.localdate(), datetime.timedelta(days=1)
    exam = make.procedure()
    services.set_effort("CT", points=9, since=today - 3 * day, by=stage.hatem)
    services.set_effort("CT", points=12, since=today, by=stage.hatem)
    services.set_effort("CT", points=20, since=today, procedure=exam.id, by=stage.hatem)
    known = queries.Efforts(queries.efforts(viewer=stage.leila))
    assert [known.points(key, kind) for key, kind in ((exam.id, "CT"), (uuid.uuid4(), "CT"), (exam.id, "MR"))] == [
        20, 12, 20]  # fmt: skip
    assert known.points(uuid.uuid4(), "MR") == rules.USUAL_POINTS
    with pytest.raises(rules.BadEffort):
        services.set_effort("CT", points=3, since=today, by=stage.hatem)
    with pytest.raises(IntegrityError, match="radiology_a_modality_has_one_effort_at_a_time"), transaction.atomic():
        Effort.objects.create(modality="CT", points=3, period=(today, None))
    assert not queries.efforts(viewer=STRANGER)


def test_efforts_are_measured_and_adopted(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MEASURED_NUMBER", 2)
    exam = make.procedure()
    for _ in range(2):
        report = make.signed_report(stage, case=make.reading(stage, procedure=exam.id).id)
        _earlier(report, minutes=13)
    (found,) = queries.measured_efforts(viewer=stage.hatem)
    assert (found.procedure, found.readings, found.minutes) == (exam.id, 2, 13)
    assert queries.measured_efforts(viewer=stage.leila) == []
    assert services.adopt_efforts(by=stage.hatem) == 1
    effort = Effort.objects.get()
    assert (effort.points, effort.measured, effort.procedure_id) == (13, 2, exam.id)
    with pytest.raises(rules.NothingMeasured):
        services.adopt_efforts(by=stage.hatem)
    with pytest.raises(NotAllowed):
        services.adopt_efforts(by=stage.karim)


def _earlier(report: Report, *, minutes: int) -> None:
    """Let it have been claimed so many minutes before it was signed: in a journal that a test may touch."""
    signed = Fact.objects.get(subject=report.id, name="radiology.ReportSigned")
    with connection.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        cursor.execute(
            "update kernel_fact set at = %s where subject = %s and name = 'radiology.ReadingClaimed'",
            [signed.at - minutes * MINUTE, report.reading_id],
        )
        cursor.execute("set local session_replication_role = origin")


def test_who_is_too_long_on_duty_is_proposed_nothing(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    make.reading(stage)
    workforce.set_session_rule(hours=24, most=None, since=timezone.localdate(), source="tests", by=SYSTEM)
    began = timezone.now() - datetime.timedelta(hours=23)
    monkeypatch.setattr(
        "wasl.radiology.queries.dispatch.workforce.on_duty_since", lambda at, *, viewer: {stage.leila.id: began}
    )
    (found,) = queries.line(viewer=stage.leila).proposals
    assert 22.9 < found.reader.hours < 23.1
    began -= datetime.timedelta(hours=2)
    assert queries.line(viewer=stage.leila).proposals == []


@pytest.mark.django_db(transaction=True)
def test_sixteen_readers_at_once_have_sixteen_cases(stage: Cast) -> None:
    readers = [second_reader(stage) for _ in range(16)]
    for number in range(16):
        make.reading(stage, urgency=("P0", "P1", "P2", "P3")[number % 4])
    refused = at_once(*(lambda who=who: services.take_next_reading(by=who) for who in readers))
    assert refused == []
    holders = Reading.objects.filter(state="claimed").values_list("claimed_by", flat=True)
    assert set(holders) == {who.id for who in readers}
    facts = Fact.objects.filter(name="radiology.ReadingClaimed")
    assert len({fact.subject for fact in facts}) == len(facts) == 16
    assert at_once(*(lambda who=who: services.take_next_reading(by=who) for who in readers[:3])) == [
        "NothingToRead"] * 3  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_two_planners_at_once_publish_one_rule(stage: Cast) -> None:
    draft = services.draft_rule(weights={}, why=WHY, by=stage.hatem)
    publish = [lambda: services.publish_rule(draft.id, by=stage.hatem)] * 4
    assert at_once(*publish) == ["RuleIsPublished"] * 3
    write = [lambda: services.draft_rule(weights={}, why=WHY, by=stage.hatem)] * 4
    assert set(at_once(*write)) <= {"DraftedMeanwhile"}
    assert DispatchRule.objects.count() == 2
    assert queries.rule_in_force(viewer=stage.leila).version == 1


def test_a_held_case_is_not_taken_again(stage: Cast) -> None:
    case = make.reading(stage)
    services.take_next_reading(by=stage.leila)
    with pytest.raises(reading_rules.AlreadyClaimed):
        services.claim_reading(case.id, by=second_reader(stage))
    with pytest.raises(rules.NothingToRead):
        services.take_next_reading(by=second_reader(stage))
