"""The reader's display: which exams ask for its quick check, and what readers saw of the patterns shown to them."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q

from wasl.kernel.models import Row


class DisplayRule(Row):
    """Of which modalities no report is signed before a check of the display, and how long one holds, in a period."""

    modalities = ArrayField(models.CharField(max_length=4))  # none: nobody is asked
    hours = models.PositiveSmallIntegerField()
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_displays_are_ruled_once_at_a_time", expressions=(("period", RangeOperators.OVERLAPS),)
            ),
            models.CheckConstraint(condition=Q(hours__gt=0), name="radiology_a_check_of_a_display_holds_for_a_while"),
        )


class DisplayCheck(Row):
    """A pattern shown to a reader on one screen, and what they saw of it: a quick check, not a calibration.

    The screen is that of a browser's session: the same person elsewhere, or signed in again, is asked again.
    """

    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    screen = models.UUIDField()
    # in pixels of the device; 0: the browser did not say
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    pattern = models.JSONField()  # of each picture its kind, its two levels of grey, and where its mark is
    answers = models.JSONField(null=True)  # of each picture where its mark was seen
    right = models.PositiveSmallIntegerField(null=True)
    answered_at = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)  # of a passed one

    class Meta:
        indexes = (models.Index(fields=("person", "screen", "valid_until"), name="radiology_check_of_a_screen"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, answers__isnull=True, right__isnull=True)
                | Q(answered_at__isnull=False, answers__isnull=False, right__isnull=False),
                name="radiology_an_answered_check_has_its_answers",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("answered_at")),
                name="radiology_only_an_answered_check_is_passed",
            ),
        )
