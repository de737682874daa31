"""What is told about places."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class RegionAdded(Event):
    """A governorate or wilaya entered the list of regions."""

    region: UUID


@dataclass(frozen=True, kw_only=True)
class PlaceAdded(Event):
    """A hospital or health centre joined the network."""

    place: UUID


@dataclass(frozen=True, kw_only=True)
class StandingChanged(Event):
    """A place became another kind of establishment from a date on."""

    place: UUID
    kind: str


@dataclass(frozen=True, kw_only=True)
class UnitAdded(Event):
    """A place opened a unit."""

    unit: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class HolidaySet(Event):
    """A holiday was entered for a day, or put right: its names, whether it is an estimate, whether it is worked."""

    holiday: UUID
    day: datetime.date
    estimated: bool
    worked: bool


@dataclass(frozen=True, kw_only=True)
class HolidayConfirmed(Event):
    """A holiday that was an estimate was announced for a day."""

    holiday: UUID
    day: datetime.date


@dataclass(frozen=True, kw_only=True)
class HolidayRemoved(Event):
    """A holiday does not hold: its day is worked."""

    holiday: UUID
    day: datetime.date
