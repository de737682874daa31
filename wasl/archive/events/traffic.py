"""What is told about phantoms, and about what is waited for no more."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class PhantomSent(Event):
    """A phantom of a site was begun, to see whether its way to a report is open."""

    run: UUID
    study: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class PhantomQueued(Event):
    """The readers' queue has looked at a phantom: it may be read."""

    run: UUID
    study: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class PhantomEnded(Event):
    """A phantom is over and its images are gone; `failed` says how far it did not come, empty when all the way."""

    run: UUID
    study: UUID
    place: UUID
    failed: str


@dataclass(frozen=True, kw_only=True)
class StepsGivenUp(Event):
    """A study was read whose modality never said that it had finished: nobody waits for that any more."""

    study: UUID
    steps: int
    place: UUID | None
