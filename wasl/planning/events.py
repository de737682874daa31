"""What is told about the evaluation; cases and figures are what other facts come to, and noting them is no fact."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class MonthCounted(Event):
    """The figures of a month were counted from its cases."""

    counted: UUID
    month: datetime.date
    figures: int


@dataclass(frozen=True, kw_only=True)
class DisclosureSet(Event):
    """Of how few a figure is withheld was set, from a date on."""

    disclosure: UUID
    minimum: int
    since: datetime.date


@dataclass(frozen=True, kw_only=True)
class EvaluationReleased(Event):
    """The evaluation of a month was published; `measure` is the key of the definitions that it follows."""

    release: UUID
    month: datetime.date
    number: int
    measure: UUID


@dataclass(frozen=True, kw_only=True)
class EvaluationPrinted(Event):
    """The evaluation of a month was printed and sealed, in every language of it."""

    release: UUID
