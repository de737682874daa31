"""Files that follow from what is said: after a system spoke, by a clerk's word, and all of them from nothing."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries
from wasl.patients.events import ValueTaken
from wasl.patients.models import Patient
from wasl.patients.rules import surviving as rules
from wasl.patients.services.merging import lock_people
from wasl.patients.services.registered import bring, follow, said_of
from wasl.patients.services.registration import correct_patient


@dataclass(frozen=True)
class Derived:
    """A file in which something else stood than follows from what is said; its number's end, and which fields."""

    patient: UUID
    number: str
    fields: tuple[str, ...]


@verb
def follow_said(*files: UUID, by: Actor) -> None:
    """Bring files to what systems say of their person; told twice, once."""
    for file in sorted(set(files)):
        follow(file, by=by)


@verb
def take_value(
    patient: UUID, *, attribute: str, record: UUID, version: int, by: Actor, place: UUID | None = None
) -> Patient:
    """Take what a hospital's system says of a person into the file, as it stood at `version`: the desk says it too."""
    queries.require_ground(patient, viewer=by)
    said = queries.said_otherwise(patient, viewer=by)
    claim = next((o.claim for o in said if (o.claim.attribute, o.claim.record) == (attribute, record)), None)
    if claim is None:
        raise rules.NothingToTake
    values = {attribute: claim.value}
    if attribute == "birth_date":
        values["birth_date_about"] = claim.about
    corrected = correct_patient(patient, version=version, place=place, by=by, **values)
    emit(ValueTaken(patient=patient, record=record, field=attribute, place=place), by=by)
    return corrected


@verb
def rebuild_file(file: UUID, *, by: Actor, repair: bool) -> Derived | None:
    """Derive a file again from all that is said of its person; answers where another thing stood, and puts it right.

    Without `repair` nothing of it stays.
    """
    rows = {row.id: row for row in lock_people(file)}
    with transaction.atomic():
        changed = bring(rows[file], said_of(list(rows.values())), by)
        transaction.set_rollback(not repair)
    return Derived(file, rows[file].masked_number, tuple(changed)) if changed else None
