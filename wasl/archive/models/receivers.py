"""Systems outside that take copies without names, and which copies each of them has."""

from django.db import models
from django.db.models import Q

from wasl.kernel.models import Row


class Receiver(Row):
    """A system outside that takes de-identified copies of a place by STOW-RS, such as an algorithm."""

    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    url = models.CharField(max_length=200)  # of its DICOMweb service, without `/studies`
    token = models.CharField(max_length=2000)  # what lets us in there; it is shown to nobody
    active = models.BooleanField(default=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("place", "name"), condition=Q(active=True), name="archive_a_receiver_has_its_own_name"
            ),
        )


class Sending(Row):
    """The copies of a release on their way to a receiver: how far, and why they stand still."""

    class Why(models.TextChoices):
        """Why a sending ended."""

        TOLD = "told"  # the receiver said of each copy whether it takes it
        CLOSED = "closed"  # nothing is sent to the receiver any more
        GONE = "gone"  # the time of the copies was over

    release = models.ForeignKey("archive.Release", on_delete=models.PROTECT, related_name="sendings")
    receiver = models.ForeignKey(Receiver, on_delete=models.PROTECT, related_name="sendings")
    asked_by = models.CharField(max_length=120)
    error = models.CharField(max_length=40, blank=True)  # of the last try, while it goes on
    why = models.CharField(max_length=6, choices=Why.choices, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("release", "receiver"), name="archive_a_release_is_sent_to_a_receiver_once"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, why="") | (Q(ended_at__isnull=False) & ~Q(why="")),
                name="archive_a_sending_that_is_over_says_why",
            ),
        )


class SentCopy(Row):
    """What a receiver said of one copy: it has it, or why it does not take it."""

    sending = models.ForeignKey(Sending, on_delete=models.PROTECT, related_name="copies")
    name = models.CharField(max_length=60)  # in the release
    uid = models.CharField(max_length=64)  # SOP Instance UID of the copy
    refused = models.CharField(max_length=8, blank=True)  # Failure Reason (0008,1197) in hexadecimal, or an HTTP status

    class Meta:
        constraints = (models.UniqueConstraint(fields=("sending", "name"), name="archive_a_copy_is_answered_once"),)
