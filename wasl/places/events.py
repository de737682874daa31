"""What is told about places."""

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
