"""Members of the network, and the log of what they sent."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row


class Member(Row):
    """An outside system: how it names itself in HL7 v2, where it calls from, and as which client of a place it acts."""

    class Kind(models.TextChoices):
        """What the system is to its hospital."""

        HIS = "his", pgettext_lazy("member", "hospital information system")
        RIS = "ris", pgettext_lazy("member", "radiology information system")
        LIS = "lis", pgettext_lazy("member", "laboratory system")
        ENGINE = "engine", pgettext_lazy("member", "interface engine")
        OTHER = "other", pgettext_lazy("member", "another system")

    class Charset(models.TextChoices):
        """How a message is written that does not say so itself (MSH-18, HL7 table 0211)."""

        ASCII = "ASCII", "ASCII"
        UTF_8 = "UNICODE UTF-8", "UTF-8"
        LATIN_1 = "8859/1", "ISO 8859-1"
        ARABIC = "8859/6", "ISO 8859-6"

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.HIS)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    application = models.CharField(max_length=180)  # MSH-3, its first component
    facility = models.CharField(max_length=180, blank=True)  # MSH-4, its first component
    addresses = ArrayField(models.CharField(max_length=64))  # it calls from one of these addresses or networks
    authority = models.CharField(max_length=180, blank=True)  # whose numbers in PID-3 are the place's own (CX-4)
    charset = models.CharField(max_length=13, choices=Charset.choices, default=Charset.ASCII)
    client = models.OneToOneField("accounts.Client", on_delete=models.PROTECT, related_name="+")
    taken = models.PositiveBigIntegerField(default=0)  # messages so far: the last one's position
    heard_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("application", "facility"), condition=Q(revoked_at=None), name="exchange_a_sender_is_one_member"
            ),
            models.CheckConstraint(condition=~Q(application=""), name="exchange_a_member_names_itself"),
            models.CheckConstraint(condition=~Q(addresses=[]), name="exchange_a_member_calls_from_somewhere"),
        )


class Message(Row):
    """What a member sent, as it came, what it means, and what became of it; made when it came (`created_at`)."""

    class State(models.TextChoices):
        """Forward alone: waiting, then done, or parked until it is done or set aside."""

        WAITING = "waiting", pgettext_lazy("message", "waiting")
        DONE = "done", pgettext_lazy("message", "done")
        PARKED = "parked", pgettext_lazy("message", "parked")
        ASIDE = "aside", pgettext_lazy("message", "set aside")

    class Act(models.TextChoices):
        """What a message asks for."""

        TELL = "tell", pgettext_lazy("message", "who a patient is")
        REPLACE = "replace", pgettext_lazy("message", "one number stands for another")
        REMOVE = "remove", pgettext_lazy("message", "a number is used no longer")

    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="messages", db_index=False)
    position = models.PositiveBigIntegerField()  # in the order in which the member's messages were taken
    control_id = models.CharField(max_length=199)  # MSH-10
    kind = models.CharField(max_length=7)  # MSH-9, message and event, such as ADT^A08
    version = models.CharField(max_length=8)  # MSH-12
    address = models.CharField(max_length=64)  # where it came from
    raw = models.BinaryField()
    digest = models.BinaryField(max_length=32)  # SHA-256 of it
    act = models.CharField(max_length=7, choices=Act.choices)
    numbers = ArrayField(models.CharField(max_length=64))  # of the place: whose it is, then the one that it stands for
    said = models.JSONField(default=dict)  # texts by the matcher's columns; empty where the sender took it back
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=60, blank=True)  # the refusal's code, of one that is parked or was
    tries = models.PositiveIntegerField(default=0)
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+", null=True)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=120, blank=True)
    because = models.CharField(max_length=300, blank=True)  # why it was set aside

    class Meta:
        indexes = (
            GinIndex(fields=("numbers",), condition=Q(state__in=("waiting", "parked")), name="exchange_open_numbers"),
            models.Index(
                fields=("member", "position"),
                condition=Q(state__in=("waiting", "parked")),
                name="exchange_open_messages",
            ),
        )
        constraints = (
            models.UniqueConstraint(fields=("member", "control_id"), name="exchange_a_message_is_taken_once"),
            models.UniqueConstraint(fields=("member", "position"), name="exchange_messages_of_a_member_have_one_order"),
            models.CheckConstraint(
                condition=Q(state__in=("waiting", "parked"), settled_at=None)
                | Q(state__in=("done", "aside"), settled_at__isnull=False),
                name="exchange_what_is_settled_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state="parked") | ~Q(reason=""), name="exchange_what_is_parked_says_why"
            ),
            models.CheckConstraint(
                condition=Q(state="aside", settled_by__startswith="person:") & ~Q(because="")
                | ~Q(state="aside") & Q(because=""),
                name="exchange_a_person_sets_aside_and_says_why",
            ),
        )
