"""What is told about who reads what next: the rule, the work that exams are, and cases passed over."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class ReadingSkipped(Event):
    """A reader passed over the case that was proposed."""

    reading: UUID
    patient: UUID
    place: UUID
    reader: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class RuleDrafted(Event):
    """A version of the rule that decides who reads what next was written, or written anew."""

    rule: UUID
    version: int


@dataclass(frozen=True, kw_only=True)
class RulePublished(Event):
    """A version of the rule decides from now on who reads what next."""

    rule: UUID
    version: int


@dataclass(frozen=True, kw_only=True)
class EffortSet(Event):
    """How much work an exam is, or the exams of a modality are, was set from a day on; 0 measured is an example."""

    effort: UUID
    modality: str
    procedure: UUID | None
    points: int
    measured: int
    since: date
