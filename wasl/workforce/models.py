"""Staff: what names a reader, and the hospitals that a reader serves."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models

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
