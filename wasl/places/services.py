"""What is done with places."""

import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.places import queries, rules
from wasl.places.events import (
    HolidayConfirmed,
    HolidayRemoved,
    HolidaySet,
    PlaceAdded,
    RegionAdded,
    StandingChanged,
    UnitAdded,
)
from wasl.places.models import Holiday, Place, Region, Standing, Unit


@verb
def add_region(*, by: Actor, **values: object) -> Region:
    """Enter a governorate or wilaya, from a source that `source` names; entered twice, it stays one."""
    region, added = Region.objects.get_or_create(
        country=values.pop("country"), code=values.pop("code"), defaults=values
    )
    if added:
        emit(RegionAdded(region=region.id), by=by)
    return region


@verb
def add_place(
    *, code: str, names: tuple[str, str, str], region: UUID, kind: str, by: Actor,
    since: datetime.date | None = None, point: tuple[float, float] | None = None, invented: bool = False,
) -> Place:  # fmt: skip
    """Let a hospital join the network; `names` are Arabic, French, English, `point` is latitude and longitude."""
    if not Region.objects.filter(id=region).exists():
        raise rules.UnknownRegion
    latitude, longitude = point or (None, None)
    try:
        with transaction.atomic():
            place = Place.objects.create(
                code=code, name_ar=names[0], name_fr=names[1], name_en=names[2], region_id=region,
                latitude=latitude, longitude=longitude, invented=invented,
            )  # fmt: skip
    except IntegrityError as error:
        raise rules.PlaceCodeTaken(code=code) from error
    Standing.objects.create(place=place, kind=kind, period=DateRange(since, None))
    emit(PlaceAdded(place=place.id), by=by)
    return place


@verb
def change_standing(place: UUID, *, kind: str, since: datetime.date, by: Actor) -> Standing:
    """Make a place another kind of establishment from a date on; what it was before stays known."""
    queries.place(place, viewer=by)
    current = Standing.objects.select_for_update().filter(place=place, period__upper_inf=True).first()
    rules.check_standing(since=since, current=current.period.lower if current else None)
    if current:
        current.period = DateRange(current.period.lower, since)
        current.save(update_fields=("period",))
    try:
        with transaction.atomic():
            standing = Standing.objects.create(place_id=place, kind=kind, period=DateRange(since, None))
    except IntegrityError as error:  # another change was decided while this one waited
        raise rules.StandingChangedMeanwhile from error
    emit(StandingChanged(place=place, kind=kind), by=by)
    return standing


@verb
def add_unit(place: UUID, *, kind: str, names: tuple[str, str, str], by: Actor) -> Unit:
    """Open a unit at a place; `names` are Arabic, French, English."""
    queries.place(place, viewer=by)
    unit = Unit.objects.create(place_id=place, kind=kind, name_ar=names[0], name_fr=names[1], name_en=names[2])
    emit(UnitAdded(unit=unit.id, place=place), by=by)
    return unit


@verb
def add_holiday(day: datetime.date, *, names: tuple[str, str, str], estimated: bool, source: str, by: Actor) -> Holiday:
    """Foresee a holiday, from a source that is named; entered before, it stays as people put it since."""
    holiday, added = Holiday.objects.get_or_create(
        country=settings.COUNTRY, day=day, name_fr=names[1],
        defaults={"name_ar": names[0], "name_en": names[2], "estimated": estimated, "source": source},
    )  # fmt: skip
    if added:
        emit(HolidaySet(holiday=holiday.id, day=day, estimated=estimated, worked=False), by=by)
    return holiday


@verb
def set_holiday(
    day: datetime.date, *, names: tuple[str, str, str], by: Actor, estimated: bool = False, source: str = ""
) -> Holiday:
    """Enter a holiday, or put one of this French name and day right; `names` are Arabic, French, English."""
    rules.check_country(by)
    return _set(day, names=names, estimated=estimated, source=source, by=by)


@verb
def confirm_holiday(key: UUID, *, by: Actor, day: datetime.date | None = None) -> Holiday:
    """Say that an estimated holiday was announced: for the day foreseen, or for another, and the first is worked."""
    rules.check_country(by)
    holiday = _holiday(key)
    rules.check_estimated(estimated=holiday.estimated, worked=holiday.worked)
    if day is not None and day != holiday.day:
        _remove(holiday, by=by)
        names = (holiday.name_ar, holiday.name_fr, holiday.name_en)
        holiday = _set(day, names=names, estimated=False, source=holiday.source, by=by)
    else:
        holiday.estimated = False
        holiday.save(update_fields=("estimated",))
    emit(HolidayConfirmed(holiday=holiday.id, day=holiday.day), by=by)
    return holiday


@verb
def remove_holiday(key: UUID, *, by: Actor) -> Holiday:
    """Let a day be worked that was entered as a holiday."""
    rules.check_country(by)
    holiday = _holiday(key)
    if holiday.worked:
        raise rules.AlreadyWorked
    _remove(holiday, by=by)
    return holiday


def _holiday(key: UUID) -> Holiday:
    """A holiday, locked."""
    holiday = Holiday.objects.select_for_update(no_key=True).filter(id=key).first()
    if holiday is None:
        raise NotFound
    return holiday


def _set(day: datetime.date, *, names: tuple[str, str, str], estimated: bool, source: str, by: Actor) -> Holiday:
    holiday, _ = Holiday.objects.update_or_create(
        country=settings.COUNTRY, day=day, name_fr=names[1],
        defaults={"name_ar": names[0], "name_en": names[2], "estimated": estimated, "worked": False, "source": source},
    )  # fmt: skip
    emit(HolidaySet(holiday=holiday.id, day=day, estimated=estimated, worked=False), by=by)
    return holiday


def _remove(holiday: Holiday, *, by: Actor) -> None:
    holiday.worked = True
    holiday.save(update_fields=("worked",))
    emit(HolidayRemoved(holiday=holiday.id, day=holiday.day), by=by)
