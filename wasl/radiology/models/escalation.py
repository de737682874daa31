"""Cases passed on before they are late, centres gone dark, and to whom a case is open beside those who cover it."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.radiology.models.agreements import Agreement
from wasl.radiology.models.reading import Reading


class EscalationRule(Row):
    """How long before a case is late it is passed on, at what pace, and after what silence a centre is dark; dated."""

    ahead = models.PositiveSmallIntegerField()  # minutes before a foreseen breach from which a case is passed on
    between = models.PositiveSmallIntegerField()  # minutes from one step to the next
    silence = models.PositiveSmallIntegerField()  # minutes without a sign of life of any reader on duty
    silence_routine = models.PositiveSmallIntegerField(db_default=45)  # the same, where nothing urgent waits
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_one_rule_of_escalation_holds_at_a_time",
                expressions=(("period", RangeOperators.OVERLAPS),),
            ),
            models.CheckConstraint(
                condition=Q(ahead__gte=10, between__gt=0, silence__gt=0) & Q(ahead__gte=F("between") * 3),
                name="radiology_every_step_is_done_before_the_breach",
            ),
            models.CheckConstraint(
                condition=Q(silence_routine__gte=F("silence")),
                name="radiology_urgent_exams_miss_a_silent_centre_first",
            ),
        )


class Presence(Row):
    """When a reader last gave a sign of life: looked at the worklist, took a case, or had one open."""

    person = models.OneToOneField("accounts.Person", on_delete=models.PROTECT, related_name="+")
    seen_at = models.DateTimeField()


class Outage(Row):
    """A centre is dark: nobody there reads for a while, as its silence shows or as somebody who answers for it says."""

    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    period = DateTimeRangeField()
    declared_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    because = models.CharField(max_length=300, blank=True)  # of a declared one; silence says itself
    ended_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    ended_because = models.CharField(max_length=300, blank=True)
    unread = models.PositiveIntegerField(default=0)  # the most cases that had nobody to go to, as was told

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_a_centre_is_dark_once_at_a_time",
                expressions=(("place", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)),
            ),
            models.CheckConstraint(
                condition=Q(declared_by__isnull=True, because="") | (Q(declared_by__isnull=False) & ~Q(because="")),
                name="radiology_who_declares_a_centre_dark_says_why",
            ),
            models.CheckConstraint(
                condition=Q(period__isempty=False)
                & (Q(period__upper_inf=False) | Q(ended_by__isnull=True, ended_because="")),
                name="radiology_a_dark_centre_is_back_once_it_is_over",
            ),
        )


class EscalationStep(Row):
    """A case was passed on before its deadline, to somebody or to a centre; or this step had nobody."""

    class Number(models.IntegerChoices):
        """The steps, one after another: local, of the region, of the country."""

        READER = 1, pgettext_lazy("escalation", "next reader")
        CHIEF = 2, pgettext_lazy("escalation", "head of the centre")
        REGION = 3, pgettext_lazy("escalation", "centre of the same region")
        COUNTRY = 4, pgettext_lazy("escalation", "another centre of the country")

    class Because(models.TextChoices):
        """Why it went: the clock, a person, or `nobody` when this step has nobody."""

        TIME = "time", pgettext_lazy("escalation", "it would be late")
        HAND = "hand", pgettext_lazy("escalation", "passed on by hand")
        NOBODY = "nobody", pgettext_lazy("escalation", "nobody is there for this step")

    reading = models.ForeignKey(Reading, on_delete=models.PROTECT, related_name="steps")
    number = models.PositiveSmallIntegerField(choices=Number.choices)
    due_at = models.DateTimeField()  # the deadline it was done for; the final report has another than the first
    because = models.CharField(max_length=8, choices=Because.choices)
    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    centre = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    asked_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    reason = models.CharField(max_length=300, blank=True)
    acknowledged_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    acknowledged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("reading", "due_at", "number"), name="radiology_a_step_is_done_once_for_a_deadline"
            ),
            models.CheckConstraint(
                condition=Q(because="nobody", person__isnull=True, centre__isnull=True)
                | (~Q(because="nobody") & Q(number__in=(1, 2), person__isnull=False, centre__isnull=True))
                | (~Q(because="nobody") & Q(number__in=(3, 4), person__isnull=True, centre__isnull=False)),
                name="radiology_a_step_goes_to_a_person_or_a_centre",
            ),
            models.CheckConstraint(
                condition=~Q(because="hand") | (Q(asked_by__isnull=False) & ~Q(reason="")),
                name="radiology_who_passes_a_case_on_says_why",
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True, acknowledged_by__isnull=True)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
                name="radiology_who_has_a_step_in_hand_has_a_name",
            ),
        )


class Opening(Row):
    """A case is open to the readers of one more centre, by an agreement: by a step, or as its own centre went dark.

    Of an outage, it is no longer the dark centre's: what was redistributed is not snatched back.
    """

    reading = models.ForeignKey(Reading, on_delete=models.PROTECT, related_name="openings")
    centre = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="+")
    step = models.OneToOneField(EscalationStep, on_delete=models.PROTECT, related_name="opening", null=True)
    outage = models.ForeignKey(Outage, on_delete=models.PROTECT, related_name="openings", null=True)
    ended_at = models.DateTimeField(null=True)  # when this centre went dark too

    class Meta:
        indexes = (
            models.Index(fields=("centre",), condition=Q(ended_at__isnull=True), name="radiology_opening_of_centre"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("reading", "centre"), condition=Q(ended_at__isnull=True),
                name="radiology_a_case_is_opened_to_a_centre_once",
            ),
            models.UniqueConstraint(
                fields=("reading", "outage"), condition=Q(outage__isnull=False),
                name="radiology_a_case_is_redistributed_once_in_an_outage",
            ),
            models.CheckConstraint(
                condition=Q(step__isnull=False, outage__isnull=True) | Q(step__isnull=True, outage__isnull=False),
                name="radiology_a_case_is_opened_by_a_step_or_an_outage",
            ),
        )  # fmt: skip
