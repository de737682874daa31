"""What is told of conversations about cases; a digest of the words binds them to the journal."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class RemarkWritten(Event):
    """A doctor wrote to the others about a case."""

    remark: UUID
    order: UUID
    patient: UUID
    place: UUID
    number: int
    digest: str  # SHA-256 of the words in UTF-8


@dataclass(frozen=True, kw_only=True)
class CallLogged(Event):
    """A doctor called another about a case, and reached them or did not."""

    remark: UUID
    order: UUID
    patient: UUID
    place: UUID
    number: int
    callee: UUID
    reached: bool


@dataclass(frozen=True, kw_only=True)
class RemarksSeen(Event):
    """A person saw a conversation up to one of its remarks."""

    seen: UUID
    order: UUID
    patient: UUID
    place: UUID
    upto: int
