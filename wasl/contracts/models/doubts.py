"""Doubts: acts whose facts look wrong by a dated rule, until a person says why they are right."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from wasl.contracts.models.acts import Act
from wasl.kernel.models import Row


class Suspicion(models.TextChoices):
    """What may look wrong of an act."""

    TWICE = "twice", _("the same exam of the same patient, twice in a day")
    FAST = "fast", _("signed too soon after it was claimed")
    MANY = "many", _("too many acts in an hour")
    UNSEEN = "unseen", _("its images were not opened")


class DoubtRule(Row):
    """Which acts are in doubt, in a period, and whether they are held until somebody clears them."""

    kind = models.CharField(max_length=6, choices=Suspicion.choices)
    modality = models.CharField(max_length=4, blank=True)  # empty: of every other
    limit = models.PositiveIntegerField()  # seconds after the claim, or acts in an hour; 0 where nothing is counted
    holds = models.BooleanField()
    source = models.CharField(max_length=200)
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="contracts_one_rule_of_a_doubt_holds_at_a_time",
                expressions=(
                    ("kind", RangeOperators.EQUAL),
                    ("modality", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ),
            ),
            models.CheckConstraint(
                condition=Q(kind__in=("fast", "many"), limit__gt=0) | Q(kind__in=("twice", "unseen"), limit=0),
                name="contracts_a_rule_of_doubt_counts_what_there_is_to_count",
            ),
        )


class Doubt(Row):
    """An act that a rule doubts, with what the facts say of it; cleared once by a person, for a reason."""

    act = models.ForeignKey(Act, on_delete=models.PROTECT, related_name="doubts")
    kind = models.CharField(max_length=6, choices=Suspicion.choices)
    rule = models.ForeignKey(DoubtRule, on_delete=models.PROTECT, related_name="doubts")
    holds = models.BooleanField()
    claimed_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    signed_at = models.DateTimeField()
    counted = models.PositiveIntegerField()  # what the rule compares: exams alike, seconds, acts of the hour
    cleared_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    cleared_at = models.DateTimeField(null=True)
    because = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = (models.Index(fields=("act",), condition=Q(cleared_at__isnull=True), name="contracts_doubt_open"),)
        constraints = (
            models.UniqueConstraint(fields=("act", "kind"), name="contracts_an_act_is_doubted_once_for_a_thing"),
            models.CheckConstraint(
                condition=Q(cleared_by__isnull=True, cleared_at__isnull=True, because="")
                | (Q(cleared_by__isnull=False, cleared_at__isnull=False) & ~Q(because="")),
                name="contracts_somebody_clears_a_doubt_for_a_reason",
            ),
        )
