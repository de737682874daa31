"""A whole case of one patient at one hospital, and those who have no business in it."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from tests.contracts import paid, stated
from tests.edges.foreign import Door, door, token
from tests.exchange import adt
from tests.tables import empty_tables
from tests.workforce import plan
from tests.workitems import attribute, task
from wasl.accounts import services as accounts
from wasl.accounts.models import Person, Post
from wasl.archive import queries as archive_queries
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Conflict, Instance, Study
from wasl.archive.rules import layouts
from wasl.contracts import services as contracts
from wasl.contracts.models import Act, Doubt, Hold, Statement
from wasl.edges.dicom import shared
from wasl.edges.hl7.answers import answer
from wasl.exchange import services as exchange
from wasl.exchange.models import Message
from wasl.kernel.access import SYSTEM, Held
from wasl.patients import services as patients
from wasl.patients.models import NotSame, Patient, RecordLink
from wasl.places import services as places
from wasl.places.models import Place
from wasl.planning import services as planning
from wasl.radiology import services as radiology
from wasl.radiology.models import Assessment, DoubleCause, DoubleReading, Opinion, Order, Reading, Report, Review
from wasl.radiology.rules.double import Asked
from wasl.record import services as record
from wasl.workforce import services as workforce
from wasl.workforce.models import Roster, Swap

# who asks: nobody, people who may do nothing yet, people of elsewhere, machines
NOBODY, HALF, IDLE, ZIED, HATEM, FATMA = "nobody", "no second factor", "no posts", "zied", "hatem", "fatma"
MUTE, MACHINE = "machine without scopes", "machine of another place"
SHARED = "somebody outside with a share"  # who is let in by its own address, and by no other
PEOPLE = (NOBODY, HALF, IDLE, ZIED, HATEM, FATMA)
ASKERS = (*PEOPLE, MUTE, MACHINE, SHARED)
WITHOUT_POSTS = (NOBODY, HALF, IDLE, SHARED)
IDENTITY = (
    "Mabrouka", "Zghonda", "مبروكة", "زغندة", "09417263", "1961-07-29", "29/07/1961", "19610729", "29 juillet 1961",
)  # fmt: skip
WRITTEN = {
    "title": "Scanner cérébral", "findings": "Lacune capsulaire ancienne.", "conclusion": "Pas de saignement récent.",
}  # fmt: skip
DOUBLE = Asked(night=(22, 6))
ALLERGY = "Allergie au latex des gants"
QUESTION = "Céphalées brutales au réveil ?"


@dataclass
class World:
    """The case, the credentials of those who ask, and the door."""

    door: Door
    stage: Cast
    patient: Patient
    order: Order  # still to be made
    linked: Study
    nobodys: Study
    instance: Instance
    conflict: UUID
    rejection: UUID
    agreement: UUID  # whose last line is not signed yet
    step: UUID  # by which the case was passed on
    source: UUID
    inquiry: UUID
    announced: UUID
    release: UUID
    receiver: UUID
    disc: UUID
    share: archive.Shared  # of the linked study
    layout: UUID  # Leila's
    link: UUID
    workitem: str  # the UID of work on the linked study
    gateway: UUID
    member: UUID  # a system of the regional hospital
    sent: UUID  # what it said of the patient, which is parked
    message: UUID  # of Amel's
    holiday: UUID
    roster: Roster  # published, of the group of all hospitals
    swap: Swap  # what Leila offers to a colleague
    calendar: str  # what ends the address of Leila's
    session: UUID  # of Leila's, validated
    hold: UUID  # of the act that she signed outside it
    scale: UUID  # published
    statement: UUID  # of the two hospitals, which Leila's act is on
    dispute: UUID  # of its line
    doubt: UUID  # of Leila's act, whose images nobody opened
    doubt_rule: UUID
    rule: UUID  # a draft of who reads what next
    expertise: UUID  # that Leila takes for the regional hospital
    conference: UUID  # that Amel called
    conference_case: UUID  # of it
    display: UUID  # a check that Leila began
    region: UUID  # of the case that Leila holds, which she reads herself
    allergy: UUID  # that Amel wrote in the record
    reading: Reading  # claimed, with a draft
    draft: Report
    key_image: UUID  # of the draft
    signed: Report
    preliminary: Report  # whose case Leila holds, to make it final
    changed: Report  # preliminary, and changed by its final report since
    review: UUID  # of the signed report
    double: UUID  # of the signed report, taken by Sirine
    double_rule: UUID  # that asked for it
    assessment: UUID
    post: Post
    said: dict[str, UUID]  # what people said of who the patient is, by the names in addresses
    credentials: dict[str, dict[str, str]]
    browsers: dict[str, Client]
    answered: dict[tuple[str, str, str], int] = field(default_factory=dict)  # statuses by who, method and page

    @property
    def identity(self) -> tuple[str, ...]:
        """What says who the patient is."""
        number = self.patient.number
        return (*IDENTITY, number, self.patient.printed_number)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody may read who has no business in the case."""
        studies = [self.linked, self.nobodys, self.signed.reading.study, self.reading.study]
        orders = [self.order, self.signed.reading.order, self.reading.order]
        return (
            *self.identity, ALLERGY, *(study.uid for study in studies), *(order.accession for order in orders),
            self.instance.uid, self.instance.series.uid, self.workitem, QUESTION, *list(WRITTEN.values())[1:],
        )  # fmt: skip

    @cached_property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """The values of an address by its name, or by the beginning of its name."""
        order, reading, report = {"key": self.order.id}, {"key": self.reading.id}, {"key": self.signed.id}
        return {
            "patients:": {"key": self.patient.id, **self.said},
            "patients:quality": {"place": self.stage.regional},
            "patients:withdraw_spelling": {"spelling": self.patient.id}, "record:": {"patient": self.patient.id},
            "record:note": {"patient": self.patient.id, "section": "allergies"},
            "record:withdraw_resource": {
                "patient": self.patient.id, "type": "AllergyIntolerance", "key": self.allergy},
            "radiology:order_": {"patient": self.patient.id},
            "radiology:use_earlier_exam": {"patient": self.patient.id}, "radiology:order": order,
            "radiology:cancel_order": order, "radiology:start_exam": order, "radiology:break_off_exam": order,
            "radiology:perform_exam": order, "radiology:reconcile": {"key": self.nobodys.id},
            "radiology:link_study": {"key": self.nobodys.id}, "radiology:unlink_study": {"key": self.linked.id},
            "radiology:reading": reading, "radiology:claim_reading": reading, "radiology:hand_back": reading,
            "radiology:save_draft": reading, "radiology:skip_reading": reading,
            "radiology:keep_reading": reading, "radiology:mark_key_image": reading,
            **dict.fromkeys(("radiology:regions", "radiology:split_reading", "radiology:take_back_regions",
                             "radiology:merge_regions"), reading),
            **dict.fromkeys(("radiology:region", *(f"radiology:{verb}_region" for verb in (
                "claim", "save", "keep", "hand_in", "hand_back")), "radiology:release_finding"), {"key": self.region}),
            "radiology:key_image": {"key": self.key_image},
            "radiology:state_pixels": reading, "radiology:reject_series": reading,
            "radiology:answer_reject": {"key": self.order.id},
            **dict.fromkeys(("radiology:vet_exam", "radiology:accept_exam", "radiology:change_exam",
                             "radiology:refuse_exam", "radiology:bypass_vetting", "radiology:vet_afterwards"), order),
            **dict.fromkeys(("radiology:conversation", "radiology:write_remark", "radiology:log_call"),
                            {"key": self.reading.order_id}),
            **dict.fromkeys(("radiology:expertise", *(f"radiology:{verb}_expertise" for verb in (
                "take", "answer", "decline", "withdraw"))), {"key": self.expertise}),
            **{f"radiology:{name}conference": {"key": self.conference} for name in ("", "join_", "close_")},
            "radiology:decide_case": {"key": self.conference_case},
            "radiology:add_case": {"key": self.reading.order_id},
            "radiology:request_expertise": {"key": self.reading.order_id},
            "radiology:sign_report": {"key": self.draft.id}, "radiology:report": report,
            "radiology:issue_preliminary": {"key": self.draft.id}, "radiology:changes": {"key": self.changed.id},
            "radiology:finalise": {"key": self.preliminary.reading_id}, "radiology:over_read_report": report,
            "radiology:begin_over_reading": report,
            **dict.fromkeys(("radiology:assess", "radiology:take_review", "radiology:decline_review",
                             "radiology:add_to_learning_file"), {"key": self.assessment}),
            "radiology:feedback": {"key": self.review},
            **dict.fromkeys(("radiology:double_reading", "radiology:claim_double_reading",
                             "radiology:give_second_reading", "radiology:compare_readings",
                             "radiology:arbitrate_readings", "radiology:give_back_double_reading"),
                            {"key": self.double}),
            "radiology:end_double_rule": {"key": self.double_rule},
            "radiology:exam_regions": {"key": self.order.procedure_id},
            "radiology:begin_addendum": report, "radiology:acknowledge_result": report,
            "radiology:critical_": report, "radiology:record_communication": report,
            "radiology:hand_over_result": report, "radiology:dismiss_recommendation": report,
            "radiology:verify": {"digest": self.signed.digest}, "archive:settle_conflict": {"key": self.conflict},
            "archive:study_series": {"key": self.linked.id}, "archive:reject_images": {"key": self.linked.id},
            "archive:restore_images": {"key": self.rejection},
            "archive:close_source": {"key": self.source}, "archive:outside": {"key": self.patient.id},
            "archive:bring_studies": {"key": self.patient.id, "inquiry": self.inquiry},
            "archive:change_keeping": {"key": self.source}, "archive:bring_announced": {"key": self.announced},
            "archive:ask_release": {"study": self.linked.id}, "archive:release": {"key": self.release},
            "archive:decide_release": {"key": self.release}, "archive:fetch_release": {"key": self.release},
            "radiology:begin_disc": {"patient": self.patient.id}, "radiology:disc": {"key": self.disc},
            "archive:close_receiver": {"key": self.receiver}, "archive:send_release": {"key": self.release},
            **{f"archive:{verb}_layout": {"key": self.layout} for verb in ("export", "rename", "use", "forget")},
            "archive:share_study": {"key": self.linked.id}, "archive:withdraw_share": {"key": self.share.share.id},
            "archive:close_link": {"key": self.link}, "mfa_": {"pk": 1},
            "archive:preliminary": {"key": self.linked.id},
            "archive:study": {"key": self.linked.id}, "archive:send_study": {"key": self.linked.id},
            "exchange:member": {"key": self.member}, "exchange:revoke_member": {"key": self.member},
            **{f"exchange:{name}message": {"key": self.sent} for name in ("", "show_", "retry_", "set_aside_")},
            "accounts:renew_code": {"key": self.gateway}, "accounts:revoke_gateway": {"key": self.gateway},
            "accounts:open_message": {"key": self.message},
            **dict.fromkeys(("accounts:name_address", "accounts:confirm_address"), {"channel": "email"}),
            "archive:separate_images": {"key": self.conflict}, "radiology:move_s": {"key": self.linked.id},
            "radiology:undo_step": {"study": self.linked.id, "kind": "move", "key": self.order.id},
            "radiology:unknown": {"key": self.patient.id}, "radiology:identify_patient": {"key": self.patient.id},
            "radiology:read_recall": {"key": self.order.id}, "radiology:read_end_warning": {"key": self.order.id},
            **dict.fromkeys(("radiology:agreement", "radiology:change_agreement", "radiology:sign_agreement",
                             "radiology:end_agreement"), {"key": self.agreement}),
            "radiology:publish_rule": {"key": self.rule},
            **dict.fromkeys(("radiology:escalation", "radiology:escalate_reading"), reading),
            "radiology:acknowledge_step": {"key": self.step},
            "radiology:declare_centre_": {"key": self.stage.university},
            "radiology:answer_display_check": {"key": self.display},
            "places:": {"key": self.holiday}, "workforce:": {"key": self.roster.id},
            "workforce:establish_posts": {"key": self.stage.regional},
            **{f"workforce:{verb}": {"key": self.roster.group_id}
               for verb in ("group", "join_group", "leave_group", "set_minimum", "draft_roster")},
            **{f"workforce:{verb}": {"key": self.swap.shift_id}
               for verb in ("shift", "remove_shift", "replace_worker", "propose_swap")},
            **{f"workforce:{verb}_swap": {"key": self.swap.id} for verb in ("accept", "decline", "withdraw")},
            "workforce:calendar": {"secret": self.calendar},
            **{f"contracts:{verb}_session": {"key": self.session}
               for verb in ("validate", "refuse", "cancel", "withdraw")},
            **{f"contracts:{verb}_act": {"key": self.hold} for verb in ("release", "refuse")},
            **dict.fromkeys(("contracts:scale", "contracts:publish_scale", "contracts:discard_scale"),
                            {"key": self.scale}),
            **dict.fromkeys(("contracts:statement", "contracts:confirm_statement", "contracts:dispute_line"),
                            {"key": self.statement}),
            **dict.fromkeys(("contracts:accept_dispute", "contracts:keep_line", "contracts:settle_dispute"),
                            {"key": self.dispute}),
            "planning:region": {"key": Place.objects.get(id=self.stage.regional).region_id},
            "planning:hospital": {"key": self.stage.regional}, "planning:case": {"key": self.signed.reading.order_id},
            "planning:release": {"key": self.order.id}, "planning:events": {"month": "2026-09"},
            "contracts:clear_doubt": {"key": self.doubt}, "contracts:end_doubt_rule": {"key": self.doubt_rule},
            "contracts:close_month": {"key": self.stage.university},
            "accounts:": {"key": self.stage.amel.id, "post": self.post.id},
        }  # fmt: skip


def leaks(text: str | bytes, secrets: tuple[str, ...]) -> list[str]:
    """Which secrets a text holds."""
    body = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return [secret for secret in secrets if secret in body]


@contextmanager
def world(store: Path) -> Iterator[World]:
    """The case, committed, so that every connection of the server sees it; emptied in the end."""
    patch = pytest.MonkeyPatch()
    patch.setattr(settings, "STORAGE", store)
    try:
        with door() as opened:
            yield played(opened, cast())
    finally:
        patch.undo()
        empty_tables()


def played(opened: Door, stage: Cast) -> World:
    """The case, and the credentials of all who ask."""
    salma = make.patient(
        stage, given_name="Mabrouka", family_name="Zghonda", given_name_ar="مبروكة", family_name_ar="زغندة",
        birth_date=datetime.date(1961, 7, 29), identities=(("tn_cin", "09417263"),),
    )  # fmt: skip
    exam = make.procedure()
    about: dict[str, Any] = {"patient": salma.id, "procedure": exam.id, "question": QUESTION}
    signed = make.signed_report(
        stage, case=_case(stage, **about).id, sections=WRITTEN, critical=True, critical_what=WRITTEN["findings"]
    )
    radiology.hand_over_report(signed.id, by=SYSTEM)
    radiology.raise_critical_result(signed.id, by=SYSTEM)
    radiology.make_document(signed.id, by=SYSTEM)
    planning.note_cases([signed.reading.order_id], by=SYSTEM)
    make.published_month()
    held = _case(stage, **about)
    radiology.claim_reading(held.id, by=stage.leila)
    draft = make.draft(stage, held.id, sections=WRITTEN)
    marked = Instance.objects.filter(series__study=held.study_id).earliest("id").uid
    key_image = radiology.mark_key_image(held.id, instance_uid=marked, view={"inverted": True}, by=stage.leila)
    radiology.write_remark(held.order_id, text=QUESTION, by=stage.leila)
    preliminary = make.preliminary(stage, case=_case(stage, **about).id, sections=WRITTEN)
    radiology.claim_reading(preliminary.reading_id, by=stage.leila)
    changed = make.preliminary(stage, case=_case(stage, **about).id, sections=WRITTEN)
    make.finalised(stage, changed, change="minor", sections={**WRITTEN, "technique": "Sans injection."})
    header: dict[str, Any] = {
        "PatientName": "Zghonda^Mabrouka",
        "PatientID": "09417263",
        "PatientBirthDate": "19610729",
    }
    nobodys = make.study(stage, **header)
    linked = make.study_of(stage, asked := make.order(stage, **about))
    radiology.link_study(asked.id, study=linked.id, because="accession", by=SYSTEM)
    instance = Instance.objects.select_related("series").filter(series__study=linked).earliest("id")
    make.send(stage, make.image(9, SOPInstanceUID=instance.uid, StudyInstanceUID=linked.uid, **header))
    (extra,) = make.send(stage, make.image(10, StudyInstanceUID=linked.uid, **header))
    hidden = [Instance.objects.get(id=extra.instance).uid]
    rejection = archive.reject_images(linked.id, instances=hidden, reason="113001", by=SYSTEM)
    share = archive.share_study(linked.id, recipient="Dr Martin", institution="CHU", because=QUESTION, by=stage.amel)
    return World(
        door=opened, stage=stage, patient=salma, order=make.order(stage, **about), linked=linked, nobodys=nobodys,
        instance=instance, conflict=Conflict.objects.get().id, rejection=rejection.id,
        agreement=make.draft_agreement(stage).id, step=_passed_on(stage, held.id),
        source=make.source(stage).id, inquiry=_inquiry(stage, salma.id), announced=_announced(linked.uid),
        release=_release(stage, linked.id), receiver=_receiver(stage), disc=_disc(stage, salma.id, header),
        link=_sent(linked.id),
        workitem=_given(stage, linked.uid),
        gateway=accounts.add_gateway(name="Salle 2", place=stage.regional, by=SYSTEM)[0].id,
        **_member(stage), message=_told(stage), rule=_rule(stage),
        expertise=_expertise(stage, held.order_id), **_conference(stage, held.order_id),
        display=_display(stage), region=_region(stage, held.id),
        allergy=record.note_allergy(salma.id, text=ALLERGY, by=stage.amel).key,
        holiday=_holiday(), **_planned(stage), **_paid(stage, signed),
        preliminary=preliminary, changed=changed, key_image=key_image.id,
        reading=Reading.objects.select_related("order", "study").get(id=held.id), draft=draft,
        signed=Report.objects.select_related("reading__order", "reading__study").get(id=signed.id),
        post=Post.objects.get(person=stage.amel.id), **_reviewed(stage, signed),
        said=_said(stage, salma), share=share, layout=_layout(stage, signed), **_askers(stage, share),
    )  # fmt: skip


def _said(stage: Cast, salma: Patient) -> dict[str, UUID]:
    """Files of the patient's: one that is hers, one that waits for a decision, one of somebody told apart from her."""
    twins = [
        make.patient(stage, given_name="Mabrouka", family_name="Zghonda", given_name_ar="", family_name_ar="")
        for _ in range(3)
    ]
    case, alike, other = (patients.open_review(salma.id, twin.id, by=stage.nour) for twin in twins)
    assert case and alike and other
    why = "Seen with her card, and asked."
    merged = patients.judge_review(alike.id, outcome="same", because=why, by=stage.nour).merge
    assert merged
    patients.judge_review(other.id, outcome="different", because=why, by=stage.nour)
    record = RecordLink.objects.get(patient=salma, closed_at=None).record_id
    split = patients.split_record(RecordLink.objects.get(patient=twins[1]).record_id, because=why, by=stage.nour)
    (difference,) = NotSame.objects.filter(one__in=(salma, twins[2]), other__in=(salma, twins[2]))
    # what the register says of her, of an act that has not come
    names = {
        "first_lat": "Mabrouka",
        "last_lat": "Zghonda",
        "first_ar": "مبروكة",
        "last_ar": "زغندة",
        "nid": "09417263",
    }
    meant = {"of_kind": "birth", "of_number": "61/4"}
    about = {"registry": "TN-JEN", "kind": "correction", "number": "1", "acted_on": "2026-01-02", "dob": "1961-07-29",
             "happened_on": "1961-07-29", **names, **meant}  # fmt: skip
    act = patients.receive_act(about, by=SYSTEM)
    return {
        "case": case.id, "merge": merged.id, "difference": difference.id, "record": record, "split": split.id,
        "act": act.act_id,
    }  # fmt: skip


def _reviewed(stage: Cast, signed: Report) -> dict[str, Any]:
    """Somebody who had no part in the signed report is to assess it, and to read its images a second time."""
    review = Review.objects.create(report=signed, centre_id=stage.university, due_at=timezone.now())
    asked = Assessment.objects.create(review=review, kind="review", reader=Person.objects.get(id=str(stage.sirine.id)))
    since = timezone.localdate()
    rule = radiology.set_double_rule("Nuit", DOUBLE, since=since, by=SYSTEM)
    radiology.end_double_rule(rule.id, by=SYSTEM)  # so that nothing is left to end
    double = DoubleReading.objects.create(report=signed, centre_id=stage.university, due_at=timezone.now())
    DoubleCause.objects.create(double=double, rule=rule)
    until = timezone.now() + datetime.timedelta(days=1)
    Opinion.objects.create(double=double, part="second", reader=asked.reader, until=until)
    return {"review": review.id, "assessment": asked.id, "double": double.id, "double_rule": rule.id}


def _layout(stage: Cast, signed: Report) -> UUID:
    """Leila keeps how the images of her case lie."""
    (box,) = [{"modality": "CT", "description": "Axial"}]
    one = layouts.arranged({"rows": 1, "columns": 1, "boxes": [box]}, earlier=False)
    uid = signed.reading.study.uid
    return archive.save_layout(uid, name="Ma page", arrangement=one, earlier=False, by=stage.leila).id


def _member(stage: Cast) -> dict[str, Any]:
    """The hospital's own system took a number back, and says now that it is the patient's: this is not done."""
    member = adt.member(stage)
    hers = {5: "Zghonda^Mabrouka", 7: "19610729"}
    for control, event, said in (("1", "A04", adt.ALI), ("2", "A29", adt.ALI), ("3", "A08", hers)):
        assert b"MSA|AA|" in answer(adt.adt(event, "Z-77", control, pid=said), address="127.0.0.1")
    for sent in Message.objects.order_by("position"):
        exchange.handle_messages(sent.id, by=SYSTEM)
    return {"member": member.id, "sent": Message.objects.get(state="parked").id}


def _told(stage: Cast) -> UUID:
    """Amel is told that a report is signed."""
    assert stage.amel.id
    about: dict[str, Any] = {"kind": "radiology.report", "link": "/radiology/results/", "source": stage.regional}
    return accounts.write_message(stage.amel.id, by=SYSTEM, **about).id


def _holiday() -> UUID:
    names = ("عيد الفطر", "Aïd el-Fitr", "Eid al-Fitr")
    return places.set_holiday(datetime.date(2027, 3, 10), names=names, estimated=True, by=SYSTEM).id


def _rule(stage: Cast) -> UUID:
    """A draft of the rule that decides who reads what next."""
    return radiology.draft_rule(weights={}, why="As the simulation showed.", by=stage.hatem).id


def _passed_on(stage: Cast, case: UUID) -> UUID:
    """The case was passed on by Karim, to Leila who holds it."""
    return radiology.escalate_reading(case, reason="Ten letters and more.", by=stage.karim).id


def _expertise(stage: Cast, order: UUID) -> UUID:
    """Amel asks the university hospital about an exam of hers."""
    about: dict[str, Any] = {"place": stage.regional, "expert_place": stage.university, "urgency": "P2"}
    return radiology.request_expertise(order, question=QUESTION, by=stage.amel, **about).id


def _conference(stage: Cast, order: UUID) -> dict[str, Any]:
    """Amel calls a conference with the university hospital, and brings an exam of hers."""
    row = radiology.open_conference(
        title="RCP", place=stage.regional, starts_at=timezone.now(), places=[stage.university], people=[], by=stage.amel
    )
    case = radiology.add_case(row.id, order=order, question=QUESTION, images=[], by=stage.amel)
    return {"conference": row.id, "conference_case": case.id}


def _region(stage: Cast, case: UUID) -> UUID:
    """A region of Leila's case, which she reads herself and writes in."""
    (head,) = radiology.split_reading(case, bodies=["head"], by=stage.leila)
    radiology.claim_region(head.id, by=stage.leila)
    radiology.save_region(
        head.id, findings=WRITTEN["findings"], conclusion=WRITTEN["conclusion"], revision=0, by=stage.leila
    )
    return head.id


def _display(stage: Cast) -> UUID:
    """A pattern that Leila is shown, in a country that asks for it before mammograms are signed."""
    radiology.set_display_rule(modalities=["MG"], hours=12, since=timezone.localdate(), by=SYSTEM)
    return radiology.begin_display_check(screen=uuid4(), by=stage.leila).id


def _planned(stage: Cast) -> dict[str, Any]:
    """A published month, what Leila offers of hers, and her calendar."""
    leila, other = plan.leila(stage), plan.reader(stage, 1)
    roster = plan.published(stage, leila, other)
    swap = workforce.propose_swap(plan.shift_of(leila, 3).id, colleague=other.worker, by=stage.leila)
    return {"roster": roster, "swap": swap, "calendar": workforce.renew_calendar(by=stage.leila)}


def _paid(stage: Cast, signed: Report) -> dict[str, Any]:
    """A scale, a session that is over, and the act of a report signed outside of it."""
    paid.rule()
    scale, session = paid.scale(), paid.session(stage, hours=-30)
    rule = contracts.set_doubt_rule(
        kind="unseen", modality="", limit=0, holds=False, source="tests", since=timezone.localdate(), by=SYSTEM
    )
    contracts.count_act(signed.reading_id, by=SYSTEM)
    contracts.doubt_act(Act.objects.get().id, by=SYSTEM)
    contracts.settle_act(signed.reading_id, by=SYSTEM)
    return {
        "session": session.id,
        "hold": Hold.objects.get().id,
        "scale": scale.id,
        "doubt": Doubt.objects.get().id,
        "doubt_rule": rule.id,
        **_stated(stage, signed),
    }


def _stated(stage: Cast, signed: Report) -> dict[str, Any]:
    """The month of the act, closed and printed; the regional hospital disputes it."""
    with stated.after_it():
        contracts.close_month(stage.university, month=stated.month_before(), by=stage.karim)
    pair = Statement.objects.get(beneficiary=stage.regional)
    contracts.print_statement(pair.id, by=SYSTEM)
    dispute = contracts.dispute_line(
        pair.id, reading=signed.reading_id, side="beneficiary", because="Doublon.", by=stated.rim(stage)
    )
    return {"statement": pair.id, "dispute": dispute.id}


def _given(stage: Cast, study: str) -> str:
    """An algorithm is to work on a study: once on what is a patient's, once on what is nobody's."""
    name = {"T00100010": attribute("PN", {"Alphabetic": "Zghonda^Mabrouka"})}
    for uid, about in (("1.2.840.99.1", study), ("1.2.840.99.2", "")):
        inputs = {"T00404021": attribute("SQ", {"0020000D": attribute("UI", about)})} if about else {}
        archive.create_workitem(uid, attributes=task(**name, **inputs), place=stage.regional, by=stage.sami)
    return "1.2.840.99.1"


def _sent(study: UUID) -> UUID:
    """The study is on its way over a line."""
    link = archive.add_link(name="centre", url="https://centre.example", place=None, everything=False, by=SYSTEM)
    archive.queue_transfer(study, link=link.id, by=SYSTEM)
    return link.id


def _case(stage: Cast, **about: Any) -> Reading:  # noqa: ANN401
    case = make.reading(stage, **about)
    patients.open_for_care(case.patient_id, person=stage.leila.id, source=case.id, because="tests", by=SYSTEM)
    return case


def _inquiry(stage: Cast, patient: UUID) -> UUID:
    """What an outside archive was asked about the patient, and what it said."""
    pacs = make.source(stage, ae_title="PACS", name="PACS", port=4242, asks=True)
    asked = archive.ask_for_studies(pacs.id, patient=patient, keys={"PatientID": "09417263"}, by=stage.sami)
    found = {
        "uid": "1.2.3", "date": "20240101", "description": "", "modalities": ["CT"], "images": 1, "body_part": "",
        "number": "09417263", "name": "Zghonda^Mabrouka", "born": "19610729", "sex": "F",
    }  # fmt: skip
    archive.hear_of_studies(asked.id, found=[found], by=SYSTEM)
    return asked.id


def _receiver(stage: Cast) -> UUID:
    """A system outside that may be sent copies without names."""
    url, token = "https://outside.example/dicom", "a" * 40
    steward = replace(stage.sami, held=(Held("steward", stage.regional),))
    return archive.add_receiver(name="outside", url=url, token=token, place=stage.regional, by=steward).id


def _announced(study: str) -> UUID:
    """The outside archive says that it has a study of the patient."""
    pacs = archive_queries.actor_of_source("PACS", "127.0.0.1")
    assert pacs
    said = {f"1.2.3.{number}": "ONLINE" for number in range(9)}
    return archive.hear_availability("1.2.3", study_uid=study, instances=said, by=pacs).id


def _release(stage: Cast, study: UUID) -> UUID:
    """Copies of the study were asked for, to go outside."""
    project = archive.open_project("outside", place=stage.regional, by=SYSTEM)
    return archive.ask_release(project.id, studies=[study], purpose="sharing", by=SYSTEM).id


def _disc(stage: Cast, patient: UUID, header: dict[str, Any]) -> UUID:
    """Sami reads a disc of another hospital for the patient."""
    disc = archive.begin_disc(patient, by=stage.sami)
    archive.read_disc(disc.id, [incoming(make.part10(make.image(1, **header)))], by=stage.sami)
    return disc.id


def _askers(stage: Cast, share: archive.Shared) -> dict[str, Any]:
    """The credentials of all who ask; the one without a second factor would see everything with it."""
    half = accounts.add_person(username="half", password="x" * 20, given_name="Half", family_name="Way", by=SYSTEM)
    accounts.give_post(half.id, role="requester", place=stage.regional, by=SYSTEM)
    idle = accounts.add_person(username="idle", password=None, given_name="Idle", family_name="Man", by=SYSTEM)
    Person.objects.filter(id=idle.id).update(demo=True)
    people = {HALF: half.id, IDLE: idle.id, ZIED: stage.zied.id, HATEM: stage.hatem.id, FATMA: stage.fatma.id}
    browsers = {NOBODY: _browser()}
    credentials: dict[str, dict[str, str]] = {NOBODY: {}}
    for who, key in people.items():
        browsers[who] = _browser()
        browsers[who].force_login(Person.objects.get(id=str(key)))
        cookie = browsers[who].cookies[settings.SESSION_COOKIE_NAME].value
        credentials[who] = {"cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"}
    credentials[MUTE] = token("mute", "fhir.write", place=stage.regional)
    credentials[MACHINE] = token("elsewhere", "fhir.read", "dicomweb.read", "dicomweb.write", place=stage.other)
    credentials[SHARED] = {"cookie": f"{shared.COOKIE}={shared.signed(share.share)}"}
    for who in (MUTE, MACHINE, SHARED):
        browsers[who] = Client(enforce_csrf_checks=True, headers=credentials[who])
    return {"credentials": credentials, "browsers": browsers}


def _browser() -> Client:
    return Client(enforce_csrf_checks=True)
