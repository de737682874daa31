"""Exams vetted before they are made: what waits, what a radiologist decides, what goes on without and is owed."""

import datetime
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pydicom import Dataset

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.hear import hear
from wasl.accounts.models import Message
from wasl.archive import queries as archive
from wasl.kernel.access import STRANGER, SYSTEM, Actor, Held
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.fhir import Resource, owned
from wasl.kernel.models import Fact
from wasl.radiology import queries, services
from wasl.radiology.dicom import stamp, worklist_items
from wasl.radiology.models import Move, Order, Verdict, Vetting
from wasl.radiology.rules import ordering
from wasl.radiology.rules import vetting as rules

TODAY = timezone.localdate()
WHY = {"reason": "lately", "note": "Scanner du 3 novembre, sans changement.", "alternative": "Relire ce scanner."}
# each row that it finds breaks what holds of every order and its vetting
BROKEN = """
select o.id from radiology_order o left join radiology_vetting v on v.order_id = o.id
left join radiology_verdict d on d.vetting_id = v.id and d.kind not in ('right', 'wrong')
where (o.state = 'vetting') and (v.id is null or d.id is not null)
   or o.state in ('sent', 'started', 'performed') and v.id is not null and (d.id is null or d.kind = 'refused')
   or o.state = 'refused' and d.kind is distinct from 'refused'
"""


@pytest.fixture
def stage(db: None) -> Cast:
    return ruled()


def ruled() -> Cast:
    """The cast; every CT of the regional hospital is vetted, vital ones within ten minutes."""
    found = cast()
    services.set_vetting_rule(found.regional, modality="CT", needed=True, since=TODAY, by=found.hatem)
    services.set_vetting_target("P0", minutes=10, since=TODAY, by=found.hatem)
    return found


@pytest.fixture
def scanner(stage: Cast) -> Actor:
    make.source(stage)
    found = archive.actor_of_source("CT_OUEDZEN", "127.0.0.1")
    assert found is not None
    return found


def accept(order: Order, stage: Cast) -> Verdict:
    return services.accept_exam(order.id, contrast=False, instructions="Coupes fines, sans injection", by=stage.leila)


def state(order: Order) -> str:
    return Order.objects.values_list("state", flat=True).get(id=order.id)


def rendered(order: Order) -> Resource:
    kind = owned["ServiceRequest"]
    return dict(json.loads(json.dumps(kind.render(kind.get(order.id)))))


def broken() -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(BROKEN)
        return [key for (key,) in cursor.fetchall()]


def test_an_exam_waits_until_it_is_accepted(stage: Cast, scanner: Actor) -> None:
    order = make.order(stage)
    assert (order.state, rendered(order)["status"]) == ("vetting", "on-hold")
    assert list(worklist_items(Dataset(), viewer=scanner)) == []
    assert list(queries.orders_to_vet(viewer=stage.leila)) == list(queries.exams_to_vet(viewer=stage.sami)) == [order]
    with pytest.raises(rules.NotVetted):
        services.start_exam(order.id, by=stage.sami)
    with pytest.raises(rules.NotVetted):
        services.perform_exam(order.id, by=stage.sami)
    verdict = accept(order, stage)
    assert (verdict.kind, verdict.by_id, state(order)) == ("accepted", stage.leila.id, "sent")
    (item,) = worklist_items(Dataset(), viewer=scanner)
    said = "PROTOCOLE : Sans produit de contraste. Coupes fines, sans injection"
    assert item.ScheduledProcedureStepSequence[0].CommentsOnTheScheduledProcedureStep == said
    assert item.RequestedProcedureComments == f"{said}\n{order.question}"
    assert not queries.orders_to_vet(viewer=stage.leila)
    body = rendered(order)
    assert (body["status"], body["orderDetail"][1]["text"]) == ("active", "Coupes fines, sans injection")
    told = [fact.name for fact in queries.story(order, viewer=stage.amel)]
    assert told == ["radiology.OrderSent", "radiology.VettingAsked", "radiology.ExamAccepted"]
    with pytest.raises(rules.AlreadyVetted):
        services.refuse_exam(order.id, **WHY, by=stage.leila)
    with pytest.raises(IntegrityError, match="a verdict is kept"), transaction.atomic():
        Verdict.objects.update(note="other")
    assert broken() == []


def test_the_gateways_tag_changes_with_the_decision(stage: Cast, scanner: Actor) -> None:
    order = make.order(stage)
    before = stamp(viewer=scanner)
    accept(order, stage)
    assert stamp(viewer=scanner) != before


def test_rules_have_dates_and_an_exams_own_rule_wins(stage: Cast) -> None:
    spared, head = make.procedure(), make.procedure()
    yesterday = TODAY - datetime.timedelta(days=1)
    services.set_vetting_rule(
        stage.regional, modality="CT", procedure=spared.id, needed=False, since=TODAY, by=stage.hatem
    )
    asked: dict[str, Any] = {"place": stage.regional, "on": TODAY, "viewer": SYSTEM}
    assert [queries.needs_vetting(exam, **asked) for exam in (spared, head)] == [False, True]
    assert not queries.needs_vetting(head, **{**asked, "on": yesterday})
    assert not queries.needs_vetting(head, **{**asked, "place": stage.other})
    assert make.order(stage, procedure=spared.id).state == "sent"
    with pytest.raises(rules.VettingRuleNotLater):
        services.set_vetting_rule(stage.regional, modality="CT", needed=False, since=TODAY, by=stage.hatem)
    # Karim's hospital reads for the regional one, and not for the other
    services.set_vetting_rule(stage.regional, modality="MR", needed=True, since=TODAY, by=stage.karim)
    with pytest.raises(rules.NotThatHospitals):
        services.set_vetting_rule(stage.other, modality="MR", needed=True, since=TODAY, by=stage.karim)
    with pytest.raises(NotAllowed):
        services.set_vetting_target("P1", minutes=5, since=TODAY, by=stage.karim)
    with pytest.raises(NotFound):
        services.set_vetting_rule(stage.regional, modality="MR", procedure=head.id, needed=True, since=TODAY, by=SYSTEM)


def test_the_clock_runs_from_the_order(stage: Cast) -> None:
    vital, calm = make.order(stage, urgency="P0"), make.order(stage)
    due = {row.order_id: row.due_at for row in Vetting.objects.all()}
    assert due == {vital.id: vital.created_at + datetime.timedelta(minutes=10), calm.id: None}
    assert list(queries.orders_to_vet(viewer=stage.leila)) == [vital, calm]


def test_a_protocol_of_the_catalogue_is_chosen(stage: Cast, scanner: Actor) -> None:
    exam = make.procedure(contrast=True)
    names = ("بروتوكول الإقفار", "Protocole AVC", "Stroke protocol")
    stroke = services.add_protocol(code="AVC", names=names, modality="CT", by=stage.hatem)
    other = services.add_protocol(code="TAP", names=names, modality="CT", procedure=make.procedure().id, by=stage.hatem)
    with pytest.raises(rules.ProtocolCodeTaken):
        services.add_protocol(code="AVC", names=names, modality="CT", by=stage.hatem)
    order = make.order(stage, procedure=exam.id)
    with pytest.raises(rules.NoSuchProtocol):
        services.accept_exam(order.id, contrast=True, protocol=other.id, by=stage.leila)
    services.accept_exam(order.id, contrast=True, protocol=stroke.id, by=stage.leila)
    (item,) = worklist_items(Dataset(), viewer=scanner)
    step = item.ScheduledProcedureStepSequence[0]
    assert (step.ScheduledProtocolCodeSequence[0].CodeValue, step.RequestedContrastAgent) == (
        "AVC", "Produit de contraste"
    )  # fmt: skip
    assert rendered(order)["orderDetail"][1]["coding"][0]["code"] == "AVC"


def test_another_exam_is_made_and_who_asked_is_told(stage: Cast, scanner: Actor) -> None:
    order = make.order(stage, urgency="P1")
    better = make.procedure(names=("ت", "Angioscanner", "CT angiography"), sided=True)
    how: dict[str, Any] = {
        "because": "Pour voir les vaisseaux.",
        "contrast": False,
        "instructions": "Du sinus au vertex",
    }
    asks = make.procedure(modality="MR", questions=("implants",))
    with pytest.raises(rules.AnswersMissing):
        services.change_exam(order.id, procedure=asks.id, **how, by=stage.leila)
    with pytest.raises(rules.NotAnotherExam):
        services.change_exam(order.id, procedure=order.procedure_id, **how, by=stage.leila)
    with pytest.raises(ordering.Incomplete):
        services.change_exam(order.id, procedure=better.id, **how, by=stage.leila)
    assert state(order) == "vetting"
    services.change_exam(order.id, procedure=better.id, side="L", **how, by=stage.leila)
    (item,) = worklist_items(Dataset(), viewer=scanner)
    assert item.RequestedProcedureDescription == "Angioscanner, gauche"
    assert item.RequestedProcedureCodeSequence[0].CodeValue == better.code
    assert Vetting.objects.get().asked_id == order.procedure_id
    assert rendered(order)["code"]["text"] == "Angioscanner"
    hear()
    message = Message.objects.get(kind="radiology.vetting")
    assert (message.person_id, message.urgent) == (stage.amel.id, True)
    assert broken() == []


def test_a_refused_exam_ends_with_its_reason(stage: Cast, scanner: Actor) -> None:
    order = make.order(stage)
    with pytest.raises(rules.NoRefusalReason):
        services.refuse_exam(order.id, **{**WHY, "alternative": ""}, by=stage.leila)
    services.refuse_exam(order.id, **WHY, by=stage.leila)
    assert (state(order), rendered(order)["status"]) == ("refused", "revoked")
    assert list(worklist_items(Dataset(), viewer=scanner)) == []
    assert queries.order(order.id, viewer=stage.amel).stage == "refused"
    hear()
    assert Message.objects.get(kind="radiology.vetting").person_id == stage.amel.id
    for act in (services.start_exam, services.perform_exam):
        with pytest.raises(ordering.OrderIsRefused):
            act(order.id, by=stage.sami)
    with pytest.raises(ordering.OrderIsRefused):
        services.cancel_order(order.id, because="Une erreur.", by=stage.amel)
    with pytest.raises(IntegrityError, match="radiology_a_refused_exam"), transaction.atomic():
        Verdict.objects.create(vetting=make.order(stage).vetting, kind="refused", by_id=stage.leila.id)
    assert broken() == []


def test_a_vital_emergency_goes_on_and_is_vetted_afterwards(stage: Cast, scanner: Actor) -> None:
    order, calm = make.order(stage, urgency="P0"), make.order(stage)
    with pytest.raises(rules.NotVital):
        services.bypass_vetting(calm.id, because="Il attend depuis hier.", by=stage.amel)
    with pytest.raises(NotAllowed):
        services.bypass_vetting(order.id, because="Engagement cérébral.", by=stage.leila)
    with pytest.raises(NotFound):
        services.bypass_vetting(order.id, because="Engagement cérébral.", by=stage.zied)
    services.bypass_vetting(order.id, because="Engagement cérébral.", by=stage.sami)
    assert len(list(worklist_items(Dataset(), viewer=scanner))) == 1
    assert list(queries.orders_to_vet_afterwards(viewer=stage.leila)) == [order]
    with pytest.raises(rules.NotOwedAfterwards):
        services.vet_afterwards(calm.id, right=True, by=stage.leila)
    services.vet_afterwards(order.id, right=False, note="Aucun signe vital menacé.", by=stage.leila)
    assert not queries.orders_to_vet_afterwards(viewer=stage.leila)
    with pytest.raises(rules.AlreadyVetted):
        services.vet_afterwards(order.id, right=True, by=stage.leila)
    assert state(order) == "sent"
    assert broken() == []


def test_what_a_machine_made_unasked_is_owed(stage: Cast) -> None:
    order = make.order(stage)
    study = make.study_of(stage, order)
    hear()
    assert archive.study(study.id, viewer=SYSTEM).patient_id == order.patient_id
    assert state(order) == "performed"
    assert Verdict.objects.get().kind == "unasked"
    assert list(queries.orders_to_vet_afterwards(viewer=stage.leila)) == [order]
    assert rendered(order)["status"] == "completed"
    assert broken() == []


def test_where_nobody_may_vet_it_is_said(stage: Cast) -> None:
    services.set_vetting_rule(stage.other, modality="CT", needed=True, since=TODAY, by=stage.hatem)
    salma = make.patient(stage, place=stage.other, by=replace(stage.nour, held=(Held("registrar", stage.other),)))
    alone = make.order(stage, place=stage.other, patient=salma.id, by=stage.zied)
    assert queries.nobody_vets(alone, viewer=stage.zied)
    assert not queries.nobody_vets(make.order(stage), viewer=stage.amel)
    make.agreement(stage)
    assert not queries.nobody_vets(alone, viewer=stage.zied)


def test_an_order_that_waits_is_cancelled(stage: Cast) -> None:
    order = make.order(stage)
    services.cancel_order(order.id, because="Patient transféré.", by=stage.amel)
    assert not queries.orders_to_vet(viewer=stage.leila)
    with pytest.raises(ordering.OrderIsCancelled):
        accept(order, stage)


def test_the_vetting_goes_with_a_person_who_is_identified(stage: Cast) -> None:
    unknown = make.patient(
        stage, kind="unknown", given_name="", family_name="", given_name_ar="", family_name_ar="", birth_date=None,
        description="man of about 40, blue jacket",
    )  # fmt: skip
    order = make.order(stage, patient=unknown.id)
    act = services.identify_patient(
        unknown.id, patient=make.patient(stage, given_name="Ali").id, because="Carte retrouvée", by=stage.sami
    )
    copy = Move.objects.get(act=act).to_order
    assert copy is not None
    assert (state(order), state(copy)) == ("cancelled", "vetting")
    assert list(queries.orders_to_vet(viewer=stage.leila)) == [copy]
    accept(Order.objects.get(id=copy.id), stage)
    services.undo_identification(act, by=stage.sami)
    assert (state(order), state(copy)) == ("sent", "cancelled")
    assert rendered(order)["orderDetail"][1]["text"] == "Coupes fines, sans injection"
    assert Fact.objects.filter(name="radiology.VettingFollowed").count() == 2
    assert broken() == []


def test_a_stranger_sees_and_does_nothing(stage: Cast) -> None:
    order = make.order(stage, urgency="P0")
    bypassed = make.order(stage, urgency="P0")
    services.bypass_vetting(bypassed.id, because="Engagement cérébral.", by=stage.amel)
    for viewer in (stage.zied, stage.amel, stage.hatem, stage.fatma, STRANGER):
        assert not queries.orders_to_vet(viewer=viewer)
        assert not queries.orders_to_vet_afterwards(viewer=viewer)
        assert not queries.may_vet(order, viewer=viewer)
    assert not queries.exams_to_vet(viewer=stage.zied)
    assert not queries.vetting_rules(viewer=stage.zied)
    assert queries.vetting_of(order, viewer=STRANGER) == (None, [])
    assert queries.protocols_of([order.id], viewer=STRANGER) == {}
    for viewer in (stage.zied, stage.amel, STRANGER):
        assert queries.vetting_rates(TODAY, TODAY, viewer=viewer) == []
    for viewer in (stage.amel, stage.sirine, stage.karim, stage.zied):  # a resident, and who heads them, neither
        with pytest.raises(NotAllowed):
            accept(order, _as(stage, viewer))


def _as(stage: Cast, viewer: Actor) -> Cast:
    return replace(stage, leila=viewer)


def test_rates_are_counted_by_hospital(stage: Cast) -> None:
    for _ in range(2):
        accept(make.order(stage, urgency="P0"), stage)
    services.refuse_exam(make.order(stage).id, **WHY, by=stage.leila)
    late = make.order(stage, urgency="P0")
    Vetting.objects.filter(order=late).update(due_at=timezone.now() - datetime.timedelta(minutes=1))
    accept(late, stage)
    bypassed = make.order(stage, urgency="P0")
    services.bypass_vetting(bypassed.id, because="Engagement cérébral.", by=stage.amel)
    services.vet_afterwards(bypassed.id, right=True, by=stage.leila)
    make.order(stage)  # which nobody decided
    for viewer in (stage.hatem, stage.karim):
        (rate,) = queries.vetting_rates(TODAY, TODAY, viewer=viewer)
        assert rate.kinds == {"accepted": 3, "refused": 1, "bypassed": 1}
        assert (rate.timed, rate.in_time, rate.right, rate.wrong, rate.all) == (3, 2, 1, 0, 5)
    assert queries.vetting_rates(TODAY - datetime.timedelta(days=9), TODAY - datetime.timedelta(days=1),
                                 viewer=SYSTEM) == []  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_of_many_decisions_at_once_one_holds() -> None:
    stage = ruled()
    orders = [make.order(stage, urgency="P0") for _ in range(2)]
    first, second = orders
    acts = [
        lambda: accept(first, stage), lambda: services.refuse_exam(first.id, **WHY, by=stage.leila),
        lambda: services.bypass_vetting(first.id, because="Engagement cérébral.", by=stage.amel),
        lambda: services.cancel_order(first.id, because="Patient transféré.", by=stage.amel),
    ]  # fmt: skip
    at_once(*acts * 4)
    assert Verdict.objects.filter(vetting__order=first).count() <= 1
    told = [fact.name for fact in queries.story(first, viewer=stage.amel)]
    assert 3 <= len(told) <= 4, "one decision, and one cancelling after it at the most"
    assert "radiology.OrderCancelled" not in told[:-1], "nothing is decided of what was cancelled"
    services.bypass_vetting(second.id, because="Engagement cérébral.", by=stage.amel)
    judged = at_once(*[lambda: services.vet_afterwards(second.id, right=True, by=stage.leila)] * 8)
    assert judged == ["AlreadyVetted"] * 7
    assert broken() == []


@pytest.mark.django_db(transaction=True)
def test_the_database_lets_no_second_verdict_in() -> None:
    stage = ruled()
    vetting = make.order(stage).vetting
    about: dict[str, Any] = {
        "vetting": vetting,
        "by_id": stage.leila.id,
        "instructions": "Coupes fines",
        "contrast": False,
    }
    Verdict.objects.create(kind="accepted", **about)
    with pytest.raises(IntegrityError, match="radiology_an_exam_is_vetted_once"), transaction.atomic():
        Verdict.objects.create(kind="accepted", **about)
    with pytest.raises(IntegrityError, match="radiology_a_vetted_exam_has_a_protocol"), transaction.atomic():
        Verdict.objects.create(vetting=make.order(stage).vetting, kind="accepted", by_id=stage.leila.id)
