"""What the archive keeps on patients' files, asked when somebody decides which files are one person's."""

import datetime
from collections.abc import Iterator, Sequence
from uuid import UUID

from wasl.archive.models import Disc, Match, Share
from wasl.kernel.access import Actor
from wasl.patients.queries import Held


def studies_on(files: Sequence[UUID], *, since: datetime.datetime | None, viewer: Actor) -> Iterator[Held]:
    """The studies said to be of some files since a moment, or ever; for Wasl itself."""
    rows = Match.objects.filter(patient__in=files, undone_at__isnull=True, study__instance_count__gt=0)
    rows = rows.select_related("study") if viewer.is_system else rows.none()
    for row in rows.filter(created_at__gte=since) if since else rows:
        yield Held(row.study_id, row.patient_id, row.created_at, row.study.place_id, images=row.study_id)


def shares_on(files: Sequence[UUID], *, since: datetime.datetime | None, viewer: Actor) -> Iterator[Held]:
    """The shares of studies of some files made since a moment, or ever; for Wasl itself."""
    rows = Share.objects.filter(patient__in=files).select_related("study")
    rows = rows if viewer.is_system else rows.none()
    for row in rows.filter(created_at__gte=since) if since else rows:
        yield Held(row.study_id, row.patient_id, row.created_at, row.study.place_id)


def discs_on(files: Sequence[UUID], *, since: datetime.datetime | None, viewer: Actor) -> Iterator[Held]:
    """The discs read for some files since a moment, or ever, and not given up; for Wasl itself."""
    rows = Disc.objects.filter(patient__in=files, dropped_at__isnull=True)
    rows = rows if viewer.is_system else rows.none()
    for row in rows.filter(created_at__gte=since) if since else rows:
        yield Held(row.id, row.patient_id, row.created_at, row.place_id)
