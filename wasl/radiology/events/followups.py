"""What is told about recommended exams."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class RecommendationOpened(Event):
    """A signed report recommends an exam within a time."""

    recommendation: UUID
    report: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class RecommendationClosed(Event):
    """The exam that a report recommended, or an equivalent one, was made."""

    recommendation: UUID
    report: UUID
    order: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class RecommendationReopened(Event):
    """The exam that seemed to be the recommended one is to be made again: the recommendation waits as before."""

    recommendation: UUID
    report: UUID
    order: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class RecommendationDismissed(Event):
    """A doctor said why a recommended exam is not made."""

    recommendation: UUID
    report: UUID
    patient: UUID
    place: UUID
