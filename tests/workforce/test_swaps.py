"""Shifts offered, agreed to, declined, taken back; and the journal of it."""

from uuid import UUID, uuid4

import pytest

from tests.cast import Cast, cast
from tests.workforce import plan
from tests.workforce.plan import Reader
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.models import Fact
from wasl.workforce import queries, services
from wasl.workforce.models import Roster, Shift, Swap
from wasl.workforce.rules import rosters, swaps


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


@pytest.fixture
def leila(stage: Cast) -> Reader:
    return plan.leila(stage)


@pytest.fixture
def yassine(stage: Cast) -> Reader:
    return plan.reader(stage, 1)


@pytest.fixture
def month(stage: Cast, leila: Reader, yassine: Reader) -> Roster:
    """A published month that the two of them share, day by day."""
    return plan.published(stage, leila, yassine)


def told(name: str) -> int:
    return Fact.objects.filter(name=f"workforce.{name}").count()


def offer(leila: Reader, to: Reader, *, nth: int = 4, against: Shift | None = None) -> Swap:
    """Leila offers one of her shifts."""
    return services.propose_swap(
        plan.shift_of(leila, nth).id, colleague=to.worker, against=against.id if against else None, by=leila.actor
    )


def standing() -> dict[UUID, UUID]:
    """Whose each standing shift is."""
    return dict(Shift.objects.filter(replaced_at__isnull=True).values_list("id", "worker"))


def test_a_gift_holds_when_the_colleague_agrees(month: Roster, stage: Cast, leila: Reader) -> None:
    other = plan.reader(stage, 2)
    swap, before = offer(leila, other), standing()
    assert standing() == before, "nothing happens before"
    services.accept_swap(swap.id, by=other.actor)
    made = Shift.objects.get(worker=other.worker)
    given = Shift.objects.get(id=swap.shift_id)
    assert (made.replaces_id, made.period, made.kind, made.roster_id) == (given.id, given.period, given.kind, month.id)
    assert Swap.objects.get().state == "accepted"
    assert given.replaced_at is not None
    assert queries.gaps_of(month, viewer=stage.karim) == []
    assert [told(name) for name in ("SwapProposed", "SwapAccepted", "ShiftHandedOver")] == [1, 1, 1]


def test_one_shift_against_another(month: Roster, stage: Cast, leila: Reader, yassine: Reader) -> None:
    mine, theirs = plan.shift_of(leila, 4), plan.shift_of(yassine, 9)
    swap = offer(leila, yassine, against=theirs)
    services.accept_swap(swap.id, by=yassine.actor)
    whose = {row.replaces_id: row.worker_id for row in Shift.objects.filter(replaces__isnull=False)}
    assert whose == {mine.id: yassine.worker, theirs.id: leila.worker}
    assert queries.gaps_of(month, viewer=stage.karim) == []
    assert told("ShiftHandedOver") == 2


def test_two_days_that_touch_are_swapped(month: Roster, leila: Reader, yassine: Reader) -> None:
    """Each takes over hours that would overlap nothing but what is handed over at the same moment."""
    swap = offer(leila, yassine, nth=4, against=plan.shift_of(yassine, 4))
    services.accept_swap(swap.id, by=yassine.actor)
    assert Swap.objects.get().state == "accepted"


def test_declined_and_withdrawn(month: Roster, stage: Cast, leila: Reader, yassine: Reader) -> None:
    before = standing()
    first = offer(leila, yassine)
    services.decline_swap(first.id, by=yassine.actor)
    second = offer(leila, yassine)
    services.withdraw_swap(second.id, by=leila.actor)
    assert list(Swap.objects.order_by("id").values_list("state", flat=True)) == ["declined", "withdrawn"]
    for swap in (first, second):
        for verb, by in ((services.accept_swap, yassine), (services.decline_swap, yassine),
                         (services.withdraw_swap, leila)):  # fmt: skip
            with pytest.raises(swaps.SwapSettled):
                verb(swap.id, by=by.actor)
    assert standing() == before
    assert [told(name) for name in ("SwapDeclined", "SwapWithdrawn", "SwapAccepted")] == [1, 1, 0]


def test_only_the_two_of_them_settle_it(month: Roster, stage: Cast, leila: Reader, yassine: Reader) -> None:
    swap, other = offer(leila, yassine), plan.reader(stage, 2)
    for verb, strangers in (
        (services.accept_swap, (leila, other)), (services.decline_swap, (leila, other)),
        (services.withdraw_swap, (yassine, other)),
    ):  # fmt: skip
        for who in strangers:
            with pytest.raises(NotFound):
                verb(swap.id, by=who.actor)
        for actor in (stage.hatem, stage.amel):
            with pytest.raises(NotAllowed):
                verb(swap.id, by=actor)
    with pytest.raises(NotFound):
        services.propose_swap(plan.shift_of(leila, 5).id, colleague=other.worker, by=yassine.actor)


def test_what_is_no_swap(month: Roster, stage: Cast, leila: Reader, yassine: Reader) -> None:
    cardiologist, other = plan.reader(stage, 3, specialty="cardiology"), plan.reader(stage, 2)
    offer(leila, yassine)
    mine, key = plan.shift_of(leila, 5).id, plan.shift_of(leila, 4).id
    for shift, colleague, against, refusal in (
        (mine, leila.worker, None, swaps.NotToYourself),
        (mine, cardiologist.worker, None, rosters.OtherSpecialty),
        (mine, other.worker, plan.shift_of(yassine, 5).id, swaps.NotTheirShift),
        (key, yassine.worker, None, swaps.AlreadyProposed),
        (mine, uuid4(), None, NotFound),
        (mine, yassine.worker, uuid4(), NotFound),
        (uuid4(), yassine.worker, None, NotFound),
    ):
        with pytest.raises(refusal):
            services.propose_swap(shift, colleague=colleague, against=against, by=leila.actor)
    assert Swap.objects.count() == 1


def test_drafts_are_not_swapped(stage: Cast, leila: Reader, yassine: Reader) -> None:
    plan.fill(stage, services.draft_roster(plan.group(stage).id, month=plan.next_month(), by=stage.karim), leila)
    with pytest.raises(rosters.RosterNotPublished):
        offer(leila, yassine)


def test_who_is_on_duty_already_cannot_agree(stage: Cast, leila: Reader, yassine: Reader) -> None:
    group = plan.group(stage, minimum=2)
    roster = services.draft_roster(group.id, month=plan.next_month(), by=stage.karim)
    for reader in (leila, yassine):
        plan.fill(stage, roster, reader)
    services.publish_roster(roster.id, by=stage.karim)
    swap, before = offer(leila, yassine), standing()
    with pytest.raises(rosters.AlreadyOnDuty):
        services.accept_swap(swap.id, by=yassine.actor)
    assert standing() == before
    assert Swap.objects.get().state == "proposed", "nothing of it happened"


def test_other_offers_of_the_shift_fall(month: Roster, stage: Cast, leila: Reader, yassine: Reader) -> None:
    other, third = plan.reader(stage, 2), plan.reader(stage, 3)
    swap, rival = offer(leila, other), offer(leila, third)
    back = services.propose_swap(
        plan.shift_of(yassine, 9).id, colleague=leila.worker, against=plan.shift_of(leila, 4).id, by=yassine.actor
    )
    kept = offer(leila, other, nth=5)
    services.accept_swap(swap.id, by=other.actor)
    states = dict(Swap.objects.values_list("id", "state"))
    assert states == {swap.id: "accepted", rival.id: "overtaken", back.id: "overtaken", kept.id: "proposed"}
    with pytest.raises(swaps.SwapSettled):
        services.accept_swap(rival.id, by=third.actor)
    assert told("SwapOvertaken") == 2


def test_a_replacement_overtakes_offers_too(month: Roster, stage: Cast, leila: Reader, yassine: Reader) -> None:
    swap, other = offer(leila, yassine), plan.reader(stage, 2)
    services.replace_worker(swap.shift_id, worker=other.worker, by=stage.karim)
    with pytest.raises(swaps.SwapSettled):
        services.accept_swap(swap.id, by=yassine.actor)


def test_what_has_begun_is_swapped_no_more(stage: Cast, leila: Reader, yassine: Reader) -> None:
    plan.published(stage, leila, month=plan.next_month(0))
    with pytest.raises(swaps.ShiftBegun):
        services.propose_swap(Shift.objects.earliest("period").id, colleague=yassine.worker, by=leila.actor)


def test_a_hole_that_was_made_otherwise_is_not_hidden(month: Roster, stage: Cast, leila: Reader) -> None:
    """Nobody can make one with a verb; if the hours concerned have one all the same, the swap is refused."""
    other = plan.reader(stage, 2)
    swap = offer(leila, other)
    Roster.objects.update(minimum=2)
    with pytest.raises(rosters.GapsLeft) as refusal:
        services.accept_swap(swap.id, by=other.actor)
    shift = Shift.objects.get(id=swap.shift_id)
    assert [(gap.since, gap.until, gap.present) for gap in refusal.value.gaps] == [
        (shift.period.lower, shift.period.upper, 1)
    ]
    assert Swap.objects.get().state == "proposed"


def test_what_waits_for_whom(month: Roster, stage: Cast, leila: Reader, yassine: Reader) -> None:
    swap = offer(leila, yassine, against=plan.shift_of(yassine, 9))
    assert list(queries.swaps_waiting(viewer=yassine.actor)) == [swap]
    assert list(queries.swaps_offered(viewer=leila.actor)) == [swap]
    for viewer in (stage.karim, stage.zied, stage.hatem):
        assert not queries.swaps_waiting(viewer=viewer) and not queries.swaps_offered(viewer=viewer)
    services.accept_swap(swap.id, by=yassine.actor)
    assert not queries.swaps_waiting(viewer=yassine.actor)
    for reader in (leila, yassine):
        assert list(queries.swaps_settled(viewer=reader.actor)) == [swap]


def test_renew_and_revoke_calendar(month: Roster, stage: Cast, leila: Reader, yassine: Reader) -> None:
    first = services.renew_calendar(by=leila.actor)
    second = services.renew_calendar(by=leila.actor)
    assert len({first, second}) == 2
    assert len(first) > 40
    with pytest.raises(NotFound):
        queries.calendar_shifts(first, viewer=leila.actor)
    assert queries.calendar_shifts(second, viewer=leila.actor)[0].id == leila.worker
    assert first not in str(Fact.objects.filter(name__startswith="workforce.Calendar").values_list("data"))
    services.revoke_calendar(by=leila.actor)
    with pytest.raises(NotFound):
        queries.calendar_shifts(second, viewer=leila.actor)
    assert [told(name) for name in ("CalendarRenewed", "CalendarRevoked")] == [2, 2]
    for verb, by, refusal in ((services.revoke_calendar, leila.actor, "NoCalendar"),
                              (services.renew_calendar, stage.karim, "NotEnrolled")):  # fmt: skip
        with pytest.raises(Refused) as refused:
            verb(by=by)
        assert refused.value.code == refusal
