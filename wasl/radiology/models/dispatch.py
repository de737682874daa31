"""Who reads what next: the rule and its versions, how much work an exam is, and cases that a reader passed over."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.radiology.models.catalogue import Procedure
from wasl.radiology.models.reading import Reading


class DispatchRule(Row):
    """A version of what decides who reads what next; once published it only ends, when the next one is published."""

    version = models.PositiveIntegerField(unique=True)
    weights = models.JSONField()  # of rules.dispatch.Weights, by name
    why = models.TextField()
    drafted_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    published_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    published_at = models.DateTimeField(null=True)
    period = DateTimeRangeField(null=True)

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_one_rule_of_dispatch_holds_at_a_time",
                expressions=(("period", RangeOperators.OVERLAPS),),
            ),
            models.UniqueConstraint(
                fields=("published_at",), nulls_distinct=False, name="radiology_one_rule_of_dispatch_is_drafted"
            ),
            models.CheckConstraint(
                condition=Q(published_at__isnull=True, period__isnull=True, published_by__isnull=True)
                | Q(published_at__isnull=False, period__startswith=F("published_at"), period__isempty=False),
                name="radiology_a_published_rule_holds_from_then_on",
            ),
        )


class Effort(Row):
    """How much work an exam is, or any exam of a modality, in a period: points, each a minute of an average reader."""

    modality = models.CharField(max_length=4)  # DICOM CID 29
    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="+", null=True)  # null: all
    points = models.PositiveSmallIntegerField()
    measured = models.PositiveIntegerField(default=0)  # how many readings it was derived from; 0: it is an example
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_an_exam_has_one_effort_at_a_time",
                expressions=(("procedure", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)),
                condition=Q(procedure__isnull=False),
            ),
            ExclusionConstraint(
                name="radiology_a_modality_has_one_effort_at_a_time",
                expressions=(("modality", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)),
                condition=Q(procedure__isnull=True),
            ),
            models.CheckConstraint(condition=Q(points__gt=0), name="radiology_an_effort_takes_time"),
        )


class Skip(Row):
    """A reader passed over the case that was proposed, and why; for a while it is not proposed to them again."""

    class Reason(models.TextChoices):
        """Why a case is passed over."""

        UNFAMILIAR = "unfamiliar", pgettext_lazy("skip", "outside what I read safely")
        IMAGES = "images", pgettext_lazy("skip", "images missing or not good enough")
        QUESTION = "question", pgettext_lazy("skip", "question unclear, I am asking")
        KNOWN = "known", pgettext_lazy("skip", "I know the patient")
        AWAY = "away", pgettext_lazy("skip", "I am called away")
        OTHER = "other", pgettext_lazy("skip", "another reason")

    reading = models.ForeignKey(Reading, on_delete=models.PROTECT, related_name="skips")
    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=12, choices=Reason.choices)
    note = models.CharField(max_length=300, blank=True)
    period = DateTimeRangeField()  # in which it is not proposed to this reader

    class Meta:
        indexes = (models.Index(fields=("person", "period"), name="radiology_skip_of_reader"),)
        constraints = (
            ExclusionConstraint(
                name="radiology_a_case_is_skipped_once_at_a_time",
                expressions=(
                    ("reading", RangeOperators.EQUAL),
                    ("person", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ),
            ),
            models.CheckConstraint(
                condition=~Q(reason="other") | ~Q(note=""), name="radiology_another_reason_is_said_in_words"
            ),
        )
