"""Results: before whom a report lies, and who must be told that it was withdrawn."""

from django.db import models

from wasl.kernel.models import Row
from wasl.radiology.models.reading import Reading
from wasl.radiology.models.reporting import Report


class Receipt(Row):
    """A report that waits for the doctor who asked, and when it was read."""

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="receipts")
    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("person", "read_at"), name="radiology_receipt_waiting"),)
        constraints = (
            models.UniqueConstraint(fields=("report", "person"), name="radiology_a_report_is_handed_over_once"),
        )


class Recall(Row):
    """A person who had a report that was withdrawn afterwards, to be told so, and when they knew."""

    reading = models.ForeignKey(Reading, on_delete=models.PROTECT, related_name="recalls")
    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("person", "read_at"), name="radiology_recall_waiting"),)
        constraints = (models.UniqueConstraint(fields=("reading", "person"), name="radiology_a_recall_is_told_once"),)
