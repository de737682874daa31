"""A signed report reaches who asked; a critical one is owed an answer by name."""

import datetime
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.radiology.test_reading import told
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed
from wasl.kernel.events import tell
from wasl.kernel.models import Fact, Notice
from wasl.radiology import queries, services
from wasl.radiology.models import CriticalTarget, Obligation, Receipt, Report
from wasl.radiology.rules import reporting as reporting_rules
from wasl.radiology.rules import results as rules

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def deliver() -> None:
    """Tell every listener of this module what it is owed, twice."""
    for _ in range(2):
        for notice in Notice.objects.filter(listener__contains="radiology.listeners.results"):
            tell(notice=str(notice.id))


def handed_over(stage: Cast, *, critical: bool = False, critical_what: str = "", critical_category: int = 1) -> Report:
    report = make.signed_report(
        stage, critical=critical, critical_what=critical_what, critical_category=critical_category
    )
    deliver()
    return report


def colleague(stage: Cast) -> Actor:
    """Another requesting doctor of the regional hospital."""
    person = accounts.add_person(
        username="wafa", password=None, given_name="Wafa", family_name="Saidi", demo=True, by=SYSTEM
    )
    accounts.give_post(person.id, role="requester", place=stage.regional, by=SYSTEM)
    return accounts_queries.actor_of(person.id)


CRITICAL: dict[str, Any] = {"critical": True, "critical_what": "Hémorragie sous-arachnoïdienne"}


def test_a_signed_report_lies_before_who_asked_once(stage: Cast) -> None:
    report = handed_over(stage)
    receipt = Receipt.objects.get()
    assert (receipt.report_id, receipt.person_id, receipt.read_at) == (report.id, stage.amel.id, None)
    assert told(receipt.id) == ["ReportHandedOver"]
    assert not Obligation.objects.exists()


def test_an_addendum_is_handed_over_too(stage: Cast) -> None:
    report = handed_over(stage)
    draft = services.begin_addendum(report.id, by=stage.leila)
    saved = make.draft(stage, report.reading_id, revision=draft.revision, **CRITICAL)
    addendum = services.sign_report(saved.id, revision=saved.revision, by=stage.leila)
    deliver()
    assert set(Receipt.objects.values_list("report", flat=True)) == {report.id, addendum.id}
    assert Obligation.objects.get().report_id == addendum.id


def test_a_critical_result_has_a_deadline_by_the_clock_of_the_day(stage: Cast) -> None:
    usual = handed_over(stage, **CRITICAL)
    obligation = Obligation.objects.get()
    assert usual.signed_at is not None
    assert obligation.due_at - usual.signed_at == datetime.timedelta(minutes=rules.HOUSE_MINUTES[1])
    assert (obligation.holder_id, obligation.place_id) == (stage.amel.id, stage.regional)
    assert obligation.what == "Hémorragie sous-arachnoïdienne"
    assert told(obligation.id) == ["CriticalResultRaised"]
    today = timezone.localdate()
    services.set_critical_target(minutes=45, since=today - datetime.timedelta(days=9), by=stage.hatem)
    services.set_critical_target(minutes=30, since=today, by=stage.hatem)
    assert queries.critical_minutes(on=timezone.now(), viewer=SYSTEM) == 30
    assert queries.critical_minutes(on=timezone.now() - datetime.timedelta(days=2), viewer=SYSTEM) == 45
    with pytest.raises(rules.CriticalTargetNotLater):
        services.set_critical_target(minutes=20, since=today, by=stage.hatem)
    with pytest.raises(NotAllowed):
        services.set_critical_target(minutes=20, since=today, by=stage.amel)


@pytest.mark.django_db(transaction=True)
def test_a_deadline_set_by_many_is_set_once() -> None:
    stage = cast()
    today = timezone.localdate()
    services.set_critical_target(minutes=45, since=today - datetime.timedelta(days=9), by=stage.hatem)
    acts = [
        partial(services.set_critical_target, minutes=minutes, since=today, by=stage.hatem)
        for minutes in (20, 25, 30, 35)
    ]
    assert at_once(*acts) == ["CriticalTargetNotLater"] * 3
    assert CriticalTarget.objects.count() == 2


def test_reading_it(stage: Cast) -> None:
    report = handed_over(stage)
    assert services.read_report(report.id, by=stage.leila) is None, "whose it is not leaves no receipt"
    first = services.read_report(report.id, by=stage.amel)
    again = services.read_report(report.id, by=stage.amel)
    assert first is not None
    assert again is not None
    assert first.read_at == again.read_at
    assert Fact.objects.filter(name="radiology.ReportRead", subject=first.id).count() == 1
    with pytest.raises(NotAllowed):
        services.read_report(report.id, by=STRANGER)


def test_acknowledging(stage: Cast) -> None:
    report = handed_over(stage, **CRITICAL)
    for other in (stage.zied, stage.leila):
        with pytest.raises(rules.NotYourResult):
            services.acknowledge_result(report.id, by=other)
    with pytest.raises(NotAllowed):
        services.acknowledge_result(report.id, by=stage.sami)
    obligation = services.acknowledge_result(report.id, by=stage.amel)
    assert obligation.acknowledged_by_id == stage.amel.id
    assert obligation.acknowledged_at is not None
    with pytest.raises(rules.AlreadyAcknowledged, match="Amel Gharbi"):
        services.acknowledge_result(report.id, by=colleague(stage))
    assert told(obligation.id) == ["CriticalResultRaised", "CriticalResultAcknowledged"]


def test_a_colleague_of_the_hospital_may_acknowledge(stage: Cast) -> None:
    report = handed_over(stage, **CRITICAL)
    wafa = colleague(stage)
    assert queries.results(viewer=wafa).count() == 1, "a critical result is everybody's there until somebody answers"
    services.acknowledge_result(report.id, by=wafa)
    assert not queries.results(viewer=wafa).exists()


def test_nothing_critical_is_nothing_to_acknowledge(stage: Cast) -> None:
    report = handed_over(stage)
    with pytest.raises(rules.NotYourResult):
        services.acknowledge_result(report.id, by=stage.amel)


def test_a_draft_is_not_handed_over(stage: Cast) -> None:
    case = services.claim_reading(make.reading(stage).id, by=stage.leila)
    draft = make.draft(stage, case.id)
    with pytest.raises(reporting_rules.NotSigned):
        services.hand_over_report(draft.id, by=SYSTEM)
    with pytest.raises(NotAllowed):
        services.hand_over_report(draft.id, by=stage.leila)


def test_the_database_wants_a_name_under_an_acknowledgement(stage: Cast) -> None:
    handed_over(stage, **CRITICAL)
    with pytest.raises(IntegrityError, match="radiology_an_acknowledgement_has_a_name"), transaction.atomic():
        Obligation.objects.update(acknowledged_at=timezone.now())


def test_the_inbox_shows_critical_then_unread_then_the_newest(stage: Cast) -> None:
    read, unread, critical = handed_over(stage), handed_over(stage), handed_over(stage, **CRITICAL)
    newest = handed_over(stage)
    services.read_report(read.id, by=stage.amel)
    services.read_report(newest.id, by=stage.amel)
    order = [receipt.report_id for receipt in queries.results(viewer=stage.amel)]
    assert order == [critical.id, unread.id, newest.id, read.id]
    assert queries.waiting_results(viewer=stage.amel) == 2
    services.acknowledge_result(critical.id, by=stage.amel)
    services.read_report(critical.id, by=stage.amel)
    assert queries.waiting_results(viewer=stage.amel) == 1


def test_whose_inbox(stage: Cast) -> None:
    handed_over(stage, **CRITICAL)
    for viewer in (stage.zied, stage.leila, stage.hatem, STRANGER):
        assert not queries.results(viewer=viewer).exists()


def test_a_withdrawn_report_leaves_the_inbox(stage: Cast) -> None:
    report = handed_over(stage)
    services.withdraw_reading(report.reading_id, by=SYSTEM)
    assert not queries.results(viewer=stage.amel).exists()


def test_the_inbox_asks_once(stage: Cast) -> None:
    for _ in range(3):
        handed_over(stage)
    with CaptureQueriesContext(connection) as seen:
        for receipt in queries.results(viewer=stage.amel):
            assert receipt.report.reading.order.procedure.name
            assert str(receipt.report.author)
    assert len(seen) == 1
