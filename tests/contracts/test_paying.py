"""What acts are paid, by session, agreement and scale; held where one is missing, never twice; the ledger balances."""

import datetime
import random
from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.contracts.paid import CODE, rule, scale, session
from tests.contracts.test_services import deliver
from wasl.contracts import queries, services
from wasl.contracts.models import Account, Act, Entry, Fee, Hold, Posting, Price, Scale, Session
from wasl.contracts.rules import paying as rules
from wasl.contracts.rules import scales
from wasl.contracts.rules.scales import Kind
from wasl.contracts.rules.sessions import NotYourOwn, month_of
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact
from wasl.radiology.models import Report

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return ready()


def ready() -> Cast:
    found = cast()
    rule()
    return found


def signed(stage: Cast) -> Report:
    report = make.signed_report(stage)
    settle()
    return report


def settle() -> None:
    """Tell everybody what happened, and what follows from that."""
    for _ in range(3):
        deliver()


def balance() -> dict[UUID | None, int]:
    """What each hospital owes (more than nothing) and each reader is owed (less)."""
    return {
        one.place_id or one.person_id: sum(one.postings.values_list("amount", flat=True))
        for one in Account.objects.all()
    }


def test_paid_the_same_day(stage: Cast) -> None:
    scale()
    session(stage)
    report = signed(stage)
    fee = Fee.objects.get()
    assert (fee.act.report, fee.mode, fee.price.amount) == (report.id, "urgent", 15_000)
    assert fee.agreement.scale == CODE
    assert balance() == {stage.regional: 15_000, stage.leila.id: -15_000}
    settle()
    services.settle_act(report.reading_id, by=SYSTEM)
    assert Entry.objects.count() == 1
    assert Fact.objects.filter(name="contracts.FeeEntered").count() == 1
    month = month_of(timezone.now())
    for viewer in (stage.leila, stage.karim, stage.hatem):
        (act,) = queries.paid_acts(month, viewer=viewer)
        assert [fee.price.amount for fee in act.paid] == [15_000]  # type: ignore[attr-defined]
        assert queries.sums(month, viewer=viewer) == [
            queries.Sum("CHU El Amal", "Hôpital régional Oued Zen", 1, 1, 15_000)
        ]
        assert queries.is_invented(month, viewer=viewer)
    for viewer in (stage.amel, stage.zied, stage.fatma, STRANGER):
        assert not queries.paid_acts(month, viewer=viewer)
        assert not queries.sums(month, viewer=viewer)
        assert not queries.held(viewer=viewer)


def test_in_a_session_that_waits_it_waits(stage: Cast) -> None:
    scale()
    declared = session(stage, validated=False)
    signed(stage)
    assert not Fee.objects.exists()
    assert not Hold.objects.exists()
    services.validate_session(declared.id, by=stage.karim)
    settle()
    assert Fee.objects.get().session_id == declared.id
    services.cancel_session(declared.id, because="Erreur.", by=stage.karim)
    settle()
    assert Fee.objects.get().taken_back_at
    assert set(balance().values()) == {0}
    assert Hold.objects.get().reason == "no_session"
    other = session(stage)
    settle()
    assert Fee.objects.get(taken_back_at__isnull=True).session_id == other.id
    assert Hold.objects.get().decision == "over"
    assert balance() == {stage.regional: 15_000, stage.leila.id: -15_000}


def test_in_a_refused_session_it_is_held(stage: Cast) -> None:
    scale()
    declared = session(stage, validated=False)
    signed(stage)
    services.refuse_session(declared.id, because="Congé.", by=stage.karim)
    settle()
    assert Hold.objects.get().reason == "no_session"


def test_outside_every_session_a_person_decides(stage: Cast) -> None:
    scale()
    session(stage, hours=-30)  # over since six hours
    for _ in range(2):
        signed(stage)
    assert not Fee.objects.exists()
    first, second = Hold.objects.order_by("created_at")
    assert {first.reason, second.reason} == {"no_session"}
    for other in (stage.leila, stage.hatem, stage.amel, STRANGER):
        with pytest.raises(NotAllowed):
            services.release_act(first.id, mode="urgent", because="Cas vital.", by=other)
    services.release_act(first.id, mode="scheduled", because="Relève prolongée.", by=stage.karim)
    services.refuse_act(second.id, because="Hors garde.", by=stage.karim)
    settle()
    fee = Fee.objects.get()
    assert (fee.session_id, fee.mode, fee.price.amount, fee.act_id) == (None, "scheduled", 12_500, first.act_id)
    with pytest.raises(rules.NotHeld):
        services.release_act(second.id, mode="urgent", because="Si.", by=stage.karim)
    session(stage)  # and what was refused stays refused
    settle()
    assert Fee.objects.get().id == fee.id
    assert not queries.held(viewer=stage.karim)


def test_without_a_scale_it_waits_for_one(stage: Cast) -> None:
    session(stage)
    signed(stage)
    hold = Hold.objects.get()
    assert hold.reason == "no_price"
    with pytest.raises(rules.NothingToReleaseItBy):
        services.release_act(hold.id, mode="urgent", because="Si.", by=stage.karim)
    scale(prices=[(Kind(modality="MR"), 5)])
    settle()
    assert Hold.objects.get().decision == ""
    assert not Fee.objects.exists()
    scale(since=datetime.date(2025, 2, 1))
    settle()
    assert Fee.objects.get().price.amount == 15_000
    assert Hold.objects.get().decision == "over"


def test_what_was_paid_stays_paid(stage: Cast) -> None:
    first = scale()
    session(stage)
    signed(stage)
    today = timezone.localdate()
    later = services.draft_scale(
        code=CODE, source="décret", invented=False, since=today, prices=[(Kind(), 1)], by=SYSTEM
    )
    with pytest.raises(scales.AlreadyPaid):
        services.publish_scale(later.id, by=SYSTEM)
    scale(since=today + datetime.timedelta(days=1), prices=[(Kind(), 99)])
    signed(stage)
    assert {fee.price.amount for fee in Fee.objects.all()} == {15_000}
    first.refresh_from_db()
    assert first.period.upper == today + datetime.timedelta(days=1)
    for fee in Fee.objects.select_related(
        "act", "price__scale"
    ):  # priced again, by the scale of its day, it is the same
        act = fee.act
        kind = Kind(act.procedure, act.modality, act.urgency, fee.mode, fee.hours)
        assert scales.price(kind, list(fee.price.scale.prices.all())) == fee.price
    with pytest.raises(scales.ScaleNotLater):
        scale(since=datetime.date(2024, 1, 1))
    with pytest.raises(scales.ScalePublished):
        services.discard_scale(first.id, by=SYSTEM)
    services.discard_scale(later.id, by=SYSTEM)
    assert not Scale.objects.filter(id=later.id).exists()


def test_the_day_decides_as_in_france(stage: Cast) -> None:
    """The expert's pay of a télé-expertise there: two levels of 12 and 20 euros until 2022, 20 then, 23 from 2026."""
    for since, prices in (
        (datetime.date(2019, 2, 10), [(Kind("TE1"), 1200), (Kind("TE2"), 2000)]),
        (datetime.date(2022, 1, 1), [(Kind(), 2000)]),
        (datetime.date(2026, 1, 1), [(Kind(), 2300)]),
    ):
        scale(since=since, prices=prices)
    paid = {}
    for day in ("2021-12-31", "2022-01-01", "2025-12-31", "2026-01-01"):
        version = Scale.objects.get(code=CODE, period__contains=datetime.date.fromisoformat(day))
        found = [scales.price(Kind(code), list(version.prices.all())) for code in ("TE1", "TE2")]
        paid[day] = [one.amount for one in found if one]
    assert paid == {
        "2021-12-31": [1200, 2000], "2022-01-01": [2000, 2000], "2025-12-31": [2000, 2000], "2026-01-01": [2300, 2300],
    }  # fmt: skip


def test_ones_own_hospital_is_not_remote(stage: Cast) -> None:
    scale()
    session(stage)
    report = make.signed_report(stage)
    services.count_act(report.reading_id, by=SYSTEM)
    Act.objects.update(beneficiary=stage.university)  # as an exam of the university hospital would be counted
    settle()
    assert not Fee.objects.exists()
    assert not Hold.objects.exists()


def test_nobody_decides_of_their_own(stage: Cast) -> None:
    from wasl.accounts import queries as accounts_queries
    from wasl.accounts import services as accounts

    scale()
    signed(stage)
    assert stage.leila.id is not None
    accounts.give_post(stage.leila.id, role="chief", place=stage.university, by=SYSTEM)
    herself = accounts_queries.actor_of(stage.leila.id)
    with pytest.raises(NotYourOwn):
        services.release_act(Hold.objects.get().id, mode="urgent", because="Si.", by=herself)


def test_the_database_keeps_the_ledger(stage: Cast) -> None:
    scale()
    session(stage)
    signed(stage)
    entry, fee, price = Entry.objects.get(), Fee.objects.get(), Price.objects.first()
    account = Account.objects.get(place=stage.regional)
    assert price

    def commits(act: object) -> None:
        with transaction.atomic():
            assert callable(act)
            act()
            with connection.cursor() as cursor:
                cursor.execute("set constraints all immediate")

    for wrong in (
        lambda: Posting.objects.create(entry=entry, account=account, amount=1),
        lambda: Posting.objects.update(amount=1),
        lambda: Posting.objects.all().delete(),
        lambda: Entry.objects.create(fee=fee, reverses=entry),
        lambda: Entry.objects.create(fee=fee),
        lambda: Fee.objects.update(mode="scheduled"),
        lambda: Price.objects.update(amount=1),
        lambda: Price.objects.create(scale=price.scale, modality="US", amount=1),
        lambda: Scale.objects.update(source="autre"),
    ):
        with pytest.raises(IntegrityError):
            commits(wrong)


def test_the_page_asks_a_fixed_number_of_questions(stage: Cast) -> None:
    scale()
    session(stage)
    counts = []
    for _ in range(2):
        signed(stage)
        with CaptureQueriesContext(connection) as seen:
            for act in queries.paid_acts(month_of(timezone.now()), viewer=stage.hatem):
                assert act.reader.name
                assert all(fee.price.scale.code for fee in act.paid)  # type: ignore[attr-defined]
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 2


INVARIANTS = """
select 'unbalanced' from contracts_posting group by entry_id having sum(amount) <> 0
union all
select 'paid twice' from contracts_fee where taken_back_at is null group by act_id having count(*) > 1
union all
select 'paid by a session that is none' from contracts_fee f join contracts_session s on s.id = f.session_id
  where f.taken_back_at is null and s.state <> 'validated'
union all
select 'moved by a fee that stands no more' from contracts_fee f join contracts_entry e on e.fee_id = f.id
  join contracts_posting p on p.entry_id = e.id where f.taken_back_at is not null
  group by p.account_id having sum(p.amount) <> 0
union all
select 'paid and held' from contracts_fee f join contracts_hold h on h.act_id = f.act_id
  where f.taken_back_at is null and h.decision in ('', 'refused')
"""


@pytest.mark.django_db(transaction=True)
def test_settled_decided_and_cancelled_by_sixteen_at_once() -> None:
    stage = ready()
    scale()
    readings = [make.signed_report(stage).reading_id for _ in range(6)]
    deliver()
    chance = random.Random(3)
    for _ in range(5):
        acts: list[Callable[[], object]] = [
            partial(services.settle_act, chance.choice(readings), by=SYSTEM) for _ in range(9)
        ]
        acts += [partial(session, stage), partial(session, stage)]
        for one in Session.objects.filter(state="validated"):
            acts.append(partial(services.cancel_session, one.id, because="Erreur.", by=stage.karim))
        for hold in Hold.objects.filter(decision="").order_by("id")[:3]:
            acts.append(partial(services.release_act, hold.id, mode="urgent", because="Si.", by=stage.karim))
        refusals = set(at_once(*acts))
        assert refusals <= {"SessionsOverlap", "SessionDecided", "NotHeld", "NothingToReleaseItBy"}
        settle()
    settle()
    with connection.cursor() as cursor:
        cursor.execute(INVARIANTS)
        assert cursor.fetchall() == []
    assert sum(balance().values()) == 0
