"""What may be asked about peer review: whose turn it is, what authors are told, how often readers agree, the draw."""

import datetime
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from wasl.accounts import queries as accounts
from wasl.archive import queries as archive
from wasl.kernel.access import SYSTEM, Actor, Held
from wasl.kernel.errors import NotFound
from wasl.patients import queries as patients
from wasl.radiology.models import (
    Assessment,
    LearningCase,
    Lot,
    Reading,
    Report,
    Review,
    ReviewMonth,
    ReviewRule,
)  # fmt: skip
from wasl.radiology.queries.agreements import is_agreed
from wasl.radiology.queries.blinding import writers_of
from wasl.radiology.rules import review as rules
from wasl.workforce import queries as workforce

Kind = Assessment.Kind
STANDS = Q(review__report__reading__state=Reading.State.SIGNED)


def review_rule(*, on: datetime.datetime, viewer: Actor) -> ReviewRule | None:
    """The rule in force at a moment; without one nothing is drawn."""
    return ReviewRule.objects.filter(period__contains=timezone.localdate(on)).first()


def _visible_assessments(viewer: Actor) -> QuerySet[Assessment]:
    """What the viewer was asked to assess; nobody sees what another said but the author, and they not who said it."""
    about = ("review__report__reading__order__procedure", "review__report__reading__place",
             "review__report__reading__study")  # fmt: skip
    return Assessment.objects.filter(reader=viewer.id, reader__isnull=False).select_related(*about)


def reviews_to_do(*, viewer: Actor) -> QuerySet[Assessment]:
    """What the viewer is to assess, what is due first before all else."""
    rows = _visible_assessments(viewer).filter(STANDS, scored_at__isnull=True, declined_at__isnull=True)
    return rows.order_by("review__due_at", "id")


def assessment(key: UUID, *, viewer: Actor) -> Assessment:
    """One report that the viewer assesses, or did. Raises NotFound for everybody else, its author included."""
    found = _visible_assessments(viewer).filter(id=key, declined_at__isnull=True).first()
    if found is None:
        raise NotFound
    return found


def names_in_review(review: Review, *, viewer: Actor) -> list[str]:
    """The names and numbers of the patient of a reviewed report, and names of those who wrote it; for Wasl itself."""
    if not viewer.is_system:
        return []
    return [*_patient(review.report, viewer), *writers_of(review.report, viewer=viewer)]


def _patient(report: Report, viewer: Actor) -> list[str]:
    who = patients.patient(report.reading.patient_id, viewer=viewer)
    numbers = [number.value for number in patients.numbers_of(who.id, viewer=viewer)]
    return [who.number, *numbers, *f"{who.latin_name} {who.arabic_name}".split()]


def reviewer_for(review: Review, *, viewer: Actor) -> UUID | None:
    """Who is to assess a report next: a radiologist who reads such exams there, had no part in it, and has least to do.

    Of several, the key of the draw decides, and no person.
    """
    if not viewer.is_system:
        return None
    reading, month = review.report.reading, review.report.lot.month
    free = [person for person in _competent(reading) if person not in _parties(review)]
    since = timezone.make_aware(datetime.datetime.combine(month.begins, datetime.time()))
    busy = Assessment.objects.filter(reader__in=free, created_at__gte=since, declined_at__isnull=True)
    load = dict(busy.order_by().values_list("reader").annotate(number=Count("id")))
    for person in sorted(free, key=lambda one: (load.get(one, 0), rules.turn(bytes(month.secret), review.id, one))):
        if is_agreed(reading, reader=person, viewer=SYSTEM):
            return person
    return None


def _competent(reading: Reading) -> set[UUID]:
    """The radiologists who read exams of this kind for this hospital."""
    workers = workforce.readers_for(reading.place_id, modality=reading.modality, viewer=SYSTEM)
    found: set[UUID] = set()
    by_place = defaultdict(set)
    for worker in workers:
        by_place[worker.place_id].add(worker.person_id)
    for place, people in by_place.items():
        rows = accounts.holders("radiologist", place=place, viewer=SYSTEM)
        found |= set(rows.filter(id__in=people, is_active=True).values_list("id", flat=True))
    return found


def _parties(review: Review) -> set[UUID | None]:
    """All who wrote, drafted or added to a report, read a region of it or all of it again, or were asked before."""
    parts = Report.objects.filter(reading=review.report.reading_id).values_list(
        "author", "drafted_by", "over_read__reader", "double__opinions__reader"
    )
    asked: set[UUID | None] = {one.reader_id for one in review.assessments.all()}
    return {person for part in parts for person in part} | asked | set(review.report.region_readers)


def reviews_without_reader(*, viewer: Actor) -> list[UUID]:
    """The reviews and arbitrations that are nobody's, the oldest first; for Wasl itself."""
    if not viewer.is_system:
        return []
    live = Assessment.objects.filter(review=OuterRef("pk"), declined_at__isnull=True)
    wanting = ~Exists(live.filter(kind=Kind.REVIEW)) | (
        Q(answer=Review.Answer.DISAGREES) & ~Exists(live.filter(kind=Kind.ARBITRATION))
    )
    rows = Review.objects.filter(wanting, report__reading__state=Reading.State.SIGNED)
    return list(rows.order_by("created_at").values_list("id", flat=True))


@dataclass(frozen=True)
class Feedback:
    """What the author of a report is told: what was found, and the arbitration where there was one; by whom, never."""

    review: Review
    found: Assessment
    settled: Assessment | None

    @property
    def stands(self) -> Assessment:
        """What counts: the arbitration, where there was one."""
        return self.settled or self.found


def feedbacks(*, viewer: Actor, key: UUID | None = None) -> list[Feedback]:
    """What colleagues found in the viewer's own reports, the newest first."""
    rows = Review.objects.filter(report__author=viewer.id, report__reading__state=Reading.State.SIGNED)
    rows = rows.select_related("report__reading__order__procedure", "report__reading__place")
    return _told(rows.filter(id=key) if key else rows)


def feedback(key: UUID, *, viewer: Actor) -> Feedback:
    """What was found in one of the viewer's own reports. Raises NotFound."""
    for found in feedbacks(viewer=viewer, key=key):
        return found
    raise NotFound


def _told(rows: QuerySet[Review]) -> list[Feedback]:
    rows = rows.filter(assessments__kind=Kind.REVIEW, assessments__scored_at__isnull=False).order_by("-created_at")
    said: dict[tuple[UUID, str], Assessment] = {}
    for one in Assessment.objects.filter(review__in=rows.values("id"), scored_at__isnull=False):
        said[one.review_id, one.kind] = one
    return [Feedback(row, said[row.id, Kind.REVIEW], said.get((row.id, Kind.ARBITRATION))) for row in rows]


def author_told(review: UUID, *, viewer: Actor) -> UUID | None:
    """Who wrote a reviewed report, and is to hear of it; for Wasl itself."""
    rows = Review.objects.filter(id=review) if viewer.is_system else Review.objects.none()
    return rows.values_list("report__author", flat=True).first()


def reader_asked(assessment: UUID, *, viewer: Actor) -> UUID | None:
    """Who was asked to assess a report; for Wasl itself."""
    rows = Assessment.objects.filter(id=assessment) if viewer.is_system else Assessment.objects.none()
    return rows.values_list("reader", flat=True).first()


def heads_to_tell(review: UUID, *, viewer: Actor) -> list[UUID]:
    """Who heads the department where a reviewed report was read; for Wasl itself."""
    row = Review.objects.filter(id=review).first() if viewer.is_system else None
    if row is None or row.centre_id is None:
        return []
    return sorted(accounts.holders("chief", place=row.centre_id, viewer=viewer).values_list("id", flat=True))


def matters_open(*, viewer: Actor) -> list[Feedback]:
    """The reports read in the viewer's department of which a finding may matter, and no addendum says so yet.

    Whoever reads this sees that the patient is served; neither who wrote the report nor the score.
    """
    added = Report.objects.filter(
        reading=OuterRef("report__reading"), state=Report.State.SIGNED, adds_to__isnull=False,
        signed_at__gt=OuterRef("created_at"),
    )  # fmt: skip
    rows = Review.objects.filter(centre__in=viewer.places("chief"), report__reading__state=Reading.State.SIGNED)
    rows = rows.filter(~Exists(added), assessments__matters=True).distinct()
    rows = rows.select_related("report__reading__order__procedure", "report__reading__place")
    return [told for told in _told(rows) if told.stands.matters]


def sees_all_reviews(viewer: Actor) -> bool:
    """Whether somebody sees the figures of the whole country."""
    return viewer.is_system or Held("planner", None) in viewer.held


@dataclass
class Agreement:
    """How often reviewers agreed in a group of reports; no share is said of few, nor of one reader alone."""

    name: str
    total: int = 0
    agreed: int = 0
    matters: int = 0
    readers: set[UUID] = field(default_factory=set)
    fewest: int = 30
    alone: bool = False  # the figures are of one reader, and for that reader

    @property
    def shown(self) -> bool:
        """Whether a share of them may be said."""
        return self.total >= self.fewest and (self.alone or len(self.readers) > 1)

    @property
    def share(self) -> float:
        """How many of a hundred were agreed with."""
        return 100 * self.agreed / self.total

    @property
    def ends(self) -> tuple[float, float]:
        """The interval of 95 % of the share (Wilson)."""
        low, high = rules.interval(self.agreed, self.total)
        return 100 * low, 100 * high


@dataclass(frozen=True)
class Figures:
    """The agreement of a period by modality, centre and part of the day, and all together."""

    total: Agreement
    modalities: list[Agreement]
    centres: list[Agreement]
    bands: list[Agreement]


def _scored(rows: QuerySet[Review]) -> Iterable[tuple[Review, Assessment]]:
    rows = rows.select_related("report__lot", "report__reading", "centre")
    for told in _told(rows):
        yield told.review, told.stands


def review_figures(since: datetime.date, until: datetime.date, *, viewer: Actor) -> Figures:
    """The agreement of what was signed from one day to another, both included, in names' order: nobody is ranked."""
    rows = _between(since, until).filter(report__reading__state=Reading.State.SIGNED)
    if not sees_all_reviews(viewer):
        rows = rows.filter(centre__in=viewer.places("chief"))
    fewest = _fewest(viewer)
    groups: dict[tuple[str, str], Agreement] = {}
    for review, said in _scored(rows):
        lot = review.report.lot
        centre = review.centre.name if review.centre else ""
        for key in (("", ""), ("modality", lot.modality), ("centre", centre), ("band", f"{lot.band:02}")):
            one = groups.setdefault(key, Agreement(key[1], fewest=fewest))
            _count(one, review, said)
    named = sorted(groups.items(), key=lambda item: item[0])
    kinds = [[one for key, one in named if key[0] == kind] for kind in ("modality", "centre", "band")]
    return Figures(groups.get(("", ""), Agreement("", fewest=fewest)), *kinds)


def own_agreement(*, viewer: Actor) -> Agreement:
    """How often reviewers agreed with the viewer's own reports, ever; nobody else is told it."""
    one = Agreement("", fewest=_fewest(viewer), alone=True)
    rows = Review.objects.filter(report__author=viewer.id, report__reading__state=Reading.State.SIGNED)
    for review, said in _scored(rows):
        _count(one, review, said)
    return one


def _count(one: Agreement, review: Review, said: Assessment) -> None:
    one.total += 1
    one.agreed += said.score == 1
    one.matters += said.matters
    one.readers.add(review.report.author_id)


def _fewest(viewer: Actor) -> int:
    rule = review_rule(on=timezone.now(), viewer=viewer)
    return rule.fewest if rule else 30


def _between(since: datetime.date, until: datetime.date) -> QuerySet[Review]:
    begin, end = (_midnight(day) for day in (since, until + datetime.timedelta(days=1)))
    return Review.objects.filter(report__signed_at__gte=begin, report__signed_at__lt=end)


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time()))


@dataclass(frozen=True)
class DrawnMonth:
    """What was drawn in a month, whether every lot is what its key says, and how many authors were told in time."""

    begins: datetime.date
    digest: str  # SHA-256 of the secret
    secret: str  # hexadecimal; empty until the month is over
    reports: int
    drawn: int
    wrong: int  # lots that are not what the key says, or numbers that are missing
    strata: int
    due: int  # reviews whose time is over
    in_time: int

    @property
    def share(self) -> float:
        """Of a hundred signed reports, how many fell to be reviewed."""
        return 100 * self.drawn / self.reports if self.reports else 0.0


def drawn_months(*, viewer: Actor, most: int = 12) -> list[DrawnMonth]:
    """The last months, each lot recomputed from its key; the key itself once the month is over, for all to check."""
    if not rules.SEES_FIGURES & viewer.roles and not viewer.is_system:
        return []
    months = ReviewMonth.objects.order_by("-begins")[:most]
    return [_checked(month) for month in months]


def _checked(month: ReviewMonth) -> DrawnMonth:
    secret, now = bytes(month.secret), timezone.now()
    over = timezone.localdate() >= (month.begins + datetime.timedelta(days=32)).replace(day=1)
    wrong = 0
    numbers: dict[str, int] = defaultdict(int)
    lots = Lot.objects.filter(month=month).values_list("place", "modality", "band", "number", "one_in", "drawn")
    total = hits = 0
    for place, modality, band, number, one_in, drawn in lots.iterator():
        stratum = rules.stratum(place, modality, band)
        numbers[stratum] = max(numbers[stratum], number)
        wrong += rules.is_drawn(secret, stratum=stratum, number=number, one_in=one_in) != drawn
        total, hits = total + 1, hits + drawn
    in_time = Exists(
        Assessment.objects.filter(review=OuterRef("pk"), kind=Kind.REVIEW, scored_at__lte=OuterRef("due_at"))
    )
    due = Review.objects.filter(report__lot__month=month, due_at__lt=now, report__reading__state=Reading.State.SIGNED)
    told = due.filter(in_time).count()
    return DrawnMonth(
        month.begins, hashlib.sha256(secret).hexdigest(), secret.hex() if over else "", total, hits,
        wrong + sum(numbers.values()) - total, len(numbers), due.count(), told,
    )  # fmt: skip


def overdue_reviews(*, viewer: Actor) -> int:
    """How many authors should have been told by now, in the viewer's department or the country; by no one's name."""
    done = Assessment.objects.filter(review=OuterRef("pk"), kind=Kind.REVIEW, scored_at__isnull=False)
    rows = Review.objects.filter(~Exists(done), due_at__lt=timezone.now(), report__reading__state=Reading.State.SIGNED)
    return (rows if sees_all_reviews(viewer) else rows.filter(centre__in=viewer.places("chief"))).count()


def lessons(*, viewer: Actor, modality: str = "") -> QuerySet[LearningCase]:
    """The learning file, for all who read: points and images without names, the newest first."""
    rows = LearningCase.objects.select_related("release__project").order_by("-created_at", "-id")
    if not viewer.roles & {"radiologist", "resident", "chief"}:
        return rows.none()
    return rows.filter(modality=modality) if modality else rows


def lesson_of(review: UUID, *, viewer: Actor) -> LearningCase | None:
    """What the learning file has of a review that the viewer did, or of a report of theirs."""
    mine = Q(review__assessments__reader=viewer.id) | Q(review__report__author=viewer.id)
    return LearningCase.objects.filter(mine, review=review).distinct().first() if viewer.id else None


def may_see_images(lesson: LearningCase, *, viewer: Actor) -> bool:
    """Whether the copies of a case are here, and the viewer may look at them: who reads where it was read."""
    made, gone = lesson.release.ended_at is not None, lesson.release.gone_at is not None
    return made and not gone and archive.may_open(lesson.release, viewer=viewer)
