"""Discs of other hospitals, read before it is said whose images they hold."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from wasl.kernel.models import Row


class Disc(Row):
    """A disc of another hospital, read for a patient here: its images are nobody's until somebody compared and said so.

    What the disc said of its patient is kept, whoever the patient is.
    """

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    by = models.CharField(max_length=120)
    read_at = models.DateTimeField()  # the last file
    because = models.CharField(max_length=200, blank=True)
    said = models.JSONField(default=list)  # of each study: its UID, images, and what its header says of its patient
    taken_at = models.DateTimeField(null=True)
    dropped_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("read_at",), condition=Q(taken_at__isnull=True, dropped_at__isnull=True),
                name="archive_disc_open",
            ),
        )  # fmt: skip
        constraints = (
            models.CheckConstraint(
                condition=Q(taken_at__isnull=True) | Q(dropped_at__isnull=True),
                name="archive_a_disc_is_taken_or_given_up",
            ),
            models.CheckConstraint(
                condition=Q(taken_at__isnull=True, because="") | (Q(taken_at__isnull=False) & ~Q(because="")),
                name="archive_a_disc_that_was_taken_says_why",
            ),
        )


class DiscImage(Row):
    """An image of a disc that waits for somebody to say whose it is; no study knows it, and nobody is shown it."""

    disc = models.ForeignKey(Disc, on_delete=models.PROTECT, related_name="images")
    uid = models.CharField(max_length=64)
    study_uid = models.CharField(max_length=64)
    path = models.CharField(max_length=120, unique=True)
    size = models.BigIntegerField()
    sha256 = models.BinaryField(max_length=32)
    transfer_syntax = models.CharField(max_length=64)
    frames = models.PositiveIntegerField(default=0)
    pixel_offset = models.BigIntegerField(null=True)
    frame_table = models.BinaryField(null=True)
    flags = ArrayField(models.CharField(max_length=30), default=list)
    metadata = models.JSONField(default=dict)
    # what the header says, as it says it
    header_id = models.CharField(max_length=64, blank=True)
    header_issuer = models.CharField(max_length=64, blank=True)
    header_name = models.CharField(max_length=400, blank=True)
    birth_date = models.DateField(null=True)
    sex = models.CharField(max_length=1, blank=True)
    modality = models.CharField(max_length=16, blank=True)
    description = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("disc", "uid"), name="archive_an_image_is_once_on_its_disc"),)
