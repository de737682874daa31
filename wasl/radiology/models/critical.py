"""Critical results: how fast each category is owed an answer, who holds it now and who held it, what was answered."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.radiology.models.reporting import Report

CATEGORIES = (1, 2, 3)  # ACR: to be acted on within minutes, hours, days


class CriticalTarget(Row):
    """In how many minutes a critical result of a category is to be acknowledged, in a period."""

    category = models.PositiveSmallIntegerField(db_default=1, default=1)
    minutes = models.PositiveIntegerField()
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_a_category_has_one_target_at_a_time",
                expressions=(("category", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)),
            ),
            models.CheckConstraint(condition=Q(category__in=CATEGORIES), name="radiology_a_target_is_of_a_category"),
        )


class PassingRule(Row):
    """After what share of its time an unanswered critical result goes to each level above, in per cent, in a period."""

    first = models.PositiveSmallIntegerField()
    second = models.PositiveSmallIntegerField()
    third = models.PositiveSmallIntegerField()
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_one_rule_of_passing_up_holds_at_a_time",
                expressions=(("period", RangeOperators.OVERLAPS),),
            ),
            models.CheckConstraint(
                condition=Q(first__gt=0, first__lt=F("second"), second__lt=F("third"), third__lte=100),
                name="radiology_levels_are_reached_one_after_another_in_time",
            ),
        )


class Obligation(Row):
    """A critical result, or a change to one, that somebody must acknowledge in time; at every moment one holds it."""

    class Level(models.IntegerChoices):
        """How far up an unanswered result has gone."""

        ASKER = 0, pgettext_lazy("level", "the doctor who asked")
        HOSPITAL = 1, pgettext_lazy("level", "the doctors of the hospital")
        HEAD = 2, pgettext_lazy("level", "the head of the hospital’s imaging department")
        READER = 3, pgettext_lazy("level", "the reader’s own department, which phones")

    class How(models.TextChoices):
        """How a result reached the clinician who received it."""

        PAGE = "page", pgettext_lazy("communication", "read on this network")
        CODE = "code", pgettext_lazy("communication", "with a code on paper")
        PHONE = "phone", pgettext_lazy("communication", "by phone")
        PERSON = "person", pgettext_lazy("communication", "in person")
        MESSAGE = "message", pgettext_lazy("communication", "by a message")

    class Change(models.TextChoices):
        """What the final report did to the critical content of the preliminary one."""

        ADDED = "added", pgettext_lazy("critical", "added by the final report")
        CHANGED = "changed", pgettext_lazy("critical", "changed by the final report")
        WITHDRAWN = "withdrawn", pgettext_lazy("critical", "no longer said by the final report")

    report = models.OneToOneField(Report, on_delete=models.PROTECT, related_name="obligation")
    category = models.PositiveSmallIntegerField(db_default=1, default=1)
    holder = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    level = models.PositiveSmallIntegerField(choices=Level.choices, db_default=0, default=0)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    what = models.CharField(max_length=300)
    change = models.CharField(max_length=9, choices=Change.choices, blank=True)  # to a preliminary report told before
    code = models.CharField(max_length=10, unique=True, null=True)
    due_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True)  # when it goes one level up, unless it is answered
    # the six that are kept of an answer: who told, who received, when, how, what was said, and that it was read back
    told_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    acknowledged_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    acknowledged_at = models.DateTimeField(null=True)
    how = models.CharField(max_length=8, choices=How.choices, blank=True, db_default="", default="")
    said = models.CharField(max_length=300, blank=True, db_default="", default="")
    read_back = models.BooleanField(db_default=False, default=False)
    entered_at = models.DateTimeField(null=True)  # when it was written down here; paper may be older

    class Meta:
        indexes = (
            models.Index(
                fields=("place", "due_at"),
                condition=Q(acknowledged_at__isnull=True),
                name="radiology_obligation_open",
            ),
            models.Index(
                fields=("next_at",),
                condition=Q(acknowledged_at__isnull=True, next_at__isnull=False),
                name="radiology_obligation_to_pass",
            ),
            models.Index(fields=("created_at", "place"), name="radiology_obligation_raised"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True, acknowledged_by__isnull=True)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
                name="radiology_an_acknowledgement_has_a_name",
            ),
            models.CheckConstraint(
                condition=Q(
                    acknowledged_at__isnull=True, told_by__isnull=True, how="", said="", read_back=False,
                    entered_at__isnull=True,
                )
                | (
                    Q(
                        acknowledged_at__isnull=False, told_by__isnull=False, read_back=True,
                        entered_at__gte=F("acknowledged_at"), how__in=("page", "code", "phone", "person", "message"),
                    )
                    & ~Q(said="")
                ),
                name="radiology_an_answer_says_all_six",
            ),
            models.CheckConstraint(condition=Q(category__in=CATEGORIES), name="radiology_an_obligation_has_a_category"),
            models.CheckConstraint(
                condition=Q(level__lt=3) | Q(level=3, next_at__isnull=True),
                name="radiology_a_result_goes_up_three_levels",
            ),
        )  # fmt: skip


class Handing(Row):
    """A critical result came to somebody: when it was raised, by time, or by hand; the database keeps every one."""

    class Because(models.TextChoices):
        """Why it came; `nobody` when its level has nobody else, and its holder keeps it until the next."""

        RAISED = "raised", pgettext_lazy("handing", "when it was signed")
        TIME = "time", pgettext_lazy("handing", "nobody answered in time")
        NOBODY = "nobody", pgettext_lazy("handing", "nobody else is there at this level")
        HAND = "hand", pgettext_lazy("handing", "handed over")

    obligation = models.ForeignKey(Obligation, on_delete=models.PROTECT, related_name="handings")
    turn = models.PositiveSmallIntegerField()
    level = models.PositiveSmallIntegerField(choices=Obligation.Level.choices)
    holder = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    because = models.CharField(max_length=8, choices=Because.choices)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("obligation", "turn"), name="radiology_a_result_is_handed_on_in_turn"),
            models.UniqueConstraint(
                fields=("obligation", "level"),
                condition=~Q(because="hand"),
                name="radiology_a_level_is_reached_once",
            ),
            models.CheckConstraint(
                condition=Q(because="raised", level=0)
                | Q(because__in=("time", "nobody"), level__in=(1, 2, 3))
                | Q(because="hand", level__in=(0, 1, 2, 3)),
                name="radiology_a_chain_begins_with_who_asked",
            ),
        )


class WrongCode(Row):
    """How many wrong codes a person entered in an hour of the clock."""

    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    hour = models.DateTimeField()
    times = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("person", "hour"), name="radiology_wrong_codes_are_counted_by_the_hour"),
            models.CheckConstraint(condition=Q(times__lte=5), name="radiology_wrong_codes_are_few"),
        )
