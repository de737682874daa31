"""Framework agreements: which hospital reads for which, what, when and how fast; kept as they were signed."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, IntegerRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.radiology.models.catalogue import Procedure, Urgency


class Agreement(Row):
    """A provider reads exams of a beneficiary; once both have signed, the database refuses all but an earlier end."""

    class State(models.TextChoices):
        """A draft may change, what both signed never."""

        DRAFT = "draft", pgettext_lazy("agreement", "draft")
        SIGNED = "signed", pgettext_lazy("agreement", "signed")

    provider = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    beneficiary = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    scale = models.CharField(max_length=40)  # the code of a tariff; contracts know what it pays
    text = models.TextField(blank=True)
    hours = ArrayField(IntegerRangeField(), default=list)  # minutes since Monday 0:00, local; empty: day and night
    agreed = DateRangeField()  # what both sign
    period = DateRangeField()  # in force: what was agreed, or less of it after an early end
    version = models.PositiveIntegerField(default=1)  # of the draft: nobody signs what was changed meanwhile
    state = models.CharField(max_length=6, choices=State.choices, default=State.DRAFT)
    provider_signer = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    provider_signed_at = models.DateTimeField(null=True)
    beneficiary_signer = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    beneficiary_signed_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    ended_at = models.DateTimeField(null=True)  # when notice was given
    ended_because = models.CharField(max_length=300, blank=True)
    warned_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("provider", "state"), name="radiology_agreement_given"),
            models.Index(fields=("beneficiary", "state"), name="radiology_agreement_received"),
        )
        constraints = (
            models.CheckConstraint(
                condition=~Q(provider=F("beneficiary")), name="radiology_an_agreement_is_between_two_hospitals"
            ),
            models.CheckConstraint(
                condition=Q(provider_signer__isnull=True, provider_signed_at__isnull=True)
                | Q(provider_signer__isnull=False, provider_signed_at__isnull=False),
                name="radiology_the_provider_signs_by_a_person",
            ),
            models.CheckConstraint(
                condition=Q(beneficiary_signer__isnull=True, beneficiary_signed_at__isnull=True)
                | Q(beneficiary_signer__isnull=False, beneficiary_signed_at__isnull=False),
                name="radiology_the_beneficiary_signs_by_a_person",
            ),
            models.CheckConstraint(
                condition=Q(provider_signer__isnull=True)
                | Q(beneficiary_signer__isnull=True)
                | ~Q(provider_signer=F("beneficiary_signer")),
                name="radiology_two_people_sign_an_agreement",
            ),
            models.CheckConstraint(
                condition=Q(state="signed", provider_signer__isnull=False, beneficiary_signer__isnull=False)
                | Q(state="draft", provider_signer__isnull=True)
                | Q(state="draft", beneficiary_signer__isnull=True),
                name="radiology_an_agreement_is_signed_by_both",
            ),
            models.CheckConstraint(
                condition=Q(period=F("agreed"), ended_at__isnull=True, ended_by__isnull=True, ended_because="")
                | (
                    Q(agreed__contains=F("period"), period__startswith=F("agreed__startswith"), state="signed")
                    & Q(ended_at__isnull=False, ended_by__isnull=False)
                    & ~Q(ended_because="")
                    & ~Q(period=F("agreed"))
                ),
                name="radiology_an_agreement_ends_early_by_notice",
            ),
            models.CheckConstraint(
                condition=Q(agreed__isempty=False, agreed__upper_inf=False, agreed__lower_inf=False)
                & Q(period__isempty=False),
                name="radiology_an_agreement_begins_and_ends",
            ),
        )


class AgreedExam(Row):
    """What an agreement has in scope: an exam, or all exams of a modality, of one urgency, and how fast it is read.

    Who reads for whom, the period and the state are the agreement's own: a foreign key keeps them so
    (0009_pre_agreements), that one table answers whether an exam may be read.
    """

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="exams")
    provider = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    beneficiary = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    period = DateRangeField()
    state = models.CharField(max_length=6, choices=Agreement.State.choices, default=Agreement.State.DRAFT)
    modality = models.CharField(max_length=4)  # DICOM CID 29
    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="+", null=True)  # null: all
    urgency = models.CharField(max_length=2, choices=Urgency.choices)
    minutes = models.PositiveIntegerField(null=True)  # null: as the country's target says

    class Meta:
        indexes = (
            models.Index(
                fields=("beneficiary", "modality", "urgency", "provider"),
                condition=Q(state="signed"),
                name="radiology_agreed_exams",
            ),
        )
        constraints = (
            # one exam is the range of its key alone, all exams are the range without ends: so they overlap
            ExclusionConstraint(
                name="radiology_an_exam_is_agreed_once_at_a_time",
                expressions=(
                    ("provider", RangeOperators.EQUAL),
                    ("beneficiary", RangeOperators.EQUAL),
                    ("modality", RangeOperators.EQUAL),
                    ("urgency", RangeOperators.EQUAL),
                    (
                        Func(F("procedure"), F("procedure"), Value("[]"), function="radiology_procedures"),
                        RangeOperators.OVERLAPS,
                    ),
                    ("period", RangeOperators.OVERLAPS),
                ),
                condition=Q(state="signed"),
            ),
            models.CheckConstraint(
                condition=Q(minutes__isnull=True) | Q(minutes__gt=0), name="radiology_a_response_takes_time"
            ),
        )


class EndWarning(Row):
    """A person who is told that an agreement ends soon, and when they said that they know."""

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="warnings")
    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("person", "read_at"), name="radiology_warning_waiting"),)
        constraints = (models.UniqueConstraint(fields=("agreement", "person"), name="radiology_an_end_is_told_once"),)
