"""What is told about acts, sessions, scales, money and statements."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class ActCounted(Event):
    """An act was counted for its reader and the pair of hospitals."""

    act: UUID
    reading: UUID
    reader: UUID
    provider: UUID
    beneficiary: UUID


@dataclass(frozen=True, kw_only=True)
class ActTakenBack(Event):
    """An act was taken back, because its report is another's now; the line that counted it stays."""

    act: UUID
    reading: UUID
    reader: UUID
    provider: UUID
    beneficiary: UUID


@dataclass(frozen=True, kw_only=True)
class SessionDeclared(Event):
    """Hours of remote reading were declared as a session of a reader."""

    session: UUID
    reader: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class SessionWithdrawn(Event):
    """A declared session was taken back before it was decided."""

    session: UUID
    reader: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class SessionValidated(Event):
    """A session was validated: its acts are paid."""

    session: UUID
    reader: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class SessionRefused(Event):
    """A session was refused: its acts are held."""

    session: UUID
    reader: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class SessionCancelled(Event):
    """A validated session was cancelled: what its acts were paid is taken back."""

    session: UUID
    reader: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ScaleDrafted(Event):
    """A version of a scale was written; nobody is paid by it yet."""

    scale: UUID
    code: str
    version: int


@dataclass(frozen=True, kw_only=True)
class ScalePublished(Event):
    """A version of a scale was published: acts are paid by it from its date on."""

    scale: UUID
    code: str
    version: int


@dataclass(frozen=True, kw_only=True)
class ScaleDiscarded(Event):
    """A draft of a scale was thrown away."""

    scale: UUID
    code: str
    version: int


@dataclass(frozen=True, kw_only=True)
class FeeEntered(Event):
    """What an act is paid was entered in the ledger."""

    fee: UUID
    reading: UUID
    reader: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class FeeTakenBack(Event):
    """What an act was paid was reversed in the ledger."""

    fee: UUID
    reading: UUID
    reader: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ActHeld(Event):
    """An act is held: no session, no agreement or no price covers it."""

    act: UUID
    reading: UUID
    reader: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ActReleased(Event):
    """A held act is paid all the same, for a reason."""

    act: UUID
    reading: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ActRefused(Event):
    """A held act is not paid, for a reason."""

    act: UUID
    reading: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ClosingRuleSet(Event):
    """It was set how many days after its end a month is closed by itself."""

    rule: UUID
    days: int


@dataclass(frozen=True, kw_only=True)
class StatementClosed(Event):
    """A month was closed for a reader or for a pair of hospitals: its lines never change any more."""

    statement: UUID
    place: UUID
    month: datetime.date
    acts: int
    amount: int
    reader: UUID | None = None
    beneficiary: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class StatementPrinted(Event):
    """The sealed PDF of a statement was made in every language."""

    statement: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class StatementConfirmed(Event):
    """One of the two hospitals confirmed a statement, as the two counts stood."""

    statement: UUID
    place: UUID
    side: str
    given: int
    received: int


@dataclass(frozen=True, kw_only=True)
class LineDisputed(Event):
    """A hospital disputes a line of a statement, or that it has none."""

    dispute: UUID
    statement: UUID
    reading: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class DisputeAccepted(Event):
    """The other hospital accepted a dispute: the act is corrected in the ledger."""

    dispute: UUID
    statement: UUID
    reading: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class LineKept(Event):
    """The other hospital stands by a disputed line: the ministry decides."""

    dispute: UUID
    statement: UUID
    reading: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class DisputeSettled(Event):
    """The ministry decided a dispute; where it is upheld the act is corrected in the ledger."""

    dispute: UUID
    statement: UUID
    reading: UUID
    place: UUID
    upheld: bool


@dataclass(frozen=True, kw_only=True)
class DoubtRuleSet(Event):
    """A rule was set by which acts are in doubt."""

    rule: UUID
    kind: str
    limit: int
    holds: bool


@dataclass(frozen=True, kw_only=True)
class DoubtRuleEnded(Event):
    """A rule by which acts were in doubt was ended."""

    rule: UUID
    kind: str


@dataclass(frozen=True, kw_only=True)
class ActDoubted(Event):
    """The facts of an act look wrong by a rule."""

    doubt: UUID
    act: UUID
    reading: UUID
    reader: UUID
    place: UUID
    kind: str


@dataclass(frozen=True, kw_only=True)
class DoubtCleared(Event):
    """Somebody said why an act that was doubted is right."""

    doubt: UUID
    act: UUID
    reading: UUID
    place: UUID
