"""What is told about patients."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class PatientRegistered(Event):
    """A person received a Wasl number."""

    patient: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class PatientCorrected(Event):
    """What is known of a person was corrected."""

    patient: UUID
    place: UUID | None
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RecordOpened(Event):
    """A record was opened to a place or a person, on a ground."""

    patient: UUID
    place: UUID | None
    ground: str
    relationship: UUID


@dataclass(frozen=True, kw_only=True)
class RecordClosed(Event):
    """What had opened a record was given up: it is closed again on that ground."""

    patient: UUID
    place: UUID | None
    ground: str
    relationship: UUID


@dataclass(frozen=True, kw_only=True)
class GlassBroken(Event):
    """Somebody opened a record in an emergency, with a reason and a time limit."""

    patient: UUID
    place: UUID | None
    relationship: UUID


@dataclass(frozen=True, kw_only=True)
class RecordReceived(Event):
    """A place's own system said who a patient of theirs is, and it was decided whose record that is."""

    record: UUID
    patient: UUID
    place: UUID | None
    version: int
    state: str


@dataclass(frozen=True, kw_only=True)
class PatientsAlike(Event):
    """Two patients may be one person: people decide it. Reasons are field, level and bits of each term."""

    one: UUID
    other: UUID
    score: float
    reasons: tuple[str, ...]
    place: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class PatientsLoaded(Event):
    """People whose records were matched before were entered together."""

    load: UUID
    patients: int
    records: int
