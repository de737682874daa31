"""The index by which people are found: records of who was registered before it was there, and what is rare."""

from collections.abc import Iterator

import numpy as np
from django.db import connection
from django.db.models import Exists, OuterRef

from wasl.kernel.access import Actor
from wasl.kernel.verbs import verb
from wasl.patients import rules
from wasl.patients.models import Patient, RecordLink, SourceIdentity
from wasl.patients.rules.matching import weighing
from wasl.patients.services.records import Saying, sayings, write_records

AT_ONCE = 200
COUNTED = """
select {field}, count(*) from patients_recordversion where superseded_at is null and {field} <> 0
group by 1 having count(*) > 1
"""
KNOWN = """
select count(*), count(*) filter (where {field} <> 0), count(distinct nullif({field}, 0))
from patients_recordversion where superseded_at is null
"""


@verb
def index_patients(*, by: Actor) -> int:
    """Write the records of some people who have none yet, and how sure it is who they are; answers how many."""
    recorded = RecordLink.objects.filter(patient=OuterRef("id"))
    people = Patient.objects.select_for_update(skip_locked=True).filter(~Exists(recorded)).order_by("id")[:AT_ONCE]
    for patient in people:
        level = rules.level(vars(patient))
        if patient.level != level:
            Patient.objects.filter(id=patient.id).update(level=level)
        write_records(patient.id, list(_known(patient)), by=by)
    return len(people)


def _known(patient: Patient) -> Iterator[Saying]:
    """What is known of a patient, as the places that number them would have said it, or else nobody in particular."""
    numbers = list(SourceIdentity.objects.filter(patient=patient).order_by("id"))
    national = [(str(one.kind), one.value) for one in numbers if one.place_id is None]
    said = sayings(patient, national, place=None)
    local = [one for one in numbers if one.place_id is not None]
    for one in local:
        yield Saying(said[0].said, one.place_id, one.value)
    yield from said[1:] if local else said


@verb
def count_rarity(*, by: Actor) -> None:
    """Count again how rare each value is among what records say now, and how many records there are."""
    with connection.cursor() as cursor:
        rows: list[tuple[str, int, float]] = []
        for field in weighing.RARE:
            cursor.execute(KNOWN.format(field=field))
            size, known, distinct = cursor.fetchone()
            cursor.execute(COUNTED.format(field=field))
            counted = cursor.fetchall()
            counts = np.ones(distinct)  # of values that one record says
            counts[: len(counted)] = [count for _, count in counted]
            bits = weighing.rarity(np.append(counts, 0), known)
            rows += [(field, value, float(rare)) for (value, _), rare in zip(counted, bits, strict=False)]
            rows.append((field, 0, float(bits[-1])))
        rows.append(("records", 0, float(size)))
        cursor.execute("delete from patients_rarity")
        with cursor.copy("copy patients_rarity (field, value, bits) from stdin") as copy:
            for row in rows:
                copy.write_row(row)
