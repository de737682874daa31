"""Sessions: a reader's own, for a chief those of the hospital, for the country's planner all."""

import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from wasl.contracts.models import Session
from wasl.kernel.access import Actor, Held


def _visible(viewer: Actor) -> QuerySet[Session]:
    rows = Session.objects.select_related("reader", "provider", "decided_by")
    if viewer.is_system or Held("planner", None) in viewer.held:
        return rows
    mine = Q(provider__in=viewer.places("chief", "planner"))
    if viewer.id is not None and "radiologist" in viewer.roles:
        mine |= Q(reader=viewer.id)
    return rows.filter(mine)


def sessions(*, viewer: Actor) -> QuerySet[Session]:
    """The sessions that the viewer may see."""
    return _visible(viewer)


def sessions_waiting(*, viewer: Actor) -> QuerySet[Session]:
    """The sessions that wait for this chief."""
    return (
        _visible(viewer)
        .filter(state=Session.State.DECLARED, provider__in=viewer.places("chief"))
        .exclude(reader=viewer.id)
    )


def validated(reader: UUID, *, month: datetime.date, viewer: Actor) -> int:
    """How many sessions of a reader are validated in a month (its first day)."""
    return _visible(viewer).filter(reader=reader, month=month, number__isnull=False).count()
