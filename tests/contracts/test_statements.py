"""A month's statements: closed once, the sum of the ledger, corrected by the next; confirmed by both hospitals."""

import datetime
import random
from collections.abc import Callable
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.cast import Cast
from tests.contracts.paid import CODE, scale, session
from tests.contracts.stated import after_it, closed, hear, month, month_before, rim, signed, this_month
from tests.contracts.test_paying import ready
from wasl.contracts import listeners, queries, services
from wasl.contracts.models import Act, Closing, ClosingRule, Dispute, Entry, Fee, Hold, Line, Paper, Session, Statement
from wasl.contracts.rules import scales
from wasl.contracts.rules import statements as rules
from wasl.contracts.rules.scales import Kind
from wasl.contracts.rules.sessions import ReasonMissing
from wasl.contracts.services import papers
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.radiology import services as radiology
from wasl.radiology.models import Receipt

pytestmark = pytest.mark.django_db

INVARIANTS = """
select 'a statement is not the sum of its lines' from contracts_statement s
  where s.amount <> (select coalesce(sum(amount), 0) from contracts_line l
                     where s.id in (l.of_reader_id, l.of_pair_id))
union all
select 'a statement is not what the ledger says' from contracts_statement s
  where s.beneficiary_id is not null and s.amount <> (
    select coalesce(sum(p.amount), 0) from contracts_line l
      join contracts_posting p on p.entry_id = l.entry_id
      join contracts_account a on a.id = p.account_id and a.place_id = s.beneficiary_id
    where l.of_pair_id = s.id)
  or s.reader_id is not null and s.amount <> (
    select coalesce(-sum(p.amount), 0) from contracts_line l
      join contracts_posting p on p.entry_id = l.entry_id
      join contracts_account a on a.id = p.account_id and a.person_id = s.reader_id
    where l.of_reader_id = s.id)
union all
select 'an entry of a closed month is on no statement' from contracts_entry e
  join contracts_fee f on f.id = e.fee_id join contracts_act a on a.id = f.act_id
  join contracts_closing c on c.provider_id = a.provider_id and c.created_at > e.created_at
    and a.done_at < (c.month + interval '1 month') at time zone 'Africa/Tunis'
  left join contracts_line l on l.entry_id = e.id where l.id is null
union all
select 'readers and pairs come to different sums' from contracts_statement group by closing_id
  having sum(amount) filter (where reader_id is null) <> sum(amount) filter (where reader_id is not null)
union all
select 'disputes are counted wrongly' from contracts_statement s
  where disputed <> (select count(*) from contracts_dispute d where d.statement_id = s.id and state in ('open', 'kept'))
union all
select 'agreed on while disputed, or by one person' from contracts_statement
  where provider_by_id is not null and beneficiary_by_id is not null
    and (disputed > 0 or provider_by_id = beneficiary_by_id)
"""


def sound() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(INVARIANTS)
        found = cursor.fetchall()
    assert found == []
    return True


@pytest.fixture(autouse=True)
def paper(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Printing takes a second a page: it is done where the paper is looked at."""
    if "paper" not in request.node.name:
        monkeypatch.setattr(papers, "page", lambda *_, **__: b"%PDF")
        monkeypatch.setattr(radiology, "seal", lambda pdf, **_: pdf)


@pytest.fixture
def stage() -> Cast:
    return ready()


def test_a_month_is_closed_once_for_readers_and_pairs(stage: Cast) -> None:
    month(stage, 2)
    with pytest.raises(rules.MonthNotOver):
        services.close_month(stage.university, month=this_month(), by=stage.karim)
    hers, theirs = closed(stage)
    assert (hers.acts, hers.lines, hers.amount) == (theirs.acts, theirs.lines, theirs.amount) == (2, 2, 30_000)
    assert [(line.state, line.amount, line.pair_number) for line in theirs.pair_lines.order_by("pair_number")] == [
        ("paid", 15_000, 1), ("paid", 15_000, 2),
    ]  # fmt: skip
    fact = Fact.objects.get(name="contracts.StatementClosed", subject=theirs.id)
    assert (fact.place, fact.data["amount"], fact.actor) == (stage.university, 30_000, str(stage.karim))
    with after_it():
        for closes in (month_before(), datetime.date(2025, 1, 1)):
            with pytest.raises(rules.MonthIsClosed):
                services.close_month(stage.university, month=closes, by=stage.karim)
        with pytest.raises(rules.NothingToClose):
            services.close_month(stage.other, month=month_before(), by=SYSTEM)
    assert sound()


def test_what_is_corrected_later_is_on_the_next_statement(stage: Cast) -> None:
    month(stage, 1)
    closed(stage)
    services.cancel_session(Session.objects.get().id, because="Erreur.", by=stage.karim)
    hear()
    assert Fee.objects.get().taken_back_at
    with after_it(days=10):
        session(stage)
        signed(stage)
    first = this_month()
    with after_it(days=40):
        services.close_month(stage.university, month=rules.next_month(first), by=stage.karim)
    second = Statement.objects.get(beneficiary=stage.regional, closing__month__gt=first)
    found = [(line.state, line.amount, line.month == first) for line in queries.lines_of(second, viewer=SYSTEM)]
    assert found == [("open", 0, True), ("reversed", -15_000, True), ("paid", 15_000, False)]
    assert (second.acts, second.amount) == (1, 0)
    assert queries.compared(second, viewer=stage.karim).equal
    assert sound()


def test_open_acts_are_carried_and_refused_ones_said_once(stage: Cast) -> None:
    scale()
    signed(stage, 2)
    first, second = Hold.objects.order_by("created_at")
    services.refuse_act(second.id, because="Hors garde.", by=stage.karim)
    _, pair = closed(stage)
    assert [(line.state, line.why) for line in queries.lines_of(pair, viewer=SYSTEM)] == [
        ("open", "no_session"), ("refused", ""),
    ]  # fmt: skip
    assert (pair.acts, pair.amount) == (2, 0)
    services.release_act(first.id, mode="urgent", because="Cas vital.", by=stage.karim)
    hear()
    with after_it(days=40):
        (_, after) = services.close_month(stage.university, month=rules.next_month(closed_month()), by=SYSTEM)
    assert [(line.state, line.amount) for line in queries.lines_of(after, viewer=SYSTEM)] == [("paid", 15_000)]
    assert (after.acts, after.amount) == (0, 15_000)
    assert sound()


def closed_month() -> datetime.date:
    """The month of the closed acts, seen from within a moved clock."""
    return Closing.objects.earliest("month").month


def test_wasl_closes_when_it_is_time(stage: Cast) -> None:
    month(stage, 1)
    for days, due in ((1, False), (5, False), (6, True)):
        with after_it(days):
            assert bool(queries.months_to_close(viewer=SYSTEM)) is due
            assert queries.months_to_close(viewer=stage.karim)
            assert not queries.months_to_close(viewer=stage.leila)
    today = timezone.localdate()
    for wrong in ({"days": 0, "source": "x"}, {"days": 61, "source": "x"}, {"days": 3, "source": " "}):
        with pytest.raises(rules.BadClosingRule):
            services.set_closing_rule(**wrong, since=today, by=stage.hatem)  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):
        services.set_closing_rule(days=3, since=today, source="Circulaire", by=stage.karim)
    services.set_closing_rule(days=10, since=today, source="Circulaire", by=stage.hatem)
    services.set_closing_rule(days=3, since=today + datetime.timedelta(days=90), source="Circulaire", by=stage.hatem)
    with pytest.raises(rules.ClosingRuleNotLater):
        services.set_closing_rule(days=3, since=today, source="Circulaire", by=stage.hatem)
    assert ClosingRule.objects.get(period__upper_inf=False).days == 10
    with after_it(10):
        listeners.close_months(0)
        assert not Closing.objects.exists()
    with after_it(11):
        listeners.close_months(0)
        listeners.close_months(0)
    assert Closing.objects.get().provider_id == stage.university
    assert Fact.objects.filter(name="contracts.StatementClosed", actor="system").count() == 2


def test_priced_again_a_closed_month_is_the_same(stage: Cast) -> None:
    month(stage, 3)
    _, pair = closed(stage)
    scale(since=rules.next_month(this_month()), prices=[(Kind(), 99)])
    again = 0
    for line in queries.lines_of(pair, viewer=SYSTEM):
        assert line.entry
        fee, act = line.entry.fee, line.act
        version = queries.scales(viewer=SYSTEM).get(
            code=CODE, published_at__isnull=False, period__contains=timezone.localtime(act.done_at).date()
        )
        kind = Kind(act.procedure, act.modality, act.urgency, fee.mode, fee.hours)
        priced = scales.price(kind, list(version.prices.all()))
        assert priced == fee.price
        again += priced.amount
    assert again == pair.amount == 45_000


def test_the_statement_as_in_france(stage: Cast) -> None:
    """Three télé-expertises of 2026 are three times 23 euros to the expert, and the asking side owes as much."""
    scale(prices=[(Kind(), 2300)])
    session(stage)
    signed(stage, 3)
    hers, theirs = closed(stage)
    assert hers.amount == theirs.amount == 3 * 2300


def test_both_hospitals_confirm_by_two_people(stage: Cast) -> None:
    month(stage)
    hers, pair = closed(stage)
    head = rim(stage)
    with pytest.raises(rules.NotOfAPair):
        services.confirm_statement(hers.id, side="provider", by=stage.karim)
    with pytest.raises(rules.UnknownParty):
        services.confirm_statement(pair.id, side="both", by=stage.karim)
    with pytest.raises(NotAllowed):
        services.confirm_statement(pair.id, side="beneficiary", by=stage.karim)
    for other in (stage.leila, stage.amel, STRANGER):
        with pytest.raises(NotAllowed):
            services.confirm_statement(pair.id, side="provider", by=other)
    for viewer, waits in ((stage.karim, 1), (head, 1), (stage.hatem, 0), (stage.leila, 0)):
        assert queries.statements_waiting(viewer=viewer).count() == waits
    services.confirm_statement(pair.id, side="provider", by=stage.karim)
    with pytest.raises(rules.SideHasConfirmed):
        services.confirm_statement(pair.id, side="provider", by=stage.karim)
    services.confirm_statement(pair.id, side="beneficiary", by=head)
    assert queries.statement(pair.id, viewer=head).stage == "agreed"  # type: ignore[attr-defined]
    facts = Fact.objects.filter(name="contracts.StatementConfirmed").order_by("seq")
    assert [(one.data["side"], one.data["given"], one.data["received"], one.place) for one in facts] == [
        ("provider", 2, 2, stage.university), ("beneficiary", 2, 2, stage.regional),
    ]  # fmt: skip
    with pytest.raises(rules.StatementAgreed):
        reading = pair.pair_lines.first().act.reading  # type: ignore[union-attr]
        services.dispute_line(pair.id, reading=reading, side="provider", because="Si.", by=stage.karim)


def test_one_person_does_not_confirm_for_both(stage: Cast) -> None:
    month(stage)
    _, pair = closed(stage)
    services.confirm_statement(pair.id, side="provider", by=stage.hatem)
    with pytest.raises(rules.TwoMustConfirm):
        services.confirm_statement(pair.id, side="beneficiary", by=stage.hatem)
    with pytest.raises(IntegrityError), transaction.atomic():
        Statement.objects.filter(id=pair.id).update(beneficiary_by=stage.hatem.id, beneficiary_at=timezone.now())


def test_what_only_one_counts_is_disputed_line_by_line(stage: Cast) -> None:
    reports = month(stage)
    Receipt.objects.filter(report=reports[0].id).delete()  # it never came
    _, pair = closed(stage)
    head = rim(stage)
    counts = queries.compared(pair, viewer=head)
    assert (len(counts.given), len(counts.received), counts.only_given) == (
        2, 1, frozenset({reports[0].reading_id})
    )  # fmt: skip
    with pytest.raises(rules.CountsDiffer) as refused:
        services.confirm_statement(pair.id, side="beneficiary", by=head)
    assert "2" in refused.value.sentence
    with pytest.raises(ReasonMissing):
        services.dispute_line(pair.id, reading=reports[0].reading_id, side="beneficiary", because=" ", by=head)
    dispute = services.dispute_line(
        pair.id, reading=reports[0].reading_id, side="beneficiary", because="Compte rendu jamais reçu.", by=head
    )
    assert dispute.line
    assert queries.statement(pair.id, viewer=head).stage == "disputed"  # type: ignore[attr-defined]
    with pytest.raises(rules.LinesDisputed):
        services.confirm_statement(pair.id, side="provider", by=stage.karim)
    with pytest.raises(rules.DisputedAlready):
        services.dispute_line(pair.id, reading=reports[0].reading_id, side="provider", because="Si.", by=stage.karim)
    with pytest.raises(NotAllowed):
        services.accept_dispute(dispute.id, by=head)
    assert [one.id for one in queries.disputes_to_answer(viewer=stage.karim)] == [dispute.id]
    services.accept_dispute(dispute.id, by=stage.karim)
    with pytest.raises(rules.DisputeEnded):
        services.accept_dispute(dispute.id, by=stage.karim)
    hear()
    assert Fee.objects.get(act__reading=reports[0].reading_id).taken_back_at
    hold = Hold.objects.get(act__reading=reports[0].reading_id)
    assert (hold.reason, hold.decision, hold.because) == ("disputed", "refused", "Compte rendu jamais reçu.")
    services.confirm_statement(pair.id, side="provider", by=stage.karim)
    services.confirm_statement(pair.id, side="beneficiary", by=head)
    with after_it(days=40):
        made = services.close_month(stage.university, month=rules.next_month(Closing.objects.get().month), by=SYSTEM)
    assert [(one.acts, one.lines, one.amount) for one in made] == [(0, 1, -15_000)] * 2
    assert sound()


@pytest.mark.parametrize("upheld", [True, False])
def test_what_is_kept_the_ministry_decides(stage: Cast, *, upheld: bool) -> None:
    reports = month(stage, 1)
    _, pair = closed(stage)
    head = rim(stage)
    dispute = services.dispute_line(
        pair.id, reading=reports[0].reading_id, side="beneficiary", because="Deux fois le même examen.", by=head
    )
    with pytest.raises(rules.DisputeEnded):
        services.settle_dispute(dispute.id, upheld=True, because="Si.", by=stage.hatem)
    services.keep_line(dispute.id, because="Deux examens distincts.", by=stage.karim)
    assert not queries.disputes_to_answer(viewer=stage.karim)
    assert [one.id for one in queries.disputes_to_answer(viewer=stage.hatem)] == [dispute.id]
    with pytest.raises(NotAllowed):
        services.settle_dispute(dispute.id, upheld=True, because="Si.", by=stage.karim)
    services.settle_dispute(dispute.id, upheld=upheld, because="Pièces vues.", by=stage.hatem)
    hear()
    assert bool(Fee.objects.get().taken_back_at) is upheld
    fact = Fact.objects.get(name="contracts.DisputeSettled")
    assert (fact.data["upheld"], fact.subject) == (upheld, dispute.id)
    services.confirm_statement(pair.id, side="beneficiary", by=head)
    assert sound()


def test_who_took_part_does_not_decide(stage: Cast) -> None:
    reports = month(stage, 1)
    _, pair = closed(stage)
    dispute = services.dispute_line(
        pair.id, reading=reports[0].reading_id, side="beneficiary", because="Doublon.", by=stage.hatem
    )
    with pytest.raises(rules.AnotherMustDecide):
        services.accept_dispute(dispute.id, by=stage.hatem)
    services.keep_line(dispute.id, because="Non.", by=stage.karim)
    with pytest.raises(rules.AnotherMustDecide):
        services.settle_dispute(dispute.id, upheld=True, because="Si.", by=stage.hatem)


def test_a_report_that_came_and_is_on_no_line(stage: Cast) -> None:
    month(stage, 1)
    late = make.signed_report(stage)  # and nobody counts it before the month is closed
    radiology.hand_over_report(late.id, by=SYSTEM)
    with after_it():
        services.close_month(stage.university, month=month_before(), by=stage.karim)
    pair, head = Statement.objects.get(beneficiary=stage.regional), rim(stage)
    counts = queries.compared(pair, viewer=stage.karim)
    assert ([one.reading for one in counts.only_received], counts.equal) == ([late.reading_id], False)
    with pytest.raises(NotFound):
        services.dispute_line(pair.id, reading=pair.id, side="beneficiary", because="Quoi ?", by=head)
    dispute = services.dispute_line(
        pair.id, reading=late.reading_id, side="provider", because="Oublié.", by=stage.karim
    )
    assert dispute.line is None
    services.accept_dispute(dispute.id, by=head)
    hear()
    assert Act.objects.filter(reading=late.reading_id).count() == 1
    assert Entry.objects.count() == 2
    services.confirm_statement(pair.id, side="provider", by=stage.karim)
    assert sound()


def test_who_sees_which_statements(stage: Cast) -> None:
    month(stage)
    hers, pair = closed(stage)
    head = rim(stage)
    seen = ((stage.leila, {hers}), (stage.karim, {hers, pair}), (head, {pair}), (stage.hatem, {hers, pair}))
    for viewer, found in seen:
        assert set(queries.statements(viewer=viewer)) == found
        for one in (hers, pair):
            assert queries.lines_of(one, viewer=viewer).count() == (2 if one in found else 0)
    for viewer in (stage.amel, stage.zied, stage.fatma, STRANGER):
        assert not queries.statements(viewer=viewer)
        assert not queries.lines_of(pair, viewer=viewer)
        assert not queries.compared(pair, viewer=viewer).received
        assert not queries.disputes_to_answer(viewer=viewer)
        assert not queries.statements_waiting(viewer=viewer)
        with pytest.raises(NotFound):
            queries.paper_of(pair.id, language="fr", viewer=viewer)
    assert not queries.disputes_of(pair, viewer=stage.leila)


def test_the_paper_is_sealed_and_kept(stage: Cast) -> None:
    month(stage)
    hers, pair = closed(stage)
    services.print_statement(pair.id, by=SYSTEM)
    assert Paper.objects.count() == 4
    assert Fact.objects.filter(name="contracts.StatementPrinted").count() == 2
    for language in ("ar", "fr", "en"):
        paper = queries.paper_of(hers.id, language=language, viewer=stage.leila)
        assert bytes(paper.pdf).startswith(b"%PDF")
        assert b"/ByteRange" in bytes(paper.pdf)
        assert paper.language == (language if language != "en" else "fr")


def test_the_database_keeps_closed_months(stage: Cast) -> None:
    reports = month(stage)
    hers, pair = closed(stage)
    dispute = services.dispute_line(
        pair.id, reading=reports[0].reading_id, side="beneficiary", because="Doublon.", by=rim(stage)
    )
    line = pair.pair_lines.first()
    assert line

    def commits(act: Callable[[], object]) -> None:
        with transaction.atomic():
            act()
            with connection.cursor() as cursor:
                cursor.execute("set constraints all immediate")

    again = {"act": line.act, "of_reader": hers, "of_pair": pair, "month": line.month, "state": "open", "amount": 0}
    for wrong in (
        lambda: Closing.objects.all().delete(),
        lambda: Closing.objects.create(provider_id=stage.university, month=pair.closing.month),
        lambda: Closing.objects.create(provider_id=stage.university, month=datetime.date(2025, 1, 2)),
        lambda: Statement.objects.create(closing=pair.closing, beneficiary_id=stage.other, acts=1, lines=1, amount=5),
        lambda: Statement.objects.update(amount=1),
        lambda: Statement.objects.update(disputed=0),
        lambda: Statement.objects.filter(id=pair.id).update(provider_by=None, provider_at=timezone.now()),
        lambda: Line.objects.update(amount=1),
        lambda: Line.objects.filter(id=line.id).delete(),
        lambda: Line.objects.create(**again, reader_number=3, pair_number=3),
        lambda: Line.objects.create(**again, reader_number=1, pair_number=1),
        lambda: Act.objects.update(modality="MR"),
        lambda: Paper.objects.update(language="en"),
        lambda: Dispute.objects.update(because="Autre."),
        lambda: Dispute.objects.update(state="accepted"),
        lambda: Dispute.objects.update(state="accepted", answered_by=dispute.opened_by, answered_at=timezone.now()),
        lambda: Dispute.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError):
            commits(wrong)


@pytest.mark.django_db(transaction=True)
def test_closed_confirmed_and_disputed_by_sixteen_at_once() -> None:
    stage = ready()
    month(stage, 5)
    extra = [make.signed_report(stage).reading_id for _ in range(3)]
    head, second = rim(stage), rim(stage, name="sonia")
    with after_it():
        closes = partial(services.close_month, stage.university, month=month_before(), by=stage.karim)
        settles = [partial(services.count_act, reading, by=SYSTEM) for reading in extra]
        assert set(at_once(*[closes] * 8, *settles, *settles)) == {"MonthIsClosed"}
    hear()
    pair = Statement.objects.get(beneficiary=stage.regional)
    chance = random.Random(5)
    readings = list(pair.pair_lines.values_list("act__reading", flat=True))
    for _ in range(4):
        acts: list[Callable[[], object]] = [
            partial(services.dispute_line, pair.id, reading=chance.choice(readings), side="beneficiary",
                    because="Doublon.", by=chance.choice((head, second)))
            for _ in range(4)
        ]  # fmt: skip
        acts += [
            partial(services.confirm_statement, pair.id, side=side, by=by)
            for side, by in (("provider", stage.karim), ("beneficiary", head), ("beneficiary", second))
        ]
        for dispute in Dispute.objects.filter(state="open").order_by("id")[:3]:
            acts.append(partial(services.accept_dispute, dispute.id, by=stage.karim))
            acts.append(partial(services.keep_line, dispute.id, because="Non.", by=stage.karim))
        for dispute in Dispute.objects.filter(state="kept").order_by("id")[:2]:
            acts.append(partial(services.settle_dispute, dispute.id, upheld=True, because="Vu.", by=stage.hatem))
            acts.append(partial(services.settle_dispute, dispute.id, upheld=False, because="Vu.", by=stage.hatem))
        refusals = set(at_once(*acts))
        assert refusals <= {
            "DisputedAlready", "DisputeEnded", "LinesDisputed", "SideHasConfirmed", "StatementAgreed", "CountsDiffer",
            "NotDisputable",
        }  # fmt: skip
        hear()
        assert sound()
    assert Dispute.objects.exists()
