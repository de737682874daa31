"""Staff and established posts, the hospitals that a reader serves, and who is on duty at every hour of the month."""

import datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language, pgettext_lazy

from wasl.kernel.models import Row


class Worker(Row):
    """A health professional: the name, the specialty and the licence that stand under a report."""

    person = models.OneToOneField("accounts.Person", on_delete=models.PROTECT, related_name="+")
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    specialty = models.CharField(max_length=60)
    licence = models.CharField(max_length=40, unique=True)  # number in the Order of physicians
    languages = ArrayField(models.CharField(max_length=2), default=list)


class Cover(Row):
    """A reader reads the exams of a hospital, of some modalities or of all, in a period."""

    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="covers")
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    modalities = ArrayField(models.CharField(max_length=4), default=list)  # DICOM CID 29; empty: all
    period = DateTimeRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="workforce_a_reader_covers_a_hospital_once_at_a_time",
                expressions=(
                    ("worker", RangeOperators.EQUAL),
                    ("place", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ),
            ),
        )


class SessionRule(Row):
    """What the country's decree on remote reading says of a session, in a period; what it does not say is null."""

    hours = models.PositiveSmallIntegerField()  # it lasts so long, and no shift longer
    most = models.PositiveSmallIntegerField(null=True)  # validated ones of one doctor in one month
    opens = models.TimeField(null=True)  # official hours of a working day
    closes = models.TimeField(null=True)
    source = models.CharField(max_length=200)
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="workforce_one_rule_of_sessions_holds_at_a_time",
                expressions=(("period", RangeOperators.OVERLAPS),),
            ),
            models.CheckConstraint(
                condition=Q(hours__gt=0) & (Q(most__isnull=True) | Q(most__gt=0)),
                name="workforce_a_rule_of_sessions_lets_some_be",
            ),
            models.CheckConstraint(
                condition=Q(opens__isnull=True, closes__isnull=True) | Q(opens__lt=F("closes")),
                name="workforce_official_hours_open_before_they_close",
            ),
        )


class EstablishedPosts(Row):
    """How many posts of a specialty the ministry establishes at a hospital, in a period, filled or not."""

    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    specialty = models.CharField(max_length=60)  # as workers have it
    number = models.PositiveSmallIntegerField()
    reference = models.CharField(max_length=200)  # the decree, the budget or the decision that says so
    # null: Wasl itself, for the demonstration
    written_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="workforce_posts_of_a_specialty_stand_once_at_a_time",
                expressions=(
                    ("place", RangeOperators.EQUAL),
                    ("specialty", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ),
            ),
            models.CheckConstraint(condition=Q(number__gte=0), name="workforce_posts_are_no_fewer_than_none"),
            models.CheckConstraint(
                condition=Q(period__isempty=False, period__startswith__isnull=False) & ~Q(reference=""),
                name="workforce_posts_hold_from_a_day_by_a_text",
            ),
        )

    @property
    def last(self) -> datetime.date | None:
        """The last day on which they held; None while nothing replaced them."""
        return self.period.upper - datetime.timedelta(days=1) if self.period.upper else None


class Group(Row):
    """Hospitals whose hours of a specialty are covered together; one place leads, and plans for all."""

    name_ar = models.CharField(max_length=120)
    name_fr = models.CharField(max_length=120, unique=True)
    name_en = models.CharField(max_length=120)
    specialty = models.CharField(max_length=60)  # for good: its memberships and its rosters say the same
    lead = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    minimum = models.PositiveSmallIntegerField(default=1)  # on duty at every hour

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(minimum__gte=1), name="workforce_somebody_is_on_duty_at_every_hour"),
        )

    @property
    def name(self) -> str:
        """The name in the language in force."""
        return str(getattr(self, f"name_{(get_language() or 'fr')[:2]}", self.name_fr))

    def __str__(self) -> str:
        return self.name


class Membership(Row):
    """A hospital's hours are covered by a group, until it leaves."""

    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="memberships")
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    specialty = models.CharField(max_length=60)  # the group's, where the database can compare it
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("place", "specialty"), condition=Q(ended_at__isnull=True),
                name="workforce_a_hospital_is_in_one_group_of_a_specialty",
            ),
        )  # fmt: skip


class Roster(Row):
    """Who of a group is on duty at every hour of a month: a draft of its planners, then published."""

    class State(models.TextChoices):
        """A draft changes freely; what is published changes by swaps and replacements alone."""

        DRAFT = "draft", pgettext_lazy("roster", "draft")
        PUBLISHED = "published", pgettext_lazy("roster", "published")

    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="rosters")
    month = models.DateField()  # its first day
    minimum = models.PositiveSmallIntegerField()  # the group's; a published roster keeps the one it was published with
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    published_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("group", "month"), name="workforce_a_group_has_one_roster_a_month"),
            models.CheckConstraint(condition=Q(month__day=1), name="workforce_a_roster_begins_with_its_month"),
            models.CheckConstraint(
                condition=Q(state="draft", published_at__isnull=True)
                | Q(state="published", published_at__isnull=False),
                name="workforce_a_published_roster_says_since_when",
            ),
        )


class Shift(Row):
    """A reader is on duty for a period. Handed over it stays, and the shift that takes its place names it."""

    class Kind(models.TextChoices):
        """From where a reader is on duty."""

        ONSITE = "onsite", pgettext_lazy("shift", "on site")
        ONCALL = "oncall", pgettext_lazy("shift", "on call at home")
        REMOTE = "remote", pgettext_lazy("shift", "remote reading")

    roster = models.ForeignKey(Roster, on_delete=models.PROTECT, related_name="shifts")
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="+")
    period = DateTimeRangeField()  # whole hours; it begins in the month and may end in the next
    kind = models.CharField(max_length=10, choices=Kind.choices)
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, related_name="replaced_by", null=True)
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="workforce_a_reader_is_on_one_shift_at_a_time",
                # the period first: its index also finds who is on duty at a moment
                expressions=(("period", RangeOperators.OVERLAPS), ("worker", RangeOperators.EQUAL)),
                condition=Q(replaced_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=Q(period__isempty=False, period__startswith__isnull=False, period__endswith__isnull=False),
                name="workforce_a_shift_begins_and_ends",
            ),
            models.CheckConstraint(
                condition=Q(replaces__isnull=True) | ~Q(replaces=F("id")), name="workforce_a_shift_replaces_another"
            ),
        )


class Swap(Row):
    """A reader offers a shift to a colleague, against one of theirs or as a gift; it holds once they agree."""

    class State(models.TextChoices):
        """What became of it; `overtaken` when the shift went another way meanwhile."""

        PROPOSED = "proposed", pgettext_lazy("swap", "proposed")
        ACCEPTED = "accepted", pgettext_lazy("swap", "accepted")
        DECLINED = "declined", pgettext_lazy("swap", "declined")
        WITHDRAWN = "withdrawn", pgettext_lazy("swap", "withdrawn")
        OVERTAKEN = "overtaken", pgettext_lazy("swap", "overtaken")

    shift = models.ForeignKey(Shift, on_delete=models.PROTECT, related_name="swaps")
    colleague = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="+")
    against = models.ForeignKey(Shift, on_delete=models.PROTECT, related_name="+", null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PROPOSED)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("shift", "colleague"), condition=Q(state="proposed"),
                name="workforce_a_shift_is_proposed_to_a_colleague_once",
            ),
            models.UniqueConstraint(
                fields=("shift",), condition=Q(state="accepted"), name="workforce_a_shift_is_swapped_once"
            ),
            models.UniqueConstraint(
                fields=("against",), condition=Q(state="accepted"), name="workforce_a_shift_is_given_in_return_once"
            ),
        )  # fmt: skip


class Calendar(Row):
    """The secret address of a reader's own shifts, for the calendar of a phone; the newest is the one that opens."""

    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="+")
    digest = models.BinaryField(max_length=32, unique=True)  # SHA-256 of what the address ends with
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("worker",), condition=Q(revoked_at__isnull=True), name="workforce_a_reader_has_one_calendar"
            ),
        )
