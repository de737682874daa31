"""Images that were taken back, and the systems that are told."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from wasl.kernel.models import Row


class Rejection(Row):
    """Images of a study taken back (IHE RAD, IOCM), by a note that is a Key Object Selection; lifted, never erased."""

    class Reason(models.TextChoices):
        """Why, as the note's title says it (PS3.16, CID 7011)."""

        QUALITY = "113001", _("poor quality")
        SAFETY = "113037", _("dangerous for the patient")
        WORKLIST = "113038", _("made under another patient or order")
        EXPIRED = "113039", _("no longer to be kept")

    study = models.ForeignKey("archive.Study", on_delete=models.PROTECT, related_name="rejections")
    uid = models.CharField(max_length=64, unique=True)  # SOP Instance UID of the note
    reason = models.CharField(max_length=6, choices=Reason.choices)
    instances = ArrayField(models.CharField(max_length=64))  # SOP Instance UIDs, of images that may still be to come
    hidden = models.PositiveIntegerField(default=0)  # of them, those that it hid
    by = models.CharField(max_length=120)
    source = models.ForeignKey(
        "archive.Source", on_delete=models.PROTECT, related_name="+", null=True
    )  # that sent the note
    restored_at = models.DateTimeField(null=True)
    restored_by = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(restored_at__isnull=True, restored_by="")
                | (Q(restored_at__isnull=False) & ~Q(restored_by="")),
                name="archive_a_lifted_rejection_says_by_whom",
            ),
        )


class Giving(Row):
    """A system that was given images of a study, and is told when they are taken back."""

    study = models.ForeignKey("archive.Study", on_delete=models.PROTECT, related_name="givings")
    source = models.ForeignKey("archive.Source", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("study", "source"), name="archive_a_study_is_given_to_a_system_once"),
        )


class Correction(Row):
    """What the other end of a line knows of images that were taken back or put back: told to it, or heard from it."""

    rejection = models.ForeignKey(Rejection, on_delete=models.PROTECT, related_name="corrections")
    restored = models.BooleanField()  # that the images were put back, not that they were taken back
    link = models.ForeignKey("archive.Link", on_delete=models.PROTECT, related_name="+", null=True)  # our line to it
    sender = models.CharField(max_length=120, blank=True)  # or its name, where the line is its own

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("rejection", "restored", "link"), condition=Q(link__isnull=False),
                name="archive_a_line_is_told_a_correction_once",
            ),
            models.UniqueConstraint(
                fields=("rejection", "restored", "sender"), condition=~Q(sender=""),
                name="archive_a_site_is_told_a_correction_once",
            ),
            models.CheckConstraint(
                condition=Q(link__isnull=False, sender="") | (Q(link__isnull=True) & ~Q(sender="")),
                name="archive_a_correction_is_known_at_one_end",
            ),
        )  # fmt: skip
