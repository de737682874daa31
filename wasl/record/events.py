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
