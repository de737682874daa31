"""Peer review: the rule, the draw, whose turn it is, what is found, what its author answers, and what others learn."""

import datetime
import hashlib
import secrets
from collections.abc import Collection
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from wasl.archive import queries as archive_queries
from wasl.archive import services as archive
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.places import queries as places
from wasl.radiology import queries
from wasl.radiology.events import (
    LearningCaseAdded,
    LotDrawn,
    ReviewAnswered,
    ReviewAssigned,
    ReviewDeclined,
    ReviewMonthBegun,
    ReviewRuleSet,
    ReviewScored,
    ReviewTaken,
)
from wasl.radiology.models import Assessment, LearningCase, Lot, Report, Review, ReviewMonth, ReviewRule
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.rules import review as rules
from wasl.radiology.services import dated
from wasl.radiology.services.blinding import close_images, open_images
from wasl.workforce import queries as workforce

Kind = Assessment.Kind


@verb
def set_review_rule(
    *, one_in: int, bands: Collection[int], days: int, since: datetime.date, by: Actor, fewest: int = 30
) -> ReviewRule:
    """Set how many final reports are reviewed, in which parts of the day, and how soon their authors are told."""
    hours = sorted(set(bands))
    ruled = dated.begin(
        ReviewRule.objects.all(), since=since, one_in=one_in, bands=hours, days=days, fewest=fewest,
        check=lambda current: rules.check_rule(one_in, hours, days, fewest, since=since, current=current),
        overtaken=rules.ReviewRuleNotLater(since=since.isoformat()),
    )  # fmt: skip
    emit(ReviewRuleSet(rule=ruled.id, one_in=one_in, days=days), by=by)
    return ruled


@verb
def draw_review(report: UUID, *, by: Actor) -> Lot | None:
    """Give a final report its number in its stratum, and open a review if it falls to it; told twice, it is one lot.

    None without a rule on that day, and for what is no reader's first word on images: addenda, and reports that
    followed their images to another patient.
    """
    found = Report.objects.select_related("reading").filter(id=report, state=Report.State.SIGNED).first()
    if found is None or found.signed_at is None or found.adds_to_id or found.follows_id:
        return None
    rule = queries.review_rule(on=found.signed_at, viewer=by)
    if rule is None:
        return None
    signed, month = timezone.localtime(found.signed_at), _month(found.signed_at, by=by)
    if drawn := Lot.objects.filter(report=found).first():  # asked once nobody else draws in this month
        return drawn
    reading = found.reading
    where = {
        "month": month, "place_id": reading.place_id, "modality": reading.modality,
        "band": rules.band_of(signed.hour, rule.bands),
    }  # fmt: skip
    number = (Lot.objects.filter(**where).aggregate(last=Max("number"))["last"] or 0) + 1
    stratum = rules.stratum(reading.place_id, reading.modality, rules.band_of(signed.hour, rule.bands))
    hit = rules.is_drawn(bytes(month.secret), stratum=stratum, number=number, one_in=rule.one_in)
    lot = Lot.objects.create(report=found, number=number, one_in=rule.one_in, drawn=hit, **where)
    emit(LotDrawn(lot=lot.id, report=report, place=reading.place_id, drawn=hit), by=by)
    if hit:
        author = workforce.worker_of(found.author_id, viewer=SYSTEM)
        review = Review.objects.create(
            report=found, centre_id=author.place_id if author else None,
            due_at=found.signed_at + datetime.timedelta(days=rule.days),
        )  # fmt: skip
        _assign(review, Kind.REVIEW, by=by)
    return lot


def _month(at: datetime.datetime, *, by: Actor) -> ReviewMonth:
    """The month of a moment, locked, so that numbers are given one after the other; its secret is made here, once."""
    begins = timezone.localdate(at).replace(day=1)
    month, made = ReviewMonth.objects.get_or_create(begins=begins, defaults={"secret": secrets.token_bytes(32)})
    if made:
        emit(ReviewMonthBegun(month=month.id, digest=hashlib.sha256(bytes(month.secret)).hexdigest()), by=by)
    return ReviewMonth.objects.select_for_update().get(id=month.id)


@verb
def assign_review(key: UUID, *, by: Actor) -> Assessment | None:
    """Give a review, or the arbitration that its author asked for, to a reader, if it is nobody's and there is one."""
    review = _locked(key)
    live = set(review.assessments.filter(declined_at__isnull=True).values_list("kind", flat=True))
    if Kind.REVIEW not in live:
        return _assign(review, Kind.REVIEW, by=by)
    if review.answer == Review.Answer.DISAGREES and Kind.ARBITRATION not in live:
        return _assign(review, Kind.ARBITRATION, by=by)
    return None


def _assign(review: Review, kind: str, *, by: Actor) -> Assessment | None:
    """Ask the competent reader with the least to do, who had no part in the report nor in its review."""
    reader = queries.reviewer_for(review, viewer=SYSTEM)
    if reader is None:
        return None
    asked = Assessment.objects.create(review=review, kind=kind, reader_id=reader)
    place = review.report.reading.place_id
    emit(ReviewAssigned(assessment=asked.id, review=review.id, place=place, kind=kind), by=by)
    return asked


@verb
def take_review(key: UUID, *, by: Actor) -> Assessment:
    """Open the images and the words of a report that one is to assess; who read it stays hidden, the record closed."""
    asked = _own(key, by=by)
    reading = asked.review.report.reading
    asked.taken_at = asked.taken_at or timezone.now()
    asked.save(update_fields=("taken_at",))
    open_images(reading, because=ReviewTaken.name(), by=by)
    emit(ReviewTaken(patient=reading.patient_id, **_about(asked)), by=by)
    return asked


@verb
def score_review(
    key: UUID, *, score: int, by: Actor, matters: bool = False, reasons: Collection[str] = (), text: str = ""
) -> Assessment:
    """Say whether one agrees with a report, and if not, why; what is said never changes, and the author is told."""
    asked = _own(key, by=by)
    if asked.taken_at is None:
        raise rules.NotTaken
    rules.check_score(score, matters=matters, reasons=reasons, text=text, known=Assessment.Reason.values)
    asked.score, asked.matters, asked.reasons = score, matters, sorted(set(reasons)) if score > 1 else []
    asked.text, asked.scored_at = text.strip()[: rules.LONGEST], timezone.now()
    asked.save(update_fields=("score", "matters", "reasons", "text", "scored_at"))
    reading = asked.review.report.reading
    close_images(reading, person=asked.reader_id, by=by)
    told = ReviewScored(patient=reading.patient_id, score=score, matters=matters, **_about(asked))
    emit(told, by=by)
    return asked


@verb
def decline_review(key: UUID, *, because: str, by: Actor) -> Assessment:
    """Give a report back that one should not assess, and say why; another reader is asked."""
    asked = _own(key, by=by)
    if because not in Assessment.Decline.values:
        raise rules.NotADecline
    asked.declined, asked.declined_at = because, timezone.now()
    asked.save(update_fields=("declined", "declined_at"))
    close_images(asked.review.report.reading, person=asked.reader_id, by=by)
    emit(ReviewDeclined(because=because, **_about(asked)), by=by)
    _assign(asked.review, asked.kind, by=by)
    return asked


@verb
def answer_review(key: UUID, *, answer: str, by: Actor, text: str = "") -> Review:
    """Answer, as the author, what a colleague found; whoever disagrees has a third reader asked."""
    review = _locked(key)
    if review.report.author_id != by.id:
        raise rules.NotYourFeedback
    scored = review.assessments.filter(kind=Kind.REVIEW, scored_at__isnull=False).exists()
    rules.check_answer(answer, text, scored=scored, answered=bool(review.answer))
    review.answer, review.answer_text, review.answered_at = answer, text.strip()[:1000], timezone.now()
    review.save(update_fields=("answer", "answer_text", "answered_at"))
    emit(ReviewAnswered(review=key, place=review.report.reading.place_id, answer=answer), by=by)
    if answer == Review.Answer.DISAGREES:
        _assign(review, Kind.ARBITRATION, by=by)
    return review


@verb
def add_to_learning_file(key: UUID, *, title: str, points: str, by: Actor) -> LearningCase:
    """Put an exam that one assessed into the learning file: what one types here, and copies of images without names.

    Neither the report nor the scores go there, nor who wrote or who reviewed it.
    """
    asked = Assessment.objects.select_related("review__report__reading__study").filter(id=key, reader=by.id).first()
    if asked is None:
        raise rules.NotYourReview
    if asked.scored_at is None:
        raise rules.NotScored
    rules.check_lesson(title, points, names=queries.names_in_review(asked.review, viewer=SYSTEM))
    review, reading = asked.review, asked.review.report.reading
    try:
        with transaction.atomic():
            release = archive.ask_release(
                _project(review.centre_id or reading.place_id),
                studies=[reading.study_id],
                purpose="teaching",
                by=SYSTEM,
            )
            lesson = LearningCase.objects.create(
                review=review, release_id=release.id, modality=reading.modality, title=title.strip()[:120],
                points=points.strip()[: rules.LONGEST_LESSON],
            )  # fmt: skip
    except IntegrityError as twice:
        raise rules.AlreadyInFile from twice
    archive.start_release(release.id, by=SYSTEM)
    emit(LearningCaseAdded(lesson=lesson.id, release=release.id), by=by)
    return lesson


def _project(place: UUID) -> UUID:
    """The project of a hospital's learning file, opened with its first case."""
    name = f"learning {places.place(place, viewer=SYSTEM).code}"
    found = archive_queries.project(name, viewer=SYSTEM)
    return (found or archive.open_project(name, place=place, by=SYSTEM)).id


def _locked(key: UUID) -> Review:
    rows = Review.objects.select_for_update(of=("self",)).select_related("report__reading")
    found = rows.filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def _own(key: UUID, *, by: Actor) -> Assessment:
    """An open assessment that was given to who acts, locked, with its review."""
    rows = Assessment.objects.select_for_update(of=("self",)).select_related("review__report__reading")
    asked = rows.filter(id=key).first()
    if asked is None or asked.reader_id != reading_rules.reader(by):
        raise rules.NotYourReview
    rules.check_open(scored=asked.scored_at is not None, declined=asked.declined_at is not None)
    return asked


def _about(asked: Assessment) -> dict[str, UUID]:
    return {"assessment": asked.id, "review": asked.review_id, "place": asked.review.report.reading.place_id}
