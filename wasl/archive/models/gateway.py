"""What a gateway keeps of its centre: the exams that it expects, and how the line is."""

from django.db import models
from django.db.models import Q

from wasl.kernel.models import Row


class Expected(Row):
    """An exam that the centre's worklist names for this gateway's hospital, kept for when the line is cut."""

    accession = models.CharField(max_length=16, unique=True)
    study_uid = models.CharField(max_length=64)
    modality = models.CharField(max_length=16, blank=True)
    rank = models.PositiveSmallIntegerField()  # 0 the most urgent
    scheduled_at = models.DateTimeField()
    item = models.JSONField()  # the worklist item as DICOM JSON (PS3.18, F)
    gone_at = models.DateTimeField(null=True)  # when the list no longer named it: made, or cancelled

    class Meta:
        indexes = (models.Index(fields=("study_uid",), name="archive_expected_by_study"),)
        constraints = (models.CheckConstraint(condition=Q(rank__lte=4), name="archive_an_expected_exam_has_a_rank"),)


class Centre(Row):
    """The centre that this gateway works for, and how the line to it is."""

    only = models.BooleanField(default=True, unique=True)
    address = models.CharField(max_length=200)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    heard_at = models.DateTimeField(null=True)
    silent_since = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True)  # why it is silent
    apart = models.FloatField(default=0)  # seconds that our clock is ahead of the centre's
    certificate_until = models.DateTimeField(null=True)
    listed = models.CharField(max_length=80, blank=True)  # the tag of the worklist that is kept here

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(only=True), name="archive_a_gateway_has_one_centre"),)
