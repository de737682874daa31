"""Cases as the facts have them, the figures of each month counted from them, and what was published of a month."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row


class Case(Row):
    """An order and the moments of its steps, as the journal has them; it can always be noted again, the same."""

    order = models.UUIDField(unique=True)
    reading = models.UUIDField(null=True)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    # whose reader signed it; null until an act is counted
    provider = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    modality = models.CharField(max_length=16)
    urgency = models.CharField(max_length=2)
    month = models.DateField()  # the first day of the month in which it was ordered, local time
    hour = models.PositiveSmallIntegerField()  # of the order, local time
    ordered_at = models.DateTimeField()
    performed_at = models.DateTimeField(null=True)
    complete_at = models.DateTimeField(null=True)
    reported_at = models.DateTimeField(null=True)  # the first report, preliminary or final
    signed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    noted_at = models.DateTimeField()
    counted = models.BooleanField(default=False)  # in the figures of its month

    class Meta:
        indexes = (
            models.Index(fields=("month", "place", "-ordered_at"), name="planning_case_by_place"),
            models.Index(fields=("month", "-ordered_at"), name="planning_case_by_month"),
            models.Index(fields=("reading",), name="planning_case_by_reading"),
            models.Index(fields=("month",), condition=Q(counted=False), name="planning_case_uncounted"),
        )
        constraints = (
            models.CheckConstraint(condition=Q(month__day=1), name="planning_a_month_begins_with_its_first_day"),
            models.CheckConstraint(condition=Q(hour__lt=24), name="planning_an_hour_is_of_the_day"),
        )


class Month(Row):
    """A month whose figures were counted, and when."""

    month = models.DateField(unique=True)
    counted_at = models.DateTimeField(null=True)


class Figure(Row):
    """One indicator of one month for the country, a region or a hospital, whole or for a slice of its cases."""

    class Level(models.TextChoices):
        """For whom a figure is."""

        COUNTRY = "country", pgettext_lazy("level", "country")
        REGION = "region", pgettext_lazy("level", "region")
        PLACE = "place", pgettext_lazy("level", "hospital")

    class Why(models.TextChoices):
        """Why a figure has no value."""

        SAID = "", ""
        NONE = "none", pgettext_lazy("figure", "nothing to count")
        POPULATION = "population", pgettext_lazy("figure", "no population figure")
        NIGHT = "night", pgettext_lazy("figure", "no night hours are set")
        POSTS = "posts", pgettext_lazy("figure", "not known")
        DISTANCE = "distance", pgettext_lazy("figure", "no coordinates")

    month = models.DateField()
    level = models.CharField(max_length=7, choices=Level.choices)
    region = models.ForeignKey("places.Region", on_delete=models.PROTECT, related_name="+", null=True)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    indicator = models.CharField(max_length=20)
    slice = models.CharField(max_length=24, blank=True)  # "", or what its cases have: urgency:P0, hour:07, modality:CT
    numerator = models.FloatField()
    denominator = models.FloatField(null=True)
    value = models.FloatField(null=True)
    low = models.FloatField(null=True)  # the 95 % interval, where there is one
    high = models.FloatField(null=True)
    why = models.CharField(max_length=10, choices=Why.choices, blank=True)
    withheld = models.BooleanField(default=False)  # too few to be published

    class Meta:
        indexes = (
            models.Index(fields=("month", "level", "slice"), name="planning_figure_by_level"),
            models.Index(fields=("place", "indicator", "month"), name="planning_figure_by_place"),
            models.Index(fields=("region", "level", "indicator", "month"), name="planning_figure_by_region"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("month", "level", "region", "place", "indicator", "slice"), nulls_distinct=False,
                name="planning_a_figure_stands_once_in_a_month",
            ),
            models.CheckConstraint(
                condition=Q(value__isnull=False, why="") | (Q(value__isnull=True) & ~Q(why="")),
                name="planning_a_figure_has_a_value_or_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(level="country", region__isnull=True, place__isnull=True)
                | Q(level="region", region__isnull=False, place__isnull=True)
                | Q(level="place", region__isnull=False, place__isnull=False),
                name="planning_a_figure_says_for_whom_it_is",
            ),
        )  # fmt: skip


class Disclosure(Row):
    """Of how few a figure is withheld, in a period."""

    minimum = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=200)
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="planning_one_minimum_holds_at_a_time", expressions=(("period", RangeOperators.OVERLAPS),)
            ),
            models.CheckConstraint(condition=Q(minimum__gte=1), name="planning_a_minimum_withholds_something"),
        )


class Release(Row):
    """The evaluation of a month as it was published: its figures for good, those withheld without their numbers."""

    month = models.DateField()
    number = models.PositiveSmallIntegerField()  # of the month: a later one says what came in since
    minimum = models.PositiveSmallIntegerField()
    figures = models.JSONField()
    counted_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("month", "number"), name="planning_releases_of_a_month_are_numbered"),
        )


class Paper(Row):
    """The sealed PDF of a release in one language, kept as it was made."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="papers")
    language = models.CharField(max_length=2)
    pdf = models.BinaryField()
    sha256 = models.BinaryField(max_length=32)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("release", "language"), name="planning_a_release_is_printed_once_in_a_language"
            ),
        )
