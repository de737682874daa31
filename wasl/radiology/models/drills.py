"""Drills: outages that were rehearsed in a world of their own, and how they went."""

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from wasl.kernel.models import Row


class Drill(Row):
    """An outage was rehearsed in a training world, by whom, from which seed, and what came of it; it never changes."""

    class Kind(models.TextChoices):
        """What failed."""

        CENTRE = "centre", pgettext_lazy("drill", "A centre goes dark")
        LINK = "link", pgettext_lazy("drill", "A line is cut")
        READER = "reader", pgettext_lazy("drill", "A reader is gone")

    kind = models.CharField(max_length=8, choices=Kind.choices)
    seed = models.PositiveIntegerField()
    held_by = models.ForeignKey("accounts.Person", on_delete=models.PROTECT, related_name="+")
    cases = models.PositiveIntegerField()
    noticed = models.FloatField(null=True)  # minutes, as rules.drills.Score says
    offered = models.FloatField(null=True)
    taken = models.FloatField(null=True)
    ahead = models.FloatField(null=True)
    late = models.PositiveIntegerField()
    lost = models.PositiveIntegerField()
    told = models.PositiveIntegerField()
    steps = models.PositiveIntegerField()

    class Meta:
        indexes = (models.Index(fields=("kind", "-created_at"), name="radiology_last_drill_of_a_kind"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=("centre", "link", "reader")), name="radiology_a_drill_is_known"
            ),
            models.CheckConstraint(
                condition=Q(offered__isnull=True) | Q(noticed__isnull=False),
                name="radiology_nothing_is_passed_on_unnoticed_in_a_drill",
            ),
            models.CheckConstraint(
                condition=~(Q(noticed__lt=0) | Q(offered__lt=0) | Q(taken__lt=0) | Q(ahead__lt=0)),
                name="radiology_minutes_of_a_drill_count_up",
            ),
        )
