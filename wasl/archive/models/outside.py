"""What is promised to, asked of and brought from outside systems."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from wasl.kernel.models import Row


class Commitment(Row):
    """A promise that images are kept (storage commitment, PS3.4, J): asked of us by a system, or of a system by us."""

    class Way(models.TextChoices):
        """Who promises."""

        GIVEN = "given", _("we promise")
        ASKED = "asked", _("they promise")

    uid = models.CharField(max_length=64)  # Transaction UID (0008,1195)
    source = models.ForeignKey("archive.Source", on_delete=models.PROTECT, related_name="+")
    way = models.CharField(max_length=5, choices=Way.choices)
    instances = models.JSONField()  # SOP instance UID -> SOP class UID
    failed = models.JSONField(default=dict)  # SOP instance UID -> Failure Reason (0008,1197), of what is not kept
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("uid", "source", "way"), name="archive_a_commitment_is_asked_once"),
        )


class Inquiry(Row):
    """A question to an outside archive for a patient's exams: by somebody on a ground, or before they are needed."""

    source = models.ForeignKey("archive.Source", on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    by = models.CharField(max_length=120)
    keys = models.JSONField()  # matching keys by keyword (PS3.4, C.6.2.1)
    wanted = models.JSONField(null=True)  # what makes an exam relevant, where the best are brought unasked
    found = models.JSONField(default=list)  # what the archive has, one dictionary for each study
    answered_at = models.DateTimeField(null=True)
    needed_at = models.DateTimeField(null=True)  # when an exam begins with which the found ones are compared

    class Meta:
        indexes = (models.Index(fields=("patient", "-created_at"), name="archive_inquiry_by_patient"),)


class Announced(Row):
    """A study that a system says it has (Instance Availability Notification, PS3.4, R), whether it is here or not.

    The system says nothing of the patient.
    """

    source = models.ForeignKey("archive.Source", on_delete=models.PROTECT, related_name="+")
    study_uid = models.CharField(max_length=64)
    instances = models.JSONField(default=dict)  # SOP instance UID -> how it can be had (0008,0056), as last told
    images = models.PositiveIntegerField(default=0)  # that can be had
    heard_at = models.DateTimeField()  # the last notification

    class Meta:
        indexes = (models.Index(fields=("-heard_at",), name="archive_announced_latest"),)
        constraints = (
            models.UniqueConstraint(
                fields=("source", "study_uid"), name="archive_a_study_is_announced_once_by_a_system"
            ),
        )


class Notification(Row):
    """An Instance Availability Notification that was taken, by the UID that its sender gave it."""

    uid = models.CharField(max_length=64, unique=True)
    announced = models.ForeignKey(Announced, on_delete=models.PROTECT, related_name="notifications")


class Bringing(Row):
    """A study that is brought here from an outside archive; asked for twice, it is brought once.

    It was found by a question about a patient, or announced by the archive itself.
    """

    inquiry = models.ForeignKey(Inquiry, on_delete=models.PROTECT, related_name="brought", null=True)
    announced = models.ForeignKey(Announced, on_delete=models.PROTECT, related_name="brought", null=True)
    source = models.ForeignKey("archive.Source", on_delete=models.PROTECT, related_name="+")
    study_uid = models.CharField(max_length=64)
    failed = models.PositiveIntegerField(default=0)  # images that the archive could not give
    needed_at = models.DateTimeField(null=True)  # the soonest moment for which it was asked
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("source", "study_uid"), condition=Q(ended_at__isnull=True),
                name="archive_a_study_is_brought_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(inquiry__isnull=True) ^ Q(announced__isnull=True),
                name="archive_a_study_that_is_brought_was_found_or_announced",
            ),
        )  # fmt: skip
