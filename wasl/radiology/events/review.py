"""What is told about peer review; none of it names who reviewed but the journal's own `by`."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class ReviewRuleSet(Event):
    """How many reports are reviewed, and how soon, was set from a date on."""

    rule: UUID
    one_in: int
    days: int


@dataclass(frozen=True, kw_only=True)
class ReviewMonthBegun(Event):
    """The secret by which a month's reports are drawn was made; `digest` is its SHA-256, by which it is known later."""

    month: UUID
    digest: str


@dataclass(frozen=True, kw_only=True)
class LotDrawn(Event):
    """A signed report was given its number, and fell to be reviewed or did not."""

    lot: UUID
    report: UUID
    place: UUID
    drawn: bool


@dataclass(frozen=True, kw_only=True)
class ReviewAssigned(Event):
    """A reader who had no part in a report was asked to assess it."""

    assessment: UUID
    review: UUID
    place: UUID
    kind: str


@dataclass(frozen=True, kw_only=True)
class ReviewTaken(Event):
    """A reviewer opened the images of a report to assess it."""

    assessment: UUID
    review: UUID
    patient: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ReviewDeclined(Event):
    """A reviewer gave a report back, which goes to another."""

    assessment: UUID
    review: UUID
    place: UUID
    because: str


@dataclass(frozen=True, kw_only=True)
class ReviewScored(Event):
    """A reviewer said what they think of a report; its author is told, and not by whom."""

    assessment: UUID
    review: UUID
    patient: UUID
    place: UUID
    score: int
    matters: bool


@dataclass(frozen=True, kw_only=True)
class ReviewAnswered(Event):
    """The author of a reviewed report agreed, or asked for a third opinion."""

    review: UUID
    place: UUID
    answer: str


@dataclass(frozen=True, kw_only=True)
class LearningCaseAdded(Event):
    """A reviewed exam was put into the learning file, without names."""

    lesson: UUID
    release: UUID
