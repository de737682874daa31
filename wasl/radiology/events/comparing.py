"""What is told about comparisons with earlier exams."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class ComparisonNoted(Event):
    """A report was signed while a comparable earlier exam lay in the archive; it names a comparison, or none."""

    report: UUID
    reading: UUID
    patient: UUID
    place: UUID
    earlier: UUID
    named: bool
