"""Cases to be read, and what their readers saw."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from wasl.kernel.models import Row
from wasl.radiology.models.catalogue import Urgency
from wasl.radiology.models.orders import Move, Order


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
    due_at = models.DateTimeField()  # its next report: the first one, then the final one
    first_due_at = models.DateTimeField(null=True)  # when the first was due, once a preliminary met that clock
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    claimed_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    claimed_until = models.DateTimeField(null=True)  # renewed by every sign of life of the reader
    more_at = models.DateTimeField(null=True)  # more images came after the study was taken for complete
    # the reading that this one took over when its study proved to be another patient's, and the move that did it
    follows = models.ForeignKey("self", on_delete=models.PROTECT, related_name="followers", null=True)
    move = models.ForeignKey(Move, on_delete=models.PROTECT, related_name="readings", null=True)

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


class Viewing(Row):
    """What a reader's viewer last said of the pictures of a case: how many were shown, how many are not whole yet."""

    reading = models.ForeignKey(Reading, on_delete=models.PROTECT, related_name="viewings")
    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    shown = models.PositiveIntegerField()  # 0: no picture was shown in a viewer of ours
    partial = models.PositiveIntegerField()
    stated_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("reading", "person"), name="radiology_a_reader_has_one_viewing_of_a_case"),
            models.CheckConstraint(
                condition=Q(partial__lte=models.F("shown")), name="radiology_partial_pictures_are_among_those_shown"
            ),
        )
