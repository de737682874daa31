"""Scales: what acts are paid by."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from wasl.contracts.models.acts import Part
from wasl.contracts.models.sessions import Mode
from wasl.kernel.models import Row


class Hours(models.TextChoices):
    """When an act was done (decree 2024-715, art. 3)."""

    OFFICIAL = "official", _("in official hours")
    OUTSIDE = "outside", _("outside official hours")


class Scale(Row):
    """What acts are paid by, in a period; agreements name it by its code. Once published it never changes."""

    code = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=300)  # the legal text that sets it
    invented = models.BooleanField()  # an example, whose amounts no text sets
    period = DateRangeField()
    published_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("code", "version"), name="contracts_versions_of_a_scale_are_numbered"),
            ExclusionConstraint(
                name="contracts_one_version_of_a_scale_holds_at_a_time",
                expressions=(("code", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)),
                condition=Q(published_at__isnull=False),
            ),
        )


class Price(Row):
    """What a scale says of acts of a kind; an empty field says nothing of them, and the part is always named."""

    scale = models.ForeignKey(Scale, on_delete=models.PROTECT, related_name="prices")
    procedure = models.CharField(max_length=16, blank=True)
    modality = models.CharField(max_length=4, blank=True)
    urgency = models.CharField(max_length=2, blank=True)
    mode = models.CharField(max_length=9, blank=True, choices=Mode.choices)
    hours = models.CharField(max_length=8, blank=True, choices=Hours.choices)
    part = models.CharField(max_length=7, choices=Part.choices, default=Part.REPORT, db_default=Part.REPORT)
    amount = models.PositiveBigIntegerField()  # in the currency's smallest unit: millimes, centimes

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("scale", "procedure", "modality", "urgency", "mode", "hours", "part"),
                name="contracts_a_scale_says_one_price_of_a_kind_of_act",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="contracts_a_price_is_more_than_nothing"),
        )
