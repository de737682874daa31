"""DICOM studies as they are kept: what was received, whose it is, and how sure we are that it is whole."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from wasl.archive.models.copies import Copy as Copy
from wasl.archive.models.copies import Folder as Folder
from wasl.archive.models.copies import Retention as Retention
from wasl.archive.models.discs import Disc as Disc
from wasl.archive.models.discs import DiscImage as DiscImage
from wasl.archive.models.gateway import Centre as Centre
from wasl.archive.models.gateway import Expected as Expected
from wasl.archive.models.layouts import Layout as Layout
from wasl.archive.models.marks import Mark as Mark
from wasl.archive.models.outside import Announced as Announced
from wasl.archive.models.outside import Bringing as Bringing
from wasl.archive.models.outside import Commitment as Commitment
from wasl.archive.models.outside import Inquiry as Inquiry
from wasl.archive.models.outside import Notification as Notification
from wasl.archive.models.receivers import Receiver as Receiver
from wasl.archive.models.receivers import Sending as Sending
from wasl.archive.models.receivers import SentCopy as SentCopy
from wasl.archive.models.regrouping import Regrouping as Regrouping
from wasl.archive.models.rejections import Correction as Correction
from wasl.archive.models.rejections import Giving as Giving
from wasl.archive.models.rejections import Rejection as Rejection
from wasl.archive.models.releases import BurnedText as BurnedText
from wasl.archive.models.releases import Project as Project
from wasl.archive.models.releases import Pseudonym as Pseudonym
from wasl.archive.models.releases import Release as Release
from wasl.archive.models.releases import ReleasedStudy as ReleasedStudy
from wasl.archive.models.sharing import Share as Share
from wasl.archive.models.traffic import PhantomRun as PhantomRun
from wasl.archive.models.traffic import Traffic as Traffic
from wasl.archive.models.transfers import Link as Link
from wasl.archive.models.transfers import Manifest as Manifest
from wasl.archive.models.transfers import Named as Named
from wasl.archive.models.transfers import Silence as Silence
from wasl.archive.models.transfers import Transfer as Transfer
from wasl.archive.models.transfers import Want as Want
from wasl.archive.models.workitems import Subscriber as Subscriber
from wasl.archive.models.workitems import Workitem as Workitem
from wasl.archive.models.workitems import WorkitemEvent as WorkitemEvent
from wasl.archive.models.workitems import WorkitemSubscription as WorkitemSubscription
from wasl.kernel.models import Row


class Keeping(models.TextChoices):
    """How images are kept: as they were sent, or encoded again without loss so that thin lines show them sooner."""

    SENT = "sent", _("as they were sent")
    HTJ2K = "htj2k", _("encoded again without loss, for thin lines")


class Source(Row):
    """A modality or system that may send: its AE title, the address it calls from, and its place."""

    ae_title = models.CharField(max_length=16, unique=True)  # PS3.5, 6.2, AE
    address = models.CharField(max_length=64, blank=True)  # empty: any address
    port = models.PositiveIntegerField(null=True)  # where it listens, when it may be a C-MOVE destination
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    modality = models.CharField(max_length=4, blank=True)
    active = models.BooleanField(default=True)
    asks = models.BooleanField(default=False)  # an archive that we may ask for studies (query/retrieve)
    notified = models.BooleanField(default=False)  # it is told when a study of its place is whole (PS3.4, R)
    # how its images are kept; empty: as this instance of Wasl does
    keeping = models.CharField(max_length=5, choices=Keeping.choices, blank=True)
    phantom = models.BooleanField(default=False, db_default=False)  # it sends the hourly phantom, and is listed nowhere

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("place",), condition=Q(phantom=True), name="archive_a_place_has_one_phantom_sender"
            ),
        )


class Study(Row):
    """A DICOM study: its place, its patient once known, what its header says, and whether it is complete."""

    class Completeness(models.TextChoices):
        """How a study is known to be complete, in the order of trust."""

        MANIFEST = "manifest", _("every image that its site named is here")
        MPPS = "mpps", _("the modality said that it had finished")
        EXPECTED = "expected", _("as many images as announced")
        QUIET = "quiet", _("no new image for a while")

    class Flag(models.TextChoices):
        """What is odd about a study's images, so that whoever looks at them knows."""

        SPACING = "spacing", _("the pixel spacing is impossible: do not measure")
        CHARSET = "charset", _("the letters are not those that the sender names")
        BROKEN = "broken", _("some elements of the header cannot be read")
        IDENTITY = "identity", _("the images name several patients")
        ANOTHER = "another", _("the pixels name another patient than the header")
        DEMONSTRATION = "demonstration", _("demonstration images, of no patient")
        IMPORTED = "imported", _("from a disc of another hospital")

    class Nobodys(models.TextChoices):
        """Why the header of a study that no order expects does not say whose it is."""

        NUMBER = "number", pgettext_lazy("images are nobody's", "they give no number that is a patient's")
        NAME = "name", pgettext_lazy("images are nobody's", "they name nobody")
        ISSUER = "issuer", pgettext_lazy("images are nobody's", "who issued their number is not known here")
        DIFFERS = "differs", pgettext_lazy("images are nobody's", "their number is of somebody who is called otherwise")
        ELSEWHERE = (
            "elsewhere",
            pgettext_lazy("images are nobody's", "they are of somebody known elsewhere, whose record is closed here"),
        )

    uid = models.CharField(max_length=64, unique=True)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    # the index for it is `archive_study_of_patient`
    patient = models.ForeignKey(
        "patients.Patient", on_delete=models.PROTECT, related_name="+", null=True, db_index=False
    )
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
    rejected_count = models.PositiveIntegerField(default=0, db_default=0)  # images taken back; in no other count
    standing = models.PositiveIntegerField(default=0, db_default=0)  # rejections that hold: what comes is compared
    expected = models.PositiveIntegerField(null=True)  # instances announced, when the sender said so
    announced = models.BooleanField(default=False, db_default=False)  # whether a site named its images in a manifest
    phantom = models.BooleanField(default=False, db_default=False)  # of nobody, made to be timed, and then removed
    last_arrival_at = models.DateTimeField()  # of an image; of the announcement while there is none
    complete_by = models.CharField(max_length=8, choices=Completeness.choices, blank=True)
    complete_at = models.DateTimeField(null=True)
    flags = ArrayField(models.CharField(max_length=30), default=list)  # Flag values: what is odd about it
    nobodys_because = models.CharField(max_length=10, choices=Nobodys.choices, blank=True, default="", db_default="")

    class Meta:
        indexes = (
            # these two with more than leads to a study, so that those of a modality are picked in the index
            models.Index(
                F("started_at").desc(nulls_last=True),
                F("id").desc(),
                include=("modalities", "patient"),
                name="archive_study_newest",
            ),
            models.Index(
                fields=("patient", "-started_at"), include=("id", "modalities"), name="archive_study_of_patient"
            ),
            models.Index(fields=("place", "-started_at"), name="archive_study_by_place"),
            models.Index(fields=("accession",), condition=~Q(accession=""), name="archive_study_by_accession"),
            models.Index(fields=("header_id",), name="archive_study_by_header_id"),
            models.Index(fields=("header_issuer",), condition=~Q(header_issuer=""), name="archive_study_by_issuer"),
            # of no column that an image more changes: then the row changes in its place, and no index is written
            models.Index(fields=("id",), condition=Q(complete_at__isnull=True), name="archive_study_arriving"),
            GinIndex(fields=("modalities",), name="archive_study_modalities"),
            models.Index(
                "place",
                F("started_at").desc(nulls_last=True),
                F("id").desc(),
                include=("modalities",),
                condition=Q(patient__isnull=True),
                name="archive_study_nobodys_newest",
            ),
            GinIndex(
                fields=("header_name_folded",),
                opclasses=("gin_trgm_ops",),
                condition=Q(patient__isnull=True),
                name="archive_study_nobodys_name",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(complete_at__isnull=True, complete_by="")
                | (Q(complete_at__isnull=False) & ~Q(complete_by="")),
                name="archive_a_complete_study_says_how_it_is_known",
            ),
            # what is of no patient and of no place is shown to nobody, whatever door is asked
            models.CheckConstraint(
                condition=Q(phantom=False) | Q(place__isnull=True, patient__isnull=True),
                name="archive_a_phantom_is_of_no_patient_and_no_place",
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
    frame_table = models.BinaryField(null=True)  # where the frames lie (dicom/offsets.py); empty: not one read each
    metadata = models.JSONField(default=dict)  # DICOM JSON without bulk data (PS3.18, 10.4.1.1.2)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+", null=True)
    rejected = models.BooleanField(default=False, db_default=False)  # taken back, or a note that takes back: not shown


class SeriesMetadata(Row):
    """The metadata of a series as DICOMweb gives them, made ready; of so many images, of a patient so called."""

    series = models.OneToOneField(Series, on_delete=models.PROTECT, related_name="metadata")
    content = models.BinaryField()  # gzip of DICOM JSON (PS3.18 F)
    images = models.PositiveIntegerField()
    digest = models.CharField(max_length=32)  # MD5 of the identity that they tell


class Transcoding(Row):
    """An image encoded again without loss: what it was when it was received, and by which codecs it was remade."""

    instance = models.ForeignKey(Instance, on_delete=models.PROTECT, related_name="transcodings")
    original_transfer_syntax = models.CharField(max_length=64)
    original_sha256 = models.BinaryField(max_length=32)  # of the data set that was received
    original_size = models.BigIntegerField()
    original_path = models.CharField(max_length=120, blank=True)  # while its file is still kept
    transfer_syntax = models.CharField(max_length=64)
    sha256 = models.BinaryField(max_length=32)  # of the data set that was made
    codec = models.CharField(max_length=120)

    class Meta:
        indexes = (models.Index(fields=("created_at",), condition=~Q(original_path=""), name="archive_originals_kept"),)
        constraints = (
            models.UniqueConstraint(
                fields=("instance", "original_sha256"), name="archive_an_original_is_replaced_once"
            ),
            models.UniqueConstraint(
                fields=("original_path",), condition=~Q(original_path=""), name="archive_an_original_is_one_images"
            ),
        )


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
    # settled by saying that it is another exam: the image that it is now, under a UID of ours
    separated = models.OneToOneField(Instance, on_delete=models.PROTECT, related_name="+", null=True)

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
    told = models.CharField(max_length=12, blank=True, default="", db_default="")  # the state that the centre knows
    heard_at = models.DateTimeField(db_default=Now())  # the modality's last word
    read_at = models.DateTimeField(null=True)  # its study was read, and nobody waits for its end any more

    class Meta:
        indexes = (
            models.Index(fields=("study_uid",), name="archive_step_by_study"),
            models.Index(
                fields=("heard_at",), condition=Q(state="in progress", read_at__isnull=True), name="archive_step_open"
            ),
            models.Index(fields=("created_at",), condition=~Q(told=F("state")), name="archive_step_untold"),
        )


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
