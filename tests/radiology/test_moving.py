"""A study that was another patient's: one act carries everything, one undoes it, and nothing is lost on the way."""

import datetime
import json
from typing import Any
from uuid import UUID

import pytest
from django.db.models import Sum

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.radiology.test_reading import second_reader
from wasl.archive import queries as archive
from wasl.archive import rules as archive_rules
from wasl.archive import services as archive_services
from wasl.archive.models import Match, Study
from wasl.contracts.models import Act
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.events import tell
from wasl.kernel.models import Fact, Notice
from wasl.patients import queries as patients
from wasl.patients.models import CareRelationship
from wasl.radiology import queries, services
from wasl.radiology.models import Link, Move, Obligation, Order, Reading, Receipt, Report
from wasl.radiology.rules import linking as rules
from wasl.radiology.rules import ordering
from wasl.record.models import Entry, Version

WHY = "the wrong line of the worklist was chosen"


def hear() -> None:
    """Tell what is owed to the listeners of radiology and of contracts; no paper is printed here."""
    while (
        owed := Notice.objects.filter(told_at__isnull=True, listener__regex=r"^wasl\.(radiology\.listeners|contracts)")
        .order_by("fact__seq", "created_at")
        .first()
    ):
        tell(notice=str(owed.id))


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def mongi(stage: Cast) -> UUID:
    """Another patient of the same hospital."""
    return make.patient(stage, family_name="Ferchichi", given_name="Mongi", sex="male", family_name_ar="الفرشيشي",
                        given_name_ar="المنجي").id  # fmt: skip


def standing(study: UUID) -> dict[str, Any]:
    """All that stands of a study, its orders, readings, reports, acts and record; what was undone is history."""
    hear()
    readings = Reading.objects.filter(study=study).exclude(state="withdrawn")
    keys = list(readings.values_list("id", flat=True))
    reports = Report.objects.filter(reading__in=keys).order_by("created_at")
    acts = Act.objects.values("reading").annotate(sum=Sum("number")).filter(sum__gt=0).order_by("reading")
    entries = Entry.objects.filter(type="DiagnosticReport", deleted=False)
    told = [json.loads(entry.body) for entry in entries]
    links = Link.objects.filter(study=study, undone_at__isnull=True)
    orders = Order.objects.exclude(state="cancelled").order_by("created_at")
    return {
        "study": list(Study.objects.filter(id=study).values()),
        "match": list(Match.objects.filter(study=study, undone_at__isnull=True).values_list("patient", flat=True)),
        "links": list(links.values_list("order", flat=True)),
        "orders": list(orders.values_list("id", "state", "patient", "cancelled_because")),
        "readings": list(readings.values_list("id", "order", "patient", "state", "claimed_by", "due_at")),
        "reports": list(reports.values("id", "reading", "adds_to", "state", "sections", "digest", "author")),
        "obligations": list(Obligation.objects.filter(report__in=reports).values()),
        "acts": list(acts),
        "record": [(one["id"], one["status"], one["subject"]) for one in told if one["status"] != "entered-in-error"],
    }


def test_an_unread_study_goes_to_the_right_order_and_back(stage: Cast) -> None:
    case, right = make.reading(stage), make.order(stage, patient=mongi(stage))
    services.claim_reading(case.id, by=stage.leila)
    draft = make.draft(stage, case.id)
    services.hand_back_reading(case.id, by=stage.leila)
    before = standing(case.study_id)
    move = services.move_study(case.study_id, out_of=case.patient_id, order=right.id, because=WHY, by=stage.sami)
    hear()
    assert archive.study(case.study_id, viewer=SYSTEM).patient_id == right.patient_id
    assert Order.objects.get(id=case.order_id).state == "sent"
    assert Order.objects.get(id=right.id).state == "performed"
    new = Reading.objects.get(order=right)
    assert (new.state, new.patient_id, new.follows_id) == ("waiting", right.patient_id, case.id)
    assert Reading.objects.get(id=case.id).state == "withdrawn"
    assert Report.objects.get(id=draft.id).reading_id == new.id
    services.undo_move(move.id, by=stage.sami)
    assert standing(case.study_id) == before
    assert Order.objects.get(id=right.id).state == "sent"
    assert Reading.objects.get(id=new.id).state == "withdrawn"


def test_a_signed_report_follows_and_is_never_rewritten(stage: Cast) -> None:
    report = make.signed_report(stage, critical=True, critical_what="AVC")
    case = report.reading
    kept = Report.objects.filter(id=report.id).values().get()
    hear()
    services.acknowledge_result(report.id, by=stage.amel)
    before = standing(case.study_id)
    right = make.order(stage, patient=mongi(stage))
    with_right = standing(case.study_id)
    move = services.move_study(case.study_id, out_of=case.patient_id, order=right.id, because=WHY, by=stage.sami)
    hear()

    assert Report.objects.filter(id=report.id).values().get() == kept
    copy = Report.objects.get(reading__order=right)
    assert (copy.follows_id, copy.sections, copy.author_id) == (report.id, report.sections, report.author_id)
    assert copy.signed_at == report.signed_at
    assert copy.digest != report.digest
    assert queries.digest_of(copy, viewer=SYSTEM) == copy.digest
    assert json.loads(queries.signed_content(copy, viewer=SYSTEM))["follows"] == report.digest
    wrong, moved = (json.loads(Entry.objects.get(id=key).body) for key in (case.id, copy.reading_id))
    assert (wrong["status"], wrong["subject"]["reference"]) == ("entered-in-error", f"Patient/{case.patient_id}")
    assert (moved["status"], moved["subject"]["reference"]) == ("corrected", f"Patient/{right.patient_id}")
    assert "filed under another patient" in moved["text"]["div"]
    assert [r.id for r in queries.reports_of(right.patient_id, viewer=SYSTEM)] == [copy.id]
    assert not queries.reports_of(case.patient_id, viewer=SYSTEM).exists()
    assert Receipt.objects.filter(report=copy, person=stage.amel.id).exists()
    owed = Obligation.objects.get(report=copy)
    assert owed.acknowledged_at is None
    assert owed.due_at > copy.created_at
    assert [act.number for act in Act.objects.filter(reading=case.id).order_by("turn")] == [1, -1]
    assert Act.objects.aggregate(sum=Sum("number"))["sum"] == 1

    services.undo_move(move.id, by=stage.sami)
    assert standing(case.study_id) == with_right
    assert with_right | {"orders": before["orders"]} == before
    assert Act.objects.aggregate(sum=Sum("number"))["sum"] == 1
    statuses = [json.loads(v.body)["status"] for v in Version.objects.filter(resource=case.id).order_by("version")]
    assert statuses == ["final", "entered-in-error", "final"]
    assert json.loads(Entry.objects.get(id=copy.reading_id).body)["status"] == "entered-in-error"


def test_an_addendum_signed_after_the_move_comes_back_with_it(stage: Cast) -> None:
    report = make.signed_report(stage)
    case = report.reading
    move = services.move_study(case.study_id, out_of=case.patient_id, patient=mongi(stage), because=WHY, by=stage.sami)
    copy = Report.objects.get(follows=report)
    begun = services.begin_addendum(copy.id, by=stage.leila)
    saved = make.draft(stage, copy.reading_id, revision=begun.revision, sections={"conclusion": "Et une fracture."})
    services.sign_report(saved.id, revision=saved.revision, by=stage.leila)
    services.undo_move(move.id, by=stage.sami)
    chain = queries.chain(report.id, viewer=SYSTEM)
    assert [one.sections["conclusion"] for one in chain] == [report.sections["conclusion"], "Et une fracture."]
    assert chain[1].adds_to_id == report.id


def test_without_an_order_the_first_one_is_written_again(stage: Cast) -> None:
    case = make.reading(stage)
    hear()
    before = standing(case.study_id)
    other = mongi(stage)
    move = services.move_study(case.study_id, out_of=case.patient_id, patient=other, because=WHY, by=stage.sami)
    hear()
    first, copy = Order.objects.order_by("created_at")
    assert (first.state, copy.state) == ("sent", "performed")
    assert (copy.patient_id, copy.question, copy.requester_id) == (other, first.question, first.requester_id)
    assert copy.accession != first.accession
    assert Reading.objects.get(order=copy).state == "waiting"
    services.undo_move(move.id, by=stage.sami)
    assert standing(case.study_id) == before
    assert Order.objects.get(id=copy.id).cancelled_because == ordering.MOVED_BACK


def test_a_study_that_answers_no_order_changes_its_patient(stage: Cast) -> None:
    salma, other, study = make.patient(stage).id, mongi(stage), make.study(stage)
    archive_services.match_study(study.id, patient=salma, because="her name", by=stage.sami)
    before = standing(study.id)
    move = services.move_study(study.id, out_of=salma, patient=other, because=WHY, by=stage.sami)
    assert archive.study(study.id, viewer=SYSTEM).patient_id == other
    assert patients.ground(salma, viewer=stage.sami) == "card"
    assert not CareRelationship.objects.filter(patient=salma, ground="care", ends_at__isnull=True).exists()
    services.undo_move(move.id, by=stage.sami)
    assert standing(study.id) == before


def test_who_had_the_report_is_told_until_they_say_so(stage: Cast) -> None:
    report = make.signed_report(stage)
    case = report.reading
    hear()
    services.read_report(report.id, by=stage.amel)
    move = services.move_study(case.study_id, out_of=case.patient_id, patient=mongi(stage), because=WHY, by=stage.sami)
    for person in (stage.amel, stage.leila):
        (recall,) = queries.recalls(viewer=person)
        assert recall.reading_id == case.id
    for stranger in (stage.zied, stage.sami, STRANGER):
        assert not queries.recalls(viewer=stranger).exists()
    with pytest.raises(NotFound):
        services.read_recall(recall.id, by=stage.amel)
    services.read_recall(recall.id, by=stage.leila)
    assert not queries.recalls(viewer=stage.leila).exists()
    hear()
    services.undo_move(move.id, by=stage.sami)
    assert queries.recalls(viewer=stage.amel).get().reading.follows_id == case.id
    services.move_study(case.study_id, out_of=case.patient_id, patient=mongi(stage), because=WHY, by=stage.sami)
    assert case.id in {one.reading_id for one in queries.recalls(viewer=stage.leila)}


def test_a_clock_set_back_does_not_make_the_last_move_the_first(stage: Cast) -> None:
    case, other, third = make.reading(stage), mongi(stage), mongi(stage)
    first = services.move_study(case.study_id, out_of=case.patient_id, patient=other, because=WHY, by=stage.sami)
    second = services.move_study(case.study_id, out_of=other, patient=third, because=WHY, by=stage.sami)
    Move.objects.filter(id=second.id).update(created_at=first.created_at - datetime.timedelta(hours=1))
    with pytest.raises(rules.NotTheLastStep):
        services.undo_move(first.id, by=stage.sami)
    services.undo_move(second.id, by=stage.sami)
    services.undo_move(first.id, by=stage.sami)


def test_what_cannot_be_moved_or_undone(stage: Cast) -> None:
    case, other = make.reading(stage), mongi(stage)
    cancelled, right = make.order(stage, patient=other), make.order(stage, patient=other)
    services.cancel_order(cancelled.id, because="ordered twice", by=stage.amel)

    def move(**values: Any) -> Any:  # noqa: ANN401
        about = {"out_of": case.patient_id, "because": WHY, "by": stage.sami, **values}
        return services.move_study(case.study_id, **about)

    with pytest.raises(rules.NoLinkReason):
        move(patient=other, because="so")
    for nowhere in ({}, {"patient": case.patient_id}, {"order": case.order_id}):
        with pytest.raises(rules.MovesNowhere):
            move(**nowhere)
    with pytest.raises(ordering.OrderIsCancelled):
        move(order=cancelled.id)
    with pytest.raises(archive_rules.regrouping.NotThisPatients):
        move(out_of=other, patient=mongi(stage))
    first = move(order=right.id)
    second = services.move_study(case.study_id, out_of=other, patient=mongi(stage), because=WHY, by=stage.sami)
    with pytest.raises(rules.NotTheLastStep):
        services.undo_move(first.id, by=stage.sami)
    services.undo_move(second.id, by=stage.sami)
    with pytest.raises(rules.AlreadyUndone):
        services.undo_move(second.id, by=stage.sami)
    services.unlink_study(case.study_id, by=stage.sami)
    with pytest.raises(rules.ChangedSince):
        services.undo_move(first.id, by=stage.sami)
    assert queries.moves_of(case.study_id, viewer=stage.sami).count() == 2
    for stranger in (stage.zied, stage.hatem, STRANGER):
        assert not queries.moves_of(case.study_id, viewer=stranger).exists()


@pytest.mark.parametrize("who", ["amel", "zied", "leila", "hatem", "nour"])
def test_who_may_not_move(stage: Cast, who: str) -> None:
    case, other = make.reading(stage), mongi(stage)
    with pytest.raises(Refused):
        services.move_study(case.study_id, out_of=case.patient_id, patient=other, because=WHY, by=getattr(stage, who))
    move = services.move_study(case.study_id, out_of=case.patient_id, patient=other, because=WHY, by=stage.sami)
    with pytest.raises(Refused):
        services.undo_move(move.id, by=getattr(stage, who))
    with pytest.raises(NotAllowed):
        services.undo_move(move.id, by=STRANGER)


def test_another_reader_may_go_on_with_what_followed(stage: Cast) -> None:
    report = make.signed_report(stage)
    case = report.reading
    services.move_study(case.study_id, out_of=case.patient_id, patient=mongi(stage), because=WHY, by=stage.sami)
    begun = services.begin_addendum(Report.objects.get(follows=report).id, by=second_reader(stage))
    assert begun.adds_to is not None
    assert begun.adds_to.follows_id == report.id


@pytest.mark.django_db(transaction=True)
def test_sixteen_people_move_one_study_at_once() -> None:
    stage = cast()
    report = make.signed_report(stage)
    case = report.reading
    others = [mongi(stage) for _ in range(16)]

    def move(other: UUID) -> None:
        services.move_study(case.study_id, out_of=case.patient_id, patient=other, because=WHY, by=stage.sami)

    refused = at_once(*(lambda other=other: move(other) for other in others))
    assert len(refused) == 15
    assert set(refused) <= {"NotThisPatients", "StudyAlreadyLinked", "ChangedSince"}
    hear()
    assert Match.objects.filter(study=case.study_id, undone_at__isnull=True).count() == 1
    assert Link.objects.filter(study=case.study_id, undone_at__isnull=True).count() == 1
    assert Reading.objects.filter(study=case.study_id).exclude(state="withdrawn").count() == 1
    assert Act.objects.aggregate(sum=Sum("number"))["sum"] == 1
    assert Fact.objects.filter(name="radiology.StudyMoved").count() == 1


def test_an_unknown_person_is_identified_in_one_act_and_unknown_again_in_another(stage: Cast) -> None:
    unknown = make.patient(stage, kind="unknown", description="un homme jeune, accident", given_name="", family_name="",
                           given_name_ar="", family_name_ar="", birth_date=None, sex="male").id  # fmt: skip
    report = make.signed_report(stage, case=make.reading(stage, order=make.order(stage, patient=unknown)).id)
    study = report.reading.study_id
    other = make.study(stage, images=1)
    archive_services.match_study(other.id, patient=unknown, because="the man of bed 4", by=stage.sami)
    open_order = make.order(stage, patient=unknown)
    known = mongi(stage)
    before = standing(study), standing(other.id)
    with pytest.raises(rules.NoLinkReason):
        services.identify_patient(unknown, patient=known, because="so", by=stage.sami)
    for who in (stage.nour, STRANGER):
        with pytest.raises(NotAllowed):
            services.identify_patient(unknown, patient=known, because="his identity card", by=who)
    with pytest.raises(rules.NotUnknown):
        services.identify_patient(unknown, patient=unknown, because="his identity card", by=stage.sami)
    with pytest.raises(rules.NotUnknown):
        services.identify_patient(known, patient=unknown, because="his identity card", by=stage.sami)
    act = services.identify_patient(unknown, patient=known, because="his identity card", by=stage.sami)
    hear()
    assert {s.id for s in archive.studies_of(known, viewer=SYSTEM)} == {study, other.id}
    assert not archive.studies_of(unknown, viewer=SYSTEM).exists()
    assert not Order.objects.filter(patient=unknown).exclude(state="cancelled").exists()
    assert sorted(Order.objects.filter(patient=known).values_list("state", flat=True)) == ["performed", "sent"]
    assert Report.objects.get(reading__patient=known).follows_id == report.id
    assert Act.objects.aggregate(sum=Sum("number"))["sum"] == 1
    services.undo_identification(act, by=stage.sami)
    assert (standing(study), standing(other.id)) == before
    assert Order.objects.get(id=open_order.id).state == "sent"
    with pytest.raises(rules.AlreadyUndone):
        services.undo_identification(act, by=stage.sami)


def test_a_reading_goes_where_its_images_go_and_comes_back(stage: Cast) -> None:
    report = make.signed_report(stage, case=make.reading(stage).id)
    case = report.reading
    rest = make.study(stage, images=1)
    archive_services.match_study(rest.id, patient=case.patient_id, because="the same exam", by=stage.sami)
    before = standing(case.study_id), standing(rest.id)
    act = archive_services.merge_studies(case.study_id, into=rest.id, because="one exam, sent twice", by=stage.sami)
    hear()
    assert queries.order_of_study(rest.id, viewer=SYSTEM) == case.order
    moved = Report.objects.get(reading__study=rest.id)
    assert (moved.reading.state, moved.reading.order_id, moved.follows_id) == ("signed", case.order_id, report.id)
    assert json.loads(Entry.objects.get(id=moved.reading_id).body)["status"] == "final"
    assert Act.objects.aggregate(sum=Sum("number"))["sum"] == 1
    archive_services.undo_regrouping(act, by=stage.sami)
    hear()
    assert (standing(case.study_id), standing(rest.id)) == before
    assert queries.order_of_study(rest.id, viewer=SYSTEM) is None


def test_who_reads_is_told_that_images_went_or_came(stage: Cast) -> None:
    case, rest = make.reading(stage), make.study(stage, images=2)
    image = archive.instances_of(rest.id, viewer=SYSTEM)[0]
    archive_services.move_images(rest.id, instances=[image.id], into=case.study_id, because="its scout", by=stage.sami)
    hear()
    assert Reading.objects.get(id=case.id).more_at is not None
