"""Where stored files lie, how well that is known, and how long they stay."""

from django.db import models
from django.db.models import F, Q

from wasl.kernel.models import Row


class Folder(Row):
    """A folder of stored files, of one machine or shared by several; its key is written in the folder itself."""

    name = models.CharField(max_length=120)  # of the machine that said so last
    seen_at = models.DateTimeField()


class Copy(Row):
    """One copy of a stored file: in a folder, or in the bucket inside an object that holds many; and its proof."""

    path = models.CharField(max_length=120)  # the stored file's name, as its image's row says it
    folder = models.ForeignKey(Folder, on_delete=models.PROTECT, related_name="copies", null=True)  # null: the bucket
    key = models.CharField(max_length=120, blank=True)  # the object in the bucket
    offset = models.BigIntegerField(default=0)  # bytes from the object's start
    length = models.BigIntegerField()  # bytes
    sha256 = models.BinaryField(max_length=32)  # of the stored file, all of it
    proven_at = models.DateTimeField(null=True)  # when it was last read back and had this hash
    checked_at = models.DateTimeField(null=True)  # when it was last looked at
    damaged_at = models.DateTimeField(null=True)  # when it was first found changed or gone; empty while it is whole

    class Meta:
        indexes = (
            models.Index(F("checked_at").asc(nulls_first=True), name="archive_copy_unchecked_longest"),
            models.Index(fields=("key",), condition=~Q(key=""), name="archive_copy_by_key"),
            models.Index(fields=("path",), condition=Q(proven_at__isnull=True), name="archive_copy_unproven"),
            models.Index(fields=("damaged_at",), condition=Q(damaged_at__isnull=False), name="archive_copy_damaged"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("path",), condition=Q(folder__isnull=True), name="archive_a_file_is_once_in_the_bucket"
            ),
            models.UniqueConstraint(fields=("path", "folder"), name="archive_a_file_is_once_in_a_folder"),
            models.CheckConstraint(
                condition=Q(folder__isnull=False, key="", offset=0) | (Q(folder__isnull=True) & ~Q(key="")),
                name="archive_a_copy_is_in_a_folder_or_under_a_key",
            ),
            models.CheckConstraint(
                condition=Q(proven_at__isnull=True) | Q(checked_at__gte=F("proven_at")),
                name="archive_a_proof_is_a_look",
            ),
        )


class Retention(Row):
    """How long images stay on fast disks and how long they must be kept at all, and for which studies."""

    name = models.CharField(max_length=120)
    modality = models.CharField(max_length=16, blank=True)  # empty: any
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)  # null: any
    younger_than = models.PositiveSmallIntegerField(null=True)  # years of age at the exam; null: any
    # days without a new image after which local files may go; null: this row does not say
    local_days = models.PositiveIntegerField(null=True)
    keep_years = models.PositiveSmallIntegerField(null=True)  # the legal minimum, from the exam; null: not said
    basis = models.CharField(max_length=400, blank=True)  # the text that says so
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(local_days__isnull=True) | Q(local_days__gte=1), name="archive_local_files_stay_a_day"
            ),
            models.CheckConstraint(
                condition=Q(local_days__isnull=False) | Q(keep_years__isnull=False),
                name="archive_a_retention_says_something",
            ),
            models.CheckConstraint(
                condition=Q(keep_years__isnull=True) | (Q(keep_years__gte=1) & ~Q(basis="")),
                name="archive_a_legal_minimum_names_its_text",
            ),
        )
