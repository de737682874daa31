"""What a signed report had to be compared with, and whether it names a comparison."""

from django.db import models

from wasl.kernel.models import Row
from wasl.radiology.models.reporting import Report


class Comparison(Row):
    """A comparable earlier exam that lay in the archive when a report was signed, and whether the report names one."""

    report = models.OneToOneField(Report, on_delete=models.PROTECT, related_name="comparison")
    earlier = models.ForeignKey("archive.Study", on_delete=models.PROTECT, related_name="+")
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")  # where the reader works
    named = models.BooleanField()

    class Meta:
        indexes = (models.Index(fields=("created_at",), name="radiology_comparison_by_day"),)
