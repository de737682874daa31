"""Preliminary, final, over-read: what a resident issued stays, what a senior signs says what changed."""

import datetime
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from tests.radiology.test_reading import second_reader, silence, told
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.models import Fact
from wasl.patients import rules as patient_rules
from wasl.patients.models import CareRelationship
from wasl.radiology import queries, services
from wasl.radiology.models import KeyImage, Obligation, OverRead, Reading, Recall, Receipt, Report, Supervision
from wasl.radiology.rules import finalising as rules
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.rules import reporting

pytestmark = pytest.mark.django_db

NIGHT: dict[str, Any] = {"critical": True, "critical_what": "Hématome extradural"}


@pytest.fixture
def stage() -> Cast:
    return cast()


def test_a_preliminary_report(stage: Cast) -> None:
    case = make.reading(stage)
    first_due = case.due_at
    issued = make.preliminary(stage, case=case.id)
    case.refresh_from_db()
    assert (issued.state, issued.author_id, issued.drafted_by_id) == ("preliminary", stage.sirine.id, stage.sirine.id)
    assert issued.digest == queries.digest_of(issued, viewer=SYSTEM)
    assert (case.state, case.claimed_by_id, case.first_due_at) == ("waiting", None, first_due)
    assert issued.signed_at is not None
    assert case.due_at == issued.signed_at + datetime.timedelta(minutes=rules.HOUSE_MINUTES)
    draft = Report.objects.get(reading=case, state="draft")
    assert (draft.sections, draft.drafted_by_id, draft.revision) == (issued.sections, stage.sirine.id, 1)
    assert told(issued.id) == ["PreliminaryIssued"]
    fact = Fact.objects.get(name="radiology.PreliminaryIssued")
    assert (fact.data["reader"], fact.data["due_at"]) == (str(stage.sirine.id), case.due_at.isoformat())


def test_its_key_images_are_those_of_the_draft_that_goes_on(stage: Cast) -> None:
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.sirine)
    make.draft(stage, case.id, by=stage.sirine)
    uid = case.study.series.get().instances.get().uid
    services.mark_key_image(case.id, instance_uid=uid, by=stage.sirine, note="ici")
    draft = Report.objects.get(reading=case)
    issued = services.issue_preliminary(draft.id, revision=1, by=stage.sirine)
    assert KeyImage.objects.filter(instance_uid=uid, note="ici").count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        issued.key_images.all().delete()


def test_a_radiologist_issues_one_too(stage: Cast) -> None:
    issued = make.preliminary(stage, by=stage.leila)
    final = make.finalised(stage, issued)
    assert (final.author_id, final.finalises_id, final.change) == (stage.leila.id, issued.id, "none")


def test_a_senior_makes_it_final_and_both_names_stay(stage: Cast) -> None:
    issued = make.preliminary(stage)
    final = make.finalised(stage, issued, change="minor", sections={"conclusion": "Pas d’AVC."})
    final.refresh_from_db()
    final.reading.refresh_from_db()
    assert (final.author_id, final.drafted_by_id, final.change) == (stage.leila.id, stage.sirine.id, "minor")
    assert (final.state, final.reading.state, final.finalises_id) == ("signed", "signed", issued.id)
    assert final.digest == queries.digest_of(final, viewer=SYSTEM)
    issued.refresh_from_db()
    assert issued.sections == make.WRITTEN
    assert Fact.objects.filter(name="radiology.ReportSigned").count() == 1


def test_what_a_resident_wrote_and_handed_back_names_them(stage: Cast) -> None:
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.sirine)
    make.draft(stage, case.id, by=stage.sirine)
    services.hand_back_reading(case.id, by=stage.sirine)
    services.claim_reading(case.id, by=stage.leila)
    draft = Report.objects.get(reading=case)
    signed = services.sign_report(draft.id, revision=1, by=stage.leila)
    assert (signed.author_id, signed.drafted_by_id, signed.finalises_id) == (stage.leila.id, stage.sirine.id, None)


def test_a_resident_neither_signs_nor_takes_the_case_again(stage: Cast) -> None:
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.sirine)
    draft = make.draft(stage, case.id, by=stage.sirine)
    with pytest.raises(NotAllowed):
        services.sign_report(draft.id, revision=1, by=stage.sirine)
    issued = services.issue_preliminary(draft.id, revision=1, by=stage.sirine)
    with pytest.raises(rules.NeedsSenior):
        services.claim_reading(case.id, by=stage.sirine)
    final = make.finalised(stage, issued)
    for act in (
        lambda: services.begin_addendum(final.id, by=stage.sirine),
        lambda: services.over_read_report(final.id, verdict="agrees", by=stage.sirine),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_it_is_issued_once_by_who_holds_the_case(stage: Cast) -> None:
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.sirine)
    draft = make.draft(stage, case.id, by=stage.sirine)
    for other, refusal in (
        (stage.leila, reading_rules.NotYourReading), (stage.amel, NotAllowed), (stage.karim, NotAllowed),
        (STRANGER, NotAllowed),
    ):  # fmt: skip
        with pytest.raises(refusal):
            services.issue_preliminary(draft.id, revision=1, by=other)
    with pytest.raises(reporting.DraftChanged):
        services.issue_preliminary(draft.id, revision=7, by=stage.sirine)
    with pytest.raises(NotFound):
        services.issue_preliminary(uuid.uuid4(), revision=1, by=stage.sirine)
    issued = services.issue_preliminary(draft.id, revision=1, by=stage.sirine)
    with pytest.raises(rules.AlreadyPreliminary):
        services.issue_preliminary(issued.id, revision=1, by=stage.sirine)
    services.claim_reading(case.id, by=stage.leila)
    again = Report.objects.get(reading=case, state="draft")
    with pytest.raises(rules.AlreadyPreliminary):
        services.issue_preliminary(again.id, revision=1, by=stage.leila)
    final = services.sign_report(again.id, revision=1, by=stage.leila, change="none")
    with pytest.raises(reporting.AlreadySigned):
        services.issue_preliminary(final.id, revision=1, by=stage.leila)
    addendum = services.begin_addendum(final.id, by=stage.leila)
    with pytest.raises(rules.AddendumIsFinal):
        services.issue_preliminary(addendum.id, revision=addendum.revision, by=stage.leila)


def test_it_says_as_much_as_a_report(stage: Cast) -> None:
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.sirine)
    draft = make.draft(stage, case.id, by=stage.sirine, sections={"findings": "x"})
    with pytest.raises(reporting.NotReady):
        services.issue_preliminary(draft.id, revision=1, by=stage.sirine)


@dataclass
class Said:
    """What a report says."""

    sections: dict[str, str] = field(default_factory=dict)
    language: str = "fr"
    critical: bool = False
    critical_what: str = ""
    critical_category: int = 1
    follow_up: dict[str, str] | None = None


@pytest.mark.parametrize(
    ("change", "same", "refusal"),
    [
        ("", None, None), ("none", None, rules.NothingToClassify), ("none", True, None), ("", True, rules.Unclassified),
        ("", False, rules.Unclassified), ("great", False, rules.Unclassified), ("wording", True, rules.SaysTheSame),
        ("none", False, rules.SaysOtherwise), ("wording", False, None), ("minor", False, None), ("major", False, None),
    ],
)  # fmt: skip
def test_how_a_change_is_classed(change: str, same: bool | None, refusal: type[Refused] | None) -> None:
    if refusal is None:
        rules.check_change(change, same=same)
    else:
        with pytest.raises(refusal):
            rules.check_change(change, same=same)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (Said(), Said(), ""), (Said(), Said(critical=True, critical_what="x"), "added"),
        (Said(critical=True, critical_what="x"), Said(), "withdrawn"),
        (Said(critical=True, critical_what="x"), Said(critical=True, critical_what="y"), "changed"),
        (Said(critical=True, critical_what="x"), Said(critical=True, critical_what="x", language="ar"), ""),
        (Said(critical_what="x"), Said(critical_what="y"), ""),
    ],
)  # fmt: skip
def test_what_becomes_of_critical_content(before: Said, after: Said, change: str) -> None:
    assert rules.critical_change(before, after) == change


@pytest.mark.parametrize(
    ("before", "after", "cut"),
    [
        ("", "", []), ("Pas de lésion.", "Pas de lésion.", [("same", "Pas de lésion.")]),
        ("Pas de lésion.", "Petite lésion.",
         [("removed", "Pas de"), ("added", "Petite"), ("same", " lésion.")]),
        ("لا يوجد نزف", "يوجد نزف", [("removed", "لا "), ("same", "يوجد نزف")]),
        ("5 mm", "15 mm", [("removed", "5"), ("added", "15"), ("same", " mm")]),
        ("", "Neuf.", [("added", "Neuf.")]), ("Vieux.", "", [("removed", "Vieux.")]),
    ],
)  # fmt: skip
def test_texts_are_compared_by_words(before: str, after: str, cut: list[tuple[str, str]]) -> None:
    assert [(piece.kind, piece.text) for piece in rules.pieces(before, after)] == cut


def test_a_comparison_loses_no_letter() -> None:
    before = "Foie de taille normale. " * 300
    after = before.replace("normale", "augmentée", 3) + "Δ < 5 mm\n\nلا شيء."
    cut = rules.pieces(before, after)
    assert "".join(piece.text for piece in cut if piece.kind != "added") == before
    assert "".join(piece.text for piece in cut if piece.kind != "removed") == after
    sections = rules.differences(Said({"findings": "a"}), Said({"title": "t", "conclusion": "c"}))
    assert [name for name, _pieces in sections] == ["title", "findings", "conclusion"]


def test_a_final_report_is_classed_as_it_is(stage: Cast) -> None:
    issued = make.preliminary(stage)
    for change, refusal in (("", rules.Unclassified), ("major", rules.SaysTheSame)):
        with pytest.raises(refusal):
            make.finalised(stage, issued, change=change)
    with pytest.raises(rules.SaysOtherwise):
        make.finalised(stage, issued, change="none", sections={"conclusion": "Autre."})
    assert not Report.objects.filter(state="signed").exists()


def test_what_the_database_refuses(stage: Cast) -> None:
    issued = make.preliminary(stage)
    other = make.preliminary(stage)
    unsigned = make.signed_report(stage)
    draft = Report.objects.get(reading=issued.reading_id, state="draft")
    digest, now = "0" * 64, timezone.now()
    signs = {"state": "signed", "signed_at": now, "digest": digest}
    wrongs: list[tuple[str, Any]] = [
        ("radiology_signed_reports_never_change", (issued, {"sections": {}})),
        ("radiology_a_reading_is_preliminary_once", (draft, {**signs, "state": "preliminary"})),
        ("radiology_a_final_names_its_preliminary", (draft, signs)),
        ("radiology_a_final_names_its_preliminary", (draft, {**signs, "finalises": other, "change": "none"})),
        ("radiology_what_makes_final_says_what_changed", (draft, {"finalises": issued})),
        ("radiology_what_makes_final_says_what_changed", (draft, {"change": "none"})),
        ("radiology_no_change_means_the_same_words",
         (draft, {**signs, "finalises": issued, "change": "none", "sections": {"conclusion": "x"}})),
        ("radiology_no_change_means_the_same_words", (draft, {**signs, "finalises": issued, "change": "minor"})),
    ]  # fmt: skip
    for constraint, (row, values) in wrongs:
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            Report.objects.filter(id=row.id).update(**values)
        assert refused.value.__cause__.diag.constraint_name == constraint  # type: ignore[union-attr]
    about = {"author_id": stage.sirine.id, "language": "fr", "saved_at": now, "signed_at": now, "digest": digest}
    for constraint, values in (
        ("radiology_a_preliminary_never_follows_a_final", {"reading": unsigned.reading}),
        ("radiology_an_addendum_is_final", {"reading": unsigned.reading, "adds_to": unsigned}),
    ):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            Report.objects.create(state="preliminary", **about, **values)
        assert refused.value.__cause__.diag.constraint_name == constraint  # type: ignore[union-attr]


def test_a_senior_may_hand_it_back_or_fall_silent(stage: Cast) -> None:
    issued = make.preliminary(stage)
    case = services.claim_reading(issued.reading_id, by=stage.leila)
    due = case.due_at
    services.hand_back_reading(case.id, by=stage.leila)
    case = services.claim_reading(case.id, by=stage.leila)
    silence(case)
    services.time_out_reading(case.id, by=SYSTEM)
    case.refresh_from_db()
    assert (case.state, case.due_at) == ("waiting", due)
    assert make.finalised(stage, issued).finalises_id == issued.id


def test_a_withdrawn_preliminary_is_told_and_comes_back(stage: Cast) -> None:
    issued = make.preliminary(stage)
    services.hand_over_report(issued.id, by=SYSTEM)
    services.withdraw_reading(issued.reading_id, by=SYSTEM)
    assert set(Recall.objects.values_list("person", flat=True)) == {stage.amel.id, stage.sirine.id}
    (entry,) = [r for r in queries.report_for_record(issued.reading_id)]
    assert entry.reading.state == "withdrawn"
    case = services.open_reading(issued.reading.order_id, study=issued.reading.study_id, by=SYSTEM)
    assert (case.id, case.state) == (issued.reading_id, "waiting")
    assert make.finalised(stage, issued).finalises_id == issued.id


def test_it_follows_its_images_to_the_right_patient(stage: Cast) -> None:
    issued = make.preliminary(stage, **NIGHT)
    right = make.patient(stage, given_name="Hela", given_name_ar="هالة", birth_date=datetime.date(1991, 5, 1))
    case = Reading.objects.get(id=issued.reading_id)
    services.move_study(
        case.study_id, out_of=case.patient_id, patient=right.id, because="Mauvais patient", by=stage.sami
    )
    copy = Report.objects.get(follows=issued)
    assert (copy.state, copy.author_id, copy.reading.patient_id) == ("preliminary", stage.sirine.id, right.id)
    assert (copy.reading.state, copy.reading.due_at, copy.reading.first_due_at) == (
        "waiting", case.due_at, case.first_due_at,
    )  # fmt: skip
    opened = Fact.objects.filter(name="radiology.ReadingOpened", subject=copy.reading_id).get()
    assert opened.data["due_at"] == case.first_due_at.isoformat()  # type: ignore[union-attr]
    final = make.finalised(stage, copy)
    assert (final.finalises_id, final.drafted_by_id) == (copy.id, stage.sirine.id)


def test_a_final_follows_with_its_preliminary(stage: Cast) -> None:
    final = make.finalised(stage, make.preliminary(stage), change="major", sections={"conclusion": "Autre."})
    right = make.patient(stage, given_name="Hela", given_name_ar="هالة", birth_date=datetime.date(1991, 5, 1))
    case = Reading.objects.get(id=final.reading_id)
    move = services.move_study(
        case.study_id, out_of=case.patient_id, patient=right.id, because="Mauvais", by=stage.sami
    )
    copy = Report.objects.get(follows=final)
    assert (copy.change, copy.drafted_by_id, copy.reading.state) == ("major", stage.sirine.id, "signed")
    assert copy.finalises is not None
    assert copy.finalises.follows_id == final.finalises_id
    assert copy.digest == queries.digest_of(copy, viewer=SYSTEM)
    services.undo_move(move.id, by=stage.sami)
    case.refresh_from_db()
    assert case.state == "signed"


# what is told, and to whom


def hand_over(report: Report) -> None:
    """As the worker does."""
    services.hand_over_report(report.id, by=SYSTEM)
    if queries.needs_telling(report.id, viewer=SYSTEM):
        services.raise_critical_result(report.id, by=SYSTEM)


def test_a_critical_preliminary_is_owed_at_once(stage: Cast) -> None:
    issued = make.preliminary(stage, **NIGHT)
    hand_over(issued)
    owed = Obligation.objects.get(report=issued)
    assert (owed.holder_id, owed.what, owed.change) == (stage.amel.id, "Hématome extradural", "")
    services.acknowledge_result(issued.id, by=stage.amel)
    final = make.finalised(stage, issued, change="wording", sections={"conclusion": "Hématome extradural droit."})
    hand_over(final)
    assert not Obligation.objects.filter(report=final).exists()  # the same content: nobody is troubled twice


@pytest.mark.parametrize(
    ("first", "then", "change", "what"),
    [
        (NIGHT, {"critical": False, "critical_what": ""}, "withdrawn", "Hématome extradural"),
        (NIGHT, {"critical_what": "Hématome sous-dural"}, "changed", "Hématome sous-dural"),
        ({}, NIGHT, "added", "Hématome extradural"),
    ],
)
def test_a_changed_critical_content_is_told_to_the_same_person(
    stage: Cast, first: dict[str, Any], then: dict[str, Any], change: str, what: str
) -> None:
    issued = make.preliminary(stage, **first)
    hand_over(issued)
    holder = stage.amel
    if first:  # a colleague of the same hospital took it at night
        holder = other_requester(stage)
        services.acknowledge_result(issued.id, by=holder)
    final = make.finalised(stage, issued, change="major", **then)
    hand_over(final)
    hand_over(final)
    owed = Obligation.objects.get(report=final)
    assert (owed.holder_id, owed.change, owed.what) == (holder.id, change, what)
    fact = Fact.objects.get(name="radiology.CriticalResultChanged")
    assert (fact.subject, fact.data["change"]) == (owed.id, change)
    services.acknowledge_result(final.id, by=holder)


def other_requester(stage: Cast) -> Actor:
    person = accounts.add_person(username="ines", password=None, given_name="Ines", family_name="Zouari", by=SYSTEM)
    accounts.give_post(person.id, role="requester", place=stage.regional, by=SYSTEM)
    return accounts_queries.actor_of(person.id)


def test_the_inbox_shows_what_stands(stage: Cast) -> None:
    issued = make.preliminary(stage, **NIGHT)
    hand_over(issued)
    assert [row.report_id for row in queries.results(viewer=stage.amel)] == [issued.id]
    final = make.finalised(stage, issued, change="major", critical=False, critical_what="")
    hand_over(final)
    assert {row.report_id for row in queries.results(viewer=stage.amel)} == {issued.id, final.id}  # still owed
    services.acknowledge_result(issued.id, by=stage.amel)
    assert [row.report_id for row in queries.results(viewer=stage.amel)] == [final.id]
    assert list(queries.results(viewer=stage.zied)) == []
    assert Receipt.objects.count() == 2


def test_a_report_is_found_by_either_key(stage: Cast) -> None:
    issued = make.preliminary(stage)
    assert [r.id for r in queries.chain(issued.reading_id, viewer=stage.amel)] == [issued.id]
    final = make.finalised(stage, issued)
    for key in (issued.id, final.id, issued.reading_id):
        assert [r.id for r in queries.chain(key, viewer=stage.amel)] == [final.id]
    assert queries.report(issued.id, viewer=stage.amel).state == "preliminary"
    assert queries.report(issued.reading_id, viewer=stage.amel).id == final.id
    assert [r.id for r in queries.reports_of(final.reading.patient_id, viewer=stage.amel)] == [final.id]
    for key in (issued.id, final.id):
        with pytest.raises(patient_rules.NoGround):
            queries.report(key, viewer=stage.zied)


def test_how_a_senior_classed_it_is_between_the_two(stage: Cast) -> None:
    issued = make.preliminary(stage)
    final = make.finalised(stage, issued, change="minor", sections={"conclusion": "Autre."})
    for viewer in (stage.sirine, stage.leila):
        assert queries.finals_of(issued.id, viewer=viewer) == (issued, final)
    for viewer in (stage.amel, stage.zied, stage.karim, second_reader(stage), STRANGER):
        with pytest.raises(NotFound):
            queries.finals_of(issued.id, viewer=viewer)


def test_an_act_is_counted_once_for_who_signed(stage: Cast) -> None:
    issued = make.preliminary(stage)
    assert queries.acts_due(issued.reading_id, viewer=SYSTEM) == []
    final = make.finalised(stage, issued)
    (due,) = queries.acts_due(issued.reading_id, viewer=SYSTEM)
    assert (due.report.id, due.report.author_id, due.counts) == (final.id, stage.leila.id, True)


def test_what_a_digest_of_a_preliminary_proves(stage: Cast) -> None:
    issued = make.preliminary(stage)
    proved = queries.verified(issued.digest, viewer=STRANGER)
    assert proved is not None
    assert (proved.unchanged, proved.preliminary, proved.replaced) == (True, True, False)
    final = make.finalised(stage, issued)
    assert queries.verified(issued.digest, viewer=STRANGER).replaced  # type: ignore[union-attr]
    proved = queries.verified(final.digest, viewer=STRANGER)
    assert proved is not None
    assert (proved.unchanged, proved.preliminary) == (True, False)


# over-reading


def test_an_agreement(stage: Cast) -> None:
    report = make.signed_report(stage)
    mounir = second_reader(stage)
    assert queries.may_over_read(report, viewer=mounir)
    found = services.over_read_report(report.id, verdict="agrees", by=mounir)
    assert (found.reader_id, found.verdict) == (mounir.id, "agrees")
    assert told(found.id) == ["ReportOverRead"]
    assert not Report.objects.filter(state="draft").exists()
    assert not queries.may_over_read(report, viewer=mounir)
    with pytest.raises(rules.AlreadyOverRead):
        services.over_read_report(report.id, verdict="agrees", by=mounir)


def test_whoever_over_reads_takes_the_report_and_sees_it(stage: Cast) -> None:
    report = make.signed_report(stage)
    mounir = second_reader(stage)
    with pytest.raises(patient_rules.NoGround):
        queries.report(report.id, viewer=mounir)
    services.begin_over_reading(report.id, by=mounir)
    assert queries.report(report.id, viewer=mounir).id == report.id
    assert told(report.id)[-1] == "OverReadingBegun"
    opened = CareRelationship.objects.get(source=report.id)
    assert opened.ends_at is not None
    for by, refusal in ((stage.leila, rules.OwnReport), (stage.sirine, NotAllowed), (stage.amel, NotAllowed)):
        with pytest.raises(refusal):
            services.begin_over_reading(report.id, by=by)


def test_a_discrepancy_begins_an_addendum_of_the_second_reader(stage: Cast) -> None:
    report = make.signed_report(stage)
    mounir = second_reader(stage)
    services.over_read_report(report.id, verdict="major", reason="Fracture de C2 non vue", by=mounir)
    addendum = Report.objects.get(state="draft")
    assert (addendum.adds_to_id, addendum.author_id) == (report.id, mounir.id)
    assert queries.reading(report.reading_id, viewer=mounir).state == "signed"  # the case, to write it
    saved = make.draft(stage, report.reading_id, by=mounir, revision=1, sections={"conclusion": "Fracture de C2."})
    services.sign_report(saved.id, revision=2, by=mounir)
    report.refresh_from_db()
    assert report.sections == make.WRITTEN


def test_what_is_refused_of_over_reading(stage: Cast) -> None:
    final = make.finalised(stage, make.preliminary(stage))
    mounir, of_magnets = second_reader(stage), second_reader(stage, modalities=("MR",))
    issued = make.preliminary(stage)
    for key, values, by, refusal in (
        (final.id, {"verdict": "agrees"}, stage.leila, rules.OwnReport),
        (final.id, {"verdict": "minor"}, mounir, rules.NoReason),
        (final.id, {"verdict": "none"}, mounir, rules.NotAVerdict),
        (issued.id, {"verdict": "agrees"}, mounir, reporting.NotSigned),
        (uuid.uuid4(), {"verdict": "agrees"}, mounir, NotFound),
        (final.id, {"verdict": "agrees"}, of_magnets, reading_rules.NotYourHospitals),
        (final.id, {"verdict": "agrees"}, stage.amel, NotAllowed),
        (final.id, {"verdict": "agrees"}, STRANGER, NotAllowed),
    ):  # fmt: skip
        with pytest.raises(refusal):
            services.over_read_report(key, by=by, **values)
    services.withdraw_reading(final.reading_id, by=SYSTEM)
    with pytest.raises(reading_rules.ReadingIsWithdrawn):
        services.over_read_report(final.id, verdict="agrees", by=mounir)


def test_the_database_lets_nobody_over_read_their_own(stage: Cast) -> None:
    issued = make.preliminary(stage)
    final = make.finalised(stage, issued)
    mounir = second_reader(stage)
    for report, reader in ((final.id, stage.leila.id), (final.id, stage.sirine.id), (issued.id, mounir.id)):
        with pytest.raises(IntegrityError), transaction.atomic():
            OverRead.objects.create(report_id=report, reader_id=str(reader), verdict="agrees")
    found = services.over_read_report(final.id, verdict="agrees", by=mounir)
    for sql in ("update radiology_overread set verdict = 'major', reason = 'x'", "delete from radiology_overread"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    found.refresh_from_db()


# the rule


def test_the_rule_is_dated(stage: Cast) -> None:
    today = timezone.localdate()
    first = services.set_supervision(final_minutes=90, since=today, night=(20, 8), by=stage.hatem)
    assert told(first.id) == ["SupervisionSet"]
    issued = make.preliminary(stage)
    assert Reading.objects.get(id=issued.reading_id).due_at == issued.signed_at + datetime.timedelta(minutes=90)  # type: ignore[operator]
    with pytest.raises(rules.SupervisionNotLater):
        services.set_supervision(final_minutes=60, since=today, by=stage.hatem)
    services.set_supervision(final_minutes=60, since=today + datetime.timedelta(days=1), by=stage.hatem)
    assert queries.supervision(on=timezone.now(), viewer=SYSTEM).final_minutes == 90
    later = timezone.now() + datetime.timedelta(days=2)
    assert queries.supervision(on=later, viewer=SYSTEM).final_minutes == 60
    for minutes, night in ((0, None), (60, (8, 8)), (60, (24, 8)), (50_000, None)):
        with pytest.raises(rules.NotASupervision):
            services.set_supervision(
                final_minutes=minutes, night=night, since=today + datetime.timedelta(days=9), by=stage.hatem
            )
    with pytest.raises(NotAllowed):
        services.set_supervision(final_minutes=60, since=today, by=stage.leila)
    assert Supervision.objects.count() == 2


@pytest.mark.parametrize(
    ("hour", "night", "inside"),
    [(20, (20, 8), True), (7, (20, 8), True), (8, (20, 8), False), (12, (20, 8), False), (3, (0, 6), True),
     (6, (0, 6), False)],
)  # fmt: skip
def test_a_night_may_go_over_midnight(hour: int, night: tuple[int, int], inside: bool) -> None:
    assert rules.is_in_night(hour, night) is inside


def test_what_was_signed_at_night_is_proposed(stage: Cast) -> None:
    report = make.signed_report(stage)
    mounir = second_reader(stage)
    assert queries.reports_to_over_read(viewer=mounir) == []  # no rule, no night
    hour = timezone.localtime(report.signed_at).hour
    services.set_supervision(
        final_minutes=60, since=timezone.localdate() - datetime.timedelta(days=1), night=(hour, (hour + 1) % 24),
        by=stage.hatem,
    )  # fmt: skip
    assert [row.id for row in queries.reports_to_over_read(viewer=mounir)] == [report.id]
    for other in (
        stage.leila,
        stage.sirine,
        stage.amel,
        stage.zied,
        second_reader(stage, modalities=("MR",)),
        STRANGER,
    ):
        assert queries.reports_to_over_read(viewer=other) == []
    services.over_read_report(report.id, verdict="agrees", by=mounir)
    assert queries.reports_to_over_read(viewer=mounir) == []
    assert queries.over_read_of(report.id, viewer=stage.leila) is not None
    assert queries.over_read_of(report.id, viewer=stage.amel) is None
