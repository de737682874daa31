"""Images that were moved to another study."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from wasl.kernel.models import Row


class Regrouping(Row):
    """Images said to belong to another study, by whom and why; the stored files stay, and it can be undone.

    Of a whole series, or (`instances` named) of some of its images, for which a series of their own was made.
    """

    series = models.ForeignKey("archive.Series", on_delete=models.PROTECT, related_name="regroupings")
    from_study = models.ForeignKey("archive.Study", on_delete=models.PROTECT, related_name="+")
    to_study = models.ForeignKey("archive.Study", on_delete=models.PROTECT, related_name="+")
    from_series = models.ForeignKey("archive.Series", on_delete=models.PROTECT, related_name="+", null=True)
    instances = ArrayField(models.UUIDField(), default=list)  # those taken out of `from_series`; all when it is none
    from_uid = models.CharField(max_length=64)  # of the series, before it moved
    flags = ArrayField(models.CharField(max_length=30), default=list)  # what its images brought to the study's
    turn = models.PositiveIntegerField()  # how many times this series was moved, this time included
    act = models.UUIDField()  # what one act moved has one
    by = models.CharField(max_length=120)
    because = models.CharField(max_length=200)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=120, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("from_study",), name="archive_regrouping_out_of"),
            models.Index(fields=("to_study",), name="archive_regrouping_into"),
            models.Index(fields=("act",), name="archive_regrouping_by_act"),
        )
        constraints = (
            models.UniqueConstraint(fields=("series", "turn"), name="archive_a_series_is_moved_by_one_at_a_time"),
            models.CheckConstraint(
                condition=~Q(from_study=models.F("to_study")), name="archive_images_are_moved_to_another_study"
            ),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True, undone_by="") | (Q(undone_at__isnull=False) & ~Q(undone_by="")),
                name="archive_an_undone_regrouping_says_by_whom",
            ),
        )
