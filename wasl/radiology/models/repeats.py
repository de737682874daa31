"""How long an exam stands for another one, and what doctors did when they were shown that one does."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.radiology.models.catalogue import Procedure
from wasl.radiology.models.orders import Order


class Validity(Row):
    """For how many days exams of a modality, or of one of its regions, stand for another one, in a period."""

    modality = models.CharField(max_length=4)  # DICOM CID 29
    region = models.CharField(max_length=30, blank=True)  # SNOMED code of DICOM CID 4; empty: every region
    days = models.PositiveSmallIntegerField()  # 0: each may be made again at once
    owner = models.CharField(max_length=120)  # who answers for it clinically, in words
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_exams_have_one_validity_at_a_time",
                expressions=(
                    ("modality", RangeOperators.EQUAL),
                    ("region", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ),
            ),
            models.CheckConstraint(condition=~Q(owner=""), name="radiology_a_validity_has_an_owner"),
        )


class EarlierShown(Row):
    """A doctor was shown that an earlier exam stands for the one chosen, on a day, and what they did then."""

    class Outcome(models.TextChoices):
        """What the doctor did; nothing yet, or gone away, is NONE."""

        NONE = "none", pgettext_lazy("earlier exam", "neither")
        USED = "used", pgettext_lazy("earlier exam", "used")
        ORDERED = "ordered", pgettext_lazy("earlier exam", "ordered all the same")

    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    earlier = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.NONE)
    ordered = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        indexes = (models.Index(fields=("day", "place"), name="radiology_earlier_shown_by_day"),)
        constraints = (
            models.UniqueConstraint(
                fields=("person", "patient", "procedure", "day"), name="radiology_an_earlier_exam_is_shown_once_a_day"
            ),
            models.CheckConstraint(
                condition=Q(outcome="ordered", ordered__isnull=False)
                | (~Q(outcome="ordered") & Q(ordered__isnull=True)),
                name="radiology_ordered_all_the_same_names_its_order",
            ),
        )
