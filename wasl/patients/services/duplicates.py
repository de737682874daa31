"""Two numbers of one place that were one person's, as the place's own system found out."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.verbs import verb
from wasl.patients import queries, rules
from wasl.patients.models import Patient, SourceRecord
from wasl.patients.rules import numbers
from wasl.patients.services.feeding import hear
from wasl.patients.services.numbering import number_of, replace
from wasl.patients.services.registration import enter_identity
from wasl.patients.services.reviewing import ask_people


class Replaced(NamedTuple):
    """Whose the replaced number is, whether the place had not told of it before, and whether people are asked."""

    patient: Patient
    new: bool
    asked: bool


@verb
def replace_number(
    *, place: UUID, local_id: str, survivor: str, said: Mapping[str, str], by: Actor, amend: bool = False
) -> Replaced:
    """Take from a place that its number `survivor` stands for `local_id`, of which it says what it said.

    Which numbers a place uses is for the place to say. Whether two files are one person's is for people: where the two
    numbers lead to two, they are asked, and what they have decided before is not asked again. With `amend` what
    is said is what changed.
    """
    rules.check_post(place, by)
    number, kept = rules.check_local_id(local_id), rules.check_local_id(survivor)
    numbers.check_survivor(number, kept)
    # whoever says the same of the two at this moment, or the contrary, waits here: both are locked in one order
    held = SourceRecord.objects.select_for_update().filter(place=place, local_id__in=(number, kept))
    list(held.order_by("id"))
    stands, before = number_of(place, kept), number_of(place, number)
    stands = numbers.check_in_use(stands if stands and stands.retired_at is None else None)
    heard = hear(place, number, said, by=by, amend=amend)
    numbers.check_back_in_use(removed=bool(before and before.is_removed), changed=heard.changed)
    asked = not queries.is_one_person((heard.patient.id, stands.patient_id), viewer=by)
    if asked:
        ask_people(heard.patient.id, stands.patient_id, by=by)
    replace(before or enter_identity(heard.patient.id, "local", number, place)[0], stands, by=by)
    return Replaced(heard.patient, heard.new, asked)
