"""Scales: the published ones are open to who is paid, pays or plans; drafts to planners."""

from uuid import UUID

from django.db.models import Count, QuerySet

from wasl.contracts.models import Scale
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound

READERS = frozenset({"radiologist", "chief"})


def _visible(viewer: Actor) -> QuerySet[Scale]:
    rows = Scale.objects.all()
    if viewer.is_system or "planner" in viewer.roles:
        return rows
    return rows.filter(published_at__isnull=False) if READERS & viewer.roles else rows.none()


def scales(*, viewer: Actor) -> QuerySet[Scale]:
    """Every version of every scale, with the number of its prices."""
    return _visible(viewer).annotate(said=Count("prices"))


def scale(key: UUID, *, viewer: Actor) -> Scale:
    """One version of a scale; raises NotFound."""
    found = _visible(viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found
