"""What a reader may ask about their own shifts: when, with whom to swap, and the calendar that shows them."""

import datetime
import hashlib
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from wasl.accounts import queries as accounts
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.workforce.models import Calendar, Roster, Shift, Swap, Worker
from wasl.workforce.queries.staff import _visible as _visible_workers

PUBLISHED = Roster.State.PUBLISHED
KEPT = datetime.timedelta(days=92)  # how long what is past stays in a calendar
SETTLED_SHOWN = 8


def _visible(viewer: Actor) -> QuerySet[Shift]:
    """One's own shifts of published rosters, those that went to others too."""
    rows = Shift.objects.select_related("roster__group__lead")
    if viewer.id is None or not viewer.held:
        return rows.none()
    return rows.filter(worker__person=viewer.id, roster__state=PUBLISHED)


def my_shifts(*, viewer: Actor) -> QuerySet[Shift]:
    """The viewer's shifts that are not over, the next first."""
    return _visible(viewer).filter(replaced_at__isnull=True, period__endswith__gt=timezone.now()).order_by("period")


def _visible_swaps(viewer: Actor) -> QuerySet[Swap]:
    """Swaps are between two."""
    rows = Swap.objects.select_related(
        "shift__roster__group", "shift__worker__person", "colleague__person", "against__roster__group"
    )
    if viewer.is_system:
        return rows
    if viewer.id is None or not viewer.held:
        return rows.none()
    return rows.filter(Q(shift__worker__person=viewer.id) | Q(colleague__person=viewer.id))


def swap(key: UUID, *, viewer: Actor) -> Swap:
    """One swap, with the two it is between."""
    found = _visible_swaps(viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def swaps_waiting(*, viewer: Actor) -> QuerySet[Swap]:
    """What colleagues propose to the viewer, and no answer was given yet; what has begun is past."""
    return _open(viewer).filter(colleague__person=viewer.id)


def swaps_offered(*, viewer: Actor) -> QuerySet[Swap]:
    """What the viewer proposed, and no answer came yet."""
    return _open(viewer).filter(shift__worker__person=viewer.id)


def swaps_settled(*, viewer: Actor) -> QuerySet[Swap]:
    """What became of the last swaps."""
    rows = _visible_swaps(viewer).filter(settled_at__isnull=False)
    return rows.order_by("-settled_at", "-id")[:SETTLED_SHOWN]


def _open(viewer: Actor) -> QuerySet[Swap]:
    rows = _visible_swaps(viewer).filter(state=Swap.State.PROPOSED, shift__period__startswith__gt=timezone.now())
    return rows.order_by("shift__period", "id")


def candidates(specialty: str, *, viewer: Actor, but: UUID | None = None) -> QuerySet[Worker]:
    """Who may be on duty in a specialty, by name."""
    rows = _visible_workers(viewer).filter(specialty=specialty, person__is_active=True)
    if but is not None:
        rows = rows.exclude(id=but)
    return rows.order_by("person__family_name", "person__given_name", "id")


def in_return(shift: Shift, *, viewer: Actor) -> list[Shift]:
    """The shifts of others, in the group of one of the viewer's, that are to come: what it could be swapped against."""
    if not _visible(viewer).filter(id=shift.id).exists():
        return []
    rows = Shift.objects.filter(
        roster__group=shift.roster.group_id, roster__state=PUBLISHED, replaced_at__isnull=True,
        period__startswith__gt=timezone.now(),
    ).exclude(worker=shift.worker_id)  # fmt: skip
    return list(rows.select_related("worker__person").order_by("period", "id"))


def calendar_of(*, viewer: Actor) -> Calendar | None:
    """The viewer's calendar address, if one opens."""
    if viewer.id is None or not viewer.held:
        return None
    return Calendar.objects.filter(worker__person=viewer.id, revoked_at__isnull=True).first()


def calendar_shifts(secret: str, *, viewer: Actor) -> tuple[Worker, list[Shift]]:
    """Whose calendar a secret opens, whoever asks, and their shifts: past ones for a while, and those handed over."""
    digest = hashlib.sha256(secret.encode()).digest()
    rows = Calendar.objects.select_related("worker__person")
    calendar = rows.filter(digest=digest, revoked_at__isnull=True).first()
    owner = accounts.actor_of(calendar.worker.person_id) if calendar else None
    if calendar is None or owner is None or not owner.held:
        raise NotFound
    shifts = _visible(owner).filter(period__endswith__gt=timezone.now() - KEPT)
    return calendar.worker, list(shifts.order_by("period", "id"))
