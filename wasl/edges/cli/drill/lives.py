"""What became of the exams of a morning, as the journal says it."""

import datetime
from dataclasses import dataclass, field
from uuid import UUID

from wasl.edges.cli.drill.world import Exam
from wasl.kernel.models import Fact


@dataclass
class Life:
    """What became of an exam: moments, and who took it when."""

    exam: Exam
    opened: datetime.datetime | None = None
    due: datetime.datetime | None = None
    freed: datetime.datetime | None = None  # nobody's again, since its reader was silent
    moved: datetime.datetime | None = None  # open to another centre, since its own was dark
    stepped: datetime.datetime | None = None  # first passed on
    signed: datetime.datetime | None = None
    taken: list[tuple[datetime.datetime, UUID]] = field(default_factory=list)
    found: bool = False  # at the end it is signed, or in the line of somebody at work

    def holder(self, at: datetime.datetime) -> UUID | None:
        """Who took it last before a moment, unless it was nobody's again."""
        last = max((take for take in self.taken if take[0] <= at), default=None)
        return None if last is None or (self.freed and last[0] < self.freed <= at) else last[1]


@dataclass
class Lived:
    """A morning that was lived through; `gone` are the readers who were, `struck` the exams that it is about."""

    kind: str
    lives: list[Life]
    ends: datetime.datetime
    failed: datetime.datetime | None = None
    noticed: datetime.datetime | None = None
    back: datetime.datetime | None = None
    gone: frozenset[UUID] = frozenset()
    struck: frozenset[int] = frozenset()
    told: int = 0
    steps: int = 0


def note(life: Life, fact: Fact) -> None:
    """What a fact says of a life."""
    match fact.name.removeprefix("radiology."):
        case "ReadingOpened":
            life.opened, life.due = fact.at, datetime.datetime.fromisoformat(fact.data["due_at"])
        case "ReadingClaimed":
            life.taken.append((fact.at, UUID(fact.data["reader"])))
        case "ReadingTimedOut":
            life.freed = life.freed or fact.at
        case "ReadingRedistributed":
            life.moved = life.moved or fact.at
        case "ReadingEscalated":
            life.stepped = life.stepped or fact.at
        case "ReportSigned":
            life.signed = life.signed or fact.at
