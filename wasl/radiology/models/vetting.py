"""Vetting before exposure: which exams need it, how soon, what was decided of each, and with which protocol."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language, pgettext_lazy

from wasl.kernel.models import Row
from wasl.radiology.models.catalogue import Procedure, Urgency
from wasl.radiology.models.orders import Order


class VettingRule(Row):
    """Whether an exam, or every exam of a modality, is vetted before it is made at a hospital, in a period."""

    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    modality = models.CharField(max_length=4)  # DICOM CID 29
    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="+", null=True)  # null: all
    needed = models.BooleanField()
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_an_exam_has_one_rule_of_vetting_at_a_time",
                expressions=(
                    ("place", RangeOperators.EQUAL),
                    ("procedure", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ),
                condition=Q(procedure__isnull=False),
            ),
            ExclusionConstraint(
                name="radiology_a_modality_has_one_rule_of_vetting_at_a_time",
                expressions=(
                    ("place", RangeOperators.EQUAL),
                    ("modality", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ),
                condition=Q(procedure__isnull=True),
            ),
        )


class VettingTarget(Row):
    """In how many minutes an exam of an urgency class is to be vetted, in a period; no class has one by itself."""

    urgency = models.CharField(max_length=2, choices=Urgency.choices)
    minutes = models.PositiveIntegerField()
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_a_class_has_one_target_of_vetting_at_a_time",
                expressions=(("urgency", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)),
            ),
            models.CheckConstraint(condition=Q(minutes__gt=0), name="radiology_vetting_takes_time"),
        )


class Protocol(Row):
    """A protocol of the catalogue by which an exam, or any exam of a modality, may be made, in three languages."""

    code = models.CharField(max_length=16, unique=True)
    name_ar = models.CharField(max_length=120)
    name_fr = models.CharField(max_length=120)
    name_en = models.CharField(max_length=120)
    modality = models.CharField(max_length=4)  # DICOM CID 29
    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="+", null=True)  # null: any

    @property
    def name(self) -> str:
        """The name in the language in force."""
        return str(getattr(self, f"name_{(get_language() or 'fr')[:2]}", self.name_fr))

    def __str__(self) -> str:
        return self.name


class Vetting(Row):
    """That an order's exam is vetted before it is made; its clock runs from here, and nothing stops it."""

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="vetting")
    asked = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="+")  # what was ordered
    due_at = models.DateTimeField(null=True)  # null: nobody set a target for its class


class Verdict(Row):
    """What was decided of an exam before it was made, or that it went on without; and what was found afterwards."""

    class Kind(models.TextChoices):
        """What was decided, or happened."""

        ACCEPTED = "accepted", pgettext_lazy("vetting", "accepted")
        CHANGED = "changed", pgettext_lazy("vetting", "changed")
        REFUSED = "refused", pgettext_lazy("vetting", "refused")
        BYPASSED = "bypassed", pgettext_lazy("vetting", "bypassed in a vital emergency")
        UNASKED = "unasked", pgettext_lazy("vetting", "made before anybody vetted it")
        RIGHT = "right", pgettext_lazy("vetting", "found right afterwards")
        WRONG = "wrong", pgettext_lazy("vetting", "found not right afterwards")

    class Reason(models.TextChoices):
        """Why an exam is refused."""

        INDICATION = "indication", pgettext_lazy("refusal", "not indicated")
        RADIATION = "radiation", pgettext_lazy("refusal", "an exam with less or no radiation answers it")
        LATELY = "lately", pgettext_lazy("refusal", "the answer is in an earlier exam")
        DANGER = "danger", pgettext_lazy("refusal", "contraindicated for this patient")
        MEANS = "means", pgettext_lazy("refusal", "cannot be made well enough here")
        QUESTION = "question", pgettext_lazy("refusal", "the question is not clear")
        OTHER = "other", pgettext_lazy("refusal", "another reason")

    AFTERWARDS = (Kind.RIGHT, Kind.WRONG)
    WITHOUT = (Kind.BYPASSED, Kind.UNASKED)  # the exam went on without vetting, which is owed
    GO_ON = (Kind.ACCEPTED, Kind.CHANGED)

    vetting = models.ForeignKey(Vetting, on_delete=models.PROTECT, related_name="verdicts")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="+", null=True)  # changed to
    protocol = models.ForeignKey(Protocol, on_delete=models.PROTECT, related_name="+", null=True)
    instructions = models.TextField(blank=True)  # the protocol in the radiologist's own words
    contrast = models.BooleanField(null=True)
    reason = models.CharField(max_length=10, choices=Reason.choices, blank=True)
    note = models.TextField(blank=True)  # why, in words
    alternative = models.TextField(blank=True)

    class Meta:
        indexes = (models.Index(fields=("created_at",), name="radiology_verdict_by_day"),)
        constraints = (
            models.UniqueConstraint(
                fields=("vetting",), condition=~Q(kind__in=("right", "wrong")), name="radiology_an_exam_is_vetted_once"
            ),
            models.UniqueConstraint(
                fields=("vetting",),
                condition=Q(kind__in=("right", "wrong")),
                name="radiology_an_exam_is_vetted_once_afterwards",
            ),
            models.CheckConstraint(
                condition=Q(kind="unasked", by__isnull=True) | (~Q(kind="unasked") & Q(by__isnull=False)),
                name="radiology_somebody_vets",
            ),
            models.CheckConstraint(
                condition=~Q(kind="refused") | ~(Q(reason="") | Q(note="") | Q(alternative="")),
                name="radiology_a_refused_exam_has_a_reason_and_an_alternative",
            ),
            models.CheckConstraint(
                condition=Q(kind="changed", procedure__isnull=False) & ~Q(note="")
                | (~Q(kind="changed") & Q(procedure__isnull=True)),
                name="radiology_a_changed_exam_says_into_which_and_why",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=("bypassed", "wrong")) | ~Q(note=""),
                name="radiology_vetting_is_bypassed_for_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=("accepted", "changed"))
                | (Q(contrast__isnull=False) & ~Q(instructions="", protocol__isnull=True)),
                name="radiology_a_vetted_exam_has_a_protocol",
            ),
        )
