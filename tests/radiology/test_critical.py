"""A critical result is always held by somebody and goes up by the clock; an answer says who told whom what and when."""

import datetime
import random
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.radiology.test_reading import told
from tests.radiology.test_results import CRITICAL, colleague, handed_over
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact
from wasl.radiology import queries, services
from wasl.radiology.listeners import results as listeners
from wasl.radiology.models import CriticalTarget, Handing, Obligation, PassingRule, Report, WrongCode
from wasl.radiology.rules import results as rules
from wasl.workforce import services as workforce
from wasl.workforce.models import Roster, Shift

pytestmark = pytest.mark.django_db

HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def stage() -> Cast:
    return cast()


def add(stage: Cast, username: str, role: str, place: UUID) -> Actor:
    """Somebody more."""
    person = accounts.add_person(
        username=username, password=None, given_name=username.title(), family_name="Saidi", demo=True, by=SYSTEM
    )
    accounts.give_post(person.id, role=role, place=place, by=SYSTEM)
    return accounts_queries.actor_of(person.id)


def key(actor: Actor) -> UUID:
    assert actor.id is not None
    return actor.id


def raised(stage: Cast) -> Report:
    return handed_over(stage, **CRITICAL)


def owed(report: Report) -> Obligation:
    return Obligation.objects.get(report=report)


def let_time_pass(report: Report) -> Obligation:
    """The moment of the next level comes, and with it the minute's job."""
    Obligation.objects.filter(report=report).update(next_at=timezone.now())
    listeners.pass_up_results(0)
    return owed(report)


def chain(report: Report) -> list[tuple[int, int, UUID, str]]:
    rows = Handing.objects.filter(obligation__report=report).order_by("turn")
    return list(rows.values_list("turn", "level", "holder", "because"))


def phoned(stage: Cast, report: Report, **values: object) -> Obligation:
    """Leila phoned Amel."""
    about: dict[str, Any] = {
        "receiver": stage.amel.id, "how": "phone", "at": timezone.now(), "said": "Hémorragie", "read_back": True,
        "by": stage.leila,
    }  # fmt: skip
    return services.record_communication(report.id, **{**about, **values})


def test_who_asked_holds_it_first(stage: Cast) -> None:
    report = raised(stage)
    obligation = owed(report)
    assert chain(report) == [(0, 0, stage.amel.id, "raised")]
    assert (obligation.holder_id, obligation.level, obligation.category) == (stage.amel.id, 0, 1)
    assert report.signed_at is not None
    assert obligation.next_at == report.signed_at + datetime.timedelta(minutes=30)
    assert obligation.code is not None
    assert rules.code(obligation.code) == obligation.code


@pytest.mark.parametrize(("category", "minutes"), sorted(rules.HOUSE_MINUTES.items()))
def test_each_category_has_its_time(stage: Cast, category: int, minutes: int) -> None:
    report = handed_over(stage, critical_category=category, **CRITICAL)
    assert report.critical_category == category
    assert report.signed_at is not None
    assert owed(report).due_at - report.signed_at == datetime.timedelta(minutes=minutes)
    fact = Fact.objects.get(name="radiology.CriticalResultRaised")
    assert (fact.data["category"], fact.data["holder"]) == (category, str(stage.amel.id))


def test_the_category_is_signed(stage: Cast) -> None:
    first, second = (handed_over(stage, critical_category=category, **CRITICAL) for category in (1, 2))
    assert b"critical_category" not in queries.signed_content(first, viewer=SYSTEM), "as it was signed before"
    assert b'"critical_category":2' in queries.signed_content(second, viewer=SYSTEM)
    with pytest.raises(rules.UnknownCategory):
        make.draft(stage, make.reading(stage).id, critical_category=4, **CRITICAL)


def test_targets_are_of_a_category(stage: Cast) -> None:
    today = timezone.localdate()
    services.set_critical_target(category=2, minutes=240, since=today, by=stage.hatem)
    services.set_critical_target(category=3, minutes=9_000, since=today, by=stage.hatem)
    found = [queries.critical_minutes(on=timezone.now(), category=n, viewer=SYSTEM) for n in (1, 2, 3)]
    assert found == [rules.HOUSE_MINUTES[1], 240, 9_000]
    with pytest.raises(rules.UnknownCategory):
        services.set_critical_target(category=4, minutes=240, since=today, by=stage.hatem)
    assert CriticalTarget.objects.count() == 2


def test_the_shares_are_dated(stage: Cast) -> None:
    today = timezone.localdate()
    rule = services.set_passing_rule((10, 20, 100), since=today - datetime.timedelta(days=2), by=stage.hatem)
    assert told(rule.id) == ["PassingRuleSet"]
    services.set_passing_rule((20, 40, 60), since=today, by=stage.hatem)
    now = timezone.now()
    assert queries.passing_shares(on=now, viewer=SYSTEM) == (20, 40, 60)
    assert queries.passing_shares(on=now - datetime.timedelta(days=2), viewer=SYSTEM) == (10, 20, 100)
    assert queries.passing_shares(on=now - datetime.timedelta(days=9), viewer=SYSTEM) == rules.HOUSE_SHARES
    report = raised(stage)
    assert report.signed_at is not None
    assert owed(report).next_at == report.signed_at + datetime.timedelta(minutes=12)
    with pytest.raises(rules.PassingRuleNotLater):
        services.set_passing_rule((10, 20, 30), since=today, by=stage.hatem)
    with pytest.raises(NotAllowed):
        services.set_passing_rule((10, 20, 30), since=today, by=stage.amel)
    with pytest.raises(IntegrityError, match="one_after_another"), transaction.atomic():
        PassingRule.objects.filter(id=rule.id).update(first=30)


@pytest.mark.django_db(transaction=True)
def test_a_rule_set_by_many_is_set_once() -> None:
    stage = cast()
    acts = [
        partial(services.set_passing_rule, (10, 20, n), since=timezone.localdate(), by=stage.hatem)
        for n in (30, 40, 50)
    ]
    assert at_once(*acts) == ["PassingRuleNotLater"] * 2
    assert PassingRule.objects.count() == 1


def test_it_goes_up_by_the_clock(stage: Cast) -> None:
    wafa, head = colleague(stage), add(stage, "habib", "chief", stage.regional)
    report = raised(stage)
    listeners.pass_up_results(0)
    assert owed(report).level == 0, "not before its time"
    for level, holder in ((1, wafa), (2, head), (3, stage.karim)):
        obligation = let_time_pass(report)
        assert (obligation.level, obligation.holder_id) == (level, holder.id)
    assert obligation.next_at is None
    listeners.pass_up_results(0)
    assert owed(report).level == 3, "there is nobody above"
    assert [step[1:] for step in chain(report)] == [
        (0, stage.amel.id, "raised"), (1, wafa.id, "time"), (2, head.id, "time"), (3, stage.karim.id, "time")
    ]  # fmt: skip
    assert told(obligation.id) == ["CriticalResultRaised", *["CriticalResultPassedUp"] * 3]
    fact = Fact.objects.filter(name="radiology.CriticalResultPassedUp").order_by("seq")[0]
    assert (fact.data["holder"], fact.data["level"], fact.data["because"]) == (str(wafa.id), 1, "time")
    assert fact.place == stage.regional


def test_its_times(stage: Cast) -> None:
    colleague(stage)
    report = raised(stage)
    assert report.signed_at is not None
    assert let_time_pass(report).next_at == report.signed_at + datetime.timedelta(minutes=42)


def test_a_level_with_nobody_is_left_at_once(stage: Cast) -> None:
    report = raised(stage)
    for level, holder, because in ((1, stage.amel, "nobody"), (2, stage.amel, "nobody"), (3, stage.karim, "time")):
        if level == 1:
            let_time_pass(report)
        else:
            listeners.pass_up_results(0)
        assert chain(report)[-1][1:] == (level, holder.id, because)
    assert owed(report).holder_id == stage.karim.id


def test_without_a_head_the_reader_phones(stage: Cast) -> None:
    accounts.close_person(key(stage.karim), by=SYSTEM)
    report = raised(stage)
    assert queries.holders_at(report, level=3, viewer=SYSTEM) == [stage.leila.id]
    for _ in range(3):
        let_time_pass(report)
    assert owed(report).holder_id == stage.leila.id


def test_who_is_on_duty_there_is_asked_first(stage: Cast) -> None:
    colleague(stage)
    doctor = add(stage, "olfa", "radiologist", stage.regional)
    report = raised(stage)
    assert doctor.id not in queries.holders_at(report, level=1, viewer=SYSTEM)
    worker = workforce.enrol_worker(
        key(doctor), place=stage.regional, specialty="radiology", licence="TN-R-7", languages=["fr"], by=SYSTEM
    )
    group = workforce.found_group(
        names=("مجموعة", "Groupe", "Group"), specialty="radiology", lead=stage.regional,
        hospitals=[stage.regional], by=SYSTEM,
    )  # fmt: skip
    put_on_duty(worker.id, group.id)
    assert queries.holders_at(report, level=1, viewer=SYSTEM)[0] == doctor.id


def put_on_duty(worker: UUID, group: UUID) -> None:
    """On duty by a published roster, yesterday, today and tomorrow."""
    now = timezone.now()
    roster = Roster.objects.create(
        group_id=group, month=timezone.localdate().replace(day=1), minimum=1, state="published", published_at=now
    )
    Shift.objects.create(roster=roster, worker_id=worker, period=DateTimeTZRange(now - HOUR, now + HOUR), kind="onsite")


def test_answered_or_withdrawn_it_stays(stage: Cast) -> None:
    colleague(stage)
    answered, withdrawn = raised(stage), raised(stage)
    services.acknowledge_result(answered.id, by=stage.amel)
    services.withdraw_reading(withdrawn.reading_id, by=SYSTEM)
    Obligation.objects.filter(report=withdrawn).update(next_at=timezone.now())
    assert queries.results_to_pass_up(viewer=SYSTEM) == []
    for report in (answered, withdrawn):
        assert services.pass_up_result(report.id, by=SYSTEM).level == 0
    with pytest.raises(NotAllowed):
        services.pass_up_result(withdrawn.id, by=stage.karim)


def test_handing_it_over(stage: Cast) -> None:
    wafa = colleague(stage)
    report = raised(stage)
    before = owed(report)
    with pytest.raises(rules.NotHeldByYou):
        services.hand_over_result(report.id, to=key(wafa), by=wafa)
    for other in (stage.zied, stage.leila, stage.sami):
        with pytest.raises(rules.NotADoctorThere):
            services.hand_over_result(report.id, to=key(other), by=stage.amel)
    with pytest.raises(rules.HeldAlready):
        services.hand_over_result(report.id, to=key(stage.amel), by=stage.amel)
    after = services.hand_over_result(report.id, to=key(wafa), by=stage.amel)
    assert (after.holder_id, after.level, after.next_at) == (wafa.id, 0, before.next_at), "its clock runs on"
    assert chain(report)[-1] == (1, 0, wafa.id, "hand")
    assert told(after.id)[-1] == "CriticalResultHandedOver"
    services.acknowledge_result(report.id, by=wafa)
    with pytest.raises(rules.AlreadyAcknowledged):
        services.hand_over_result(report.id, to=key(stage.amel), by=wafa)


def test_an_answer_on_its_page_says_all_six(stage: Cast) -> None:
    report = raised(stage)
    answer = services.acknowledge_result(report.id, by=stage.amel)
    assert (answer.told_by_id, answer.acknowledged_by_id, answer.how) == (stage.leila.id, stage.amel.id, "page")
    assert (answer.said, answer.read_back, answer.entered_at) == (answer.what, True, answer.acknowledged_at)
    assert answer.next_at is None


def test_who_signed_does_not_answer_oneself(stage: Cast) -> None:
    accounts.give_post(key(stage.leila), role="radiologist", place=stage.regional, by=SYSTEM)
    report = raised(stage)
    with pytest.raises(rules.NotYourResult):
        services.acknowledge_result(report.id, by=accounts_queries.actor_of(key(stage.leila)))


def test_a_communication_is_an_answer_by_name(stage: Cast) -> None:
    report = raised(stage)
    now = timezone.now()
    answer = phoned(stage, report, at=now, said=" Hémorragie, au bloc ")
    assert (answer.told_by_id, answer.acknowledged_by_id) == (stage.leila.id, stage.amel.id)
    assert (answer.how, answer.said, answer.acknowledged_at) == ("phone", "Hémorragie, au bloc", now)
    assert answer.entered_at is not None
    assert answer.entered_at >= now
    fact = Fact.objects.get(name="radiology.CriticalResultAcknowledged")
    assert (fact.at, fact.actor, fact.data["how"]) == (now, f"person:{stage.leila.id}", "phone")
    with pytest.raises(rules.AlreadyAcknowledged):
        phoned(stage, report)


def test_the_head_of_the_readers_department_phones_too(stage: Cast) -> None:
    report = raised(stage)
    assert phoned(stage, report, by=stage.karim).told_by_id == stage.karim.id


def test_who_cannot_record_one_and_what_is_none(stage: Cast) -> None:
    other = add(stage, "mehdi", "radiologist", stage.university)
    head = add(stage, "habib", "chief", stage.regional)
    report = raised(stage)
    for by in (other, head):
        with pytest.raises(rules.NotYoursToTell):
            phoned(stage, report, by=by)
    with pytest.raises(NotAllowed):
        phoned(stage, report, by=stage.amel)
    for receiver in (stage.zied, stage.leila, stage.sami, stage.karim):
        with pytest.raises(rules.NotADoctorThere):
            phoned(stage, report, receiver=receiver.id)
    for at in (timezone.now() + HOUR, timezone.now() - HOUR):
        with pytest.raises(rules.NotWhenItWas):
            phoned(stage, report, at=at)
    with pytest.raises(rules.NotReadBack):
        phoned(stage, report, read_back=False)
    assert owed(report).acknowledged_at is None


def test_a_code_on_paper(stage: Cast) -> None:
    report = raised(stage)
    code = owed(report).code or ""
    assert report.signed_at is not None
    written = report.signed_at.replace(second=0, microsecond=0)
    answer = services.acknowledge_by_code(rules.printed(code).lower(), at=written, by=colleague(stage))
    assert answer is not None
    assert (answer.how, answer.acknowledged_at) == ("code", report.signed_at)
    assert answer.entered_at is not None
    assert answer.entered_at > report.signed_at
    assert not WrongCode.objects.filter(times__gt=0).exists()
    with pytest.raises(rules.AlreadyAcknowledged):
        services.acknowledge_by_code(code, at=timezone.now(), by=stage.amel)


def test_a_code_needs_its_time(stage: Cast) -> None:
    report = raised(stage)
    for at in (timezone.now() + HOUR, timezone.now() - HOUR):
        with pytest.raises(rules.NotWhenItWas):
            services.acknowledge_by_code(owed(report).code or "", at=at, by=stage.amel)


def test_wrong_codes_are_counted_and_end(stage: Cast) -> None:
    report = raised(stage)
    code = owed(report).code or ""
    now = timezone.now()
    for typed in ("", rules.new_code(), "?", code[:-1], code):
        assert services.acknowledge_by_code(typed, at=now, by=stage.zied) is None, (
            "another hospital's code is wrong too"
        )
    with pytest.raises(rules.TooManyCodes):
        services.acknowledge_by_code(code, at=now, by=stage.zied)
    assert WrongCode.objects.get(person=stage.zied.id).times == rules.WRONG_CODES
    assert Fact.objects.filter(name="radiology.WrongCodeEntered").count() == rules.WRONG_CODES
    with pytest.raises(IntegrityError, match="radiology_wrong_codes_are_few"), transaction.atomic():
        WrongCode.objects.update(times=6)
    assert services.acknowledge_by_code(code, at=timezone.now(), by=stage.amel) is not None, "others go on"


@pytest.mark.django_db(transaction=True)
def test_codes_are_not_guessed_in_parallel() -> None:
    stage = cast()
    now = timezone.now()
    acts = [partial(services.acknowledge_by_code, rules.new_code(), at=now, by=stage.amel) for _ in range(8)]
    assert at_once(*acts) == ["TooManyCodes"] * 3
    assert WrongCode.objects.get().times == rules.WRONG_CODES


MORE = "insert into radiology_handing (id, created_at, turn, level, because, holder_id, obligation_id) select "
MORE += "gen_random_uuid(), now(), {}, {}, '{}', %(other)s, id from radiology_obligation"
ANSWER = "update radiology_obligation set acknowledged_at = now(), acknowledged_by_id = holder_id"
BROKEN = [
    ("radiology_who_had_it_last_holds_it", "update radiology_obligation set level = 1"),
    ("radiology_who_had_it_last_holds_it", "update radiology_obligation set holder_id = %(other)s"),
    ("radiology_who_had_it_last_holds_it", MORE.format(1, 1, "time")),
    ("radiology_handings_never_change", "update radiology_handing set level = 1"),
    ("radiology_handings_never_change", "delete from radiology_handing"),
    ("radiology_levels_follow_one_another", MORE.format(1, 2, "time")),
    ("radiology_levels_follow_one_another", MORE.format(1, 1, "hand")),
    ("radiology_levels_follow_one_another", MORE.format(2, 1, "time")),
    ("radiology_an_answer_says_all_six", ANSWER),
    ("radiology_an_answer_says_all_six", f"{ANSWER}, told_by_id = %(other)s, how = 'phone', said = 'x', "
     "entered_at = now(), read_back = false"),
    ("radiology_an_answer_says_all_six", f"{ANSWER}, told_by_id = %(other)s, how = 'phone', said = '', "
     "entered_at = now(), read_back = true"),
    ("radiology_a_result_is_acknowledged_once", f"{ANSWER}, told_by_id = %(other)s, how = 'phone', said = 'x', "
     f"entered_at = now(), read_back = true; {ANSWER}"),
]  # fmt: skip


@pytest.mark.parametrize(("constraint", "statement"), BROKEN, ids=range(len(BROKEN)))
def test_what_the_database_refuses(stage: Cast, constraint: str, statement: str) -> None:
    raised(stage)
    with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
        for part in statement.split("; "):
            cursor.execute(part, {"other": stage.karim.id})
        cursor.execute("set constraints all immediate")
    cause = refused.value.__cause__
    assert isinstance(cause, psycopg.Error)
    assert cause.diag.constraint_name == constraint


def test_somebody_always_holds_it(stage: Cast) -> None:
    raised(stage)
    with pytest.raises(IntegrityError, match="holder_id"), transaction.atomic():
        Obligation.objects.update(holder=None)


def test_who_sees_what_is_owed(stage: Cast) -> None:
    report = raised(stage)
    for viewer in (stage.leila, stage.karim, stage.amel):
        assert [row.report_id for row in queries.owed(viewer=viewer)] == [report.id]
    for viewer in (stage.zied, stage.hatem, stage.sami, colleague(stage), STRANGER):
        assert not queries.owed(viewer=viewer).exists()
    for _ in range(3):
        let_time_pass(report)
    assert [row.report_id for row in queries.results(viewer=stage.karim)] == [report.id], "who holds it has it"
    phoned(stage, report)
    assert not queries.owed(viewer=stage.leila).exists()
    assert not queries.results(viewer=stage.karim).exists()


def test_strangers_learn_nothing(stage: Cast) -> None:
    obligation = owed(raised(stage))
    assert queries.obligation_of(obligation.report_id, viewer=STRANGER) is None
    assert queries.handings_of([obligation.id], viewer=STRANGER) == {}
    assert queries.results_to_pass_up(viewer=STRANGER) == []


def test_who_may_receive(stage: Cast) -> None:
    wafa, head = colleague(stage), add(stage, "habib", "chief", stage.regional)
    report = raised(stage)
    assert list(queries.receivers(report, viewer=stage.leila)) == [stage.amel.id, head.id, wafa.id]


def test_how_many_were_answered_in_time(stage: Cast) -> None:
    today = timezone.localdate()
    first, late, waiting, lapsed, gone = (raised(stage) for _ in range(5))
    third = handed_over(stage, critical_category=3, **CRITICAL)
    services.acknowledge_result(first.id, by=stage.amel)
    past = timezone.now() - HOUR
    Obligation.objects.filter(report__in=(late, lapsed)).update(due_at=past)
    services.acknowledge_result(late.id, by=stage.amel)
    services.withdraw_reading(gone.reading_id, by=SYSTEM)
    found = queries.closures(since=today, until=timezone.localdate(), viewer=stage.hatem)
    assert found == [
        queries.Closure(place=stage.regional, category=1, raised=4, due=3, in_time=1, late=1, open=2),
        queries.Closure(place=stage.regional, category=3, raised=1, due=0, in_time=0, late=0, open=1),
    ]
    assert {waiting.id, third.id} == {row.report_id for row in queries.owed(viewer=stage.leila)} - {lapsed.id}
    yesterday = today - datetime.timedelta(days=1)
    assert queries.closures(since=yesterday, until=yesterday, viewer=stage.hatem) == []
    assert queries.closures(since=today, until=today, viewer=stage.karim) == [], "not of his hospital"
    for viewer in (stage.zied, stage.amel, STRANGER):
        with pytest.raises(NotAllowed):
            queries.closures(since=today, until=today, viewer=viewer)


NEVER = {
    "an obligation without its first holder": """
        select o.id from radiology_obligation o where not exists (
          select from radiology_handing h where h.obligation_id = o.id and h.turn = 0 and h.level = 0)""",
    "a holder who was not handed it last": """
        select o.id from radiology_obligation o join lateral (
          select level, holder_id from radiology_handing h where h.obligation_id = o.id order by turn desc limit 1
        ) last on true where (last.level, last.holder_id) is distinct from (o.level::smallint, o.holder_id)""",
    "levels that do not follow one another": """
        select obligation_id from radiology_handing where because <> 'hand' group by 1
        having count(*) <> max(level) + 1 or count(distinct level) <> count(*)""",
    "turns that do not follow one another": """
        select obligation_id from radiology_handing group by 1 having count(*) <> max(turn) + 1""",
    "two acknowledgements told of one result": """
        select subject from kernel_fact where name = 'radiology.CriticalResultAcknowledged'
        group by 1 having count(*) > 1""",
    "an answer without its fact, or a fact without its answer": """
        select o.id from radiology_obligation o where (o.acknowledged_at is not null) <> exists (
          select from kernel_fact f where f.subject = o.id and f.name = 'radiology.CriticalResultAcknowledged')""",
    "a handing without its fact": """
        select h.obligation_id from radiology_handing h group by 1 having count(*) <> (
          select count(*) from kernel_fact f where f.subject = h.obligation_id and f.name in (
            'radiology.CriticalResultRaised', 'radiology.CriticalResultPassedUp',
            'radiology.CriticalResultHandedOver'))""",
    "an answered result that still goes up": """
        select id from radiology_obligation where acknowledged_at is not null and next_at is not null""",
}


@pytest.mark.django_db(transaction=True)
def test_whatever_happens_at_once_these_hold() -> None:
    """Sixteen sessions answer, pass up, hand over, phone and enter codes at random; then one question a promise."""
    stage = cast()
    doctors = [stage.amel, colleague(stage), add(stage, "habib", "chief", stage.regional)]
    reports = [raised(stage) for _ in range(4)]
    codes = {report.id: owed(report).code or "" for report in reports}
    for turn in range(4):
        chance = random.Random(turn)

        def act(chance: random.Random = chance) -> Callable[[], object]:
            report, doctor = chance.choice(reports), chance.choice(doctors)
            rare = chance.random() < 0.15
            acts: list[Callable[[], object]] = [
                partial(services.pass_up_result, report.id, by=SYSTEM),
                partial(services.hand_over_result, report.id, to=key(chance.choice(doctors)), by=doctor),
            ]
            if rare:
                acts = [
                    partial(services.acknowledge_result, report.id, by=doctor),
                    partial(services.acknowledge_by_code, codes[report.id], at=timezone.now(), by=doctor),
                    partial(phoned, stage, report, receiver=doctor.id),
                ]
            return chance.choice(acts)

        Obligation.objects.filter(acknowledged_at__isnull=True, level__lt=3).update(next_at=timezone.now())
        allowed = {"AlreadyAcknowledged", "NotHeldByYou", "HeldAlready"}
        assert set(at_once(*(act() for _ in range(16)))) <= allowed
    assert Handing.objects.count() > len(reports), "something happened"
    with connection.cursor() as cursor:
        for never, question in NEVER.items():
            cursor.execute(question)
            assert cursor.fetchall() == [], never
