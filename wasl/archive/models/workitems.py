"""Work that is given to algorithms and stations (unified procedure steps, PS3.4, CC), and who hears of it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from wasl.kernel.models import Row


class Workitem(Row):
    """A task that somebody put on the worklist: what is to be done, who claimed it, and what came of it."""

    class State(models.TextChoices):
        """Procedure Step State (0074,1000)."""

        SCHEDULED = "SCHEDULED"
        IN_PROGRESS = "IN PROGRESS"
        COMPLETED = "COMPLETED"
        CANCELED = "CANCELED"

    class Priority(models.TextChoices):
        """Scheduled Procedure Step Priority (0074,1200)."""

        HIGH = "HIGH"
        MEDIUM = "MEDIUM"
        LOW = "LOW"

    uid = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=11, choices=State.choices, default=State.SCHEDULED)
    # who claimed it knows it, and nobody is told: it is a key, not an attribute
    transaction_uid = models.CharField(max_length=64, null=True)
    priority = models.CharField(max_length=6, choices=Priority.choices)
    label = models.CharField(max_length=64)
    starts_at = models.DateTimeField()
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+", null=True)
    study_uid = models.CharField(max_length=64, blank=True)  # of what is worked on
    attributes = models.JSONField()  # the whole data set as DICOM JSON (PS3.18, F), without the transaction UID

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=("SCHEDULED", "IN PROGRESS", "COMPLETED", "CANCELED")),
                name="archive_a_workitem_has_a_known_state",
            ),
            models.CheckConstraint(
                condition=Q(state="SCHEDULED", transaction_uid__isnull=True)
                | (~Q(state="SCHEDULED") & Q(transaction_uid__isnull=False)),
                name="archive_a_workitem_is_locked_once_it_is_claimed",
            ),
            models.CheckConstraint(
                condition=Q(priority__in=("HIGH", "MEDIUM", "LOW")), name="archive_a_workitem_has_a_known_priority"
            ),
        )
        indexes = (
            models.Index(fields=("place", "state", "starts_at"), name="archive_workitem_by_place"),
            models.Index(fields=("patient",), name="archive_workitem_by_patient"),
            models.Index(fields=("study_uid",), name="archive_workitem_by_study"),
        )


class Subscriber(Row):
    """An AE title under which somebody hears of workitems; it is theirs who took it first."""

    ae_title = models.CharField(max_length=16, unique=True)
    owner = models.CharField(max_length=120)  # the actor, as the journal names it
    places = ArrayField(models.UUIDField(), default=list)  # whose new workitems it hears of
    worklist = models.BooleanField(default=False)  # it hears of every new workitem of its places that has these keys
    keys = models.JSONField(default=list)
    lock = models.BooleanField(default=False)  # it asked that new workitems be kept
    last = models.BigIntegerField(default=0)  # the number of its last report
    handed = models.BigIntegerField(default=0)  # up to which reports were handed over
    line = models.UUIDField(null=True)  # the connection over which it listens; a new one ends the one before

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(worklist=True) | Q(keys=[]), name="archive_keys_are_of_a_worklist"),
            models.CheckConstraint(
                condition=Q(handed__gte=0, handed__lte=F("last")), name="archive_no_more_is_handed_over_than_there_is"
            ),
        )


class WorkitemSubscription(Row):
    """That a subscriber hears of one workitem."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.PROTECT, related_name="subscriptions")
    workitem = models.ForeignKey(Workitem, on_delete=models.PROTECT, related_name="subscriptions")
    lock = models.BooleanField(default=False)  # it asked that the workitem be kept

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("workitem", "subscriber"), name="archive_a_workitem_is_subscribed_to_once"),
        )


class WorkitemEvent(Row):
    """A report for one subscriber, numbered in their order, so that who was away hears it afterwards."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.PROTECT, related_name="events")
    number = models.BigIntegerField()
    workitem = models.ForeignKey(Workitem, on_delete=models.PROTECT, related_name="events")
    kind = models.PositiveSmallIntegerField()  # Event Type ID (PS3.4, table CC.2.4-1)
    content = models.JSONField()  # the attributes of the report as DICOM JSON

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("subscriber", "number"), name="archive_a_report_has_its_own_number"),
            models.CheckConstraint(condition=Q(kind__in=(1, 2, 3, 5)), name="archive_a_report_is_of_a_known_kind"),
        )
