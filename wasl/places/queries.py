"""What may be asked about places; they are no secret, so every actor sees them all."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from babel import Locale
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.places.models import Holiday, Place, Region, Standing

__all__ = [
    "Day", "Holiday", "Place", "administered", "calendar", "every_place", "holidays", "kinds", "place", "place_by_code",
    "place_for_record", "places", "regions",
]  # fmt: skip


@dataclass(frozen=True)
class Day:
    """A day of the country: whether it is of the weekend, and the holidays that fall on it."""

    date: datetime.date
    weekend: bool
    holidays: tuple[Holiday, ...]

    @property
    def off(self) -> bool:
        """Whether the country rests."""
        return self.weekend or bool(self.holidays)

    @property
    def estimated(self) -> bool:
        """Whether a holiday of the day waits to be announced."""
        return any(holiday.estimated for holiday in self.holidays)


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


def administered(*, viewer: Actor) -> list[Place]:
    """The places that the viewer administers, by name."""
    rows = (row for row in _visible(viewer) if viewer.holds("administrator", row.id))
    return sorted(rows, key=lambda row: str(row.name))


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


def holidays(year: int, *, viewer: Actor) -> QuerySet[Holiday]:
    """What was entered for a year, by day; what is worked again too."""
    return Holiday.objects.filter(country=settings.COUNTRY, day__year=year).order_by("day", "name_fr")


def calendar(first: datetime.date, last: datetime.date, *, viewer: Actor) -> list[Day]:
    """The days from one to another, both included: weekends as CLDR has them for the country, and its holidays."""
    found: dict[datetime.date, list[Holiday]] = {}
    rows = Holiday.objects.filter(country=settings.COUNTRY, worked=False, day__range=(first, last))
    for row in rows.order_by("name_fr"):
        found.setdefault(row.day, []).append(row)
    week = Locale.parse(f"ar_{settings.COUNTRY}")
    rest = {week.weekend_start, week.weekend_end}  # both weekends are of two days
    days = (first + datetime.timedelta(days=n) for n in range((last - first).days + 1))
    return [Day(day, day.weekday() in rest, tuple(found.get(day, ()))) for day in days]


def place_for_record(key: UUID) -> Place:
    """One place with its region and everything it has been, for the record."""
    return Place.objects.select_related("region").prefetch_related("standings").get(id=key)


def every_place() -> Iterable[UUID]:
    """The key of every place, for the record."""
    return Place.objects.values_list("id", flat=True).iterator()
