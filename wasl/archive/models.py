"""DICOM studies as they are kept: what was received, whose it is, and how sure we are that it is whole."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from wasl.kernel.models import Row


class Source(Row):
    """A modality or system that may send: its AE title, the address it calls from, and its place."""

    ae_title = models.CharField(max_length=16, unique=True)  # PS3.5, 6.2, AE
    address = models.CharField(max_length=64, blank=True)  # empty: any address
    port = models.PositiveIntegerField(null=True)  # where it listens, when it may be a C-MOVE destination
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    modality = models.CharField(max_length=4, blank=True)
    active = models.BooleanField(default=True)


class Study(Row):
    """A DICOM study: its place, its patient once known, what its header says, and whether it is complete."""

    class Completeness(models.TextChoices):
        """How a study is known to be complete, in the order of trust."""

        MPPS = "mpps", _("the modality said that it had finished")
        EXPECTED = "expected", _("as many images as announced")
        QUIET = "quiet", _("no new image for a while")

    class Flag(models.TextChoices):
        """What is odd about a study's images, so that whoever looks at them knows."""

        SPACING = "spacing", _("the pixel spacing is impossible: do not measure")
        CHARSET = "charset", _("the letters are not those that the sender names")
        BROKEN = "broken", _("some elements of the header cannot be read")
        IDENTITY = "identity", _("the images name several patients")
        DEMONSTRATION = "demonstration", _("demonstration images, of no patient")

    uid = models.CharField(max_length=64, unique=True)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+", null=True)
    # what the header says, as it says it; never a proof of identity
    header_id = models.CharField(max_length=64, blank=True)
    header_issuer = models.CharField(max_length=64, blank=True)
    header_name = models.CharField(max_length=400, blank=True)
    header_name_folded = models.CharField(max_length=400, blank=True)
    birth_date = models.DateField(null=True)
    sex = models.CharField(max_length=1, blank=True)
    accession = models.CharField(max_length=16, blank=True)
    description = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(null=True)
    modalities = ArrayField(models.CharField(max_length=16), default=list)
    body_part = models.CharField(max_length=64, blank=True)
    attributes = models.JSONField(default=dict)  # DICOM JSON (PS3.18 F) of the study's and patient's elements
    series_count = models.PositiveIntegerField(default=0)
    instance_count = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(default=0)  # bytes
    expected = models.PositiveIntegerField(null=True)  # instances announced, when the sender said so
    last_arrival_at = models.DateTimeField()  # of an image; of the announcement while there is none
    complete_by = models.CharField(max_length=8, choices=Completeness.choices, blank=True)
    complete_at = models.DateTimeField(null=True)
    flags = ArrayField(models.CharField(max_length=30), default=list)  # Flag values: what is odd about it

    class Meta:
        indexes = (
            models.Index(fields=("-started_at",), name="archive_study_by_date"),
            models.Index(fields=("patient", "-started_at"), name="archive_study_by_patient"),
            models.Index(fields=("place", "-started_at"), name="archive_study_by_place"),
            models.Index(fields=("accession",), condition=~Q(accession=""), name="archive_study_by_accession"),
            models.Index(fields=("header_id",), name="archive_study_by_header_id"),
            models.Index(
                fields=("last_arrival_at",), condition=Q(complete_at__isnull=True), name="archive_study_arriving"
            ),
            models.Index(fields=("place",), condition=Q(patient__isnull=True), name="archive_study_nobodys"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(complete_at__isnull=True, complete_by="")
                | (Q(complete_at__isnull=False) & ~Q(complete_by="")),
                name="archive_a_complete_study_says_how_it_is_known",
            ),
        )


class Series(Row):
    """A series of a study."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="series")
    uid = models.CharField(max_length=64)
    modality = models.CharField(max_length=16)
    number = models.IntegerField(null=True)
    description = models.CharField(max_length=200, blank=True)
    body_part = models.CharField(max_length=64, blank=True)
    attributes = models.JSONField(default=dict)
    instance_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            # modalities that count from one give the same UID in several studies; their images are not refused for it
            models.UniqueConstraint(fields=("uid", "study"), name="archive_a_series_is_once_in_its_study"),
        )


class Instance(Row):
    """A SOP instance: its file in the pixel store, its hash, and where its pixels begin."""

    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="instances")
    uid = models.CharField(max_length=64, unique=True)
    sop_class = models.CharField(max_length=64)
    transfer_syntax = models.CharField(max_length=64)
    number = models.IntegerField(null=True)
    frames = models.PositiveIntegerField(default=0)
    rows = models.PositiveIntegerField(null=True)
    columns = models.PositiveIntegerField(null=True)
    path = models.CharField(max_length=120, unique=True)  # below the store; opaque, no patient data
    size = models.BigIntegerField()  # bytes of the Part 10 file
    sha256 = models.BinaryField(max_length=32)  # of the data set, without the file meta information
    pixel_offset = models.BigIntegerField(null=True)  # bytes from the file's start to the pixel data element
    metadata = models.JSONField(default=dict)  # DICOM JSON without bulk data (PS3.18, 10.4.1.1.2)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+", null=True)


class Conflict(Row):
    """An instance that came again with the same UID and other content: kept aside, never silently taken."""

    instance = models.ForeignKey(Instance, on_delete=models.PROTECT, related_name="conflicts")
    path = models.CharField(max_length=120, unique=True)
    size = models.BigIntegerField()
    sha256 = models.BinaryField(max_length=32)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+", null=True)
    transfer_syntax = models.CharField(max_length=64)
    frames = models.PositiveIntegerField(default=0)
    pixel_offset = models.BigIntegerField(null=True)
    metadata = models.JSONField(default=dict)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=120, blank=True)
    replaced = models.BooleanField(default=False)  # settled by taking this one; then this row holds the former one

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("instance", "sha256"), name="archive_a_conflict_is_kept_once"),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, settled_by="", replaced=False)
                | (Q(settled_at__isnull=False) & ~Q(settled_by="")),
                name="archive_a_settled_conflict_says_by_whom",
            ),
        )


class PerformedStep(Row):
    """A modality performed procedure step (PS3.4, F.7): what the modality says it is doing and has made."""

    class State(models.TextChoices):
        """Performed Procedure Step Status (0040,0252)."""

        IN_PROGRESS = "in progress", _("in progress")
        COMPLETED = "completed", _("completed")
        DISCONTINUED = "discontinued", _("discontinued")

    uid = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=12, choices=State.choices)
    study_uid = models.CharField(max_length=64)
    accession = models.CharField(max_length=16, blank=True)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+", null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    instance_uids = ArrayField(models.CharField(max_length=64), default=list)
    attributes = models.JSONField(default=dict)

    class Meta:
        indexes = (models.Index(fields=("study_uid",), name="archive_step_by_study"),)


class Match(Row):
    """A study said to be a patient's, by whom and why; undone, never erased."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="matches")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    by = models.CharField(max_length=120)
    because = models.CharField(max_length=200)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("study",), condition=Q(undone_at__isnull=True), name="archive_a_study_is_one_patients"
            ),
        )
