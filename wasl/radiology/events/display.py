"""What is told about the readers' displays."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class DisplayChecked(Event):
    """A reader said what they saw of a pattern on a screen; every mark, or not."""

    check: UUID
    reader: UUID
    screen: UUID
    right: int
    passed: bool


@dataclass(frozen=True, kw_only=True)
class DisplayRuleSet(Event):
    """Which exams ask for a check of the reader's display, and how long it holds, was set from a date on."""

    rule: UUID
    modalities: tuple[str, ...]
    hours: int
