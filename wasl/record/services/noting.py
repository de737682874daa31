"""What people write in a record themselves, at a place without a system of its own: each statement is a resource."""

import datetime
from uuid import UUID

from django.utils import timezone

from wasl.kernel import fhir
from wasl.kernel.access import Actor
from wasl.kernel.verbs import verb
from wasl.record.rules import noting
from wasl.record.services.keeping import Kept, keep_resource


@verb
def note_allergy(
    patient: UUID, *, by: Actor, text: str, category: str = "", criticality: str = "", reaction: str = ""
) -> Kept:
    """Write down an allergy or an intolerance."""
    said = noting.allergy(text, category=category, criticality=criticality, reaction=reaction)
    return _note(patient, said, by=by)


@verb
def note_problem(
    patient: UUID, *, by: Actor, text: str, since: datetime.date | None = None, past: bool = False
) -> Kept:
    """Write down a problem or a diagnosis, that of now or one that is over."""
    return _note(patient, noting.problem(text, since=since, past=past, today=timezone.localdate()), by=by)


@verb
def note_medicine(
    patient: UUID, *, by: Actor, text: str, dose: str = "", since: datetime.date | None = None
) -> Kept:  # fmt: skip
    """Write down a medicine that the patient takes."""
    return _note(patient, noting.medicine(text, dose=dose, since=since, today=timezone.localdate()), by=by)


@verb
def note_vaccine(
    patient: UUID, *, by: Actor, text: str, day: datetime.date, dose: int | None = None, lot: str = ""
) -> Kept:
    """Write down a vaccination that was given."""
    return _note(patient, noting.vaccine(text, day=day, dose=dose, lot=lot, today=timezone.localdate()), by=by)


@verb
def note_result(
    patient: UUID, *, by: Actor, text: str, day: datetime.date, value: noting.Number = None, unit: str = "",
    words: str = "", low: noting.Number = None, high: noting.Number = None,
) -> Kept:  # fmt: skip
    """Write down a result of the laboratory, a number as it was written or words."""
    said = noting.result(
        text, value=value, unit=unit, words=words, low=low, high=high, day=day, today=timezone.localdate()
    )
    return _note(patient, said, by=by)


@verb
def note_none(patient: UUID, *, by: Actor, section: str) -> Kept:
    """Write down that somebody asked, and that there is none."""
    return _note(patient, noting.none(section), by=by)


def _note(patient: UUID, said: fhir.Resource, *, by: Actor) -> Kept:
    return keep_resource(noting.signed(said, patient=patient, author=by.name, at=timezone.localtime()), by=by)
