"""Peer review: the rule, the lot that decides what is reviewed, and what colleagues who do not know each other say."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.radiology.models.reporting import Report


class ReviewRule(Row):
    """How many final reports are reviewed in a period, how soon, and from how many on a share is said."""

    one_in = models.PositiveSmallIntegerField()  # one report of so many, in each stratum: 20 is 5 %, 33 is 3 %
    bands = ArrayField(models.PositiveSmallIntegerField())  # the local hours at which the parts of a day begin
    days = models.PositiveSmallIntegerField()  # from the signature to the feedback
    fewest = models.PositiveSmallIntegerField()  # reviews; of fewer no share is said
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_reviews_are_ruled_once_at_a_time",
                expressions=(("period", RangeOperators.OVERLAPS),),
            ),
            models.CheckConstraint(
                condition=Q(one_in__gte=20, one_in__lte=33), name="radiology_three_to_five_of_a_hundred_are_reviewed"
            ),
            models.CheckConstraint(
                condition=Q(days__gte=1, days__lte=7), name="radiology_a_review_is_told_within_a_week"
            ),
        )


class ReviewMonth(Row):
    """The secret by which the reports of a month are drawn; its digest is in the journal from the first draw on."""

    begins = models.DateField(unique=True)
    secret = models.BinaryField(max_length=32)


class Lot(Row):
    """The number of a signed report in its month and stratum, and whether it fell to be reviewed; never changed."""

    report = models.OneToOneField(Report, on_delete=models.PROTECT, related_name="lot")
    month = models.ForeignKey(ReviewMonth, on_delete=models.PROTECT, related_name="lots")
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")  # where it was made
    modality = models.CharField(max_length=4)
    band = models.PositiveSmallIntegerField()  # the hour at which the part of the day begins
    number = models.PositiveIntegerField()  # from 1 on
    one_in = models.PositiveSmallIntegerField()
    drawn = models.BooleanField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("month", "place", "modality", "band", "number"), name="radiology_a_number_is_drawn_once"
            ),
        )


class Review(Row):
    """A report that is reviewed: by when, and what its author answered."""

    class Answer(models.TextChoices):
        """What the author says to the feedback."""

        NONE = "", pgettext_lazy("review", "not answered yet")
        ACCEPTS = "accepts", pgettext_lazy("review", "I agree")
        DISAGREES = "disagrees", pgettext_lazy("review", "I disagree")

    report = models.OneToOneField(Report, on_delete=models.PROTECT, related_name="review")
    centre = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)  # of the author
    due_at = models.DateTimeField()
    answer = models.CharField(max_length=9, choices=Answer.choices, blank=True, default=Answer.NONE)
    answer_text = models.CharField(max_length=1000, blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("due_at",), name="radiology_review_by_due"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True) | (~Q(answer="") & Q(answered_at__isnull=False)),
                name="radiology_an_answer_has_its_time",
            ),
            models.CheckConstraint(
                condition=~Q(answer="disagrees") | ~Q(answer_text=""), name="radiology_who_disagrees_says_why"
            ),
        )


class Assessment(Row):
    """What one reader who does not know the author says of a report: the review, or the arbitration after it."""

    class Kind(models.TextChoices):
        """Whether it is the first opinion, or settles a disagreement about it."""

        REVIEW = "review", pgettext_lazy("assessment", "review")
        ARBITRATION = "arbitration", pgettext_lazy("assessment", "arbitration")

    class Reason(models.TextChoices):
        """Why two readers came to read differently."""

        MISSED = "missed", pgettext_lazy("assessment", "finding not mentioned")
        OVERCALLED = "overcalled", pgettext_lazy("assessment", "finding that is not there")
        MEANING = "meaning", pgettext_lazy("assessment", "seen, and interpreted otherwise")
        PLACE = "place", pgettext_lazy("assessment", "side, level or organ")
        PRIORS = "priors", pgettext_lazy("assessment", "comparison with earlier exams")
        QUESTION = "question", pgettext_lazy("assessment", "the question is not answered")
        WORDING = "wording", pgettext_lazy("assessment", "wording that misleads")
        ADVICE = "advice", pgettext_lazy("assessment", "recommendation missing or unsuited")

    class Decline(models.TextChoices):
        """Why a reader does not review a report."""

        PATIENT = "patient", pgettext_lazy("decline", "I know the patient")
        AUTHOR = "author", pgettext_lazy("decline", "I know who read this exam")
        UNFAMILIAR = "unfamiliar", pgettext_lazy("decline", "outside what I read safely")
        AWAY = "away", pgettext_lazy("decline", "I am away")

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="assessments")
    kind = models.CharField(max_length=11, choices=Kind.choices)
    reader = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    taken_at = models.DateTimeField(null=True)
    score = models.PositiveSmallIntegerField(null=True)  # 1 agrees; 2 and 3 as RADPEER has them
    matters = models.BooleanField(default=False)  # b: likely to be clinically significant
    reasons = ArrayField(models.CharField(max_length=10, choices=Reason.choices), default=list)
    text = models.CharField(max_length=2000, blank=True)
    scored_at = models.DateTimeField(null=True)
    declined = models.CharField(max_length=10, choices=Decline.choices, blank=True)
    declined_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("reader",), condition=Q(scored_at__isnull=True, declined_at__isnull=True),
                name="radiology_assessment_to_do",
            ),
        )  # fmt: skip
        constraints = (
            models.UniqueConstraint(
                fields=("review", "kind"), condition=Q(declined_at__isnull=True), name="radiology_one_reader_assesses"
            ),
            models.UniqueConstraint(fields=("review", "reader"), name="radiology_a_reader_assesses_a_report_once"),
            models.CheckConstraint(
                condition=Q(score__isnull=True, scored_at__isnull=True, matters=False)
                | Q(score=1, scored_at__isnull=False, matters=False)
                | (Q(score__in=(2, 3), scored_at__isnull=False) & ~Q(text="") & ~Q(reasons=[])),
                name="radiology_a_score_says_why",
            ),
            models.CheckConstraint(
                condition=Q(declined="", declined_at__isnull=True)
                | (~Q(declined="") & Q(declined_at__isnull=False, scored_at__isnull=True)),
                name="radiology_what_is_declined_is_not_scored",
            ),
            models.CheckConstraint(
                condition=Q(scored_at__isnull=True) | Q(taken_at__isnull=False, taken_at__lte=F("scored_at")),
                name="radiology_what_is_scored_was_taken",
            ),
        )


class LearningCase(Row):
    """What colleagues may learn from a reviewed exam: points without a name, and images that name nobody."""

    review = models.OneToOneField(Review, on_delete=models.PROTECT, related_name="lesson")
    release = models.ForeignKey("archive.Release", on_delete=models.PROTECT, related_name="+")
    modality = models.CharField(max_length=4)
    title = models.CharField(max_length=120)
    points = models.CharField(max_length=4000)
