"""What is told about the record itself."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class EntryRebuilt(Event):
    """A resource of the record said something else than its owner's tables, and was written again from them."""

    entry: UUID
    type: str
    what: str


@dataclass(frozen=True, kw_only=True)
class ResourceKept(Event):
    """Somebody said, or said anew, what no module holds, and the record keeps it as it was received."""

    resource: UUID
    type: str
    version: int
    patient: UUID | None
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class ResourceWithdrawn(Event):
    """Whoever said something that the record keeps took it back; its versions stay."""

    resource: UUID
    type: str
    version: int
    patient: UUID | None
    place: UUID | None
