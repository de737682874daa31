"""Double reading: which reports are read twice, what second readers conclude unknowing, whose reading stands."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.radiology.models.agreements import Agreement
from wasl.radiology.models.catalogue import Procedure, Urgency
from wasl.radiology.models.reporting import Report


class DoubleRule(Row):
    """Which signed reports are read a second time in a period; what a rule leaves open, any report meets."""

    name = models.CharField(max_length=80)
    centre = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)  # of the reader
    modality = models.CharField(max_length=4, blank=True)  # DICOM CID 29
    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="+", null=True)
    urgencies = ArrayField(models.CharField(max_length=2, choices=Urgency.choices), default=list)
    night_from = models.PositiveSmallIntegerField(null=True)  # local hours of signing
    night_until = models.PositiveSmallIntegerField(null=True)
    duty_hours = models.PositiveSmallIntegerField(null=True)  # signed after so many hours on duty
    first_reports = models.PositiveIntegerField(null=True)  # the first so many of a reader, in the exam's modality
    one_in = models.PositiveSmallIntegerField(default=1)  # of what meets all this
    within = models.PositiveSmallIntegerField()  # hours from the signature to the second reading
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_a_rule_of_double_reading_holds_once_at_a_time",
                expressions=(("name", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)),
                condition=Q(centre__isnull=True),
            ),
            ExclusionConstraint(
                name="radiology_a_centres_rule_of_double_reading_holds_once_at_a_time",
                expressions=(
                    ("centre", RangeOperators.EQUAL),
                    ("name", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ),
                condition=Q(centre__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(night_from__isnull=True, night_until__isnull=True)
                | (Q(night_from__lt=24, night_until__lt=24) & ~Q(night_from=F("night_until"))),
                name="radiology_the_hours_of_a_double_reading_begin_and_end",
            ),
            models.CheckConstraint(
                condition=Q(one_in__gte=1, within__gte=1) & ~Q(name=""), name="radiology_a_double_reading_has_its_share"
            ),
        )


class DoubleReading(Row):
    """A signed report that is read a second time: by when, and which of the two readings stands."""

    class Stands(models.TextChoices):
        """Which reading stands, once that is known."""

        OPEN = "", pgettext_lazy("double reading", "not known yet")
        FIRST = "first", pgettext_lazy("double reading", "the first reading stands")
        SECOND = "second", pgettext_lazy("double reading", "the second reading stands")

    report = models.OneToOneField(Report, on_delete=models.PROTECT, related_name="double")
    centre = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)  # of the author
    due_at = models.DateTimeField()
    missed_at = models.DateTimeField(null=True)  # when it was told that its time had passed
    stands = models.CharField(max_length=6, choices=Stands.choices, blank=True, default=Stands.OPEN)
    closed_at = models.DateTimeField(null=True)
    arbiter: bool  # of what waits, as queries say it: two readings differ

    class Meta:
        indexes = (
            models.Index(
                fields=("due_at",), condition=Q(closed_at__isnull=True), name="radiology_double_reading_to_do"
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(stands="", closed_at__isnull=True)
                | (Q(stands__in=("first", "second")) & Q(closed_at__isnull=False)),
                name="radiology_a_closed_double_reading_says_which_stands",
            ),
            models.CheckConstraint(
                condition=Q(missed_at__isnull=True) | Q(missed_at__gte=F("due_at")),
                name="radiology_no_double_reading_is_missed_before_its_time",
            ),
        )


class DoubleCause(Row):
    """A rule that asked for a second reading; several may ask for the same."""

    double = models.ForeignKey(DoubleReading, on_delete=models.PROTECT, related_name="causes")
    rule = models.ForeignKey(DoubleRule, on_delete=models.PROTECT, related_name="causes")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("double", "rule"), name="radiology_a_rule_asks_for_a_second_reading_once"),
        )


class Opinion(Row):
    """What one reader who does not know the others says: a second reading of the images, or which reading stands."""

    class Part(models.TextChoices):
        """Whether it is the second reading, or decides between the two."""

        SECOND = "second", pgettext_lazy("double reading", "second reading")
        ARBITER = "arbiter", pgettext_lazy("double reading", "arbitration")

    class Category(models.TextChoices):
        """What a reading means for the patient, in its reader's judgement."""

        NOTHING = "nothing", pgettext_lazy("double reading", "nothing that changes what is done")
        FINDING = "finding", pgettext_lazy("double reading", "a finding that is not critical")
        CRITICAL = "critical", pgettext_lazy("double reading", "critical: somebody must be told")

    class Verdict(models.TextChoices):
        """How the second reading differs from the first, once both are known."""

        NONE = "", pgettext_lazy("double reading", "not compared yet")
        AGREES = "agrees", pgettext_lazy("over-read", "agreement")
        MINOR = "minor", pgettext_lazy("change", "minor discrepancy")
        MAJOR = "major", pgettext_lazy("change", "major discrepancy")

    DISCREPANCIES = (Verdict.MINOR, Verdict.MAJOR)

    double = models.ForeignKey(DoubleReading, on_delete=models.PROTECT, related_name="opinions")
    part = models.CharField(max_length=7, choices=Part.choices)
    reader = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    centre = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)  # of the reader
    agreement = models.ForeignKey(
        Agreement, on_delete=models.PROTECT, related_name="+", null=True
    )  # by which it was taken; null: for the reader's own hospital
    until = models.DateTimeField()  # after that somebody else may take it
    findings = models.TextField(blank=True)
    conclusion = models.TextField(blank=True)
    category = models.CharField(max_length=8, choices=Category.choices, blank=True)
    given_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=6, choices=Verdict.choices, blank=True, default=Verdict.NONE)
    stands = models.CharField(max_length=6, choices=DoubleReading.Stands.choices, blank=True)  # of an arbiter
    reason = models.CharField(max_length=2000, blank=True)
    done_at = models.DateTimeField(null=True)
    given_back_at = models.DateTimeField(null=True)  # or it lapsed

    class Meta:
        indexes = (
            models.Index(
                fields=("reader",), condition=Q(done_at__isnull=True, given_back_at__isnull=True),
                name="radiology_opinion_to_do",
            ),
        )  # fmt: skip
        constraints = (
            models.UniqueConstraint(
                fields=("double", "part"), condition=Q(given_back_at__isnull=True), name="radiology_one_reader_opines"
            ),
            models.UniqueConstraint(fields=("double", "reader"), name="radiology_a_reader_opines_on_a_report_once"),
            models.CheckConstraint(
                condition=Q(conclusion="", category="", given_at__isnull=True)
                | (~Q(conclusion="") & ~Q(category="") & Q(given_at__isnull=False, part="second")),
                name="radiology_a_second_reading_concludes",
            ),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True, verdict="", stands="")
                | Q(done_at__isnull=False, part="second", verdict="agrees", stands="", given_at__isnull=False)
                | (
                    Q(done_at__isnull=False, part="second", verdict__in=("minor", "major"), stands="")
                    & Q(given_at__isnull=False) & ~Q(reason="")
                )
                | (
                    Q(done_at__isnull=False, part="arbiter", verdict="", stands__in=("first", "second"))
                    & ~Q(reason="")
                ),
                name="radiology_who_compares_readings_says_how",
            ),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | Q(given_back_at__isnull=True),
                name="radiology_what_is_given_back_is_not_done",
            ),
        )  # fmt: skip
