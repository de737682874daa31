"""How good identities are, counted by hospital and month; counted again, it is the same."""

from django.db import models
from django.db.models import Q

from wasl.kernel.models import Row


class QualityMonth(Row):
    """A month whose identities were counted, and when."""

    month = models.DateField(unique=True)
    counted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(month__day=1), name="patients_a_month_begins_with_its_first_day"),
        )


class QualityCount(Row):
    """How many of a hospital's records or pairs of a month are so, and of how many; no hospital where there is none."""

    month = models.ForeignKey(QualityMonth, on_delete=models.PROTECT, related_name="counts", db_index=False)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    measure = models.CharField(max_length=16)
    numerator = models.BigIntegerField()
    denominator = models.BigIntegerField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("month", "measure", "place"), nulls_distinct=False,
                name="patients_a_measure_stands_once_in_a_month",
            ),
        )  # fmt: skip
