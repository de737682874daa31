"""Peer review: drawn by lot, given to who had no part in it, blinded, scored, told, answered, learnt from."""

import datetime
import hashlib
import uuid
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.radiology.test_reading import second_reader
from wasl.accounts import queries as accounts
from wasl.accounts.models import Message
from wasl.archive.models import Release
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.events import Told
from wasl.kernel.models import Fact
from wasl.patients import queries as patients
from wasl.patients import rules as patient_rules
from wasl.patients import services as patient_services
from wasl.radiology import queries, services
from wasl.radiology.events import ReportSigned, ReviewAssigned, ReviewScored
from wasl.radiology.listeners import review as listeners
from wasl.radiology.models import Assessment, Lot, Report, Review, ReviewMonth
from wasl.radiology.rules import review as rules

pytestmark = pytest.mark.django_db

FOUND: dict[str, Any] = {"score": 2, "matters": True, "reasons": ["missed"], "text": "Petit hématome sous-dural."}


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def all_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every report falls to be reviewed."""
    monkeypatch.setattr(rules, "is_drawn", lambda *_args, **_kwargs: True)


def ruled(stage: Cast, **values: Any) -> None:  # noqa: ANN401
    since = timezone.localdate() - datetime.timedelta(days=40)
    services.set_review_rule(**{"one_in": 25, "bands": [8, 20], "days": 7, "since": since, "by": stage.hatem, **values})


def under_review(stage: Cast, **values: Any) -> Assessment:  # noqa: ANN401
    """A report of Leila's that somebody is to assess: Mounir, where nobody else may."""
    if not queries.review_rule(on=timezone.now(), viewer=SYSTEM):
        ruled(stage)
    second_reader(stage)
    lot = services.draw_review(make.signed_report(stage, **values).id, by=SYSTEM)
    assert lot is not None
    return Assessment.objects.get(review__report=lot.report_id)


def reader_of(one: Assessment) -> Actor:
    return accounts.actor_of(one.reader_id)


def scored(stage: Cast, **values: Any) -> Assessment:  # noqa: ANN401
    asked = under_review(stage)
    by = reader_of(asked)
    services.take_review(asked.id, by=by)
    return services.score_review(asked.id, by=by, **{**FOUND, **values})


def test_without_a_rule_nothing_is_drawn(stage: Cast) -> None:
    assert services.draw_review(make.signed_report(stage).id, by=SYSTEM) is None
    assert not Lot.objects.exists()
    assert not Review.objects.exists()


def test_the_rule_is_dated_and_the_planners(stage: Cast) -> None:
    ruled(stage)
    with pytest.raises(rules.ReviewRuleNotLater):
        ruled(stage)
    for by in (stage.leila, stage.karim, stage.amel, STRANGER):
        with pytest.raises(NotAllowed):
            services.set_review_rule(one_in=25, bands=[8], days=7, since=timezone.localdate(), by=by)
    with pytest.raises(rules.NotAReviewRule):
        ruled(stage, one_in=50, since=timezone.localdate())


def test_reports_are_numbered_and_what_falls_can_be_recomputed(stage: Cast) -> None:
    ruled(stage)
    reports = [make.signed_report(stage) for _ in range(3)]
    lots = [services.draw_review(report.id, by=SYSTEM) for report in reports]
    assert [lot.number for lot in lots if lot] == [1, 2, 3]
    assert services.draw_review(reports[0].id, by=SYSTEM) == lots[0]  # told twice
    month = ReviewMonth.objects.get()
    begun = Fact.objects.get(name="radiology.ReviewMonthBegun")
    assert begun.data["digest"] == hashlib.sha256(bytes(month.secret)).hexdigest()
    (told,) = queries.drawn_months(viewer=stage.leila)
    assert (told.reports, told.wrong, told.secret, told.digest) == (3, 0, "", begun.data["digest"])
    with connection.cursor() as cursor:  # what somebody changes behind our back is seen
        cursor.execute("set local session_replication_role = replica")
        cursor.execute("update radiology_lot set drawn = not drawn where number = 2")
        cursor.execute("set local session_replication_role = origin")
    assert queries.drawn_months(viewer=SYSTEM)[0].wrong == 1
    assert queries.drawn_months(viewer=stage.amel) == []
    for table in ("lot", "reviewmonth"):
        for what in (f"delete from radiology_{table}", f"update radiology_{table} set created_at = now()"):
            with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(what)


def test_addenda_and_what_followed_its_images_are_not_drawn(stage: Cast, all_drawn: None) -> None:
    ruled(stage)
    report = make.signed_report(stage)
    addendum = services.begin_addendum(report.id, by=stage.leila)
    draft = make.draft(stage, report.reading_id, revision=addendum.revision)
    signed = services.sign_report(draft.id, revision=draft.revision, by=stage.leila)
    assert services.draw_review(signed.id, by=SYSTEM) is None


def test_it_goes_to_who_had_no_part_in_it_and_has_least_to_do(stage: Cast, all_drawn: None) -> None:
    ruled(stage)
    lot = services.draw_review(make.signed_report(stage).id, by=SYSTEM)
    assert lot is not None
    assert not Assessment.objects.exists()  # Leila is the only radiologist: nobody reviews their own
    (key,) = queries.reviews_without_reader(viewer=SYSTEM)
    mounir, salma = second_reader(stage), second_reader(stage)
    second_reader(stage, modalities=("MR",))  # reads no CT
    listeners.assign_reviews(0)
    first = Assessment.objects.get(review=key)
    assert first.reader_id in {mounir.id, salma.id}
    assert queries.reviews_without_reader(viewer=SYSTEM) == []
    services.draw_review(make.signed_report(stage).id, by=SYSTEM)
    assert set(Assessment.objects.values_list("reader", flat=True)) == {mounir.id, salma.id}
    with pytest.raises(IntegrityError, match="nobody reviews their own"), transaction.atomic():
        Assessment.objects.create(review_id=key, kind="arbitration", reader_id=Report.objects.earliest("id").author_id)


def test_whoever_drafted_or_over_read_it_does_not_review_it(stage: Cast, all_drawn: None) -> None:
    ruled(stage)
    mounir = second_reader(stage)
    final = make.finalised(stage, make.preliminary(stage, by=mounir))
    services.draw_review(final.id, by=SYSTEM)
    review = Review.objects.get()
    assert not review.assessments.exists()
    with pytest.raises(IntegrityError, match="nobody reviews their own"), transaction.atomic():
        Assessment.objects.create(review=review, kind="review", reader_id=final.drafted_by_id or final.id)
    over = make.signed_report(stage)
    services.over_read_report(over.id, verdict="agrees", by=mounir)
    services.draw_review(over.id, by=SYSTEM)
    assert not Assessment.objects.exists()


def test_it_is_assessed_blind_and_once(stage: Cast, all_drawn: None) -> None:
    asked = under_review(stage)
    by = reader_of(asked)
    report = asked.review.report
    with pytest.raises(rules.NotTaken):
        services.score_review(asked.id, by=by, **FOUND)
    for other in (stage.leila, second_reader(stage)):
        with pytest.raises(rules.NotYourReview):
            services.take_review(asked.id, by=other)
        with pytest.raises(rules.NotYourReview):
            services.score_review(asked.id, score=1, by=other)
        with pytest.raises(rules.NotYourReview):
            services.decline_review(asked.id, because="away", by=other)
    services.take_review(asked.id, by=by)
    # the images of this exam are open, the record is not
    study = report.reading.study_id
    assert patients.is_reviewing(study, viewer=by)
    assert patients.ground(report.reading.patient_id, viewer=by) is None
    # though the reader comes to care for the patient, the report stays hidden until it is assessed
    patient_services.open_for_care(
        report.reading.patient_id, person=by.id, source=uuid.uuid4(), because="radiology.ReadingClaimed", by=by
    )
    for key in (report.id, report.reading_id):
        with pytest.raises((NotFound, patient_rules.NoGround)):
            queries.report(key, viewer=by)
    assert not queries.reports_of(report.reading.patient_id, viewer=by).exists()
    assert queries.story(report.reading.order, viewer=by) == []
    assert not queries.orders(viewer=by).filter(id=report.reading.order_id).exists()
    assert report not in queries.reports_to_over_read(viewer=by)
    services.score_review(asked.id, by=by, **FOUND)
    assert not patients.is_reviewing(study, viewer=by)
    assert queries.report(report.id, viewer=by) == report
    with pytest.raises(rules.AlreadyScored):
        services.score_review(asked.id, score=1, by=by)
    with pytest.raises(rules.AlreadyScored):
        services.take_review(asked.id, by=by)
    for change in ({"score": 1}, {"text": "x"}):
        with pytest.raises(IntegrityError, match="what was assessed never changes"), transaction.atomic():
            Assessment.objects.filter(id=asked.id).update(**change)


def test_what_is_declined_goes_to_another(stage: Cast, all_drawn: None) -> None:
    asked = under_review(stage)
    by = reader_of(asked)
    services.take_review(asked.id, by=by)
    with pytest.raises(rules.NotADecline):
        services.decline_review(asked.id, because="bored", by=by)
    salma = second_reader(stage)
    services.decline_review(asked.id, because="author", by=by)
    assert not patients.is_reviewing(asked.review.report.reading.study_id, viewer=by)
    assert Assessment.objects.get(declined_at__isnull=True).reader_id == salma.id
    with pytest.raises(rules.AlreadyDeclined):
        services.take_review(asked.id, by=by)
    with pytest.raises(NotFound):
        queries.assessment(asked.id, viewer=by)


def test_the_author_is_told_and_answers_and_nobody_learns_names(stage: Cast, all_drawn: None) -> None:
    found = scored(stage)
    event = ReviewScored(
        assessment=found.id, review=found.review_id, patient=uuid.uuid4(), place=stage.regional, score=2, matters=True
    )
    listeners.tell_the_author(event, Told(seq=7, at=timezone.now(), by=f"person:{found.reader_id}", place=None))
    told = {message.person_id: message for message in Message.objects.filter(kind="radiology.review_matters")}
    assert set(told) == {stage.leila.id, stage.karim.id}
    assert all(message.urgent for message in told.values())
    one = queries.feedback(found.review_id, viewer=stage.leila)
    assert (one.found, one.settled, one.stands.score) == (found, None, 2)
    for stranger in (stage.karim, reader_of(found), stage.amel, STRANGER):
        with pytest.raises(NotFound):
            queries.feedback(found.review_id, viewer=stranger)
        assert queries.feedbacks(viewer=stranger) == []
    with pytest.raises(rules.NotYourFeedback):
        services.answer_review(found.review_id, answer="accepts", by=reader_of(found))
    with pytest.raises(rules.NotAnAnswer):
        services.answer_review(found.review_id, answer="disagrees", by=stage.leila)
    services.answer_review(found.review_id, answer="accepts", by=stage.leila)
    with pytest.raises(rules.AlreadyAnswered):
        services.answer_review(found.review_id, answer="accepts", by=stage.leila)


def test_a_chief_sees_to_the_patient_until_an_addendum_is_signed(stage: Cast, all_drawn: None) -> None:
    found = scored(stage)
    assert [told.review for told in queries.matters_open(viewer=stage.karim)] == [found.review]
    for other in (stage.leila, stage.hatem, reader_of(found), STRANGER):
        assert queries.matters_open(viewer=other) == []
    report = found.review.report
    addendum = services.begin_addendum(report.id, by=stage.leila)
    draft = make.draft(stage, report.reading_id, revision=addendum.revision)
    services.sign_report(draft.id, revision=draft.revision, by=stage.leila)
    assert queries.matters_open(viewer=stage.karim) == []


def test_who_disagrees_has_a_third_reader_whose_word_counts(stage: Cast, all_drawn: None) -> None:
    found = scored(stage)
    salma = second_reader(stage)
    services.answer_review(found.review_id, answer="disagrees", text="Artefact.", by=stage.leila)
    third = Assessment.objects.get(review=found.review_id, kind="arbitration")
    assert third.reader_id == salma.id
    services.take_review(third.id, by=salma)
    services.score_review(third.id, score=1, by=salma)
    one = queries.feedback(found.review_id, viewer=stage.leila)
    assert (one.stands, one.stands.score) == (third, 1)
    assert queries.matters_open(viewer=stage.karim) == []
    own = queries.own_agreement(viewer=stage.leila)
    assert (own.total, own.agreed, own.shown) == (1, 1, False)


def test_no_share_is_said_of_few_or_of_one_reader_alone(stage: Cast, all_drawn: None) -> None:
    found = scored(stage)
    day = timezone.localdate()
    for viewer, total in ((stage.hatem, 1), (stage.karim, 1), (stage.leila, 0), (STRANGER, 0)):
        figures = queries.review_figures(day, day, viewer=viewer)
        assert (figures.total.total, figures.total.shown) == (total, False)
    assert [row.name for row in queries.review_figures(day, day, viewer=stage.hatem).modalities] == ["CT"]
    one = queries.own_agreement(viewer=stage.leila)
    many = type(one)("x", total=40, agreed=30, readers={found.reader_id}, fewest=30)
    assert not many.shown
    many.readers.add(uuid.uuid4())
    assert many.shown
    assert (many.share, [round(end) for end in many.ends]) == (75, [60, 86])


def test_the_learning_file_has_what_is_typed_and_images_without_names(stage: Cast, all_drawn: None) -> None:
    found = scored(stage)
    by, who = reader_of(found), patients.patient(found.review.report.reading.patient_id, viewer=SYSTEM)
    lesson = {"title": "Un piège", "points": "Regarder la convexité avec une fenêtre adaptée."}
    with pytest.raises(rules.NotYourReview):
        services.add_to_learning_file(found.id, by=stage.leila, **lesson)
    with pytest.raises(rules.LessonNames):
        services.add_to_learning_file(found.id, by=by, title="x", points=f"{who.number}: {lesson['points']}")
    row = services.add_to_learning_file(found.id, by=by, **lesson)
    release = Release.objects.get(id=row.release_id)
    assert (release.purpose, [one.study_id for one in release.studies.all()]) == (
        "teaching", [found.review.report.reading.study_id]
    )  # fmt: skip
    with pytest.raises(rules.AlreadyInFile):
        services.add_to_learning_file(found.id, by=by, **lesson)
    for viewer in (stage.leila, stage.sirine, stage.karim, by):
        assert list(queries.lessons(viewer=viewer)) == [row]
    for viewer in (stage.amel, stage.hatem, STRANGER):
        assert not queries.lessons(viewer=viewer)
    assert queries.lesson_of(found.review_id, viewer=stage.karim) is None


def test_strangers_are_asked_nothing(stage: Cast, all_drawn: None) -> None:
    asked = under_review(stage)
    for viewer in (stage.leila, stage.amel, stage.zied, stage.hatem, STRANGER):
        assert not queries.reviews_to_do(viewer=viewer)
        with pytest.raises(NotFound):
            queries.assessment(asked.id, viewer=viewer)
        for system_only in (queries.author_told, queries.reader_asked, queries.heads_to_tell):
            assert not system_only(asked.review_id, viewer=viewer)
        assert queries.reviews_without_reader(viewer=viewer) == []
        assert queries.names_in_review(asked.review, viewer=viewer) == []
        assert queries.writers_of(asked.review.report, viewer=viewer) == []
        assert queries.reviewer_for(asked.review, viewer=viewer) is None
        assert queries.overdue_reviews(viewer=viewer) == 0


def test_a_signature_is_drawn_by_itself_and_who_reviews_is_told(stage: Cast, all_drawn: None) -> None:
    ruled(stage)
    mounir = second_reader(stage)
    report = make.signed_report(stage)
    case = report.reading
    event = ReportSigned(
        report=report.id, reading=case.id, order=case.order_id, patient=case.patient_id, place=case.place_id,
        reader=report.author_id, critical=False,
    )  # fmt: skip
    told = Told(seq=1, at=timezone.now(), by="person:x", place=None)
    listeners.draw(event, told)
    asked = Assessment.objects.get()
    listeners.tell_the_reviewer(
        ReviewAssigned(assessment=asked.id, review=asked.review_id, place=case.place_id, kind="review"), told
    )
    message = Message.objects.get(kind="radiology.review")
    assert message.person_id == mounir.id
    assert str(case.patient_id) not in message.link


@pytest.mark.django_db(transaction=True)
def test_at_once_numbers_are_given_once_and_one_reader_is_asked(stage: Cast, all_drawn: None) -> None:
    ruled(stage)
    readers = [second_reader(stage) for _ in range(2)]
    reports = [make.signed_report(stage) for _ in range(4)]
    acts = [lambda key=report.id: services.draw_review(key, by=SYSTEM) for report in reports for _ in range(3)]
    at_once(*acts)
    assert sorted(Lot.objects.values_list("number", flat=True)) == [1, 2, 3, 4]
    assert (ReviewMonth.objects.count(), Review.objects.count(), Assessment.objects.count()) == (1, 4, 4)
    asked = Assessment.objects.filter(reader=readers[0].id).first()
    assert asked is not None
    by = reader_of(asked)
    services.take_review(asked.id, by=by)
    refused = at_once(*[lambda: services.score_review(asked.id, score=1, by=by)] * 3,
                      *[lambda: services.decline_review(asked.id, because="away", by=by)] * 3)  # fmt: skip
    assert len(refused) == 5
    keys = [one.id for one in Review.objects.all()]
    at_once(*[lambda key=key: services.assign_review(key, by=SYSTEM) for key in keys for _ in range(3)])
    live = Assessment.objects.filter(declined_at__isnull=True).values_list("review", flat=True)
    assert len(live) == len(set(live)) <= 4
    own = Assessment.objects.filter(reader_id__in=Report.objects.values("author"))
    assert not own.exists()
