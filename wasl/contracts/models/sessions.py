"""Sessions: the hours in which acts are done."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row


class Mode(models.TextChoices):
    """How the acts of a session come (decree 2024-715, art. 3)."""

    SCHEDULED = "scheduled", pgettext_lazy("session", "scheduled")
    URGENT = "urgent", pgettext_lazy("session", "urgent")


class Session(Row):
    """A doctor's consecutive hours of remote reading for a provider; validated, they are one of a few in a month."""

    class State(models.TextChoices):
        """How far a session is."""

        DECLARED = "declared", pgettext_lazy("session", "waits for the chief")
        VALIDATED = "validated", pgettext_lazy("session", "validated")
        REFUSED = "refused", pgettext_lazy("session", "refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("session", "withdrawn")
        CANCELLED = "cancelled", pgettext_lazy("session", "cancelled")

    reader = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    provider = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=9, choices=Mode.choices)
    period = DateTimeRangeField()
    month = models.DateField()  # its first day; the month in which the session begins
    state = models.CharField(max_length=9, choices=State.choices, default=State.DECLARED)
    number = models.PositiveSmallIntegerField(null=True)  # of the month's validated sessions
    most = models.PositiveSmallIntegerField(null=True)  # as the rule of its day says; null: it says nothing
    decided_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    because = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = (models.Index(fields=("provider", "state"), name="contracts_session_by_provider"),)
        constraints = (
            ExclusionConstraint(
                name="contracts_a_doctor_has_one_session_at_a_time",
                expressions=(("reader", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)),
                condition=Q(state__in=("declared", "validated")),
            ),
            models.UniqueConstraint(
                fields=("reader", "month", "number"), name="contracts_validated_sessions_of_a_month_are_numbered"
            ),
            models.CheckConstraint(
                condition=Q(state="validated", number__gte=1, number__lte=F("most"))
                | (~Q(state="validated") & Q(number__isnull=True)),
                name="contracts_no_more_sessions_are_validated_than_the_rule_allows",
            ),
        )
