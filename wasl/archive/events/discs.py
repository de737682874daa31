"""What is told about discs of other hospitals."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class DiscBegun(Event):
    """Somebody began to read the disc of another hospital for a patient."""

    disc: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class DiscTaken(Event):
    """The images of a disc were compared with a patient and are that patient's."""

    disc: UUID
    patient: UUID
    place: UUID
    studies: int
    images: int
    because: str


@dataclass(frozen=True, kw_only=True)
class DiscDropped(Event):
    """A disc was given up, or nobody said in time whose it is; what was read of it is gone."""

    disc: UUID
    patient: UUID
    place: UUID
