"""What is told about framework agreements between two hospitals."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class AgreementDrafted(Event):
    """A framework agreement between two hospitals was drafted."""

    agreement: UUID
    provider: UUID
    beneficiary: UUID


@dataclass(frozen=True, kw_only=True)
class AgreementChanged(Event):
    """The draft of an agreement was changed; whoever had signed it signs again."""

    agreement: UUID
    provider: UUID
    beneficiary: UUID
    version: int


@dataclass(frozen=True, kw_only=True)
class AgreementSigned(Event):
    """One of the two hospitals signed an agreement."""

    agreement: UUID
    provider: UUID
    beneficiary: UUID
    place: UUID  # for which of the two
    version: int


@dataclass(frozen=True, kw_only=True)
class AgreementMade(Event):
    """Both hospitals have signed an agreement: it routes, times and pays readings in its period."""

    agreement: UUID
    provider: UUID
    beneficiary: UUID
    since: date
    until: date  # the first day after it


@dataclass(frozen=True, kw_only=True)
class AgreementEnded(Event):
    """A hospital gave notice: an agreement ends earlier than was agreed."""

    agreement: UUID
    provider: UUID
    beneficiary: UUID
    until: date  # the first day after it


@dataclass(frozen=True, kw_only=True)
class AgreementEnding(Event):
    """An agreement ends within thirty days."""

    agreement: UUID
    provider: UUID
    beneficiary: UUID
    until: date  # the first day after it


@dataclass(frozen=True, kw_only=True)
class EndWarningRead(Event):
    """A person said that they know that an agreement ends."""

    warning: UUID
    agreement: UUID
