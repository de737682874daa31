"""Groups founded, months drafted and published, readers replaced."""

import datetime
from uuid import uuid4

import pytest
from django.utils import timezone

from tests.cast import Cast, cast
from tests.workforce import plan
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.workforce import queries, services
from wasl.workforce.models import Group, Membership, Roster, SessionRule, Shift
from wasl.workforce.rules import groups, rosters, swaps

HOUR = datetime.timedelta(hours=1)
NAMES = ("ليالي", "Nuits", "Nights")


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def told(name: str) -> int:
    return Fact.objects.filter(name=f"workforce.{name}").count()


def draft(stage: Cast, **values: int) -> Roster:
    return services.draft_roster(plan.group(stage, **values).id, month=plan.next_month(), by=stage.karim)  # type: ignore[arg-type]


def test_found_group(stage: Cast) -> None:
    group = plan.group(stage)
    assert {row.place_id for row in Membership.objects.filter(group=group)} == {
        stage.regional, stage.university, stage.other,
    }  # fmt: skip
    assert Fact.objects.get(name="workforce.GroupFounded").place == stage.university
    assert told("GroupJoined") == 3


def test_a_hospital_is_in_one_group_of_a_specialty(stage: Cast) -> None:
    first = plan.group(stage, hospitals=(stage.regional, stage.university))
    with pytest.raises(groups.InAnotherGroup):
        plan.group(stage, hospitals=(stage.other, stage.regional), name="Autre")
    assert Group.objects.count() == 1, "all of it or nothing"
    second = plan.group(stage, hospitals=(stage.other,), name="Autre")
    with pytest.raises(groups.InAnotherGroup):
        services.join_group(second.id, place=stage.regional, by=stage.hatem)
    services.leave_group(first.id, place=stage.regional, by=stage.hatem)
    services.join_group(second.id, place=stage.regional, by=stage.hatem)
    assert told("GroupLeft") == 1
    with pytest.raises(groups.NotInGroup):
        services.leave_group(first.id, place=stage.regional, by=stage.hatem)
    with pytest.raises(groups.LastHospital):
        services.leave_group(first.id, place=stage.university, by=stage.hatem)


def test_of_another_specialty_it_may_be_in_another_group(stage: Cast) -> None:
    plan.group(stage)
    plan.reader(stage, 1, specialty="cardiology")
    services.found_group(
        names=NAMES, specialty="cardiology", lead=stage.university, hospitals=[stage.regional], by=stage.hatem
    )
    assert Membership.objects.filter(place=stage.regional).count() == 2


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"hospitals": []}, groups.NoHospital),
        ({"hospitals": [uuid4()]}, groups.UnknownHospital),
        ({"specialty": "alchemy"}, groups.UnknownSpecialty),
        ({"minimum": 0}, groups.BadMinimum),
    ],
    ids=["no hospital", "unknown hospital", "unknown specialty", "nobody"],
)
def test_what_is_no_group(stage: Cast, changes: dict[str, object], refusal: type[Exception]) -> None:
    about: dict[str, object] = {
        "names": NAMES, "specialty": "radiology", "lead": stage.university, "hospitals": [stage.other],
        "by": stage.hatem,
    }  # fmt: skip
    with pytest.raises(refusal):
        services.found_group(**{**about, **changes})  # type: ignore[arg-type]
    assert not Group.objects.exists()


def test_groups_are_the_planners(stage: Cast) -> None:
    group = plan.group(stage)
    with pytest.raises(groups.GroupNameTaken):
        plan.group(stage)
    for other in (stage.karim, stage.leila, stage.fatma):
        with pytest.raises(NotAllowed):
            services.set_minimum(group.id, minimum=2, by=other)
        with pytest.raises(NotAllowed):
            services.leave_group(group.id, place=stage.other, by=other)
    with pytest.raises(NotFound):
        services.set_minimum(uuid4(), minimum=2, by=stage.hatem)


def test_another_minimum_is_for_drafts(stage: Cast) -> None:
    group = plan.group(stage)
    kept = plan.published(stage, plan.leila(stage), plan.reader(stage, 1), of=group)
    drafted = services.draft_roster(group.id, month=plan.next_month(2), by=stage.hatem)
    services.set_minimum(group.id, minimum=3, by=stage.hatem)
    minima = {row.id: row.minimum for row in Roster.objects.all()}
    assert (minima[kept.id], minima[drafted.id]) == (1, 3)
    assert queries.gaps_of(Roster.objects.get(id=kept.id), viewer=stage.karim) == []


def test_draft_roster(stage: Cast) -> None:
    group = plan.group(stage)
    day = plan.next_month() + datetime.timedelta(days=17)
    roster = services.draft_roster(group.id, month=day, by=stage.karim)
    assert (roster.month, roster.state) == (plan.next_month(), "draft")
    with pytest.raises(rosters.AlreadyDrafted):
        services.draft_roster(group.id, month=plan.next_month(), by=stage.hatem)
    with pytest.raises(rosters.MonthOver):
        services.draft_roster(group.id, month=timezone.localdate() - datetime.timedelta(days=31), by=stage.karim)
    for other in (stage.leila, stage.zied, stage.fatma):
        with pytest.raises(NotAllowed):
            services.draft_roster(group.id, month=plan.next_month(2), by=other)
    with pytest.raises(NotFound):
        services.draft_roster(uuid4(), month=plan.next_month(), by=stage.karim)


def test_a_head_plans_where_the_own_hospital_leads(stage: Cast) -> None:
    elsewhere = services.found_group(
        names=NAMES, specialty="radiology", lead=stage.other, hospitals=[stage.other], by=stage.hatem
    )
    with pytest.raises(groups.NotYourGroup):
        services.draft_roster(elsewhere.id, month=plan.next_month(), by=stage.karim)


def test_add_pattern_puts_on_duty_on_all_days_or_none(stage: Cast) -> None:
    roster, leila = draft(stage), plan.leila(stage)
    days = plan.days_of(roster.month)[:5]

    def add(days: list[datetime.date]) -> list[Shift]:
        return services.add_pattern(
            roster.id, worker=leila.worker, days=days, begins=20, ends=8, kind="oncall", by=stage.karim
        )

    made = add(days[1:3])
    assert [row.period.upper - row.period.lower for row in made] == [12 * HOUR] * 2
    assert told("ShiftAdded") == 2
    with pytest.raises(rosters.AlreadyOnDuty) as refusal:
        add(days)
    assert "Leila Haddad" in refusal.value.sentence
    assert Shift.objects.count() == 2
    with pytest.raises(rosters.NoShift):
        add([])


def test_a_reader_is_on_one_shift_at_a_time_in_the_country(stage: Cast) -> None:
    one = services.draft_roster(
        plan.group(stage, hospitals=(stage.regional,)).id, month=plan.next_month(), by=stage.karim
    )
    other = services.draft_roster(
        plan.group(stage, hospitals=(stage.other,), name="Autre").id, month=plan.next_month(), by=stage.karim
    )
    first, leila = plan.first_hour(one.month), plan.leila(stage)
    services.add_shift(one.id, worker=leila.worker, period=(first, first + 8 * HOUR), kind="remote", by=stage.karim)
    with pytest.raises(rosters.AlreadyOnDuty):
        services.add_shift(
            other.id, worker=leila.worker, period=(first + 7 * HOUR, first + 9 * HOUR), kind="remote", by=stage.karim
        )
    services.add_shift(
        other.id, worker=leila.worker, period=(first + 8 * HOUR, first + 9 * HOUR), kind="onsite", by=stage.karim
    )


def test_what_is_no_shift(stage: Cast) -> None:
    services.set_session_rule(hours=24, since=datetime.date(2025, 1, 1), source="décret 2024-715", by=stage.hatem)
    roster, leila = draft(stage), plan.leila(stage)
    cardiologist = plan.reader(stage, 1, specialty="cardiology")
    first = plan.first_hour(roster.month)
    for worker, hours, kind, refusal in (
        (leila.worker, 25, "remote", rosters.ShiftTooLong),
        (leila.worker, 0, "remote", rosters.NotWholeHours),
        (leila.worker, 8, "asleep", rosters.UnknownKind),
        (cardiologist.worker, 8, "remote", rosters.OtherSpecialty),
        (uuid4(), 8, "remote", NotFound),
    ):
        with pytest.raises(refusal):
            services.add_shift(
                roster.id, worker=worker, period=(first, first + hours * HOUR), kind=kind, by=stage.karim
            )
    assert not Shift.objects.exists()


def test_the_session_has_a_length_from_a_day_on(stage: Cast) -> None:
    since = datetime.date(2025, 1, 1)
    assert queries.longest(since, viewer=stage.karim) is None
    services.set_session_rule(hours=24, since=since, source="décret 2024-715", by=stage.hatem)
    services.set_session_rule(hours=12, since=datetime.date(2027, 1, 1), source="décret", by=stage.hatem)
    days = (datetime.date(2024, 12, 31), since, datetime.date(2026, 12, 31), datetime.date(2027, 1, 1))
    assert [queries.longest(day, viewer=stage.karim) for day in days] == [None, 24, 24, 12]
    with pytest.raises(rosters.SessionRuleNotLater):
        services.set_session_rule(hours=8, since=since, source="", by=stage.hatem)
    assert SessionRule.objects.count() == told("SessionRuleSet") == 2


def test_remove_shift(stage: Cast) -> None:
    roster, leila = draft(stage), plan.leila(stage)
    plan.fill(stage, roster, leila)
    shift = plan.shift_of(leila)
    services.remove_shift(shift.id, by=stage.karim)
    assert told("ShiftRemoved") == 1
    (gap,) = queries.gaps_of(roster, viewer=stage.karim)
    assert (gap.since, gap.until, gap.present) == (shift.period.lower, shift.period.upper, 0)
    for key, by, refusal in ((shift.id, stage.karim, NotFound), (plan.shift_of(leila).id, stage.leila, NotAllowed)):
        with pytest.raises(refusal):
            services.remove_shift(key, by=by)


def test_publish_roster_without_gaps_only(stage: Cast) -> None:
    roster, leila = draft(stage), plan.leila(stage)
    with pytest.raises(rosters.GapsLeft) as refusal:
        services.publish_roster(roster.id, by=stage.karim)
    assert [(gap.since, gap.until) for gap in refusal.value.gaps] == [queries.bounds(roster.month)]
    plan.fill(stage, roster, leila)
    last = Shift.objects.latest("period")
    services.remove_shift(last.id, by=stage.karim)
    with pytest.raises(rosters.GapsLeft) as refusal:
        services.publish_roster(roster.id, by=stage.karim)
    (gap,) = refusal.value.gaps
    assert (gap.since, gap.until) == (last.period.lower, queries.bounds(roster.month)[1])
    services.add_shift(
        roster.id, worker=leila.worker, period=(last.period.lower, last.period.upper), kind="remote", by=stage.karim
    )
    services.publish_roster(roster.id, by=stage.karim)
    assert Roster.objects.get().published_at is not None
    assert told("RosterPublished") == 1


def test_what_is_published_changes_otherwise(stage: Cast) -> None:
    leila = plan.leila(stage)
    roster = plan.published(stage, leila)
    first = plan.first_hour(plan.next_month())
    with pytest.raises(rosters.RosterPublished):
        services.publish_roster(roster.id, by=stage.karim)
    with pytest.raises(rosters.RosterPublished):
        services.remove_shift(plan.shift_of(leila).id, by=stage.karim)
    with pytest.raises(rosters.RosterPublished):
        services.add_shift(roster.id, worker=leila.worker, period=(first, first + HOUR), kind="remote", by=stage.karim)


def test_two_are_on_duty_where_two_are_asked_for(stage: Cast) -> None:
    roster, leila, other = draft(stage, minimum=2), plan.leila(stage), plan.reader(stage, 1)
    plan.fill(stage, roster, leila)
    (gap,) = queries.gaps_of(roster, viewer=stage.karim)
    assert gap.present == 1
    plan.fill(stage, roster, other)
    services.publish_roster(roster.id, by=stage.karim)


def test_the_last_night_of_a_published_month_counts_in_the_next(stage: Cast) -> None:
    group, leila = plan.group(stage), plan.leila(stage)
    roster = plan.published(stage, leila, of=group)
    following = services.draft_roster(group.id, month=plan.next_month(2), by=stage.karim)
    (gap,) = queries.gaps_of(following, viewer=stage.karim)
    first = plan.first_hour(following.month)
    assert gap.since == first + 8 * HOUR, "until 8 it is the last night of the month before"
    assert Shift.objects.latest("period").roster_id == roster.id
    assert [row.roster_id for row in queries.shifts_of(following, viewer=stage.karim)] == [roster.id]


def test_a_draft_beside_does_not_count(stage: Cast) -> None:
    group, leila = plan.group(stage), plan.leila(stage)
    plan.fill(stage, services.draft_roster(group.id, month=plan.next_month(), by=stage.karim), leila)
    following = services.draft_roster(group.id, month=plan.next_month(2), by=stage.karim)
    (gap,) = queries.gaps_of(following, viewer=stage.karim)
    assert gap.since == plan.first_hour(following.month)


def test_replace_worker(stage: Cast) -> None:
    leila, other, sick = plan.leila(stage), plan.reader(stage, 1), plan.reader(stage, 2)
    roster = plan.published(stage, leila, sick)
    shift = plan.shift_of(sick)
    made = services.replace_worker(shift.id, worker=other.worker, by=stage.karim)
    gone = Shift.objects.get(id=shift.id)
    assert (made.worker_id, made.period, made.kind, made.replaces_id) == (
        other.worker,
        shift.period,
        "oncall",
        shift.id,
    )
    assert gone.replaced_at is not None
    assert queries.gaps_of(roster, viewer=stage.karim) == []
    fact = Fact.objects.get(name="workforce.ShiftHandedOver").data
    assert (fact["worker"], fact["before"]) == (str(other.worker), str(sick.worker))
    with pytest.raises(swaps.HandedOver):
        services.replace_worker(shift.id, worker=leila.worker, by=stage.karim)
    with pytest.raises(swaps.NotToYourself):
        services.replace_worker(made.id, worker=other.worker, by=stage.karim)
    with pytest.raises(NotAllowed):
        services.replace_worker(made.id, worker=sick.worker, by=stage.leila)
    with pytest.raises(NotFound):
        services.replace_worker(uuid4(), worker=sick.worker, by=stage.karim)


def test_nobody_replaces_who_is_on_duty_already_nor_in_a_draft(stage: Cast) -> None:
    leila, other = plan.leila(stage), plan.reader(stage, 1)
    group = plan.group(stage, minimum=2)
    roster = services.draft_roster(group.id, month=plan.next_month(), by=stage.karim)
    plan.fill(stage, roster, leila)
    with pytest.raises(rosters.RosterNotPublished):
        services.replace_worker(plan.shift_of(leila).id, worker=other.worker, by=stage.karim)
    plan.fill(stage, roster, other)
    services.publish_roster(roster.id, by=stage.karim)
    with pytest.raises(rosters.AlreadyOnDuty):
        services.replace_worker(plan.shift_of(leila).id, worker=other.worker, by=stage.karim)
    assert not Shift.objects.filter(replaced_at__isnull=False).exists()


def test_a_shift_that_has_begun_stays_with_its_reader(stage: Cast) -> None:
    leila, other = plan.leila(stage), plan.reader(stage, 1)
    plan.published(stage, leila, month=plan.next_month(0))
    with pytest.raises(swaps.ShiftBegun):
        first = Shift.objects.earliest("period")
        services.replace_worker(first.id, worker=other.worker, by=stage.karim)
