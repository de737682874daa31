"""What may be asked about places; they are no secret, so every actor sees them all."""

import datetime
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.places.models import Place, Region, Standing

__all__ = [
    "Place", "every_place", "kinds", "place", "place_by_code", "place_for_record", "places", "regions",
]  # fmt: skip


def _visible(viewer: Actor) -> QuerySet[Place]:
    """Places are public: who is a stranger to the network still may know where hospitals are."""
    return Place.objects.select_related("region")


def regions(*, viewer: Actor, on: datetime.date | None = None) -> QuerySet[Region]:
    """The regions in force on a date (today when none is given), by code."""
    day = on or timezone.localdate()
    return Region.objects.filter(Q(valid_from__isnull=True) | Q(valid_from__lte=day)).order_by("code")


def places(*, viewer: Actor, ids: Iterable[UUID] | None = None) -> QuerySet[Place]:
    """Every place, or those of the keys given."""
    rows = _visible(viewer)
    return rows if ids is None else rows.filter(id__in=list(ids))


def place(key: UUID, *, viewer: Actor) -> Place:
    """One place by its key."""
    found = _visible(viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def place_by_code(code: str, *, viewer: Actor) -> Place:
    """One place by its code."""
    found = _visible(viewer).filter(code=code).first()
    if found is None:
        raise NotFound
    return found


def kinds(*, viewer: Actor, on: datetime.date | None = None) -> dict[UUID, str]:
    """What kind of establishment each place is on a date."""
    day = on or timezone.localdate()
    return dict(Standing.objects.filter(period__contains=day).values_list("place_id", "kind"))


def place_for_record(key: UUID) -> Place:
    """One place with its region and everything it has been, for the record."""
    return Place.objects.select_related("region").prefetch_related("standings").get(id=key)


def every_place() -> Iterable[UUID]:
    """The key of every place, for the record."""
    return Place.objects.values_list("id", flat=True).iterator()
