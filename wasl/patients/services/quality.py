"""How good identities are, counted by the clock, month by month."""

import datetime

from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries
from wasl.patients.events import QualityCounted
from wasl.patients.models import QualityCount, QualityMonth


@verb
def count_quality(month: datetime.date, *, by: Actor) -> int:
    """Count the identities of a month, in place of what was counted before; gives how many counts there are.

    It is told where something changed.
    """
    begun, _ = QualityMonth.objects.get_or_create(month=month)
    counted = QualityMonth.objects.select_for_update().get(id=begun.id)
    found = {(place, measure): (many, of) for place, measure, many, of in queries.quality_of(month, viewer=by)}
    rows = QualityCount.objects.filter(month=counted)
    before = {(row.place_id, row.measure): (row.numerator, row.denominator) for row in rows}
    changed = found != before or counted.counted_at is None
    if changed:
        rows.delete()
        QualityCount.objects.bulk_create(
            (QualityCount(month=counted, place_id=place, measure=measure, numerator=many, denominator=of)
             for (place, measure), (many, of) in found.items()),
            batch_size=5000,
        )  # fmt: skip
    counted.counted_at = timezone.now()
    counted.save(update_fields=("counted_at",))
    if changed:
        emit(QualityCounted(counted=counted.id, month=month, counts=len(found)), by=by)
    return len(found)
