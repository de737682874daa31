"""Follow-up: the exam that a signed report asks for, until it is made or a doctor says why not."""

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.radiology.models.catalogue import Procedure
from wasl.radiology.models.orders import Order
from wasl.radiology.models.reporting import Report


class Recommendation(Row):
    """An exam that a signed report recommends within a time, what became of it, and by whom."""

    class State(models.TextChoices):
        """Open until an equivalent exam is made, or a doctor dismisses it with a reason."""

        OPEN = "open", pgettext_lazy("recommendation", "open")
        DONE = "done", pgettext_lazy("recommendation", "done")
        DISMISSED = "dismissed", pgettext_lazy("recommendation", "dismissed")

    report = models.OneToOneField(Report, on_delete=models.PROTECT, related_name="recommendation")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="recommendations", null=True)
    modality = models.CharField(max_length=4)  # of the exam; alone, any exam of it is equivalent
    body = models.CharField(max_length=120, blank=True)
    reason = models.CharField(max_length=300)
    due_on = models.DateField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    settled_at = models.DateTimeField(null=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="recommendations", null=True)
    dismissed_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    because = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("place", "state", "due_on"), name="radiology_recommendation_due"),
            models.Index(fields=("patient",), condition=Q(state="open"), name="radiology_recommendation_open"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(
                    state="open", settled_at__isnull=True, order__isnull=True, dismissed_by__isnull=True, because=""
                )
                | Q(state="done", settled_at__isnull=False, order__isnull=False, dismissed_by__isnull=True, because="")
                | (
                    Q(
                        state="dismissed", settled_at__isnull=False, order__isnull=True, dismissed_by__isnull=False
                    )
                    & ~Q(because="")
                ),
                name="radiology_a_recommendation_is_settled_once_and_says_how",
            ),
        )  # fmt: skip
