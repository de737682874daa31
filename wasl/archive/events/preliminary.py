"""What is told about preliminary words of a gateway."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class PreliminaryWritten(Event):
    """A doctor at a hospital's gateway wrote a preliminary word on a study; it goes with the images."""

    study: UUID
    instance: UUID
    place: UUID | None
