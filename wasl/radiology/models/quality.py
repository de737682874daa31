"""Series that a reader found not good enough, and what their hospital did about it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.radiology.models.reading import Reading


class Reject(Row):
    """A series that a reader rejects, and why; the images stay, and their hospital says what it did.

    The machine is remembered as it called itself that day, so that a later analysis counts what the reader saw.
    """

    class Reason(models.TextChoices):
        """Why a series is not good enough (after AAPM TG 305)."""

        MOTION = "motion", pgettext_lazy("reject", "motion")
        POSITION = "position", pgettext_lazy("reject", "positioning")
        COVERAGE = "coverage", pgettext_lazy("reject", "a part is cut off")
        EXPOSURE = "exposure", pgettext_lazy("reject", "exposure or noise")
        ARTEFACT = "artefact", pgettext_lazy("reject", "artefact")
        CONTRAST = "contrast", pgettext_lazy("reject", "contrast medium")
        PROTOCOL = "protocol", pgettext_lazy("reject", "another protocol was asked for")
        MARKS = "marks", pgettext_lazy("reject", "marks or side")

    class Outcome(models.TextChoices):
        """What became of it."""

        OPEN = "", pgettext_lazy("reject", "waits for an answer")
        REPEATED = "repeated", pgettext_lazy("reject", "made again")
        KEPT = "kept", pgettext_lazy("reject", "cannot be made again")
        NOTED = "noted", pgettext_lazy("reject", "noted")
        WITHDRAWN = "withdrawn", pgettext_lazy("reject", "taken back by the reader")

    reading = models.ForeignKey(Reading, on_delete=models.PROTECT, related_name="rejects")
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")  # where it was made
    series_uid = models.CharField(max_length=64)
    series = models.CharField(max_length=200, blank=True)  # its description
    modality = models.CharField(max_length=16)
    machine = models.CharField(max_length=64, blank=True)  # its station name (0008,1010), else its model
    reason = models.CharField(max_length=8, choices=Reason.choices)
    again = models.BooleanField(default=False)  # the reader asks that it be made again
    by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=9, choices=Outcome.choices, blank=True, default=Outcome.OPEN)
    settled_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("place", "created_at"), condition=Q(outcome=""), name="radiology_reject_open"),
            models.Index(fields=("created_at",), name="radiology_reject_by_day"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("reading", "series_uid"),
                condition=~Q(outcome="withdrawn"),
                name="radiology_a_series_is_rejected_once_in_a_case",
            ),
            models.CheckConstraint(
                condition=Q(outcome="", settled_at__isnull=True, settled_by__isnull=True)
                | (~Q(outcome="") & Q(settled_at__isnull=False, settled_by__isnull=False)),
                name="radiology_somebody_settles_a_reject",
            ),
        )
