"""What is told about cases passed on before they are late, and about centres gone dark."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class EscalationRuleSet(Event):
    """How long before a breach cases are passed on, at what pace, and what silence is a dark centre, was set."""

    rule: UUID
    ahead: int
    between: int
    silence: int
    silence_routine: int = 0  # 0: told before it mattered what waits
    since: date


@dataclass(frozen=True, kw_only=True)
class ReadingEscalated(Event):
    """A case was passed on before its deadline: to a person, to a centre, or to nobody, since this step has nobody."""

    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    step: int
    due_at: datetime
    because: str
    person: UUID | None = None
    centre: UUID | None = None
    agreement: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class StepAcknowledged(Event):
    """Somebody to whom a case was passed on has it in hand; its clock runs on."""

    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    step: int
    person: UUID


@dataclass(frozen=True, kw_only=True)
class CentreWentDark(Event):
    """A centre is dark: found so by its silence, or `declared` by somebody who answers for it."""

    outage: UUID
    place: UUID
    declared: bool


@dataclass(frozen=True, kw_only=True)
class CentreCameBack(Event):
    """A dark centre reads again; what was redistributed stays where it went."""

    outage: UUID
    place: UUID
    declared: bool


@dataclass(frozen=True, kw_only=True)
class ReadingRedistributed(Event):
    """A case of a dark centre went to another one, by an agreement of that one with the hospital that asked."""

    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    outage: UUID
    centre: UUID
    agreement: UUID


@dataclass(frozen=True, kw_only=True)
class ReadingsLeftInTheDark(Event):
    """More cases than were told before have no centre to go to while theirs is dark."""

    outage: UUID
    place: UUID
    number: int
