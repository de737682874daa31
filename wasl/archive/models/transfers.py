"""What sites say that their studies hold, and what goes over the lines between them."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from wasl.kernel.models import Row


class Manifest(Row):
    """What a site says that a study holds: its images, named one by one, which come over a thin line."""

    study = models.ForeignKey("archive.Study", on_delete=models.PROTECT, related_name="manifests")
    sender = models.CharField(max_length=120)  # the actor, as the journal names it
    sender_name = models.CharField(max_length=200)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    decides = models.BooleanField(default=True)  # whether it says when the study is complete: a stranger's does not
    rank = models.PositiveSmallIntegerField(default=3)
    whole = models.BooleanField(default=False)  # nothing more will be named, as far as the site knows
    named = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    heard_at = models.DateTimeField()  # the last word of the sender

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("study", "sender"), name="archive_a_site_has_one_manifest_of_a_study"),
            models.CheckConstraint(
                condition=Q(held__lte=models.F("named")), name="archive_no_more_is_held_than_was_named"
            ),
            models.CheckConstraint(condition=Q(rank__lte=4), name="archive_a_manifest_has_a_known_rank"),
        )
        indexes = (
            models.Index(
                fields=("sender",), condition=Q(whole=False) | Q(held__lt=models.F("named")),
                name="archive_manifest_open",
            ),
        )  # fmt: skip


class Named(Row):
    """An image that a manifest names, and whether it is here with the content named."""

    manifest = models.ForeignKey(Manifest, on_delete=models.PROTECT, related_name="images")
    uid = models.CharField(max_length=64)
    series_uid = models.CharField(max_length=64)
    series_number = models.IntegerField(null=True)
    number = models.IntegerField(null=True)
    frames = models.PositiveIntegerField(default=0)
    sha256 = models.BinaryField(max_length=32)  # of the data set, as the site has it
    size = models.BigIntegerField()  # bytes of the Part 10 file
    held = models.BooleanField(default=False)
    # what the file's header says, where the site has said since that the image is another's; empty: the same as above
    header_study = models.CharField(max_length=64, blank=True, default="", db_default="")
    header_series = models.CharField(max_length=64, blank=True, default="", db_default="")
    header_uid = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("manifest", "uid"), name="archive_a_manifest_names_an_image_once"),
        )
        indexes = (
            models.Index(fields=("uid",), condition=Q(held=False), name="archive_named_awaited"),
            models.Index(fields=("sha256",), name="archive_named_by_content"),
        )


class Want(Row):
    """An earlier exam that is wanted of the site that named it, before a case of the same patient is to be read."""

    manifest = models.ForeignKey(Manifest, on_delete=models.PROTECT, related_name="+")
    deadline = models.DateTimeField()  # of the soonest of the cases for which it is wanted

    class Meta:
        constraints = (models.UniqueConstraint(fields=("manifest",), name="archive_a_prior_is_wanted_once"),)


class Link(Row):
    """A line to another Wasl, over which studies of this one are sent: those of a place, or of every place."""

    name = models.CharField(max_length=120)
    url = models.CharField(max_length=200)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    everything = models.BooleanField(default=False)  # every study is sent, not only those that somebody chose
    active = models.BooleanField(default=True)
    seen_at = models.DateTimeField(null=True)  # the last answer
    silent_since = models.DateTimeField(null=True)  # no answer since
    rate = models.FloatField(null=True)  # bytes a second that the line lately carried
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("name",), condition=Q(active=True), name="archive_a_link_has_its_own_name"),
        )


class Silence(Row):
    """A line said nothing for too long, until it was heard again: a link of ours, or one over which a gateway sends."""

    link = models.ForeignKey(Link, on_delete=models.PROTECT, related_name="silences", null=True)
    gateway = models.ForeignKey("accounts.Gateway", on_delete=models.PROTECT, related_name="+", null=True)
    since = models.DateTimeField()  # the last word, or the first that was not answered
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(link__isnull=False, gateway__isnull=True) | Q(link__isnull=True, gateway__isnull=False),
                name="archive_a_silence_is_of_one_line",
            ),
            models.UniqueConstraint(
                fields=("link",), condition=Q(ended_at__isnull=True), name="archive_a_link_is_missed_once_at_a_time"
            ),
            models.UniqueConstraint(
                fields=("gateway",), condition=Q(ended_at__isnull=True),
                name="archive_a_gateway_is_missed_once_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gt=models.F("since")),
                name="archive_a_silence_ends_after_it_began",
            ),
        )  # fmt: skip


class Transfer(Row):
    """A study on its way over a link: how urgent, and how far."""

    class State(models.TextChoices):
        """Where a transfer stands."""

        QUEUED = "queued", _("queued")
        SENDING = "sending", _("on its way")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")

    study = models.ForeignKey("archive.Study", on_delete=models.PROTECT, related_name="transfers")
    link = models.ForeignKey(Link, on_delete=models.PROTECT, related_name="transfers")
    rank = models.PositiveSmallIntegerField(default=3)  # 0 the most urgent
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    images = models.PositiveIntegerField(default=0)  # named to the other side
    images_sent = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(default=0)  # bytes of the images named
    sent = models.BigIntegerField(default=0)  # bytes of them that are there
    carried = models.BigIntegerField(default=0)  # bytes that the line carried for it
    tries = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    prior = models.BooleanField(default=False, db_default=False)  # the other side wants it for a case: after the urgent
    want = models.UUIDField(null=True)  # the other side's word for that it wants it
    deadline = models.DateTimeField(null=True)  # when it wants it at the latest
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("study", "link"), condition=Q(ended_at__isnull=True),
                name="archive_a_study_is_once_on_its_way_over_a_link",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("queued", "sending"), ended_at__isnull=True)
                | Q(state__in=("sent", "failed"), ended_at__isnull=False),
                name="archive_a_transfer_that_is_over_says_when",
            ),
            models.CheckConstraint(condition=Q(rank__lte=4), name="archive_a_transfer_has_a_known_rank"),
            models.UniqueConstraint(
                fields=("link", "want"), condition=Q(want__isnull=False), name="archive_a_prior_is_sent_for_once"
            ),
            models.CheckConstraint(
                condition=Q(prior=False) | Q(want__isnull=False, deadline__isnull=False),
                name="archive_a_prior_has_a_deadline",
            ),
        )  # fmt: skip
        indexes = (
            models.Index(
                fields=("link", "rank", "created_at"),
                condition=Q(ended_at__isnull=True),
                name="archive_transfer_waiting",
            ),
        )
