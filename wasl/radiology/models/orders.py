"""Orders, the studies that answer them, and studies that were another patient's."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row
from wasl.radiology.models.catalogue import Procedure, Side, Urgency


class Order(Row):
    """A requesting doctor's order of an exam; its accession number and study UID are the modality's thread back."""

    class State(models.TextChoices):
        """How far the exam itself is; the reading has a state of its own."""

        VETTING = "vetting", _("to be vetted")
        SENT = "sent", _("ordered")
        STARTED = "started", _("being performed")
        PERFORMED = "performed", _("performed")
        CANCELLED = "cancelled", _("cancelled")
        REFUSED = "refused", _("refused")

    class Because(models.TextChoices):
        """Why an exam is ordered though an earlier one stands for it."""

        CHANGED = "changed", pgettext_lazy("repeat", "the patient’s state has changed")
        CONTROL = "control", pgettext_lazy("repeat", "control of a treatment or a finding")
        QUALITY = "quality", pgettext_lazy("repeat", "the earlier images do not suffice")
        UNAVAILABLE = "unavailable", pgettext_lazy("repeat", "the earlier images cannot be had")
        QUESTION = "question", pgettext_lazy("repeat", "another question than the earlier exam’s")
        OTHER = "other", pgettext_lazy("repeat", "another reason")
        VITAL = "vital", pgettext_lazy("repeat", "vital emergency, not asked")

    ENDED = (State.CANCELLED, State.REFUSED)  # nothing more is made for it

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
    # the earlier exam that stood for this one when it was ordered, and why that was not enough
    repeats = models.ForeignKey("self", on_delete=models.PROTECT, related_name="+", null=True)
    repeat_because = models.CharField(max_length=12, choices=Because.choices, blank=True, db_default="", default="")
    repeat_note = models.CharField(max_length=300, blank=True, db_default="", default="")
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
            models.CheckConstraint(
                condition=Q(repeats__isnull=True, repeat_because="", repeat_note="")
                | (Q(repeats__isnull=False) & ~Q(repeat_because="")),
                name="radiology_a_repeated_exam_says_why",
            ),
            models.CheckConstraint(
                condition=~Q(repeat_because="other") | ~Q(repeat_note=""),
                name="radiology_another_reason_to_repeat_is_said_in_words",
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


class Move(Row):
    """A study that was said to be one patient's and is another's: from whom to whom, by whom and why; can be undone.

    Of an unknown person who was identified, orders are moved that no study answers yet.
    """

    study = models.ForeignKey("archive.Study", on_delete=models.PROTECT, related_name="+", null=True)
    from_patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    to_patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    from_order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+", null=True)
    to_order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+", null=True)
    order_made = models.BooleanField(default=False)  # the order moved to is a copy, made by the move
    from_state = models.CharField(max_length=10, blank=True)  # of the orders before the move
    to_state = models.CharField(max_length=10, blank=True)
    turn = models.PositiveIntegerField(db_default=1, default=1)  # how many times the study was moved, with this
    act = models.UUIDField()  # several studies that were moved by one act have one
    identified = models.BooleanField(default=False)  # because an unknown person was found to be a known patient
    by = models.CharField(max_length=120)
    because = models.CharField(max_length=200)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=120, blank=True)

    class Meta:
        indexes = (models.Index(fields=("study", "created_at"), name="radiology_move_by_study"),)
        constraints = (
            models.UniqueConstraint(fields=("study", "turn"), name="radiology_a_study_is_moved_by_one_at_a_time"),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True, undone_by="") | (Q(undone_at__isnull=False) & ~Q(undone_by="")),
                name="radiology_an_undone_move_says_by_whom",
            ),
        )
