"""What is told about patients."""

import datetime
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
class NumberReplaced(Event):
    """A place said that another of its numbers stands for this one, because both were given to one person."""

    identity: UUID
    replaced_by: UUID
    patient: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class NumberRemoved(Event):
    """A place said that it uses a number of its own no longer."""

    identity: UUID
    patient: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class NumberRestored(Event):
    """A place uses a number again that it had replaced or removed."""

    identity: UUID
    patient: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class PatientsAlike(Event):
    """Two patients may be one person: people decide it. Reasons are field, level and bits of each term."""

    one: UUID
    other: UUID
    score: float
    reasons: tuple[str, ...]
    place: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class ReviewOpened(Event):
    """Two files wait for a person to say whether they are one person's."""

    case: UUID
    one: UUID
    other: UUID


@dataclass(frozen=True, kw_only=True)
class ReviewSeconded(Event):
    """Somebody said that two files that hold care are one person's; a second person has to say so too."""

    case: UUID
    one: UUID
    other: UUID


@dataclass(frozen=True, kw_only=True)
class ReviewJudged(Event):
    """A person decided a case: the two files are one person's, two people's, or it cannot be said."""

    case: UUID
    one: UUID
    other: UUID
    outcome: str


@dataclass(frozen=True, kw_only=True)
class PatientsMerged(Event):
    """Two files are one person's; `patient` is the file under which they are found now, `before` those of each."""

    merge: UUID
    one: UUID
    other: UUID
    patient: UUID
    before: tuple[UUID, ...]
    seconded_by: str


@dataclass(frozen=True, kw_only=True)
class PatientsUnmerged(Event):
    """A merge was undone; `patient` is the file under which all were found, `after` those of each side now."""

    merge: UUID
    one: UUID
    other: UUID
    patient: UUID
    after: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class PatientRetired(Event):
    """A number is a person's first no longer: who asks for it is led to that of `after`."""

    patient: UUID
    before: UUID
    after: UUID


@dataclass(frozen=True, kw_only=True)
class PatientRestored(Event):
    """A number that had been retired is a person's first again."""

    patient: UUID
    before: UUID


@dataclass(frozen=True, kw_only=True)
class PatientsToldApart(Event):
    """Two files are two people's, a person said; nothing merges them until that is withdrawn."""

    difference: UUID
    one: UUID
    other: UUID


@dataclass(frozen=True, kw_only=True)
class DifferenceWithdrawn(Event):
    """What a person had said, that two files are two people's, was withdrawn by a person."""

    difference: UUID
    one: UUID
    other: UUID


@dataclass(frozen=True, kw_only=True)
class RecordSplit(Event):
    """A place's record that was said to be `patient`'s is `other`'s, a person said."""

    split: UUID
    record: UUID
    patient: UUID
    other: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class SplitUndone(Event):
    """A place's record is `patient`'s again, and not `other`'s."""

    split: UUID
    record: UUID
    patient: UUID
    other: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class HeldSettled(Event):
    """Of something written on a file before a record was split from it, somebody said whose it is."""

    split: UUID
    kind: str
    key: UUID
    outcome: str


@dataclass(frozen=True, kw_only=True)
class PatientsLoaded(Event):
    """People whose records were matched before were entered together."""

    load: UUID
    patients: int
    records: int


@dataclass(frozen=True, kw_only=True)
class CivilActReceived(Event):
    """The civil register sent an act, which is kept as it came."""

    act: UUID
    kind: str
    registry: str


@dataclass(frozen=True, kw_only=True)
class CivilActTaken(Event):
    """It was found whose an act of the civil register is, and how; a correction or an annulment is of another act."""

    act: UUID
    patient: UUID | None
    how: str


@dataclass(frozen=True, kw_only=True)
class CivilActUndone(Event):
    """An act of the civil register is a person's no longer: it was annulled, or is another's by a correction."""

    act: UUID
    patient: UUID | None


@dataclass(frozen=True, kw_only=True)
class RegisterFollowed(Event):
    """What the civil register says of a person was taken into a file, or given back."""

    patient: UUID
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FileDerived(Event):
    """What stands in a file changed with what hospitals' systems or another file of the person say."""

    patient: UUID
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ValueTaken(Event):
    """What a hospital's system says of a person was taken into the file by somebody at a desk."""

    patient: UUID
    record: UUID
    field: str
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class PatientDied(Event):
    """The civil register says that a person has died: the file is closed."""

    patient: UUID
    died_on: datetime.date


@dataclass(frozen=True, kw_only=True)
class DeathWithdrawn(Event):
    """The civil register says no longer that a person has died: the file is as it was."""

    patient: UUID


@dataclass(frozen=True, kw_only=True)
class NumbersDrawn(Event):
    """Wasl numbers were set aside for a place that works without a network."""

    block: UUID
    place: UUID
    size: int


@dataclass(frozen=True, kw_only=True)
class NumbersWithdrawn(Event):
    """What is left of a block of numbers is never given: the block was lost, or is needed no more."""

    block: UUID
    place: UUID
    left: int


@dataclass(frozen=True, kw_only=True)
class QualityCounted(Event):
    """How good the identities of a month are was counted, and something had changed."""

    counted: UUID
    month: datetime.date
    counts: int


@dataclass(frozen=True, kw_only=True)
class GivenNameAdded(Event):
    """A given name was added to the dictionary, with its spellings."""

    version: UUID
    number: int
    given_name: str


@dataclass(frozen=True, kw_only=True)
class SpellingAdded(Event):
    """A spelling was added to a given name of the dictionary."""

    version: UUID
    number: int
    given_name: str
    written: str


@dataclass(frozen=True, kw_only=True)
class SpellingWithdrawn(Event):
    """A spelling that had been added to a given name was taken back."""

    version: UUID
    number: int
    given_name: str
    written: str


@dataclass(frozen=True, kw_only=True)
class NamesRelated(Event):
    """Two given names of the dictionary are one, or two, somebody said."""

    version: UUID
    number: int
    one: str
    other: str
    says: str


@dataclass(frozen=True, kw_only=True)
class NamesRead(Event):
    """Every stored record was read again by a version of the dictionary."""

    version: UUID
    number: int
