"""Vetting before exposure: an exam is accepted, changed or refused, or goes on without and is vetted afterwards."""

import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries
from wasl.radiology.events import (
    ExamAccepted,
    ExamChanged,
    ExamRefused,
    ExamUnvetted,
    ExamVettedAfterwards,
    ProtocolAdded,
    VettingBypassed,
    VettingFollowed,
    VettingRuleSet,
    VettingTargetSet,
)  # fmt: skip
from wasl.radiology.models import Order, Procedure, Protocol, Verdict, Vetting, VettingRule, VettingTarget
from wasl.radiology.rules import ordering, safety
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.rules import vetting as rules
from wasl.radiology.services import dated
from wasl.radiology.services.ordering import as_vetted, order_to_change, save_state

Kind = Verdict.Kind


@verb
def accept_exam(
    key: UUID, *, contrast: bool | None, by: Actor, instructions: str = "", protocol: UUID | None = None
) -> Verdict:  # fmt: skip
    """Find an exam justified and set its protocol; it is on the modality worklist when this returns."""
    order = _to_vet(key, by=by)
    chosen = _chosen(order.procedure, protocol, instructions, contrast)
    verdict = _decide(order, Kind.ACCEPTED, by=by, **chosen)
    _go(order, Order.State.SENT)
    emit(ExamAccepted(**_about(order)), by=by)
    return verdict


@verb
def change_exam(
    key: UUID, *, procedure: UUID, because: str, contrast: bool | None, by: Actor, instructions: str = "",
    protocol: UUID | None = None, side: str = "",
) -> Verdict:  # fmt: skip
    """Let another exam of the catalogue be made instead, with its protocol; who asked is told.

    The other exam's safety questions must be answered by what the order says: nobody asks the patient from afar.
    """
    order = _to_vet(key, by=by)
    rules.check_why(because)
    exam = queries.procedure(procedure, viewer=by)
    if exam.id == order.procedure_id:
        raise rules.NotAnotherExam
    if not exam.active:
        raise ordering.NotOnOffer
    chosen = _chosen(exam, protocol, instructions, contrast)
    _check_safe(order, exam, side=side)
    asked = order.procedure.code
    verdict = _decide(order, Kind.CHANGED, by=by, procedure=exam, note=because.strip(), **chosen)
    order.procedure, order.side = exam, side if exam.sided else ""
    _go(order, Order.State.SENT, "procedure", "side")
    emit(ExamChanged(asked=asked, procedure=exam.code, **_about(order)), by=by)
    return verdict


@verb
def refuse_exam(key: UUID, *, reason: str, note: str, alternative: str, by: Actor) -> Verdict:
    """Refuse an exam, saying why and what should be done instead; the order ends with that, and who asked is told."""
    order = _to_vet(key, by=by)
    rules.check_refusal(reason, Verdict.Reason.values, note=note, alternative=alternative)
    said = {"reason": reason, "note": note.strip(), "alternative": alternative.strip()}
    verdict = _decide(order, Kind.REFUSED, by=by, **said)
    _go(order, Order.State.REFUSED)
    emit(ExamRefused(reason=reason, **_about(order)), by=by)
    return verdict


@verb
def bypass_vetting(key: UUID, *, because: str, by: Actor) -> Verdict:
    """Let a vital emergency's exam go on at once; whether that was right is owed afterwards."""
    order = order_to_change(key, "requester", "radiographer", by=by)
    rules.check_bypass(order.state, order.urgency, because)
    verdict = _decide(order, Kind.BYPASSED, by=by, note=because.strip())
    _go(order, Order.State.SENT)
    emit(VettingBypassed(**_about(order)), by=by)
    return verdict


@verb
def vet_afterwards(key: UUID, *, right: bool, by: Actor, note: str = "") -> Verdict:
    """Say of an exam that went on without vetting whether that was right; if not, why."""
    order = _locked(key, by=by)
    kinds = set(Verdict.objects.filter(vetting__order=order).values_list("kind", flat=True))
    done = bool(kinds & set(Verdict.AFTERWARDS))
    rules.check_afterwards(without=bool(kinds & set(Verdict.WITHOUT)), done=done, right=right, note=note)
    verdict = _decide(order, Kind.RIGHT if right else Kind.WRONG, by=by, note=note.strip())
    emit(ExamVettedAfterwards(right=right, **_about(order)), by=by)
    return verdict


def note_unvetted(order: Order) -> None:
    """Write down that the machine made a locked order's exam before anybody vetted it; part of a verb of Wasl's own."""
    _decide(order, Kind.UNASKED, by=SYSTEM)
    _go(order, Order.State.SENT)
    emit(ExamUnvetted(**_about(order)), by=SYSTEM)


def carry(source: UUID, target: UUID, *, by: Actor) -> None:
    """Let the vetting of one locked order go with it to its copy, or come back; part of a verb."""
    if not Vetting.objects.filter(order=source).update(order=target):
        return
    order = Order.objects.select_related("procedure").get(id=target)
    if (state := as_vetted(order, order.state)) != order.state:
        order.state = state
        save_state(order)
    emit(VettingFollowed(**_about(order)), by=by)


@verb
def set_vetting_rule(
    place: UUID, *, modality: str, needed: bool, since: datetime.date, by: Actor, procedure: UUID | None = None
) -> VettingRule:  # fmt: skip
    """Say whether an exam, or every exam of a modality, is vetted at a hospital from a day on; an exam's rule wins."""
    if not queries.may_rule_vetting(place, viewer=by):
        raise rules.NotThatHospitals
    if procedure is not None and not Procedure.objects.filter(id=procedure, modality=modality).exists():
        raise NotFound
    rule = dated.begin(
        VettingRule.objects.filter(place=place, modality=modality, procedure=procedure), since=since, place_id=place,
        modality=modality, procedure_id=procedure, needed=needed,
        check=lambda current: rules.check_since(since, current),
        overtaken=rules.VettingRuleNotLater(since=since.isoformat()),
    )  # fmt: skip
    told = VettingRuleSet(
        rule=rule.id, place=place, modality=modality, procedure=procedure, needed=needed, since=since
    )  # fmt: skip
    emit(told, by=by)
    return rule


@verb
def set_vetting_target(urgency: str, *, minutes: int, since: datetime.date, by: Actor) -> VettingTarget:
    """Set in how many minutes exams of an urgency class are to be vetted from a day on; what held before stays."""
    rules.check_country(by)
    ordering.check_urgency(urgency)
    target = dated.begin(
        VettingTarget.objects.filter(urgency=urgency), since=since, urgency=urgency, minutes=minutes,
        check=lambda current: rules.check_target(minutes, since=since, current=current),
        overtaken=rules.BadVettingTarget(most=rules.MOST_MINUTES),
    )  # fmt: skip
    emit(VettingTargetSet(target=target.id, urgency=urgency, minutes=minutes, since=since), by=by)
    return target


@verb
def add_protocol(
    *, code: str, names: tuple[str, str, str], modality: str, by: Actor, procedure: UUID | None = None
) -> Protocol:  # fmt: skip
    """Enter a protocol in the catalogue, of an exam or of any exam of a modality; names in Arabic, French, English."""
    rules.check_country(by)
    if procedure is not None and not Procedure.objects.filter(id=procedure, modality=modality).exists():
        raise NotFound
    about = dict(zip(("name_ar", "name_fr", "name_en"), names, strict=True))
    try:
        with transaction.atomic():
            protocol = Protocol.objects.create(code=code, modality=modality, procedure_id=procedure, **about)
    except IntegrityError as taken:
        raise rules.ProtocolCodeTaken(code=code) from taken
    emit(ProtocolAdded(protocol=protocol.id), by=by)
    return protocol


def _to_vet(key: UUID, *, by: Actor) -> Order:
    order = _locked(key, by=by)
    rules.check_waiting(order.state)
    return order


def _locked(key: UUID, *, by: Actor) -> Order:
    """The order, locked, when `by` vets such exams for its hospital."""
    rows = Order.objects.select_for_update(of=("self",)).select_related("procedure")
    order = rows.filter(id=key).first()
    if order is None or not queries.sees(order, viewer=by):
        raise NotFound
    if not queries.may_vet(order, viewer=by):
        raise rules.NotYoursToVet
    return order


def _chosen(exam: Procedure, protocol: UUID | None, instructions: str, contrast: bool | None) -> dict[str, Any]:
    """The protocol as a verdict keeps it, when it is one of the exam."""
    found = None
    if protocol is not None:
        found = queries.protocols_for(exam, viewer=SYSTEM).filter(id=protocol).first()
        if found is None:
            raise rules.NoSuchProtocol
    rules.check_protocol(instructions, chosen=found is not None, contrast=contrast, with_contrast=exam.contrast)
    return {"protocol": found, "instructions": instructions.strip(), "contrast": contrast}


def _check_safe(order: Order, exam: Procedure, *, side: str) -> None:
    """What the order answers must be enough for the other exam."""
    asks, subject = queries.exam_of(exam, viewer=SYSTEM), queries.subject(order.patient_id, viewer=SYSTEM)
    vital, today = order.urgency == "P0", timezone.localdate()
    if safety.wrong_answers(asks, subject, order.answers, vital=vital, today=today):
        raise rules.AnswersMissing
    ordering.check_side(sided=exam.sided, side=side)


def _decide(order: Order, kind: str, *, by: Actor, **said: Any) -> Verdict:  # noqa: ANN401  the columns of a verdict
    person = None if by.is_system else reading_rules.reader(by)
    try:
        with transaction.atomic():
            return Verdict.objects.create(vetting=order.vetting, kind=kind, by_id=person, **said)
    except IntegrityError as twice:
        raise rules.AlreadyVetted from twice


def _go(order: Order, state: str, *fields: str) -> None:
    order.state = state
    save_state(order, *fields)


def _about(order: Order) -> dict[str, UUID]:
    return {
        "order": order.id, "vetting": order.vetting.id, "patient": order.patient_id, "place": order.place_id
    }  # fmt: skip
