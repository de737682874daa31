"""What came from where in each hour, and the phantom that makes every site's way each hour."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from wasl.kernel.models import Row


class Traffic(Row):
    """What came from a machine in an hour; with no machine, what a place's people and other Wasls sent of it."""

    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    source = models.ForeignKey("archive.Source", on_delete=models.PROTECT, related_name="traffic", null=True)
    hour = models.DateTimeField()  # its beginning
    images = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(default=0)  # bytes
    conflicts = models.PositiveIntegerField(default=0)  # images that came again with other content
    refused = models.PositiveIntegerField(default=0, db_default=0)
    last_at = models.DateTimeField(null=True)  # the hour's last image

    class Meta:
        indexes = (models.Index(fields=("hour",), name="archive_traffic_by_hour"),)
        constraints = (
            models.UniqueConstraint(
                fields=("source", "place", "hour"), name="archive_an_hour_is_counted_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(images=0) | Q(last_at__isnull=False, last_at__gte=F("hour")),
                name="archive_traffic_with_images_says_when",
            ),
        )


class PhantomRun(Row):
    """A phantom's way from a site's scanner to a sealed report, once an hour, and how long each part took."""

    class Failed(models.TextChoices):
        """How far a phantom did not come."""

        SEND = "send", _("the archive did not take it")
        QUEUE = "queue", _("it did not reach the readers' queue")
        READ = "read", _("it could not be read")

    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    source = models.ForeignKey("archive.Source", on_delete=models.PROTECT, related_name="+")
    hour = models.DateTimeField()  # its beginning
    study = models.UUIDField(unique=True)  # the study's key; its row goes when the run ends
    started_at = models.DateTimeField()
    stored_at = models.DateTimeField(null=True)  # the last image was acknowledged
    queued_at = models.DateTimeField(null=True)  # the readers' queue had looked at the complete study
    # its pictures were drawn and a report with them was sealed; not known of those before this was tried
    read_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)  # its images were removed
    failed = models.CharField(max_length=5, choices=Failed.choices, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("started_at",), condition=Q(ended_at__isnull=True), name="archive_phantom_on_its_way"),
        )
        constraints = (
            models.UniqueConstraint(fields=("place", "hour"), name="archive_a_site_has_one_phantom_an_hour"),
            models.CheckConstraint(
                condition=Q(failed="") | Q(ended_at__isnull=False), name="archive_a_failed_phantom_is_over"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True)
                | ~Q(failed="")
                | Q(stored_at__isnull=False, queued_at__isnull=False),
                name="archive_a_phantom_that_did_not_fail_came_all_the_way",
            ),
            models.CheckConstraint(
                condition=Q(read_at__isnull=True) | Q(queued_at__isnull=False),
                name="archive_a_phantom_is_read_once_queued",
            ),
        )
