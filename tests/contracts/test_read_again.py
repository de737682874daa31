"""Second readings and arbitrations are acts once they are over, where the scale names them; priced, stated, doubted."""

import datetime
from functools import partial
from unittest.mock import patch
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast
from tests.contracts.paid import CODE, scale, session
from tests.contracts.stated import after_it, closed, hear, rim
from tests.contracts.test_doubts import rule as doubt
from tests.contracts.test_paying import balance, ready, settle
from tests.radiology.test_double import READ, compared, read_twice, ruled
from tests.radiology.test_reading import second_reader
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.contracts import queries, services
from wasl.contracts.models import Act, Closing, Doubt, Entry, Fee, Hold, Statement
from wasl.contracts.rules import scales
from wasl.contracts.rules.scales import Kind
from wasl.contracts.services import papers
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact
from wasl.patients import services as patients
from wasl.radiology import queries as radiology_queries
from wasl.radiology import services as radiology
from wasl.radiology.models import DoubleReading, Opinion
from wasl.workforce import queries as workforce_queries
from wasl.workforce import services as workforce

pytestmark = pytest.mark.django_db
PRICES = [
    (Kind(modality="CT"), 12_500),
    (Kind(modality="CT", part="second"), 8_000),
    (Kind(modality="CT", part="second", mode="urgent"), 9_000),
    (Kind(part="arbiter"), 4_000),
]
MOMENT = datetime.timedelta(seconds=1)


@pytest.fixture
def stage() -> Cast:
    return ready()


def reader(stage: Cast, *, hours: float = -1) -> Actor:
    """A second reader, in a validated session."""
    found = second_reader(stage)
    session(stage, reader=found, hours=hours)
    return found


def agreed(stage: Cast, by: Actor) -> DoubleReading:
    """A report of Leila's with which a second reader agrees."""
    return compared(stage, by=by, verdict="agrees", category="nothing")


def arbitrated(double: DoubleReading, by: Actor) -> None:
    radiology.claim_double_reading(double.id, by=by)
    radiology.arbitrate_readings(double.id, stands="second", reason="Net sur la coupe 12.", by=by)


def again() -> dict[str, Act]:
    """The acts of what was read again, by their part."""
    return {act.part: act for act in Act.objects.exclude(part="report")}


def test_a_second_reading_that_is_over_is_an_act_of_its_own(stage: Cast) -> None:
    scale(prices=PRICES)
    mounir = reader(stage)
    double = agreed(stage, mounir)
    settle()
    act = again()["second"]
    opinion = Opinion.objects.get()
    assert (act.reading, act.report, act.reader_id) == (opinion.id, double.report_id, mounir.id)
    assert (act.provider_id, act.beneficiary_id) == (stage.university, stage.regional)
    assert (act.modality, act.urgency, act.done_at) == ("CT", "P2", opinion.done_at)
    assert Fee.objects.get().price.amount == 9_000  # what Leila signed is outside every session of hers
    assert balance() == {stage.regional: 9_000, mounir.id: -9_000}
    settle()
    services.count_opinion(opinion.id, by=SYSTEM)
    services.settle_act(opinion.id, by=SYSTEM)
    assert (len(again()), Entry.objects.count()) == (1, 1)
    assert Fact.objects.filter(name="contracts.ActCounted", data__reading=str(opinion.id)).count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        Act.objects.create(
            reading=double.id, part="second", report=act.report, reader=act.reader, provider=act.provider,
            beneficiary=act.beneficiary, procedure=act.procedure, modality="CT", urgency="P2", done_at=act.done_at,
        )  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        Opinion.objects.update(agreement=None)
    lines = {(line.kind, line.acts) for line in queries.lines(viewer=stage.hatem)}
    assert lines == {("", 1), ("deuxième lecture", 1)}
    for other in (stage.leila, stage.karim, mounir, STRANGER):
        with pytest.raises(NotAllowed):
            services.count_opinion(opinion.id, by=other)
        assert not radiology_queries.opinions_owed(viewer=other)
        assert radiology_queries.evidence_of_opinion(opinion.id, viewer=other) is None


def test_nothing_is_told_before_the_double_reading_is_closed(stage: Cast) -> None:
    scale(prices=PRICES)
    mounir = reader(stage)
    double = compared(stage, by=mounir)  # they differ: it waits for a third reader
    settle()
    assert not again()
    assert not Fact.objects.filter(name="contracts.ActCounted", data__reader=str(mounir.id))
    mine = browser_of(mounir).get("/contracts/pay/").content.decode()
    assert "Leila" not in mine
    assert not queries.acts(viewer=mounir)
    assert not queries.acts(viewer=stage.leila).exclude(reader=stage.leila.id)
    third = reader(stage)
    arbitrated(double, third)
    settle()
    assert {part: act.reader_id for part, act in again().items()} == {"second": mounir.id, "arbiter": third.id}
    assert balance() == {stage.regional: 13_000, mounir.id: -9_000, third.id: -4_000}
    for viewer, other in ((mounir, "arbitration"), (third, "second reading"), (stage.leila, "second reading")):
        assert other not in browser_of(viewer).get("/contracts/pay/").content.decode()
    shown = browser_of(stage.karim).get("/contracts/pay/").content.decode()
    assert "second reading" in shown
    assert "arbitration" in shown


def test_a_scale_that_names_no_such_act_makes_none(stage: Cast) -> None:
    second = reader(stage)
    agreed(stage, second)
    for prices in ([(Kind(), 5)], [(Kind(), 5), (Kind(modality="MG", part="second"), 6)]):
        scale(prices=prices, since=datetime.date(2025, 1, len(prices)))
        settle()
        assert not again()
        assert not Hold.objects.filter(act__reader=second.id)
    scale(prices=PRICES, since=datetime.date(2025, 2, 1))  # and what a scale names later is one from its day on
    settle()
    assert Fee.objects.get(act=again()["second"]).price.amount == 9_000
    scale(prices=PRICES[:1], since=timezone.localdate() + datetime.timedelta(days=1))
    settle()
    assert Fee.objects.get(act__part="second").taken_back_at is None


def test_ones_own_hospital_owes_nothing_for_it(stage: Cast) -> None:
    scale(prices=PRICES)
    assert stage.amel.id is not None
    accounts.give_post(stage.amel.id, role="requester", place=stage.university, by=SYSTEM)
    amel = accounts_queries.actor_of(stage.amel.id)
    case = make.reading(stage, order=make.order(stage, place=stage.university, by=amel))
    ruled(stage)
    mounir = reader(stage)
    for who in (stage.leila, mounir):
        worker = workforce_queries.worker_of(who.id, viewer=SYSTEM) if who.id else None
        assert worker is not None
        workforce.cover_place(worker.id, place=stage.university, modalities=[], by=SYSTEM,
                              since=timezone.now() - datetime.timedelta(days=1))  # fmt: skip
    double = DoubleReading.objects.get(report=make.signed_report(stage, case=case.id))
    radiology.claim_double_reading(double.id, by=mounir)
    radiology.give_second_reading(double.id, by=mounir, **{**READ, "category": "nothing"})
    radiology.compare_readings(double.id, verdict="agrees", by=mounir)
    assert Opinion.objects.get().agreement is None
    settle()
    assert not again()


def test_outside_every_session_it_is_held_like_a_report(stage: Cast) -> None:
    scale(prices=PRICES)
    agreed(stage, second_reader(stage))
    settle()
    hold = Hold.objects.get(act__part="second")
    assert hold.reason == "no_session"
    services.release_act(hold.id, mode="scheduled", because="Relève prolongée.", by=stage.karim)
    settle()
    assert Fee.objects.get().price.amount == 8_000


def test_priced_again_it_is_the_same(stage: Cast) -> None:
    scale(prices=PRICES)
    session(stage)
    mounir, third = reader(stage), reader(stage)
    arbitrated(compared(stage, by=mounir), third)
    agreed(stage, mounir)
    settle()
    scale(prices=[(Kind(part=part), 1) for part in ("report", "second", "arbiter")],
          since=timezone.localdate() + datetime.timedelta(days=1))  # fmt: skip
    fees = Fee.objects.select_related("act", "price__scale")
    assert sorted(fee.price.amount for fee in fees) == [4_000, 9_000, 9_000, 12_500, 12_500]
    for fee in fees:
        act, day = fee.act, timezone.localdate(fee.act.done_at)
        (version,) = queries.scales(viewer=SYSTEM).filter(code=CODE, period__contains=day)
        kind = Kind(act.procedure, act.modality, act.urgency, fee.mode, fee.hours, act.part)
        assert scales.price(kind, list(version.prices.all())) == fee.price


def test_both_hospitals_count_it_and_it_is_printed(stage: Cast) -> None:
    scale(prices=PRICES)
    session(stage)
    mounir = reader(stage)
    agreed(stage, mounir)
    hear()
    with patch.object(papers, "page", wraps=papers.page) as printed:
        _, pair = closed(stage)
    hers = Statement.objects.get(reader=mounir.id)
    assert (hers.acts, hers.amount) == (1, 9_000)
    assert (pair.acts, pair.amount) == (2, 21_500)
    counts = queries.compared(pair, viewer=stage.karim)
    assert counts.equal
    assert counts.given == counts.received == frozenset(Act.objects.values_list("reading", flat=True))
    assert printed.call_count == 6  # three statements in two languages
    rows = papers._data(hers, list(queries.lines_of(hers, viewer=SYSTEM)), "fr")["parts"][0][1]
    assert rows[0][2].endswith("(deuxième lecture)")
    answer = browser_of(stage.karim, "fr").get(f"/contracts/statements/{pair.id}/lines.csv")
    kinds = sorted(line.rsplit(",", 1)[1] for line in b"".join(answer).decode().splitlines()[1:])
    assert kinds == ["compte rendu", "deuxième lecture"]
    services.confirm_statement(pair.id, side="provider", by=stage.karim)
    services.confirm_statement(pair.id, side="beneficiary", by=rim(stage))


def test_what_is_decided_after_the_month_was_closed_is_on_the_next_statement(stage: Cast) -> None:
    scale(prices=PRICES)
    session(stage)
    mounir = reader(stage)
    double, third = compared(stage, by=mounir), second_reader(stage)
    radiology.claim_double_reading(double.id, by=third)
    hear()
    _, first = closed(stage)
    with after_it(days=8):
        Opinion.objects.filter(done_at__isnull=True).update(until=timezone.now() + MOMENT)
        radiology.arbitrate_readings(double.id, stands="first", reason="Artefact.", by=third)
        hear()
    assert queries.compared(first, viewer=stage.karim).equal  # as it was known at its closing
    assert set(again()) == {"second", "arbiter"}
    with after_it(days=40):
        services.close_month(stage.university, month=this_month_after(first), by=stage.karim)
    second = Statement.objects.get(beneficiary=stage.regional, closing__month__gt=first.closing.month)
    lines = [(line.act.part, line.state, line.amount) for line in queries.lines_of(second, viewer=SYSTEM)]
    assert lines == [("second", "paid", 9_000), ("arbiter", "open", 0)]
    assert (second.acts, second.amount) == (1, 9_000)
    with transaction.atomic(), connection.cursor() as cursor:  # rows are made at the hour of the test, not of its clock
        cursor.execute("set local session_replication_role = replica")
        Closing.objects.filter(id=second.closing_id).update(created_at=timezone.now() + datetime.timedelta(days=72))
        cursor.execute("set local session_replication_role = origin")
    second = queries.statement(second.id, viewer=stage.karim)
    assert queries.compared(second, viewer=stage.karim).equal


def this_month_after(first: Statement) -> datetime.date:
    return (first.closing.month + datetime.timedelta(days=31)).replace(day=1)


def test_a_second_reading_that_is_on_no_line_is_disputed_and_counted(stage: Cast) -> None:
    scale(prices=PRICES)
    session(stage)
    mounir = reader(stage)
    agreed(stage, mounir)
    with patch.object(services, "count_opinion"):  # whoever counts it was away
        hear()
    assert not again()
    _, pair = closed(stage)
    (missing,) = queries.compared(pair, viewer=stage.karim).only_received
    assert (missing.reading, missing.kind) == (Opinion.objects.get().id, "deuxième lecture")
    assert "second reading" in browser_of(stage.karim, "en").get(f"/contracts/statements/{pair.id}/").content.decode()
    dispute = services.dispute_line(
        pair.id, reading=missing.reading, side="provider", because="Manque.", by=stage.karim
    )
    services.accept_dispute(dispute.id, by=rim(stage))
    hear()
    assert Fee.objects.get(act=again()["second"]).price.amount == 9_000


def test_its_facts_are_doubted_like_those_of_a_report(stage: Cast) -> None:
    scale(prices=PRICES)
    for kind, limit in (("fast", 60), ("unseen", 0), ("twice", 0)):
        doubt(kind, limit=limit)
    mounir = reader(stage)
    double = read_twice(stage)
    radiology.claim_double_reading(double.id, by=mounir)
    reading = double.report.reading
    patients.log_access(reading.patient_id, what="archive.series", ground="review", subject=reading.study_id, by=mounir)
    radiology.give_second_reading(double.id, by=mounir, **{**READ, "category": "nothing"})
    radiology.compare_readings(double.id, verdict="agrees", by=mounir)
    settle()
    assert list(Doubt.objects.filter(act__part="second").values_list("kind", flat=True)) == ["fast"]
    hold = Hold.objects.get(act__part="second")
    assert hold.reason == "doubt"
    services.clear_doubt(Doubt.objects.get(act__part="second").id, because="Examen normal.", by=stage.karim)
    settle()
    assert Fee.objects.get(act__part="second", taken_back_at__isnull=True).price.amount == 9_000
    agreed(stage, reader(stage))  # who never opened the images
    settle()
    kinds = Doubt.objects.filter(act__part="second").exclude(act__reader=mounir.id).values_list("kind", flat=True)
    assert sorted(kinds) == ["fast", "unseen"]  # not `twice`: rules asked for both, not their readers


def test_a_head_who_reads_again_learns_nowhere_who_wrote(stage: Cast) -> None:
    scale(prices=PRICES)
    session(stage)
    doubt("fast", limit=60, holds=False)
    double = read_twice(stage)
    hear()
    _, pair = closed(stage)
    report, karim = double.report, head_who_reads(stage)
    month = timezone.localdate(report.signed_at).replace(day=1)
    paper = f"/contracts/statements/{pair.id}/statement.pdf"

    def told() -> list[int]:
        return [
            queries.acts(viewer=karim).filter(reading=report.reading_id).count(),
            queries.paid_acts(month, viewer=karim).count(), queries.doubts(viewer=karim).count(),
            queries.lines_of(pair, viewer=karim).count(),
        ]  # fmt: skip

    assert told() == [1, 1, 1, 1]
    assert browser_of(karim).get(paper).status_code == 200
    with after_it():  # nobody who looked since may take it; the pages of acts are no look at the record
        radiology.claim_double_reading(double.id, by=karim)
        assert told() == [0, 0, 0, 0]
        assert browser_of(karim).get(paper).status_code == 409
        assert queries.compared(pair, viewer=karim).equal
        assert browser_of(stage.hatem).get(paper).status_code == 200
        radiology.give_back_double_reading(double.id, by=karim)
        assert told() == [1, 1, 1, 1]


def head_who_reads(stage: Cast) -> Actor:
    """Karim, who heads the department and reads in it for the regional hospital."""
    assert stage.karim.id is not None
    accounts.give_post(stage.karim.id, role="radiologist", place=stage.university, by=SYSTEM)
    worker = workforce.enrol_worker(
        stage.karim.id, place=stage.university, specialty="radiology", licence="TN-R-1009", languages=["fr"], by=SYSTEM
    )
    workforce.cover_place(
        worker.id, place=stage.regional, modalities=[], by=SYSTEM, since=timezone.now() - datetime.timedelta(days=1)
    )
    return accounts_queries.actor_of(stage.karim.id)


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages_say_what_kind_of_act_it_is(stage: Cast, language: str) -> None:
    made = scale(prices=PRICES)
    mounir = reader(stage)
    agreed(stage, mounir)
    settle()
    word = {"ar": "قراءة ثانية", "fr": "deuxième lecture", "en": "second reading"}[language]
    for address in ("/contracts/acts/", "/contracts/pay/", f"/contracts/scales/{made.id}/"):
        page = browser_of(mounir, language).get(address).content.decode()
        assert word in page, address
        assert "Salma" not in page
    old = scale(prices=PRICES[:1], since=timezone.localdate() + datetime.timedelta(days=9))
    said = browser_of(stage.hatem, language)
    assert word in said.get(f"/contracts/scales/{old.id}/").content.decode()  # that it says no price of them
    begun = said.get(f"/contracts/scales/new/?after={made.id}").content.decode()
    assert ";CT;;urgent;;second;9.000" in begun
    assert ";CT;;;;12.500" in begun


@pytest.mark.django_db(transaction=True)
def test_counted_by_sixteen_workers_at_once_each_is_one_act() -> None:
    stage = ready()
    scale(prices=PRICES)
    double = compared(stage, by=reader(stage))
    arbitrated(double, reader(stage))
    keys: list[UUID] = list(Opinion.objects.values_list("id", flat=True))
    assert not at_once(*(partial(services.count_opinion, key, by=SYSTEM) for key in keys * 8))
    assert sorted(again()) == ["arbiter", "second"]
    assert Act.objects.exclude(part="report").count() == 2
    assert Fact.objects.filter(name="contracts.ActCounted").count() == 2
