"""What is told about drills."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class DrillHeld(Event):
    """An outage of a centre, a line or a reader was rehearsed in a world of its own; every bar was met, or not."""

    drill: UUID
    kind: str
    seed: int
    passed: bool
