"""What may be asked about cases: the readers' worklist over all hospitals they serve, and who reads what."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from wasl.accounts import queries as accounts
from wasl.archive import queries as archive
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.radiology.models import Link, Reading, Report
from wasl.radiology.queries.agreements import OF_READING, may_be_read_by
from wasl.radiology.queries.blinding import blind_readings
from wasl.radiology.queries.openings import served_by
from wasl.radiology.rules import reading as rules

State = Reading.State
OPEN = (State.WAITING, State.CLAIMED)


def _visible_readings(viewer: Actor) -> QuerySet[Reading]:
    """A reader's own cases and the open ones of the hospitals read for; for a chief, also those of their readers.

    Who covers another hospital reads there by an agreement of the two hospitals that is in force at this moment.
    """
    rows = Reading.objects.select_related("order__procedure", "place", "claimed_by")
    if viewer.is_system:
        return rows
    if viewer.id is None or not viewer.roles & {*rules.READERS, "chief"}:
        return rows.none()
    adding = Report.objects.filter(author=viewer.id, state=Report.State.DRAFT, adds_to__isnull=False)
    mine = Q(claimed_by=viewer.id) | Q(id__in=adding.values("reading"))  # one's own, or an addendum of one's own
    if viewer.roles & rules.READERS:
        served = served_by(viewer.id, viewer=viewer)
        mine |= served & Q(state__in=OPEN) & may_be_read_by(viewer.id, OF_READING, viewer=viewer)
    for place in viewer.places("chief"):
        for role in rules.READERS:
            mine |= Q(claimed_by__in=accounts.holders(role, place=place, viewer=viewer).values("id"))
    hidden = blind_readings(viewer=viewer)
    return rows.filter(mine) if hidden is None else rows.filter(mine).exclude(id__in=hidden)


def readings(*, viewer: Actor) -> QuerySet[Reading]:
    """The open cases, the most urgent and the soonest due first."""
    return _visible_readings(viewer).filter(state__in=OPEN).order_by("urgency", "due_at", "id")


def waiting_by_urgency(*, viewer: Actor) -> list[tuple[str, int, int]]:
    """How many open cases there are in each class of urgency, and how many of them should have been read by now."""
    overdue = Count("id", filter=Q(due_at__lt=timezone.now()))
    rows = _visible_readings(viewer).filter(state__in=OPEN).order_by("urgency").values("urgency")
    return list(rows.annotate(waiting=Count("id"), overdue=overdue).values_list("urgency", "waiting", "overdue"))


def signed_readings(*, viewer: Actor) -> QuerySet[Reading]:
    """The cases that the viewer, or a reader whom the viewer heads, signed; the newest first."""
    return _visible_readings(viewer).filter(state=State.SIGNED).order_by("-created_at", "-id")


def reading(key: UUID, *, viewer: Actor) -> Reading:
    """One case."""
    found = _visible_readings(viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def silent_readings(*, viewer: Actor) -> list[UUID]:
    """The claimed cases whose reader gave no sign of life for too long."""
    silent = _visible_readings(viewer).filter(state=State.CLAIMED, claimed_until__lte=timezone.now())
    return list(silent.values_list("id", flat=True))


def readings_of_study(study: UUID, *, viewer: Actor, order: UUID | None = None) -> list[UUID]:
    """The cases of a study (read for one order, when it is named) that were not withdrawn."""
    rows = _visible_readings(viewer).filter(study=study).exclude(state=State.WITHDRAWN)
    if order is not None:
        rows = rows.filter(order=order)
    return list(rows.values_list("id", flat=True))


def orders_to_read(study: UUID, *, viewer: Actor) -> list[UUID]:
    """The orders that a complete study answers: at most one, and none while the study is not complete."""
    if not viewer.is_system:
        return []
    links = Link.objects.filter(study=study, undone_at__isnull=True, study__complete_at__isnull=False)
    return list(links.values_list("order", flat=True))


@dataclass(frozen=True)
class Size:
    """How large an image is, in pixels, and whether it is grey."""

    columns: int
    rows: int
    grey: bool


def image_in_study(study: UUID, *, instance_uid: str, frame: int, viewer: Actor) -> Size | None:
    """An image of a study that the viewer sees; None where it, or this frame of it, is not there."""
    rows = archive.instances_of(study, viewer=viewer).filter(uid=instance_uid, frames__gte=frame)
    found = rows.first() if frame >= 1 else None
    if found is None:
        return None
    photometric = found.metadata.get("00280004", {}).get("Value") or [""]
    return Size(columns=found.columns or 0, rows=found.rows or 0, grey=str(photometric[0]).startswith("MONOCHROME"))
