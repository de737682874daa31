"""What is said about a case between who asked and who reads; part of the medico-legal record, and never changed."""

from django.db import models
from django.db.models import Q

from wasl.kernel.models import Row
from wasl.radiology.models.orders import Order


class Remark(Row):
    """Something written about a case, or a phone call about it: who called whom, and whether they were reached.

    The database refuses every change of it (0014_pre_conversation).
    """

    class Kind(models.TextChoices):
        """Written, or spoken on the phone."""

        TEXT = "text"
        CALL = "call"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="remarks")
    number = models.PositiveIntegerField()  # its place in the conversation
    author = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=4, choices=Kind.choices)
    text = models.CharField(max_length=2000, blank=True)
    callee = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+", null=True)
    reached = models.BooleanField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("order", "number"), name="radiology_a_conversation_has_an_order"),
            models.CheckConstraint(
                condition=Q(kind="text", callee__isnull=True, reached__isnull=True) & ~Q(text="")
                | Q(kind="call", callee__isnull=False, reached__isnull=False, text=""),
                name="radiology_a_remark_is_words_or_a_call",
            ),
        )


class RemarkSeen(Row):
    """A person saw a conversation up to one of its remarks, and when; kept as it was, like the remarks."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="seen")
    person = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    upto = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("order", "person", "upto"), name="radiology_a_remark_is_seen_once_by_a_person"
            ),
        )
