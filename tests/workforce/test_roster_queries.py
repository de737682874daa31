"""Who is on duty, who sees which months, and that strangers see none."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.cast import Cast, cast
from tests.workforce import plan
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.workforce import queries, services
from wasl.workforce.models import Membership, Shift

pytestmark = pytest.mark.django_db
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def stage() -> Cast:
    return cast()


def on_duty(moment: datetime.datetime, viewer: Actor, **where: object) -> list[object]:
    return list(queries.on_duty(moment, viewer=viewer, **where).values_list("id", flat=True))  # type: ignore[arg-type]


def test_who_is_on_duty(stage: Cast) -> None:
    leila, other = plan.leila(stage), plan.reader(stage, 1)
    group = plan.group(stage, hospitals=(stage.regional, stage.university))
    roster = plan.published(stage, leila, other, of=group)
    Membership.objects.update(created_at=timezone.now() - 99 * HOUR)
    first = plan.first_hour(roster.month)
    for moment, worker in (
        (first, other), (first + 7 * HOUR, other), (first + 8 * HOUR, leila), (first + 31 * HOUR, leila),
        (first + 32 * HOUR, other), (first + 32 * HOUR - datetime.timedelta(seconds=1), leila),
    ):  # fmt: skip
        for where in ({}, {"group": group.id}, {"place": stage.regional}, {"place": stage.university}):
            assert on_duty(moment, stage.amel, **where) == [worker.worker], (moment, where)
    assert on_duty(first, stage.amel, place=stage.other) == []
    assert on_duty(first - HOUR, stage.amel) == []
    assert on_duty(first, STRANGER) == []


def test_the_last_night_reaches_into_the_next_month(stage: Cast) -> None:
    leila = plan.leila(stage)
    roster = plan.published(stage, leila)
    end = queries.bounds(roster.month)[1]
    assert on_duty(end + 7 * HOUR, SYSTEM) == [leila.worker]
    assert on_duty(end + 8 * HOUR, SYSTEM) == []


def test_drafts_put_nobody_on_duty_and_swaps_put_the_other(stage: Cast) -> None:
    leila, other = plan.leila(stage), plan.reader(stage, 1)
    group = plan.group(stage)
    drafted = services.draft_roster(group.id, month=plan.next_month(), by=stage.karim)
    plan.fill(stage, drafted, leila)
    noon = plan.first_hour(drafted.month) + 60 * HOUR
    assert on_duty(noon, SYSTEM) == []
    services.publish_roster(drafted.id, by=stage.karim)
    swap = services.propose_swap(Shift.objects.get(period__contains=noon).id, colleague=other.worker, by=leila.actor)
    assert on_duty(noon, SYSTEM) == [leila.worker]
    services.accept_swap(swap.id, by=other.actor)
    assert on_duty(noon, SYSTEM) == [other.worker]


def test_a_hospital_is_covered_while_it_is_in_the_group(stage: Cast) -> None:
    leila, group = plan.leila(stage), plan.group(stage)
    roster = plan.published(stage, leila, of=group)
    noon = plan.first_hour(roster.month) + 60 * HOUR
    assert on_duty(noon, SYSTEM, place=stage.other) == [leila.worker]
    services.leave_group(group.id, place=stage.other, by=stage.hatem)
    assert on_duty(noon, SYSTEM, place=stage.other) == []


def test_an_index_finds_who_is_on_duty_in_one_query(stage: Cast) -> None:
    leila, group = plan.leila(stage), plan.group(stage)
    roster = plan.published(stage, leila, of=group)
    noon = plan.first_hour(roster.month) + 60 * HOUR
    asked = queries.on_duty(noon, viewer=SYSTEM, group=group.id)
    with CaptureQueriesContext(connection) as seen:
        assert [row.person.family_name for row in asked] == ["Haddad"]
    assert len(seen) == 1
    with connection.cursor() as cursor:  # fifty years of shifts that are past
        cursor.execute(
            """insert into workforce_shift (id, created_at, roster_id, worker_id, period, kind)
            select gen_random_uuid(), now(), %s, %s, tstzrange(day, day + interval '1 day'), 'remote'
            from generate_series(timestamptz '1970-01-01', timestamptz '2020-01-01', interval '1 day') day""",
            [roster.id, leila.worker],
        )
        cursor.execute("analyze workforce_shift")
    assert "workforce_a_reader_is_on_one_shift_at_a_time" in asked.explain()


def test_who_sees_which_months(stage: Cast) -> None:
    leila, elsewhere = plan.leila(stage), plan.reader(stage, 1, where=stage.other)
    group = plan.group(stage, hospitals=(stage.regional, stage.university))
    public = plan.published(stage, leila, of=group)
    draft = services.draft_roster(group.id, month=plan.next_month(2), by=stage.karim)
    plan.fill(stage, draft, elsewhere)
    for viewer, seen in (
        (stage.karim, {public, draft}), (stage.hatem, {public, draft}), (SYSTEM, {public, draft}),
        (stage.leila, {public}), (elsewhere.actor, set()), (stage.amel, set()), (stage.zied, set()),
        (stage.fatma, set()), (STRANGER, set()),
    ):  # fmt: skip
        assert set(queries.rosters(viewer=viewer)) == seen, viewer
        known = {row.id for row in queries.groups(viewer=viewer)}
        assert known == ({group.id} if seen else set())
        for roster in (public, draft):
            shift = Shift.objects.filter(roster=roster).first()
            assert shift is not None
            if roster in seen:
                assert queries.roster(roster.id, viewer=viewer) == roster
                assert queries.shifts_of(roster, viewer=viewer)
                assert queries.shift(shift.id, viewer=viewer) == shift
                assert queries.group(group.id, viewer=viewer).members[0].group_id == group.id  # type: ignore[attr-defined]
            else:
                for ask in (
                    lambda: queries.roster(roster.id, viewer=viewer),  # noqa: B023  called here
                    lambda: queries.shifts_of(roster, viewer=viewer),  # noqa: B023
                    lambda: queries.shift(shift.id, viewer=viewer),  # noqa: B023
                ):
                    with pytest.raises(NotFound):
                        ask()
    services.publish_roster(draft.id, by=stage.karim)
    assert draft in queries.rosters(viewer=elsewhere.actor), "who is on duty there sees the months"


def test_my_shifts_are_mine_and_published(stage: Cast) -> None:
    leila, other = plan.leila(stage), plan.reader(stage, 1)
    group = plan.group(stage)
    plan.published(stage, leila, other, of=group)
    draft = services.draft_roster(group.id, month=plan.next_month(2), by=stage.karim)
    plan.fill(stage, draft, leila, plan.reader(stage, 2))
    mine = list(queries.my_shifts(viewer=leila.actor))
    assert {row.worker_id for row in mine} == {leila.worker}
    assert {row.roster_id for row in mine} == {mine[0].roster_id} != {draft.id}
    for viewer in (stage.karim, stage.zied, STRANGER, SYSTEM):
        assert not queries.my_shifts(viewer=viewer)
        assert queries.calendar_of(viewer=viewer) is None


def test_what_a_shift_could_be_swapped_against(stage: Cast) -> None:
    leila, other = plan.leila(stage), plan.reader(stage, 1)
    plan.published(stage, leila, other)
    shift = plan.shift_of(leila, 2)
    assert {row.worker_id for row in queries.in_return(shift, viewer=leila.actor)} == {other.worker}
    for viewer in (other.actor, stage.karim, STRANGER):
        assert queries.in_return(shift, viewer=viewer) == []
    # nor is a resident one of them, who is enrolled as such
    assert [row.id for row in queries.candidates("radiology", viewer=leila.actor, but=leila.worker)] == [other.worker]
    assert not queries.candidates("radiology", viewer=STRANGER)


def test_duties_by_group(stage: Cast) -> None:
    leila, group = plan.leila(stage), plan.group(stage)
    roster = plan.published(stage, leila, of=group)
    noon = plan.first_hour(roster.month) + 60 * HOUR
    for viewer in (stage.karim, stage.hatem, leila.actor):
        with CaptureQueriesContext(connection) as seen:
            found = queries.duties(noon, viewer=viewer)
            assert [(key, [row.worker.person.family_name for row in rows]) for key, rows in found.items()] == [
                (group.id, ["Haddad"])
            ]
        assert len(seen) == 1
    assert queries.duties(noon, viewer=stage.zied) == {}
