"""What radiology keeps on patients' files, asked when somebody decides which files are one person's."""

import datetime
from collections.abc import Iterator, Sequence
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.patients.queries import Held
from wasl.radiology.models import Link, Order, Reading, Recommendation, Report


def orders_on(files: Sequence[UUID], *, since: datetime.datetime | None, viewer: Actor) -> Iterator[Held]:
    """The orders written on some files since a moment, or ever; for Wasl itself."""
    rows = Order.objects.filter(patient__in=files) if viewer.is_system else Order.objects.none()
    found = list(rows.filter(created_at__gte=since) if since else rows)
    studies = dict(Link.objects.filter(order__in=found, undone_at__isnull=True).values_list("order", "study"))
    for row in found:
        yield Held(row.id, row.patient_id, row.created_at, row.place_id, images=studies.get(row.id))


def reports_on(files: Sequence[UUID], *, since: datetime.datetime | None, viewer: Actor) -> Iterator[Held]:
    """The reports issued on some files since a moment, or ever; for Wasl itself."""
    rows = Report.objects.filter(reading__patient__in=files, state__in=Report.ISSUED).select_related("reading")
    rows = rows.exclude(reading__state=Reading.State.WITHDRAWN) if viewer.is_system else rows.none()
    for row in rows.filter(signed_at__gte=since) if since else rows:
        yield Held(row.id, row.reading.patient_id, row.signed_at or row.created_at, row.reading.place_id,
                   images=row.reading.study_id)  # fmt: skip


def follow_ups_on(files: Sequence[UUID], *, since: datetime.datetime | None, viewer: Actor) -> Iterator[Held]:
    """The recommended exams that wait on some files, written since a moment, or ever; for Wasl itself."""
    rows = Recommendation.objects.filter(patient__in=files) if viewer.is_system else Recommendation.objects.none()
    for row in rows.filter(created_at__gte=since) if since else rows:
        yield Held(row.id, row.patient_id, row.created_at, row.place_id)
