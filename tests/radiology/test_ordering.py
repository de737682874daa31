"""Sending an order, taking it back, performing its exam: on the tables, in the journal, and who may not."""

import datetime
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateRange
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.models import Fact
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.patients.rules import NoGround
from wasl.radiology import queries, services
from wasl.radiology.models import Order, Procedure, Target
from wasl.radiology.rules import ordering as rules

DAY = datetime.date(2026, 11, 1)


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def facts(subject: uuid.UUID) -> list[str]:
    return list(Fact.objects.filter(subject=subject).order_by("seq").values_list("name", flat=True))


def test_a_procedure_enters_the_catalogue(db: None) -> None:
    made = make.procedure(code="CT-HEAD", questions=("pregnancy",), contrast=True)
    kept = Procedure.objects.get(code="CT-HEAD")
    assert (kept.id, kept.modality, kept.contrast, kept.questions) == (made.id, "CT", True, ["pregnancy"])
    assert facts(made.id) == ["radiology.ProcedureAdded"]


def test_a_code_is_used_once_and_questions_are_known(db: None) -> None:
    make.procedure(code="CT-HEAD")
    with pytest.raises(rules.ProcedureCodeTaken, match="CT-HEAD"):
        make.procedure(code="CT-HEAD")
    with pytest.raises(rules.UnknownQuestion):
        make.procedure(questions=("mood",))
    assert Procedure.objects.count() == 1


@pytest.mark.parametrize("words", ["scanner cérébral", "CEREBRAL", "مفراس", "head ct", "ct-head", "دماغ مفراس"])
def test_the_catalogue_is_searched_in_three_languages(db: None, words: str) -> None:
    head = make.procedure(code="CT-HEAD")
    make.procedure(code="CR-KNEE", names=("صورة الركبة", "Radiographie du genou", "Knee X-ray"), modality="CR",
                   region_name="Knee")  # fmt: skip
    assert list(queries.procedures(viewer=STRANGER, words=words)) == [head]
    assert queries.procedures(viewer=STRANGER).count() == 2
    assert not queries.procedures(viewer=STRANGER, words=f"{words} nothing").exists()


def test_targets_follow_one_another(db: None) -> None:
    assert queries.target_minutes("P1", on=DAY) == rules.HOUSE_TARGETS["P1"]
    services.set_target("P1", minutes=90, since=DAY, by=SYSTEM)
    later = services.set_target("P1", minutes=45, since=DAY + datetime.timedelta(days=10), by=SYSTEM)
    assert queries.target_minutes("P1", on=DAY + datetime.timedelta(days=9)) == 90
    assert queries.target_minutes("P1", on=DAY + datetime.timedelta(days=10)) == 45
    assert queries.target_minutes("P2", on=DAY) == rules.HOUSE_TARGETS["P2"]
    assert facts(later.id) == ["radiology.TargetSet"]
    assert Target.objects.get(minutes=90).period == DateRange(DAY, DAY + datetime.timedelta(days=10))
    with pytest.raises(rules.TargetNotLater):
        services.set_target("P1", minutes=30, since=DAY, by=SYSTEM)
    with pytest.raises(rules.UnknownUrgency):
        services.set_target("P7", minutes=30, since=DAY, by=SYSTEM)


def test_an_order_is_sent(stage: Cast) -> None:
    sent = make.order(stage, urgency="P1")
    kept = Order.objects.get(id=sent.id)
    assert rules.is_accession(kept.accession)
    assert kept.study_uid.startswith("2.25.")
    assert len(kept.study_uid) <= 64
    assert (kept.state, kept.place_id, kept.requester_id) == ("sent", stage.regional, stage.amel.id)
    (fact,) = Fact.objects.filter(subject=sent.id)
    assert fact.name == "radiology.OrderSent"
    assert fact.data["urgency"] == "P1"
    assert fact.place == stage.regional
    assert "question" not in fact.data


def test_an_order_opens_the_record_to_the_place(stage: Cast) -> None:
    sent = make.order(stage)
    assert patients.ground(sent.patient_id, viewer=stage.sami) == "care"
    assert patients.ground(sent.patient_id, viewer=stage.zied) is None


def test_an_order_needs_a_ground(stage: Cast) -> None:
    someone = make.order(stage).patient_id
    with pytest.raises(NoGround):
        make.order(stage, patient=someone, place=stage.other, by=stage.zied)
    patients_services.present_card(someone, place=stage.other, by=stage.zied)
    make.order(stage, patient=someone, place=stage.other, by=stage.zied)


@pytest.mark.parametrize("who", ["sami", "nour", "leila", "karim", "hatem", "fatma"])
def test_only_requesting_doctors_order(stage: Cast, who: str) -> None:
    with pytest.raises(NotAllowed):
        make.order(stage, by=getattr(stage, who))
    assert not Order.objects.exists()


def test_nobody_orders_for_another_hospital(stage: Cast) -> None:
    with pytest.raises(rules.NotYourHospital):
        make.order(stage, place=stage.other)


def test_an_incomplete_order_is_not_sent(stage: Cast) -> None:
    asks = make.procedure(questions=("renal", "implants"), modality="MR", sided=True)
    with pytest.raises(rules.Incomplete) as refused:
        make.order(stage, procedure=asks.id, question="?", urgency="")
    assert set(refused.value.fields) == {"question", "urgency", "side", "renal", "implants"}
    assert not Order.objects.exists()
    assert not Fact.objects.filter(name="radiology.OrderSent").exists()


def test_answers_are_kept_as_they_were_given(stage: Cast) -> None:
    asks = make.procedure(questions=("allergy",), contrast=True)
    answers = {"allergy": "contrast", "allergy_what": "iodine, urticaria", "proceed_because": "premedicated, no other"}
    sent = make.order(stage, procedure=asks.id, answers={**answers, "pregnancy": "yes", "extra": "x"})
    assert Order.objects.get(id=sent.id).answers == answers


def test_an_exam_taken_from_the_catalogue_cannot_be_ordered(stage: Cast) -> None:
    gone = make.procedure()
    Procedure.objects.filter(id=gone.id).update(active=False)
    with pytest.raises(rules.NotOnOffer):
        make.order(stage, procedure=gone.id)
    with pytest.raises(NotFound):
        make.order(stage, procedure=uuid.uuid4())


def test_an_order_is_cancelled_with_a_reason(stage: Cast) -> None:
    sent = make.order(stage)
    with pytest.raises(rules.NoCancelReason):
        services.cancel_order(sent.id, because=" no ", by=stage.amel)
    services.cancel_order(sent.id, because="ordered twice", by=stage.amel)
    kept = Order.objects.get(id=sent.id)
    assert (kept.state, kept.cancelled_because, kept.version) == ("cancelled", "ordered twice", 2)
    assert facts(sent.id) == ["radiology.OrderSent", "radiology.OrderCancelled"]
    for verb in (services.start_exam, services.perform_exam):
        with pytest.raises(rules.OrderIsCancelled):
            verb(sent.id, by=stage.sami)
    with pytest.raises(rules.OrderIsCancelled):
        services.cancel_order(sent.id, because="once more", by=stage.amel)


def test_an_exam_is_started_and_performed(stage: Cast) -> None:
    sent = make.order(stage)
    clock = timezone.now() - datetime.timedelta(minutes=7)
    services.start_exam(sent.id, by=stage.sami, at=clock)
    services.perform_exam(sent.id, by=stage.sami, at=timezone.now() + datetime.timedelta(hours=2))
    assert Order.objects.get(id=sent.id).state == "performed"
    _, started, performed = Fact.objects.filter(subject=sent.id).order_by("seq")
    assert (started.name, performed.name) == ("radiology.ExamStarted", "radiology.ExamPerformed")
    assert started.at == clock
    assert performed.at <= timezone.now()
    with pytest.raises(rules.AlreadyStarted):
        services.start_exam(sent.id, by=stage.sami)
    with pytest.raises(rules.AlreadyPerformed):
        services.perform_exam(sent.id, by=stage.sami)
    with pytest.raises(rules.ExamBegun):
        services.cancel_order(sent.id, because="too late", by=stage.amel)


def test_an_exam_broken_off_is_still_to_be_made(stage: Cast) -> None:
    sent = make.order(stage)
    with pytest.raises(rules.NotStarted):
        services.break_off_exam(sent.id, by=stage.sami)
    services.start_exam(sent.id, by=stage.sami)
    services.break_off_exam(sent.id, by=stage.sami)
    assert list(queries.exams(viewer=stage.sami)) == [sent]
    services.start_exam(sent.id, by=stage.sami)
    services.break_off_exam(sent.id, by=SYSTEM)
    services.cancel_order(sent.id, because="the patient refuses", by=stage.amel)
    assert [name.split(".")[1] for name in facts(sent.id)] == [
        "OrderSent", "ExamStarted", "ExamBrokenOff", "ExamStarted", "ExamBrokenOff", "OrderCancelled",
    ]  # fmt: skip


def test_an_exam_may_be_said_performed_at_once(stage: Cast) -> None:
    sent = make.order(stage)
    services.perform_exam(sent.id, by=SYSTEM)
    assert facts(sent.id) == ["radiology.OrderSent", "radiology.ExamPerformed"]


@pytest.mark.parametrize(
    ("act", "who", "refusal"),
    [
        (services.cancel_order, "zied", NotFound), (services.cancel_order, "leila", NotAllowed),
        (services.start_exam, "amel", NotAllowed), (services.start_exam, "zied", NotAllowed),
        (services.perform_exam, "hatem", NotAllowed),
    ],
)  # fmt: skip
def test_others_leave_orders_alone(stage: Cast, act: Callable[..., Any], who: str, refusal: type[Refused]) -> None:
    sent = make.order(stage)
    words = {"because": "not mine at all"} if act is services.cancel_order else {}
    with pytest.raises(refusal):
        act(sent.id, by=getattr(stage, who), **words)
    assert Order.objects.get(id=sent.id).state == "sent"


def test_who_sees_an_order(stage: Cast) -> None:
    sent = make.order(stage)
    for viewer in (stage.amel, stage.sami, stage.leila, SYSTEM):
        assert list(queries.orders(viewer=viewer)) == [sent]
        assert queries.order(sent.id, viewer=viewer) == sent
    for viewer in (STRANGER, stage.zied, stage.hatem, stage.fatma, stage.nour):
        assert not queries.orders(viewer=viewer).exists()
    for viewer in (STRANGER, stage.zied, stage.hatem):
        assert not queries.orders_of(sent.patient_id, viewer=viewer).exists()
        with pytest.raises(NotFound):
            queries.order(sent.id, viewer=viewer)
        with pytest.raises(NotFound):
            queries.order(uuid.uuid4(), viewer=viewer)


def test_an_open_record_shows_the_patients_orders_of_every_hospital(stage: Cast) -> None:
    sent = make.order(stage)
    patients_services.present_card(sent.patient_id, place=stage.other, by=stage.zied)
    assert list(queries.orders_of(sent.patient_id, viewer=stage.zied)) == [sent]
    assert queries.order(sent.id, viewer=stage.zied) == sent
    assert not queries.orders(viewer=stage.zied).exists()


def test_a_modality_sees_the_orders_of_its_place(stage: Cast) -> None:
    from wasl.kernel.access import Held

    sent = make.order(stage)
    for place, seen in ((stage.regional, [sent]), (stage.other, [])):
        modality = Actor(kind="modality", id=uuid.uuid4(), name="CT1", held=(Held("modality", place),))
        assert list(queries.orders(viewer=modality)) == seen


def test_stages_and_the_radiographers_list(stage: Cast) -> None:
    routine, vital, cancelled = (make.order(stage, urgency=u) for u in ("P3", "P0", "P2"))
    services.cancel_order(cancelled.id, because="ordered twice", by=stage.amel)
    services.start_exam(vital.id, by=stage.sami)
    assert {o.id: o.stage for o in queries.orders(viewer=stage.amel)} == {
        routine.id: "sent", vital.id: "started", cancelled.id: "cancelled",
    }  # fmt: skip
    assert list(queries.exams(viewer=stage.sami)) == [vital, routine]
    assert not queries.exams(viewer=stage.amel).exists()
    assert not queries.exams(viewer=stage.sami, until=routine.scheduled_for - datetime.timedelta(days=1)).exists()


def test_lists_take_one_query(stage: Cast) -> None:
    for _ in range(4):
        make.order(stage)
    with CaptureQueriesContext(connection) as seen:
        assert len({(o.procedure.code, o.place.name_fr, str(o.requester)) for o in queries.orders(viewer=stage.amel)})
    assert len(seen) == 1


def test_the_step_of_a_modality_finds_its_order(stage: Cast) -> None:
    sent = make.order(stage)

    def found(study_uid: str, accession: str, place: uuid.UUID | None = stage.regional) -> Order | None:
        return queries.order_of_step(study_uid=study_uid, accession=accession, place=place, viewer=SYSTEM)

    assert found(sent.study_uid, "") == sent
    assert found("1.2.3", sent.accession) == sent
    assert found("1.2.3", "") is None
    assert found(sent.study_uid, sent.accession, stage.other) is None


@pytest.mark.django_db(transaction=True)
def test_orders_sent_at_once_have_their_own_numbers() -> None:
    stage = cast()
    patient, exam = make.order(stage).patient_id, make.procedure().id

    def send() -> None:
        try:
            for _ in range(4):
                make.order(stage, patient=patient, procedure=exam)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Order.objects.count() == 33
    assert Order.objects.values("accession").distinct().count() == 33
    assert Order.objects.values("study_uid").distinct().count() == 33


@pytest.mark.django_db(transaction=True)
def test_an_exam_started_by_many_is_started_once() -> None:
    stage = cast()
    sent = make.order(stage)
    refused: list[str] = []

    def start() -> None:
        try:
            services.start_exam(sent.id, by=stage.sami)
        except Refused as refusal:
            refused.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["AlreadyStarted"] * 7
    assert facts(sent.id).count("radiology.ExamStarted") == 1
