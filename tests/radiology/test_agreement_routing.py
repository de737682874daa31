"""Whose exams a reader is offered, how long they may take, and what waits for want of an agreement."""

import datetime
import uuid
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM, Actor
from wasl.radiology import queries, services
from wasl.radiology.models import Agreement, Order, Reading
from wasl.radiology.rules import agreements as agreed
from wasl.radiology.rules import reading as rules
from wasl.workforce import services as workforce
from wasl.workforce.models import Worker

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
BECAUSE = "We have a reader of our own now."


@pytest.fixture
def stage() -> Cast:
    """The cast; Leila reads for the other hospital too, as far as its agreements reach."""
    stage = cast()
    workforce.cover_place(
        Worker.objects.get(person=stage.leila.id).id, place=stage.other, modalities=[], by=stage.karim
    )
    return stage


@pytest.fixture
def tomorrow(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let a day pass."""
    now = timezone.now
    return lambda: monkeypatch.setattr(timezone, "now", lambda: now() + DAY)


def order_elsewhere(stage: Cast, *, urgency: str = "P2") -> Order:
    """A head CT that Zied asks for at the other hospital."""
    patient = make.patient(stage, place=stage.other, by=stage.zied)
    return make.order(stage, patient=patient.id, place=stage.other, by=stage.zied, urgency=urgency)


def case_elsewhere(stage: Cast, *, urgency: str = "P2") -> Reading:
    """Its images, which wait to be read."""
    return make.reading(stage, order=order_elsewhere(stage, urgency=urgency))


def reader_at(place: uuid.UUID) -> Actor:
    """Mounir, who reads the exams of his own hospital."""
    person = accounts.add_person(
        username="mounir", password=None, given_name="Mounir", family_name="Chebbi", demo=True, by=SYSTEM
    )
    accounts.give_post(person.id, role="radiologist", place=place, by=SYSTEM)
    worker = workforce.enrol_worker(
        person.id, place=place, specialty="radiology", licence="TN-R-7", languages=["fr"], by=SYSTEM
    )
    workforce.cover_place(worker.id, place=place, modalities=["CT"], by=SYSTEM)
    return accounts_queries.actor_of(person.id)


def hours_from(minutes: int) -> tuple[tuple[int, int], ...]:
    """An hour of the week that begins so many minutes after this one did."""
    start = (agreed.minute_of_week(timezone.localtime()) + minutes) % agreed.WEEK
    return agreed.in_week([(start, start + 60)])


def end_today(stage: Cast) -> None:
    """The agreement of the cast is in force today for the last time."""
    one = Agreement.objects.get(beneficiary=stage.regional)
    services.end_agreement(one.id, last_day=timezone.localdate(), because=BECAUSE, by=stage.karim)


def test_who_covers_a_hospital_is_offered_nothing_without_an_agreement(stage: Cast) -> None:
    case = case_elsewhere(stage)
    assert not queries.readings(viewer=stage.leila).exists()
    assert not queries.orders(viewer=stage.leila).exists()
    with pytest.raises(rules.NoAgreement):
        services.claim_reading(case.id, by=stage.leila)
    make.agreement(stage)
    assert list(queries.readings(viewer=stage.leila)) == [case]
    assert list(queries.orders(viewer=stage.leila)) == [case.order]
    assert services.claim_reading(case.id, by=stage.leila).state == "claimed"


@pytest.mark.parametrize(
    ("values", "offered"),
    [
        ({"minutes": {"P1": None}}, True),
        ({"minutes": {"P2": None}}, False),
        ({"modalities": ("CT", "MR"), "minutes": {"P0": 20, "P1": 60}}, True),
        ({"modalities": ("MR",), "minutes": {"P1": None}}, False),
        ({"minutes": {"P1": None}, "since": 1}, False),
        ({"minutes": {"P1": None}, "hours": 0}, True),
        ({"minutes": {"P1": None}, "hours": 720}, False),
        ({"minutes": {"P1": None}, "exam": "this"}, True),
        ({"minutes": {"P1": None}, "exam": "another"}, False),
    ],
)
def test_an_exam_is_offered_when_it_is_in_scope_now(stage: Cast, values: dict[str, object], offered: bool) -> None:
    case = case_elsewhere(stage, urgency="P1")
    about = {name: value for name, value in values.items() if name != "exam"}
    if named := values.get("exam"):
        exam = case.order.procedure if named == "this" else make.procedure()
        about |= {"modalities": (), "procedures": (exam.id,)}
    if isinstance(since := values.get("since"), int):
        about["since"] = timezone.localdate() + since * DAY
    if isinstance(hours := values.get("hours"), int):
        about["hours"] = hours_from(hours)
    make.agreement(stage, **about)
    assert queries.readings(viewer=stage.leila).exists() is offered
    assert queries.is_agreed(case, reader=_key(stage.leila), viewer=stage.leila) is offered
    assert bool(queries.stranded(viewer=stage.hatem)) is not offered


def test_a_draft_routes_nothing(stage: Cast) -> None:
    case_elsewhere(stage)
    drafted = make.draft_agreement(stage)
    services.sign_agreement(drafted.id, side="provider", version=1, by=stage.karim)
    assert not queries.readings(viewer=stage.leila).exists()


def test_another_providers_agreement_lets_nobody_else_read(stage: Cast) -> None:
    case = case_elsewhere(stage)
    one = services.draft_agreement(
        provider=stage.regional, beneficiary=stage.other, terms=make.terms(), by=stage.hatem
    )  # fmt: skip
    services.sign_agreement(one.id, side="beneficiary", version=1, by=stage.hatem)
    accounts.give_post(_key(stage.karim), role="chief", place=stage.regional, by=SYSTEM)
    services.sign_agreement(one.id, side="provider", version=1, by=accounts_queries.actor_of(_key(stage.karim)))
    assert not queries.readings(viewer=stage.leila).exists()
    with pytest.raises(rules.NoAgreement):
        services.claim_reading(case.id, by=stage.leila)
    assert queries.agreement_for(case, provider=stage.regional, viewer=SYSTEM) == one
    assert queries.agreement_for(case, provider=stage.university, viewer=SYSTEM) is None


def test_a_reader_loses_routing_at_the_end_and_finishes_what_is_claimed(
    stage: Cast, tomorrow: Callable[[], None]
) -> None:
    held, waiting = make.reading(stage), make.reading(stage)
    services.claim_reading(held.id, by=stage.leila)
    end_today(stage)
    assert queries.readings(viewer=stage.leila).count() == 2
    Reading.objects.filter(id=held.id).update(claimed_until=timezone.now() + 2 * DAY)  # she is at it
    tomorrow()
    assert list(queries.readings(viewer=stage.leila)) == [held]
    with pytest.raises(rules.NoAgreement):
        services.claim_reading(waiting.id, by=stage.leila)
    assert services.claim_reading(held.id, by=stage.leila).state == "claimed"
    written = make.draft(stage, held.id)
    assert services.sign_report(written.id, revision=written.revision, by=stage.leila).state == "signed"
    assert list(queries.signed_readings(viewer=stage.leila)) == [held]


def test_what_goes_back_after_the_end_is_claimed_no_more(stage: Cast, tomorrow: Callable[[], None]) -> None:
    held = make.reading(stage)
    services.claim_reading(held.id, by=stage.leila)
    end_today(stage)
    tomorrow()
    services.time_out_reading(held.id, by=SYSTEM)
    assert not queries.readings(viewer=stage.leila).exists()
    with pytest.raises(rules.NoAgreement):
        services.claim_reading(held.id, by=stage.leila)


def test_ones_own_hospital_needs_no_agreement(stage: Cast, tomorrow: Callable[[], None]) -> None:
    case = make.reading(stage)
    end_today(stage)
    tomorrow()
    assert [line.exams for line in queries.stranded(viewer=stage.hatem)] == [1]
    mounir = reader_at(stage.regional)
    assert list(queries.readings(viewer=mounir)) == [case]
    assert queries.stranded(viewer=stage.hatem) == []
    assert services.claim_reading(case.id, by=mounir).claimed_by_id == mounir.id


def test_another_reader_adds_to_a_report_by_an_agreement_only(stage: Cast, tomorrow: Callable[[], None]) -> None:
    report = make.signed_report(stage)
    rim = _colleague(stage)
    end_today(stage)
    tomorrow()
    with pytest.raises(rules.NoAgreement):
        services.begin_addendum(report.id, by=rim)
    assert services.begin_addendum(report.id, by=stage.leila).adds_to_id == report.id  # she signed it


@pytest.mark.parametrize(("urgency", "minutes"), [("P2", 240), ("P3", None), ("P1", None)])
def test_the_clock_runs_for_the_response_time_that_was_agreed(stage: Cast, urgency: str, minutes: int | None) -> None:
    make.agreement(stage)
    case = case_elsewhere(stage, urgency=urgency)
    assert case.study.complete_at is not None
    usual = queries.target_minutes(urgency, on=case.study.complete_at)
    assert case.due_at - case.study.complete_at == datetime.timedelta(minutes=minutes or usual)


def test_at_other_hours_the_countrys_target_holds(stage: Cast) -> None:
    make.agreement(stage, hours=hours_from(720))
    case = case_elsewhere(stage)
    assert case.study.complete_at is not None
    usual = queries.target_minutes("P2", on=case.study.complete_at)
    assert case.due_at - case.study.complete_at == datetime.timedelta(minutes=usual)


def test_of_several_promises_the_first_is_kept(stage: Cast) -> None:
    accounts.give_post(_key(stage.karim), role="chief", place=stage.regional, by=SYSTEM)
    karim = accounts_queries.actor_of(_key(stage.karim))
    for provider, minutes in ((stage.university, 200), (stage.regional, 100)):
        one = services.draft_agreement(
            provider=provider, beneficiary=stage.other, terms=make.terms(minutes={"P2": minutes}), by=karim
        )
        services.sign_agreement(one.id, side="provider", version=1, by=karim)
        services.sign_agreement(one.id, side="beneficiary", version=1, by=stage.hatem)
    case = case_elsewhere(stage)
    assert case.study.complete_at is not None
    assert case.due_at - case.study.complete_at == datetime.timedelta(minutes=100)


def test_the_clock_does_not_change_with_the_agreement(stage: Cast, tomorrow: Callable[[], None]) -> None:
    case = make.reading(stage)
    end_today(stage)
    tomorrow()
    assert Reading.objects.get(id=case.id).due_at == case.due_at


def test_what_waits_for_an_agreement_says_so(stage: Cast) -> None:
    case = case_elsewhere(stage)
    case_elsewhere(stage, urgency="P0")
    accounts.give_post(_key(stage.zied), role="chief", place=stage.other, by=SYSTEM)
    zied = accounts_queries.actor_of(_key(stage.zied))
    for who in (zied, stage.hatem):
        lines = queries.stranded(viewer=who)
        assert [(line.urgency, line.modality, line.exams, line.later) for line in lines] == [
            ("P0", "CT", 1, False), ("P2", "CT", 1, False)
        ]  # fmt: skip
        assert queries.waits_for_agreement(case.order_id, viewer=who) == "none"
    for stranger in (stage.karim, stage.leila, stage.amel, stage.fatma, stage.zied):
        assert queries.stranded(viewer=stranger) == []
        assert queries.waits_for_agreement(case.order_id, viewer=stranger) == ""
    make.agreement(stage, hours=hours_from(720))
    assert queries.waits_for_agreement(case.order_id, viewer=zied) == "hours"
    make.agreement(stage, since=timezone.localdate() + 100 * DAY, until=timezone.localdate() + 101 * DAY)
    assert {line.urgency: line.later for line in queries.stranded(viewer=zied)} == {"P0": False, "P2": True}


def test_the_gate_asks_no_more_of_a_longer_list(stage: Cast) -> None:
    make.agreement(stage, hours=hours_from(0))

    def asked() -> tuple[int, int]:
        with CaptureQueriesContext(
            connection,
        ) as first:
            assert len(queries.readings(viewer=stage.leila)) == Reading.objects.count()
        with CaptureQueriesContext(connection) as second:
            queries.stranded(viewer=stage.hatem)
        return len(first), len(second)

    case_elsewhere(stage)
    few = asked()
    for _more in range(4):
        case_elsewhere(stage)
        make.reading(stage)
    assert asked() == few


def _key(actor: Actor) -> uuid.UUID:
    assert actor.id is not None
    return actor.id


def _colleague(stage: Cast) -> Actor:
    """Rim, of Leila's hospital, who reads for the regional one too."""
    person = accounts.add_person(
        username="rim", password=None, given_name="Rim", family_name="Saidi", demo=True, by=SYSTEM
    )
    accounts.give_post(person.id, role="radiologist", place=stage.university, by=SYSTEM)
    worker = workforce.enrol_worker(
        person.id, place=stage.university, specialty="radiology", licence="TN-R-8", languages=["fr"], by=SYSTEM
    )
    workforce.cover_place(worker.id, place=stage.regional, modalities=[], by=SYSTEM)
    return accounts_queries.actor_of(person.id)
