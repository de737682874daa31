"""What may be asked about regions: those of a case, those that wait for a reader, what was told of them, who read."""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.text import capfirst

from wasl.accounts import queries as accounts
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.radiology.models import Reading, Region, Report
from wasl.radiology.queries.agreements import OF_READING, may_be_read_by
from wasl.radiology.queries.critical import department_of
from wasl.radiology.queries.openings import served_by
from wasl.radiology.queries.reading import OPEN, _visible_readings
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.rules import regions as rules

State = Region.State


def _visible_regions(viewer: Actor) -> QuerySet[Region]:
    """The regions of the cases that the viewer sees, and the viewer's own."""
    about = ("reading__order__procedure", "reading__order__requester", "reading__place", "reading__study", "reader")
    rows = Region.objects.select_related(*about, "reading__claimed_by")
    if viewer.is_system:
        return rows
    if viewer.id is None:
        return rows.none()
    return rows.filter(Q(reader=viewer.id) | Q(reading__in=_visible_readings(viewer).values("id")))


def region(key: UUID, *, viewer: Actor) -> Region:
    """One region. Raises NotFound."""
    found = _visible_regions(viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def regions_of(reading: UUID, *, viewer: Actor) -> list[Region]:
    """The regions of a case from head to foot, those that were taken back last."""
    return sorted(_visible_regions(viewer).filter(reading=reading), key=_place)


def regions_to_read(*, viewer: Actor) -> list[Region]:
    """Parts of readings that the viewer holds or may take, the most urgent and the soonest due first."""
    if viewer.id is None or not viewer.roles & reading_rules.READERS:
        return []
    readable = served_by(viewer.id, viewer=viewer) & may_be_read_by(viewer.id, OF_READING, viewer=viewer)
    waiting = Q(state=State.WAITING, reading__in=Reading.objects.filter(readable))
    mine = Q(reader=viewer.id, state__in=(State.CLAIMED, State.HANDED_IN))
    rows = _visible_regions(viewer).filter(waiting | mine, reading__state__in=OPEN)
    return sorted(rows, key=lambda row: (row.reading.urgency, row.reading.due_at, row.reading_id, _place(row)))


def silent_regions(*, viewer: Actor) -> list[UUID]:
    """The regions whose reader gave no sign of life for too long, of cases still to be read; for Wasl itself."""
    silent = Region.objects.filter(state=State.CLAIMED, claimed_until__lte=timezone.now(), reading__state__in=OPEN)
    return list(silent.values_list("id", flat=True)) if viewer.is_system else []


def open_regions(reading: UUID, *, viewer: Actor) -> list[Region]:
    """The regions of a case that its report does not hold yet, from head to foot, for who signs it."""
    rows = Region.objects.filter(reading=reading, state__in=Region.OPEN)
    return sorted(rows, key=_place) if viewer.held else []


def may_split(reading: Reading, *, viewer: Actor) -> bool:
    """Whether the viewer may split a case: who holds it, or the head of that reader's department; Wasl, as ordered."""
    if viewer.is_system:
        return True
    if reading.state != Reading.State.CLAIMED or reading.claimed_by_id is None:
        return False
    if reading.claimed_by_id == viewer.id:
        return True
    return department_of(reading.claimed_by_id, viewer=SYSTEM) in viewer.places("chief")


def ordered_regions(reading: UUID, *, viewer: Actor) -> tuple[str, ...]:
    """The regions into which a case is to be split as soon as it is opened, unless it was split before."""
    found = Reading.objects.select_related("order__procedure").filter(id=reading, state__in=OPEN).first()
    if not viewer.is_system or found is None or found.regions.exists():
        return ()
    return tuple(found.order.procedure.regions)


def findings_of(reading: UUID, *, viewer: Actor) -> list[Report]:
    """The critical findings of a case that were released before its report, the first one first; to who may see it."""
    if not viewer.held:
        return []
    rows = Report.objects.select_related("region", "author", "obligation__acknowledged_by")
    return list(rows.filter(reading=reading, state=Report.State.PARTIAL).order_by("signed_at", "id"))


def readers_of_regions(reading: UUID, *, viewer: Actor) -> list[dict[str, str]]:
    """Who read which region of a case that is in its report, as the report keeps it, for who signs it."""
    rows = Region.objects.filter(reading=reading, state=State.MERGED)
    return [{"region": row.body, "reader": str(row.reader_id)} for row in sorted(rows, key=_place)]


def attribution(report: Report, *, viewer: Actor) -> list[tuple[str, str]]:
    """Who read which region of a report that the viewer has already been given, in words; empty for most reports."""
    if not report.readers or not viewer.held:
        return []
    names = accounts.names(report.region_readers, viewer=SYSTEM)
    labels = [capfirst(str(Region.Body(one["region"]).label)) for one in report.readers]
    return list(zip(labels, (names.get(key, "") for key in report.region_readers), strict=True))


def _place(row: Region) -> tuple[bool, int]:
    return row.state == State.WITHDRAWN, rules.BODIES.index(row.body)
