"""What is told about acts."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class ActCounted(Event):
    """An act was counted for its reader and the pair of hospitals."""

    act: UUID
    reading: UUID
    reader: UUID
    provider: UUID
    beneficiary: UUID
