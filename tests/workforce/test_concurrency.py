"""Sixteen sessions plan, publish, swap and replace at random: every hour stays covered, everybody is in one place."""

import datetime
import random
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection

from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.workforce import plan
from tests.workforce.plan import Reader
from wasl.kernel.models import Fact
from wasl.workforce import services
from wasl.workforce.models import Calendar, Group, Membership, Roster, Shift, Swap

pytestmark = pytest.mark.django_db(transaction=True)
SESSIONS = 16
HOUR = datetime.timedelta(hours=1)
# each asks for rows that must not be
WRONG = {
    "a reader is in two places": """
        select a.id from workforce_shift a join workforce_shift b
        on a.worker_id = b.worker_id and a.id < b.id and a.period && b.period
        where a.replaced_at is null and b.replaced_at is null""",
    "an hour of a published month has too few on duty": """
        select r.id, hour from workforce_roster r,
        generate_series(r.month at time zone %(zone)s,
            (r.month + interval '1 month') at time zone %(zone)s - interval '1 hour', interval '1 hour') hour
        where r.state = 'published' and r.minimum > (
            select count(distinct s.worker_id) from workforce_shift s join workforce_roster o on o.id = s.roster_id
            where o.group_id = r.group_id and o.state = 'published' and s.replaced_at is null and s.period @> hour)""",
    "a shift is gone and nobody took it": """
        select s.id from workforce_shift s left join workforce_shift n on n.replaces_id = s.id
        where (s.replaced_at is null) <> (n.id is null)
        or n.period <> s.period or n.kind <> s.kind or n.roster_id <> s.roster_id or n.worker_id = s.worker_id""",
    "a swap was accepted and its shift went elsewhere": """
        select w.id from workforce_swap w left join workforce_shift n on n.replaces_id = w.shift_id
        where w.state = 'accepted' and n.worker_id is distinct from w.colleague_id""",
    "an offer waits for a shift that is gone": """
        select w.id from workforce_swap w join workforce_shift s on s.id in (w.shift_id, w.against_id)
        where w.state = 'proposed' and s.replaced_at is not null""",
    "a hospital is in two groups": """
        select place_id from workforce_membership where ended_at is null group by place_id, specialty
        having count(*) > 1""",
    "a group has two rosters of a month": """
        select group_id from workforce_roster group by group_id, month having count(*) > 1""",
}


def nothing_is_wrong() -> None:
    with connection.cursor() as cursor:
        for what, query in WRONG.items():
            cursor.execute(query, {"zone": "Africa/Tunis"})
            assert cursor.fetchall() == [], what


def shared_month(stage: Cast, readers: list[Reader]) -> Roster:
    return plan.published(stage, *readers)


def test_the_queries_find_what_is_wrong() -> None:
    """A month with a hole, made by hand: a test that could not fail would prove nothing."""
    stage = cast()
    leila = plan.leila(stage)
    roster = plan.published(stage, leila)
    nothing_is_wrong()
    shift = plan.shift_of(leila, 5)
    Shift.objects.filter(id=shift.id).update(replaced_at=shift.period.lower)
    found = []
    with connection.cursor() as cursor:
        for what, query in WRONG.items():
            cursor.execute(query, {"zone": "Africa/Tunis"})
            if rows := cursor.fetchall():
                found.append((what, len(rows)))
    assert found == [
        ("an hour of a published month has too few on duty", 24),
        ("a shift is gone and nobody took it", 1),
    ]
    assert roster.minimum == 1


def test_two_acceptances_of_one_shift() -> None:
    stage = cast()
    leila, others = plan.leila(stage), [plan.reader(stage, number) for number in range(SESSIONS)]
    shared_month(stage, [leila])
    shift = plan.shift_of(leila, 3)
    offers = [services.propose_swap(shift.id, colleague=one.worker, by=leila.actor) for one in others]
    acts = [partial(services.accept_swap, swap.id, by=one.actor) for swap, one in zip(offers, others, strict=True)]
    assert at_once(*acts) == ["SwapSettled"] * (SESSIONS - 1)
    assert Counter(Swap.objects.values_list("state", flat=True)) == {"accepted": 1, "overtaken": SESSIONS - 1}
    assert Fact.objects.filter(name="workforce.ShiftHandedOver").count() == 1
    nothing_is_wrong()


def test_accepted_and_withdrawn_at_once() -> None:
    stage = cast()
    leila, other = plan.leila(stage), plan.reader(stage, 1)
    shared_month(stage, [leila])
    swap = services.propose_swap(plan.shift_of(leila, 3).id, colleague=other.worker, by=leila.actor)
    refused = at_once(
        *[partial(services.accept_swap, swap.id, by=other.actor)] * 4,
        *[partial(services.withdraw_swap, swap.id, by=leila.actor)] * 4,
        *[partial(services.decline_swap, swap.id, by=other.actor)] * 4,
    )
    assert refused == ["SwapSettled"] * 11
    nothing_is_wrong()


def test_swaps_and_replacements_at_random() -> None:
    stage, chance = cast(), random.Random(20261129)
    readers = [plan.leila(stage), *(plan.reader(stage, number) for number in range(5))]
    shared_month(stage, readers)
    for _ in range(6):
        acts: list[Callable[[], object]] = []
        whose = {one.worker: one for one in readers}
        shifts = list(Shift.objects.filter(replaced_at__isnull=True, kind="oncall"))
        few = chance.sample(shifts, 6)  # so that they meet
        for swap in Swap.objects.filter(state="proposed"):
            by = whose[swap.colleague_id].actor
            acts.append(partial(chance.choice([services.accept_swap] * 3 + [services.decline_swap]), swap.id, by=by))
        while len(acts) < SESSIONS:
            shift, other = chance.choice(few), chance.choice(few)
            if chance.random() < 0.2:
                acts.append(partial(services.replace_worker, shift.id, worker=other.worker_id, by=stage.karim))
            else:
                against = other.id if chance.random() < 0.6 else None
                acts.append(partial(services.propose_swap, shift.id, colleague=other.worker_id, against=against,
                                    by=whose[shift.worker_id].actor))  # fmt: skip
        refused = at_once(*acts[:SESSIONS])
        allowed = {"SwapSettled", "HandedOver", "AlreadyOnDuty", "NotToYourself", "AlreadyProposed", "NotFound"}
        assert set(refused) <= allowed
        nothing_is_wrong()
    assert Swap.objects.filter(state="accepted").exists(), "nothing was tried"


def test_planned_and_published_at_once() -> None:
    """A shift that is removed while the month is published: one of the two is refused."""
    stage = cast()
    leila, other = plan.leila(stage), plan.reader(stage, 1)
    roster = services.draft_roster(plan.group(stage).id, month=plan.next_month(), by=stage.karim)
    plan.fill(stage, roster, leila, other)
    keys = list(Shift.objects.values_list("id", flat=True)[: SESSIONS - 4])
    at_once(
        *[partial(services.remove_shift, key, by=stage.karim) for key in keys],
        *[partial(services.publish_roster, roster.id, by=stage.hatem)] * 4,
    )
    nothing_is_wrong()
    published = Roster.objects.get().state == "published"
    assert published != (Fact.objects.filter(name="workforce.ShiftRemoved").count() > 0)


def test_a_reader_put_on_duty_by_many_at_once() -> None:
    stage = cast()
    leila = plan.leila(stage)
    places = (stage.regional, stage.university, stage.other)
    months = [
        services.draft_roster(plan.group(stage, hospitals=(place,), name=str(place)).id, month=plan.next_month(),
                              by=stage.karim)
        for place in places
    ]  # fmt: skip
    first = plan.first_hour(plan.next_month())

    def add(number: int) -> None:
        since = first + (number % 5) * HOUR
        services.add_shift(months[number % 3].id, worker=leila.worker, period=(since, since + 6 * HOUR), kind="remote",
                           by=stage.karim)  # fmt: skip

    assert at_once(*[partial(add, number) for number in range(SESSIONS)]) == ["AlreadyOnDuty"] * (SESSIONS - 1)
    nothing_is_wrong()


def test_drafted_by_many_at_once() -> None:
    stage = cast()
    act = partial(services.draft_roster, plan.group(stage).id, month=plan.next_month(), by=stage.karim)
    assert at_once(*[act] * SESSIONS) == ["AlreadyDrafted"] * (SESSIONS - 1)


def test_groups_founded_of_the_same_hospitals_at_once() -> None:
    stage = cast()
    places = [stage.regional, stage.university, stage.other]
    acts = [
        partial(plan.group, stage, hospitals=tuple(places if number % 2 else reversed(places)), name=f"Groupe {number}")
        for number in range(SESSIONS)
    ]
    assert at_once(*acts) == ["InAnotherGroup"] * (SESSIONS - 1)
    assert (Group.objects.count(), Membership.objects.count()) == (1, 3)
    nothing_is_wrong()


def test_the_last_hospitals_leave_at_once() -> None:
    stage = cast()
    group = plan.group(stage, hospitals=(stage.regional, stage.other))
    acts = [partial(services.leave_group, group.id, place=place, by=stage.hatem)
            for place in (stage.regional, stage.other)]  # fmt: skip
    assert at_once(*acts) == ["LastHospital"]
    assert Membership.objects.filter(ended_at__isnull=True).count() == 1


def test_a_calendar_renewed_by_many_at_once() -> None:
    stage = cast()
    leila = plan.leila(stage)
    assert at_once(*[partial(services.renew_calendar, by=leila.actor)] * 8) == []
    assert Calendar.objects.filter(revoked_at__isnull=True).count() == 1
    assert Calendar.objects.count() == 8
