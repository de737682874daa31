"""Supervision: what is read twice and how soon, and what a second reader found."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.radiology.models.reporting import Report


class Supervision(Row):
    """How soon preliminary reports are made final, and which final ones are proposed for over-reading, in a period."""

    final_minutes = models.PositiveIntegerField()  # from the preliminary report
    # local hours of signing whose reports are proposed; both null: none
    night_from = models.PositiveSmallIntegerField(null=True)
    night_until = models.PositiveSmallIntegerField(null=True)
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_supervision_is_ruled_once_at_a_time",
                expressions=(("period", RangeOperators.OVERLAPS),),
            ),
            models.CheckConstraint(
                condition=Q(night_from__isnull=True, night_until__isnull=True)
                | (Q(night_from__lt=24, night_until__lt=24) & ~Q(night_from=models.F("night_until"))),
                name="radiology_a_night_begins_and_ends",
            ),
        )


class OverRead(Row):
    """What a second reader found when reading a signed report's images again; the report itself never changes."""

    class Verdict(models.TextChoices):
        """Whether the second reader agrees."""

        AGREES = "agrees", pgettext_lazy("over-read", "agreement")
        MINOR = "minor", pgettext_lazy("change", "minor discrepancy")
        MAJOR = "major", pgettext_lazy("change", "major discrepancy")

    report = models.OneToOneField(Report, on_delete=models.PROTECT, related_name="over_read")
    reader = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=6, choices=Verdict.choices)
    reason = models.CharField(max_length=1000, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(verdict="agrees") | ~Q(reason=""), name="radiology_a_discrepancy_says_what"
            ),
        )
