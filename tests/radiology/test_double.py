"""Double reading: opened by a rule with the signature, read unknowing, compared, decided by a third, counted."""

import datetime
import uuid
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.radiology.test_reading import second_reader
from wasl.accounts.models import Message
from wasl.edges import gate
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.events import Told
from wasl.kernel.models import Fact
from wasl.patients import queries as patients
from wasl.patients import rules as patient_rules
from wasl.patients import services as patient_services
from wasl.patients.models import CareRelationship
from wasl.radiology import queries, services
from wasl.radiology.events import ReadingsArbitrated, SecondReadingGiven, SecondReadingMissed
from wasl.radiology.listeners import double as listeners
from wasl.radiology.models import Assessment, DoubleReading, DoubleRule, Obligation, Opinion, Report
from wasl.radiology.rules import blinding, review
from wasl.radiology.rules import double as rules
from wasl.record import queries as record

pytestmark = pytest.mark.django_db

READ: dict[str, Any] = {"conclusion": "Hématome sous-dural.", "category": "critical"}
TOLD = Told(seq=7, at=timezone.now(), by="person:x", place=None)


@pytest.fixture
def stage() -> Cast:
    return cast()


def ruled(stage: Cast, name: str = "Scanner", *, by: Actor | None = None, centre: uuid.UUID | None = None,
          since: datetime.date | None = None, **about: Any) -> DoubleRule:  # fmt: skip  # noqa: ANN401
    return services.set_double_rule(
        name, rules.Asked(**(about or {"modality": "CT"})), centre=centre, by=by or stage.hatem,
        since=since or timezone.localdate() - datetime.timedelta(days=5),
    )  # fmt: skip


def read_twice(stage: Cast, **values: Any) -> DoubleReading:  # noqa: ANN401
    """A report of Leila's that waits for a second reader."""
    if not DoubleRule.objects.exists():
        ruled(stage)
    return DoubleReading.objects.get(report=make.signed_report(stage, **values))


def compared(stage: Cast, *, by: Actor | None = None, verdict: str = "major", **read: Any) -> DoubleReading:  # noqa: ANN401
    """A report of Leila's that a second reader read, and compared with theirs."""
    double, reader = read_twice(stage), by or second_reader(stage)
    services.claim_double_reading(double.id, by=reader)
    services.give_second_reading(double.id, by=reader, **{**READ, **read})
    services.compare_readings(double.id, verdict=verdict, reason="Autre chose.", by=reader)
    return DoubleReading.objects.get(id=double.id)


def decided(stage: Cast, stands: str = "second", **read: Any) -> DoubleReading:  # noqa: ANN401
    double, arbiter = compared(stage, **read), second_reader(stage)
    services.claim_double_reading(double.id, by=arbiter)
    services.arbitrate_readings(double.id, stands=stands, reason="Net sur la coupe 12.", by=arbiter)
    return DoubleReading.objects.get(id=double.id)


def through_fhir(reading: uuid.UUID, *, viewer: Actor) -> tuple[int, int]:
    """How many current texts and versions of a report the FHIR door may give."""
    CareRelationship.objects.update(starts_at=timezone.now() - datetime.timedelta(days=1))  # before this transaction
    known, said = gate.known_to(viewer)
    values = [str(value) for value in said]
    with connection.cursor() as cursor:
        cursor.execute(f"select count(*) from record_entry e where e.id = %s and {known}", [reading, *values])
        ((current,),) = cursor.fetchall()
        cursor.execute(f"select count(*) from record_version e where e.resource = %s and {known}", [reading, *values])
        ((versions,),) = cursor.fetchall()
    return current, versions


def test_the_signature_opens_what_the_rules_ask_for_and_the_report_goes_out(stage: Cast) -> None:
    assert not queries.is_read_again(make.signed_report(stage).id, viewer=stage.leila)  # no rule
    ruled(stage, modality="CT", within=48)
    ruled(stage, "Débuts", first_reports=2, within=12)
    ruled(stage, "Mammographies", modality="MG")
    double = read_twice(stage)
    assert {cause.rule.name for cause in double.causes.all()} == {"Scanner", "Débuts"}
    signed = double.report
    assert (signed.state, signed.reading.state) == ("signed", "signed")  # nobody waits for the second reading
    assert signed.signed_at
    assert double.due_at - signed.signed_at == datetime.timedelta(hours=12)
    names = Fact.objects.filter(name__in=("radiology.ReportSigned", "radiology.SecondReadingOpened"))
    assert list(names.order_by("-seq").values_list("name", flat=True)[:2]) == [
        "radiology.SecondReadingOpened", "radiology.ReportSigned",
    ]  # fmt: skip
    third = read_twice(stage)  # the reader's third
    assert [cause.rule.name for cause in third.causes.all()] == ["Scanner"]
    addendum = services.begin_addendum(third.report_id, by=stage.leila)
    draft = make.draft(stage, third.report.reading_id, revision=addendum.revision)
    services.sign_report(draft.id, revision=draft.revision, by=stage.leila)
    assert DoubleReading.objects.count() == 2


def test_rules_are_dated_and_set_by_who_answers_for_the_readers(stage: Cast) -> None:
    rule = ruled(stage)
    with pytest.raises(rules.DoubleRuleNotLater):
        ruled(stage)
    later = ruled(stage, modality="MR", since=timezone.localdate())
    rule.refresh_from_db()
    assert (rule.period.upper, later.period.upper) == (timezone.localdate(), None)
    own = ruled(stage, by=stage.karim, centre=stage.university)
    for centre in (None, stage.regional):
        with pytest.raises(rules.NotThatCentre):
            ruled(stage, "Autre", by=stage.karim, centre=centre)
    with pytest.raises(rules.NotThatCentre):
        services.end_double_rule(later.id, by=stage.karim)
    for by in (stage.leila, stage.amel, stage.zied, STRANGER):
        with pytest.raises(NotAllowed):
            services.end_double_rule(own.id, by=by)
    services.end_double_rule(own.id, by=stage.karim)
    with pytest.raises(rules.DoubleRuleEnded):
        services.end_double_rule(own.id, by=stage.karim)
    with pytest.raises(IntegrityError), transaction.atomic():
        DoubleRule.objects.create(name=later.name, within=1, period=later.period)
    assert {one.rule.id for one in queries.double_yields(viewer=stage.karim)} == {rule.id, later.id, own.id}
    assert queries.double_yields(viewer=stage.zied) == queries.double_yields(viewer=STRANGER) == []


def test_it_is_offered_to_who_had_no_part_in_it_and_never_looked(stage: Cast) -> None:
    mounir, idle = second_reader(stage), second_reader(stage, modalities=("MR",))
    double = read_twice(stage)

    def offered(viewer: Actor) -> bool:
        return queries.double_readings_waiting(viewer=viewer).filter(id=double.id).exists()

    assert offered(mounir)
    for viewer in (stage.leila, idle, stage.sirine, stage.karim, stage.amel, STRANGER):
        assert not offered(viewer)
    for viewer in (stage.leila, idle):
        with pytest.raises(rules.NotToReadAgain):
            services.claim_double_reading(double.id, by=viewer)
    with pytest.raises(rules.SecondReadingFirst):  # over-reading would name the author
        services.over_read_report(double.report_id, verdict="agrees", by=mounir)
    assert double.report not in queries.reports_to_over_read(viewer=mounir)
    patient = double.report.reading.patient_id
    patient_services.log_access(patient, what="radiology.report", ground="care", by=mounir)
    assert not offered(mounir)
    with pytest.raises(rules.NotToReadAgain):
        services.claim_double_reading(double.id, by=mounir)


def test_until_the_second_reading_is_given_nothing_says_what_or_who_was_first(stage: Cast) -> None:
    double, mounir = read_twice(stage), second_reader(stage)
    report, reading = double.report, double.report.reading
    services.claim_double_reading(double.id, by=mounir)
    assert patients.is_reviewing(reading.study_id, viewer=mounir)
    assert patients.ground(reading.patient_id, viewer=mounir) is None
    # though the reader comes to care for the patient
    patient_services.open_for_care(
        reading.patient_id, person=mounir.id, source=uuid.uuid4(), because="radiology.ReadingClaimed", by=mounir
    )
    for key in (report.id, reading.id):
        with pytest.raises((NotFound, patient_rules.NoGround)):
            queries.report(key, viewer=mounir)
    assert not queries.reports_of(reading.patient_id, viewer=mounir).exists()
    assert not queries.orders(viewer=mounir).filter(id=reading.order_id).exists()
    assert queries.story(reading.order, viewer=mounir) == []
    with pytest.raises(NotFound):
        record.entry("DiagnosticReport", reading.id, viewer=mounir)
    with pytest.raises(NotFound):
        record.versions("DiagnosticReport", reading.id, viewer=mounir)
    assert "DiagnosticReport" not in record.types(reading.patient_id, viewer=mounir)
    assert record.types(reading.patient_id, viewer=stage.leila)["DiagnosticReport"] == 1
    assert [through_fhir(reading.id, viewer=viewer) for viewer in (mounir, stage.leila)] == [(0, 0), (1, 1)]
    with pytest.raises(blinding.ReadsBlind):
        services.begin_addendum(report.id, by=mounir)
    with pytest.raises(rules.NotGivenYet):
        services.compare_readings(double.id, verdict="agrees", by=mounir)
    services.give_second_reading(double.id, by=mounir, **READ)
    with pytest.raises(rules.GivenAlready):
        services.give_second_reading(double.id, by=mounir, conclusion="Non.", category="nothing")
    with pytest.raises(rules.GivenAlready):
        services.give_back_double_reading(double.id, by=mounir)
    services.compare_readings(double.id, verdict="major", reason="Hématome.", by=mounir)
    assert queries.report(report.id, viewer=mounir) == report
    assert record.entry("DiagnosticReport", reading.id, viewer=mounir).id == reading.id


def test_who_agrees_closes_it(stage: Cast) -> None:
    double = compared(stage, verdict="agrees", category="finding")
    assert (double.stands, bool(double.closed_at)) == ("first", True)
    assert not queries.double_readings_waiting(viewer=second_reader(stage))
    with pytest.raises(rules.NothingToRead):
        services.claim_double_reading(double.id, by=second_reader(stage))
    assert queries.double_outcomes(viewer=stage.leila) == []


def test_what_differs_is_decided_by_a_third_reader_who_knows_neither(stage: Cast) -> None:
    mounir, salma = second_reader(stage), second_reader(stage)
    double = compared(stage, by=mounir)
    assert double.stands == ""
    for party in (mounir, stage.leila):
        with pytest.raises(rules.NotToReadAgain):
            services.claim_double_reading(double.id, by=party)
    (waiting,) = queries.double_readings_waiting(viewer=salma)
    assert waiting.arbiter
    services.claim_double_reading(double.id, by=salma)
    with pytest.raises((NotFound, patient_rules.NoGround)):
        queries.report(double.report_id, viewer=salma)
    with pytest.raises(rules.NotYourOpinion):
        services.give_second_reading(double.id, by=salma, **READ)
    with pytest.raises(rules.NotAnArbitration):
        services.arbitrate_readings(double.id, stands="second", reason=" ", by=salma)
    services.arbitrate_readings(double.id, stands="first", reason="Artefact.", by=salma)
    double.refresh_from_db()
    assert double.stands == "first"
    (told,) = queries.double_outcomes(viewer=stage.leila)
    assert (told.asks, told.arbiter and told.arbiter.reason) == (False, "Artefact.")
    assert queries.double_matters(viewer=stage.karim) == []


def test_where_the_second_stands_an_addendum_is_asked_for_and_informs_as_ever(stage: Cast) -> None:
    double = decided(stage)
    about = {"opinion": uuid.uuid4(), "double": double.id, "patient": uuid.uuid4(), "place": stage.regional}
    listeners.tell_that_the_second_stands(ReadingsArbitrated(**about, part="arbiter", stands="second"), TOLD)
    assert set(Message.objects.values_list("person", flat=True)) == {stage.leila.id, stage.karim.id}
    for viewer, ask in ((stage.leila, queries.double_outcomes), (stage.karim, queries.double_matters)):
        assert [told.asks for told in ask(viewer=viewer)] == [True]
    for viewer in (stage.amel, stage.hatem, stage.zied, STRANGER):
        assert queries.double_outcomes(viewer=viewer) == queries.double_matters(viewer=viewer) == []
    addendum = services.begin_addendum(double.report_id, by=stage.leila)
    draft = make.draft(stage, double.report.reading_id, revision=addendum.revision, critical=True, critical_what="HSD")
    signed = services.sign_report(draft.id, revision=draft.revision, by=stage.leila)
    assert queries.double_matters(viewer=stage.karim) == []
    services.raise_critical_result(signed.id, by=SYSTEM)
    assert Obligation.objects.filter(report=signed).exists()


def make_overdue() -> None:
    """Let the time that rules gave for every double reading lie an hour back; the database keeps it as it was set."""
    with connection.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        cursor.execute("update radiology_doublereading set due_at = now() - interval '1 hour'")
        cursor.execute("set local session_replication_role = origin")


def test_the_head_is_told_once_that_nobody_read_it_again(stage: Cast) -> None:
    double, reader = read_twice(stage), second_reader(stage)
    closed = decided(stage)
    listeners.miss_second_readings(0)
    assert queries.overdue_second_readings(viewer=stage.karim) == []
    make_overdue()
    for viewer in (stage.leila, stage.karim, stage.zied, STRANGER):
        assert queries.second_readings_to_miss(viewer=viewer) == queries.heads_of_double(double.id, viewer=viewer) == []
    for _ in range(2):
        listeners.miss_second_readings(0)
    (fact,) = Fact.objects.filter(name="radiology.SecondReadingMissed")
    assert fact.subject == double.id, "what was decided in time is not overdue"
    about = {"patient": uuid.uuid4(), "place": stage.regional, "due_at": double.due_at}
    listeners.tell_that_it_is_overdue(SecondReadingMissed(double=double.id, **about), TOLD)  # type: ignore[arg-type]
    (message,) = Message.objects.filter(kind="radiology.second_overdue")
    assert (message.person_id, message.link, message.urgent) == (stage.karim.id, reverse("radiology:matters"), False)
    # until it is closed it stands on the head's page, whoever has it in hand
    (late,) = queries.overdue_second_readings(viewer=stage.karim)
    assert (late.double, late.taken, late.double.arbiter) == (double, False, False)
    services.claim_double_reading(double.id, by=reader)
    assert [late.taken for late in queries.overdue_second_readings(viewer=stage.karim)] == [True]
    services.give_second_reading(double.id, by=reader, **READ)
    services.compare_readings(double.id, verdict="major", reason="Autre chose.", by=reader)
    (late,) = queries.overdue_second_readings(viewer=stage.karim)
    assert (late.taken, late.double.arbiter) == (False, True)
    for viewer in (stage.leila, stage.hatem, stage.zied, STRANGER):
        assert queries.overdue_second_readings(viewer=viewer) == []
    with transaction.atomic(), pytest.raises(IntegrityError):
        DoubleReading.objects.filter(id=double.id).update(missed_at=timezone.now() - datetime.timedelta(days=9))
    services.withdraw_reading(double.report.reading_id, by=SYSTEM)
    assert queries.overdue_second_readings(viewer=stage.karim) == []
    assert closed.missed_at is None


def test_what_is_newly_critical_waits_for_nobody(stage: Cast) -> None:
    double, reader = read_twice(stage), second_reader(stage)
    services.claim_double_reading(double.id, by=reader)
    services.give_second_reading(double.id, by=reader, **READ)
    about = {"opinion": uuid.uuid4(), "double": double.id, "patient": uuid.uuid4(), "place": stage.regional}
    listeners.tell_of_what_is_critical(
        SecondReadingGiven(**about, part="second", category="critical", newly_critical=True), TOLD
    )
    assert {m.person_id for m in Message.objects.filter(urgent=True)} == {stage.leila.id, stage.karim.id}
    assert [told.asks for told in queries.double_outcomes(viewer=stage.leila)] == [True]
    assert [told.double.id for told in queries.double_matters(viewer=stage.karim)] == [double.id]
    compared(stage, category="finding")  # waits for its arbiter, and nobody is told
    assert len(queries.double_outcomes(viewer=stage.leila)) == 1


def test_who_reads_it_again_does_not_review_it_nor_the_other_way_round(
    stage: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review, "is_drawn", lambda *_args, **_kwargs: True)
    since = timezone.localdate() - datetime.timedelta(days=40)
    services.set_review_rule(one_in=25, bands=[8], days=7, since=since, by=stage.hatem)
    mounir = second_reader(stage)
    read, reviewed = compared(stage, by=mounir, verdict="agrees", category="finding"), read_twice(stage)
    for double in (read, reviewed):
        services.draw_review(double.report_id, by=SYSTEM)
    assert Assessment.objects.get().review.report_id == reviewed.report_id
    assert not queries.double_readings_waiting(viewer=mounir)


def test_what_is_given_back_or_left_lying_goes_to_another(stage: Cast) -> None:
    mounir, salma = second_reader(stage), second_reader(stage)
    double = read_twice(stage)
    services.claim_double_reading(double.id, by=mounir)
    with pytest.raises(rules.TakenBySomebody):
        services.claim_double_reading(double.id, by=salma)
    services.give_back_double_reading(double.id, by=mounir)
    assert not patients.is_reviewing(double.report.reading.study_id, viewer=mounir)
    with pytest.raises(rules.NotToReadAgain):
        services.claim_double_reading(double.id, by=mounir)
    services.claim_double_reading(double.id, by=salma)
    Opinion.objects.filter(reader=salma.id).update(until=timezone.now())
    with pytest.raises(rules.NotYourOpinion):
        services.give_second_reading(double.id, by=salma, **READ)
    rim = second_reader(stage)
    services.claim_double_reading(double.id, by=rim)
    assert Opinion.objects.get(given_back_at__isnull=True).reader_id == rim.id


def test_the_database_keeps_readers_apart_and_what_they_said(stage: Cast) -> None:
    double = decided(stage)
    other = read_twice(stage)
    until = timezone.now()
    with pytest.raises(IntegrityError, match="nobody reads their own"), transaction.atomic():
        Opinion.objects.create(double=other, part="second", reader_id=other.report.author_id, until=until)
    with pytest.raises(IntegrityError, match="readings that differ"), transaction.atomic():
        Opinion.objects.create(double=other, part="arbiter", reader_id=str(stage.karim.id), until=until)
    second, third = (Opinion.objects.get(double=double, part=part) for part in ("second", "arbiter"))
    assert len({second.reader_id, third.reader_id, double.report.author_id}) == 3
    open_still = compared(stage)
    with pytest.raises(IntegrityError, match="report_once"), transaction.atomic():
        reader = Opinion.objects.get(double=open_still).reader
        Opinion.objects.create(double=open_still, part="arbiter", reader=reader, until=until)
    with pytest.raises(IntegrityError, match="one_reader_opines"), transaction.atomic():
        Opinion.objects.create(double=double, part="arbiter", reader_id=str(stage.karim.id), until=until)
    for table in ("opinion", "doublereading", "doublecause"):
        for what in (f"delete from radiology_{table}", f"update radiology_{table} set created_at = now()"):
            with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"{what} where id in (select id from radiology_{table} order by id limit 1)")
    with pytest.raises(IntegrityError), transaction.atomic():
        DoubleReading.objects.create(report=double.report, due_at=until)


def test_a_rule_is_judged_by_what_it_brings(stage: Cast) -> None:
    decided(stage)
    compared(stage, verdict="agrees", category="finding")
    compared(stage)  # not decided yet
    for viewer in (stage.hatem, stage.karim):
        (one,) = queries.double_yields(viewer=viewer)
        assert (one.opened, one.closed, one.minor, one.major, one.upheld) == (3, 2, 0, 1, 1)
        assert not one.shown  # two, of one reader
    many = queries.Yield(one.rule, 50, 40, 3, 3, 4, 2)
    assert many.shown
    assert (many.per_hundred, [round(end) for end in many.ends]) == (10, [4, 23])
    assert not queries.Yield(one.rule, 50, 40, 3, 3, 4, 1).shown
    assert not queries.Yield(one.rule, 50, 29, 3, 3, 4, 2).shown


@pytest.mark.django_db(transaction=True)
def test_at_once_one_reader_takes_it_and_says_it_once(stage: Cast) -> None:
    double = read_twice(stage)
    readers = [second_reader(stage) for _ in range(4)]
    refused = at_once(*[lambda by=by: services.claim_double_reading(double.id, by=by) for by in readers for _ in "ab"])
    assert refused == ["TakenBySomebody"] * 6  # who took it may ask again
    by = next(one for one in readers if one.id == Opinion.objects.get().reader_id)
    give = [lambda: services.give_second_reading(double.id, by=by, **READ)] * 3
    back = [lambda: services.give_back_double_reading(double.id, by=by)] * 3
    assert len(at_once(*give, *back)) == 5
    assert Opinion.objects.count() == 1
    assert Report.objects.filter(double=double).count() == 1


def test_who_read_a_region_of_it_does_not_read_it_again(stage: Cast) -> None:
    ruled(stage)
    mounir, other = second_reader(stage), second_reader(stage)
    case = services.claim_reading(make.reading(stage).id, by=stage.leila)
    services.split_reading(case.id, bodies=("head",), by=stage.leila)
    region = services.claim_region(queries.regions_of(case.id, viewer=stage.leila)[0].id, by=mounir)
    services.hand_in_region(region.id, findings="Rien.", conclusion="RAS.", revision=region.revision, by=mounir)
    services.merge_regions(case.id, by=stage.leila)
    draft = Report.objects.get(reading=case, state="draft")
    services.sign_report(draft.id, revision=draft.revision, by=stage.leila)
    double = DoubleReading.objects.get(report=draft)
    assert not queries.may_read_again(double.id, viewer=mounir)
    assert queries.may_read_again(double.id, viewer=other)
    assert "Chebbi" in queries.writers_of(double.report, viewer=SYSTEM)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_miss_a_second_reading_once() -> None:
    double = read_twice(cast())
    with transaction.atomic():
        make_overdue()
    assert at_once(*[partial(services.miss_second_reading, double.id, by=SYSTEM)] * 8) == []
    assert Fact.objects.filter(name="radiology.SecondReadingMissed").count() == 1
