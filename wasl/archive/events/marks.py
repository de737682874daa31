"""What is told about readers' marks."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class MarksSaved(Event):
    """A reader saved measurements, key images or a presentation state to a study."""

    mark: UUID
    study: UUID
    place: UUID | None
    patient: UUID | None
    kind: str
