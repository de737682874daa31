"""De-identified copies: what they are made for, who stands behind a pseudonym, and where pixels hold text."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from wasl.kernel.models import Row


class BurnedText(Row):
    """Where text stands in the pixels of an image, as it was last looked for; what is written there is not kept."""

    instance = models.OneToOneField("archive.Instance", on_delete=models.PROTECT, related_name="burned_text")
    sha256 = models.BinaryField(max_length=32)  # of the data set that was looked at
    frames = models.PositiveIntegerField()  # how many were looked at
    boxes = models.JSONField(default=list)  # left, top, width, height in pixels, and confidence
    another = models.BooleanField(default=False)  # it names somebody else than the header does


class Project(Row):
    """What de-identified copies are made for: within it a person has one pseudonym, and across two nobody is linked."""

    name = models.CharField(max_length=80, unique=True)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    secret = models.BinaryField(max_length=32)  # UIDs and dates are turned by it; it never leaves the site


class Pseudonym(Row):
    """A line of the crosswalk: who a pseudonym stands for. It never leaves the site."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="pseudonyms")
    real = models.CharField(max_length=200)  # the patient, or the number in the header where there is none
    value = models.CharField(max_length=16)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("project", "real"), name="archive_a_person_has_one_pseudonym_in_a_project"),
            models.UniqueConstraint(fields=("project", "value"), name="archive_a_pseudonym_is_one_persons"),
        )


class Release(Row):
    """De-identified copies of some studies: for what, with which options, asked and approved by whom."""

    class Purpose(models.TextChoices):
        """For what the copies are made."""

        TEACHING = "teaching", _("teaching, here")
        SHARING = "sharing", _("sharing with others")
        ALGORITHM = "algorithm", _("an algorithm outside")

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="releases")
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    options = ArrayField(models.CharField(max_length=20), default=list)  # of PS3.15, E.3
    asked_by = models.CharField(max_length=120)
    approved_by = models.CharField(max_length=120, blank=True)
    approved_at = models.DateTimeField(null=True)
    refused_by = models.CharField(max_length=120, blank=True, default="", db_default="")
    refused_at = models.DateTimeField(null=True)
    refused_because = models.CharField(max_length=200, blank=True, default="", db_default="")
    images = models.PositiveIntegerField(default=0)
    left_out = models.JSONField(default=dict)  # why -> how many images
    ended_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)  # the copies are removed then
    gone_at = models.DateTimeField(null=True)  # they were

    class Meta:
        indexes = (
            models.Index(
                fields=("expires_at",), condition=Q(gone_at__isnull=True, expires_at__isnull=False),
                name="archive_release_kept",
            ),
        )  # fmt: skip
        constraints = (
            models.CheckConstraint(
                condition=Q(refused_at__isnull=True, refused_by="")
                | (Q(refused_at__isnull=False, approved_at__isnull=True, ended_at__isnull=True) & ~Q(refused_by="")),
                name="archive_a_refused_release_is_not_made",
            ),
            models.CheckConstraint(
                condition=Q(purpose="teaching")
                | Q(ended_at__isnull=True)
                | (~Q(approved_by="") & ~Q(approved_by=F("asked_by"))),
                name="archive_what_goes_outside_was_approved_by_another",
            ),
        )


class ReleasedStudy(Row):
    """A study of a release."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="studies")
    study = models.ForeignKey("archive.Study", on_delete=models.PROTECT, related_name="releases")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("release", "study"), name="archive_a_study_is_once_in_a_release"),
        )
