"""Orders, readings, reports and critical results."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from wasl.kernel.models import Row


class Urgency(models.TextChoices):
    """Urgency classes; their target times are dated rows of Target."""

    VITAL = "P0", _("vital emergency")
    EMERGENCY = "P1", _("emergency")
    URGENT = "P2", _("urgent")
    ROUTINE = "P3", _("routine")


class Side(models.TextChoices):
    """Laterality (DICOM CID 244)."""

    NONE = "", _("not applicable")
    LEFT = "L", _("left")
    RIGHT = "R", _("right")
    BOTH = "B", _("both sides")


class Procedure(Row):
    """An exam of the catalogue: modality, region, side, contrast, in three languages, with its codes."""

    code = models.CharField(max_length=16, unique=True)
    name_ar = models.CharField(max_length=120)
    name_fr = models.CharField(max_length=120)
    name_en = models.CharField(max_length=120)
    modality = models.CharField(max_length=4)  # DICOM CID 29
    region = models.CharField(max_length=30)  # SNOMED code of DICOM CID 4
    region_name = models.CharField(max_length=60)
    sided = models.BooleanField(default=False)
    contrast = models.BooleanField(default=False)
    loinc = models.CharField(max_length=10, blank=True)  # report title, DICOM CID 7000
    questions = ArrayField(models.CharField(max_length=20), default=list)  # pregnancy, renal, allergy, implants
    folded = models.TextField(editable=False, default="")  # code, modality, region and names in search form
    active = models.BooleanField(default=True)

    @property
    def name(self) -> str:
        """The name in the language in force."""
        return str(getattr(self, f"name_{(get_language() or 'fr')[:2]}", self.name_fr))

    def __str__(self) -> str:
        return self.name


class Target(Row):
    """In how many minutes an exam of an urgency class is to be reported, in a period."""

    urgency = models.CharField(max_length=2, choices=Urgency.choices)
    minutes = models.PositiveIntegerField()
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_a_class_has_one_target_at_a_time",
                expressions=(("urgency", RangeOperators.EQUAL), ("period", RangeOperators.OVERLAPS)),
            ),
        )


class Order(Row):
    """A requesting doctor's order of an exam; its accession number and study UID are the modality's thread back."""

    class State(models.TextChoices):
        """How far the exam itself is; the reading has a state of its own."""

        SENT = "sent", _("ordered")
        STARTED = "started", _("being performed")
        PERFORMED = "performed", _("performed")
        CANCELLED = "cancelled", _("cancelled")

    accession = models.CharField(max_length=16, unique=True)
    study_uid = models.CharField(max_length=64, unique=True)
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    requester = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="orders")
    side = models.CharField(max_length=1, choices=Side.choices, blank=True)
    urgency = models.CharField(max_length=2, choices=Urgency.choices)
    question = models.TextField()
    answers = models.JSONField(default=dict)  # question of the catalogue -> answer
    state = models.CharField(max_length=10, choices=State.choices, default=State.SENT)
    scheduled_for = models.DateTimeField()
    cancelled_because = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(default=1)
    stage: str  # how far the whole story is; `queries.orders` works it out

    class Meta:
        indexes = (
            models.Index(fields=("place", "state", "scheduled_for"), name="radiology_order_worklist"),
            models.Index(fields=("patient", "-created_at"), name="radiology_order_by_patient"),
            models.Index(fields=("requester", "-created_at"), name="radiology_order_by_requester"),
        )
        constraints = (
            models.CheckConstraint(condition=~Q(question=""), name="radiology_an_order_asks_a_question"),
            models.CheckConstraint(
                condition=~Q(state="cancelled") | ~Q(cancelled_because=""),
                name="radiology_a_cancelled_order_says_why",
            ),
        )


class Link(Row):
    """A study said to answer an order, by whom and why; undone, never erased."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="links")
    study = models.ForeignKey("archive.Study", on_delete=models.PROTECT, related_name="+")
    by = models.CharField(max_length=120)
    because = models.CharField(max_length=200)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("study",), condition=Q(undone_at__isnull=True), name="radiology_a_study_answers_one_order"
            ),
        )


class Reading(Row):
    """A complete study to be read, with its clock; claimed by one reader at a time."""

    class State(models.TextChoices):
        """Where the reading stands."""

        WAITING = "waiting", _("waiting for a reader")
        CLAIMED = "claimed", _("being read")
        SIGNED = "signed", _("signed")
        WITHDRAWN = "withdrawn", _("withdrawn")

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="readings")
    study = models.ForeignKey("archive.Study", on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    modality = models.CharField(max_length=4)
    urgency = models.CharField(max_length=2, choices=Urgency.choices)
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    claimed_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    claimed_until = models.DateTimeField(null=True)  # renewed by every sign of life of the reader
    more_at = models.DateTimeField(null=True)  # more images came after the study was taken for complete

    class Meta:
        indexes = (
            models.Index(
                fields=("urgency", "due_at"),
                condition=Q(state__in=("waiting", "claimed")),
                name="radiology_reading_worklist",
            ),
            models.Index(fields=("patient", "-created_at"), name="radiology_reading_by_patient"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("order", "study"),
                condition=~Q(state="withdrawn"),
                name="radiology_a_study_is_read_once_for_an_order",
            ),
            models.CheckConstraint(
                condition=~Q(state="claimed") | Q(claimed_by__isnull=False, claimed_until__isnull=False),
                name="radiology_a_claimed_reading_has_its_reader",
            ),
            models.CheckConstraint(
                condition=~Q(state="waiting") | Q(claimed_by__isnull=True),
                name="radiology_a_waiting_reading_is_nobodys",
            ),
        )


class Template(Row):
    """The sections of a report, filled in beforehand, for a procedure or for all, in one language."""

    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="templates", null=True)
    language = models.CharField(max_length=2)
    name = models.CharField(max_length=120)
    sections = models.JSONField()  # section -> text

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("procedure", "language", "name"),
                nulls_distinct=False,
                name="radiology_a_template_is_written_once",
            ),
        )


class Phrase(Row):
    """A sentence that a reader keeps at hand; without a person it is everybody's."""

    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    language = models.CharField(max_length=2)
    shortcut = models.CharField(max_length=30)
    text = models.TextField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("person", "language", "shortcut"),
                nulls_distinct=False,
                name="radiology_a_shortcut_means_one_phrase",
            ),
        )


class Report(Row):
    """A reader's report or an addendum to it; once signed the database refuses every change."""

    class State(models.TextChoices):
        """A draft may change, a signed report never."""

        DRAFT = "draft", _("draft")
        SIGNED = "signed", _("signed")

    reading = models.ForeignKey(Reading, on_delete=models.PROTECT, related_name="reports")
    adds_to = models.OneToOneField("self", on_delete=models.PROTECT, related_name="addendum", null=True)
    author = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    language = models.CharField(max_length=2)
    sections = models.JSONField(default=dict)  # title, indication, technique, comparison, findings, conclusion
    critical = models.BooleanField(default=False)
    critical_what = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    revision = models.PositiveIntegerField(default=0)  # of the draft: a later save never loses to an earlier one
    saved_at = models.DateTimeField()
    signed_at = models.DateTimeField(null=True)
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the signed content, hexadecimal

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("reading",), condition=Q(state="draft"), name="radiology_a_reading_has_one_draft"
            ),
            models.UniqueConstraint(
                fields=("reading",),
                condition=Q(state="signed", adds_to__isnull=True),
                name="radiology_a_reading_is_signed_once",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", signed_at__isnull=True)
                | (Q(state="signed", signed_at__isnull=False) & ~Q(digest="")),
                name="radiology_final_reports_are_signed",
            ),
            models.CheckConstraint(
                condition=~Q(state="signed", critical=True) | ~Q(critical_what=""),
                name="radiology_a_critical_report_says_what",
            ),
        )


class KeyImage(Row):
    """An image that the reader points at, shown with the report."""

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="key_images")
    instance_uid = models.CharField(max_length=64)
    frame = models.PositiveIntegerField(default=1)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("report", "instance_uid", "frame"), name="radiology_an_image_is_key_once"),
        )


class Document(Row):
    """The signed PDF of a report (PAdES), and the DICOM object that carries it in the study."""

    report = models.OneToOneField(Report, on_delete=models.PROTECT, related_name="document")
    pdf = models.BinaryField()
    sha256 = models.BinaryField(max_length=32)
    instance_uid = models.CharField(max_length=64, blank=True)


class Receipt(Row):
    """A report that waits for the doctor who asked, and when it was read."""

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="receipts")
    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index(fields=("person", "read_at"), name="radiology_receipt_waiting"),)
        constraints = (
            models.UniqueConstraint(fields=("report", "person"), name="radiology_a_report_is_handed_over_once"),
        )


class CriticalTarget(Row):
    """In how many minutes a critical result is to be acknowledged, in a period."""

    minutes = models.PositiveIntegerField()
    period = DateRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="radiology_critical_results_have_one_target_at_a_time",
                expressions=(("period", RangeOperators.OVERLAPS),),
            ),
        )


class Obligation(Row):
    """A critical result that somebody must acknowledge before a deadline."""

    report = models.OneToOneField(Report, on_delete=models.PROTECT, related_name="obligation")
    holder = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    what = models.CharField(max_length=300)
    due_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("place", "due_at"),
                condition=Q(acknowledged_at__isnull=True),
                name="radiology_obligation_open",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True, acknowledged_by__isnull=True)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
                name="radiology_an_acknowledgement_has_a_name",
            ),
        )
