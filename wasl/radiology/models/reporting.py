"""Reports: what they begin from, what is written, what is signed."""

from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.radiology.models.catalogue import Procedure
from wasl.radiology.models.display import DisplayCheck
from wasl.radiology.models.reading import Reading
from wasl.radiology.models.regions import Region


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
    """A reader's report or an addendum to it; once issued or signed the database refuses every change."""

    class State(models.TextChoices):
        """A draft may change; what was issued, as partial or preliminary, or signed, never."""

        DRAFT = "draft", _("draft")
        PRELIMINARY = "preliminary", pgettext_lazy("report", "preliminary")
        SIGNED = "signed", _("signed")
        PARTIAL = "partial", pgettext_lazy("report", "partial")  # FHIR's word: a finding told before the report

    class Change(models.TextChoices):
        """How a final report differs from the preliminary one, in the judgement of who signed it."""

        NONE = "none", pgettext_lazy("change", "no change")
        WORDING = "wording", pgettext_lazy("change", "wording only")
        MINOR = "minor", pgettext_lazy("change", "minor discrepancy")
        MAJOR = "major", pgettext_lazy("change", "major discrepancy")

    ISSUED = (State.PRELIMINARY, State.SIGNED, State.PARTIAL)  # what others may read

    reading = models.ForeignKey(Reading, on_delete=models.PROTECT, related_name="reports")
    adds_to = models.OneToOneField("self", on_delete=models.PROTECT, related_name="addendum", null=True)
    # the report, signed under another patient's name, of which this one says the same for the right patient
    follows = models.ForeignKey("self", on_delete=models.PROTECT, related_name="followers", null=True)
    # the preliminary report that this one makes final
    finalises = models.OneToOneField("self", on_delete=models.PROTECT, related_name="final", null=True)
    change = models.CharField(max_length=7, choices=Change.choices, blank=True)  # of what it makes final
    author = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    # who wrote it first: a resident, or who issued it as preliminary; `author` answers for it
    drafted_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    region = models.ForeignKey(
        Region, on_delete=models.PROTECT, related_name="findings_told", null=True
    )  # of a partial one
    readers = models.JSONField(db_default=[], default=list)  # of a merged report, who read which body region
    # the passed check of the display on which it was signed, where the rule asks for one
    display = models.ForeignKey(DisplayCheck, on_delete=models.PROTECT, related_name="reports", null=True)
    language = models.CharField(max_length=2)
    sections = models.JSONField(default=dict)  # title, indication, technique, comparison, findings, conclusion
    critical = models.BooleanField(default=False)
    critical_what = models.CharField(max_length=300, blank=True)
    critical_category = models.PositiveSmallIntegerField(db_default=1, default=1)  # ACR: minutes, hours, days
    follow_up = models.JSONField(null=True)  # what (an exam's key or a modality), body, amount, unit, reason
    state = models.CharField(max_length=11, choices=State.choices, default=State.DRAFT)
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
            models.UniqueConstraint(
                fields=("reading",), condition=Q(state="preliminary"), name="radiology_a_reading_is_preliminary_once"
            ),
            models.CheckConstraint(
                condition=Q(state="draft", signed_at__isnull=True)
                | (Q(state__in=("preliminary", "signed", "partial"), signed_at__isnull=False) & ~Q(digest="")),
                name="radiology_issued_reports_are_signed",
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(critical=False) | ~Q(critical_what=""),
                name="radiology_a_critical_report_says_what",
            ),
            models.CheckConstraint(
                condition=Q(critical_category__in=(1, 2, 3)), name="radiology_a_critical_result_has_a_category"
            ),
            models.CheckConstraint(
                condition=~Q(state="preliminary") | Q(adds_to__isnull=True), name="radiology_an_addendum_is_final"
            ),
            models.CheckConstraint(
                condition=Q(finalises__isnull=True, change="")
                | (Q(state="signed", finalises__isnull=False, adds_to__isnull=True) & ~Q(change="")),
                name="radiology_what_makes_final_says_what_changed",
            ),
            models.CheckConstraint(
                condition=Q(
                    state="partial", region__isnull=False, critical=True, adds_to__isnull=True, finalises__isnull=True
                )
                | (~Q(state="partial") & Q(region__isnull=True)),
                name="radiology_a_partial_report_is_a_critical_finding_of_a_region",
            ),
        )

    @property
    def region_readers(self) -> list[UUID]:
        """The people who read the regions of a merged report, in its order."""
        return [UUID(one["reader"]) for one in self.readers]


class KeyImage(Row):
    """An image that the reader points at, shown with the report."""

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="key_images")
    instance_uid = models.CharField(max_length=64)
    frame = models.PositiveIntegerField(default=1)
    note = models.CharField(max_length=200, blank=True)
    view = models.JSONField(null=True)  # how the reader showed it (rules/shown.py); nothing: as the image has it

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("report", "instance_uid", "frame"), name="radiology_an_image_is_key_once"),
        )

    @property
    def said(self) -> str:
        """What is noted on it and written beside what is drawn: the picture in words."""
        texts = [drawing["text"] for drawing in (self.view or {}).get("drawings", ()) if "text" in drawing]
        return " · ".join(text for text in (self.note, *texts) if text)


class Document(Row):
    """The signed PDF of a report (PAdES), and the DICOM object that carries it in the study."""

    report = models.OneToOneField(Report, on_delete=models.PROTECT, related_name="document")
    pdf = models.BinaryField()
    sha256 = models.BinaryField(max_length=32)
    instance_uid = models.CharField(max_length=64, blank=True)
