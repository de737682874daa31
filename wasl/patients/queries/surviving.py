"""What is said of the people of some files besides what was typed into them, and where it says otherwise."""

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.patients import rules
from wasl.patients.models import CivilStanding, Patient, SourceRecord
from wasl.patients.queries.access import require_ground
from wasl.patients.rules import civil, surviving
from wasl.patients.rules.matching import saying
from wasl.patients.rules.surviving import Claim, Grade

# what systems said last of each record of some files, under the link that stands or the last one that was closed; what
# a desk wrote into a record is a copy of the file, and the register's acts speak for themselves
SPOKEN = """
select distinct on (l.patient_id, l.record_id) l.patient_id, l.record_id, l.closed_at is null, r.place_id, v.said,
  v.created_at
from patients_recordlink l
join patients_sourcerecord r on r.id = l.record_id
join patients_recordversion v on v.record_id = l.record_id and (l.closed_at is null or v.created_at <= l.closed_at)
where l.patient_id = any(%s) and v.said_by not like 'person:%%'
  and not (l.state = 'human' and l.opened_by = 'system')
  and not exists (select from patients_civilstanding s where s.record_id = l.record_id)
order by l.patient_id, l.record_id, l.closed_at desc nulls first, v.version desc
"""


@dataclass(frozen=True)
class Spoken:
    """What a system says of somebody under one of its numbers, and whether that is of this file still."""

    record: UUID
    place: UUID | None
    stands: bool
    said: Mapping[str, str]
    at: datetime.datetime

    def claims(self) -> list[Claim]:
        """The same, attribute by attribute; what no clerk could have written is left out."""
        grade = Grade.PLACEHOLDER if saying.is_nobody_yet(self.said) else Grade.FED
        values = rules.readable(saying.person(self.said)[0], today=timezone.localdate())
        return surviving.told(values, grade=grade, at=self.at, record=self.record)

    def names(self) -> list[str]:
        """All that it calls the person."""
        parts = (("first_lat", "last_lat"), ("other_lat",), ("first_ar", "last_ar"), ("other_ar",))
        return [name for some in parts if (name := " ".join(filter(None, map(self.said.get, some))))]


@dataclass(frozen=True)
class Otherwise:
    """What a hospital's system says of a person that the file does not say."""

    claim: Claim
    record: SourceRecord
    open: bool  # a clerk may take it into the file: the register does not say the field


def spoken_of(files: Sequence[UUID], *, viewer: Actor) -> dict[UUID, list[Spoken]]:
    """What systems say of some files, by file; what they said before a record went elsewhere, besides."""
    found: dict[UUID, list[Spoken]] = {}
    if viewer.held:
        with connection.cursor() as cursor:
            cursor.execute(SPOKEN, [list(files)])
            for patient, record, stands, place, said, at in cursor.fetchall():
                found.setdefault(patient, []).append(Spoken(record, place, stands, json.loads(said), at))
    return found


def taken_of(files: Sequence[UUID], *, viewer: Actor) -> dict[UUID, list[civil.Taken]]:
    """The acts of the civil register that were taken into some files, by file."""
    rows = CivilStanding.objects.filter(patient__in=files, state=CivilStanding.State.DONE).select_related("act")
    found: dict[UUID, list[civil.Taken]] = {}
    for one in rows if viewer.held else ():
        if one.patient_id and one.taken is not None:
            order = (one.taken["happened_on"], one.act.acted_on.isoformat(), one.act.registry, one.act.number)
            found.setdefault(one.patient_id, []).append(civil.Taken(one.act.kind, order, one.taken))
    return found


def said_otherwise(patient: UUID, *, viewer: Actor) -> list[Otherwise]:
    """Where hospitals' systems say otherwise than a person's file, on a ground; who said it last before the others."""
    require_ground(patient, viewer=viewer)
    files = list(Patient.objects.filter(head__files=patient))
    file = next((vars(one) for one in files if one.id == patient), {})
    keys = [one.id for one in files]
    spoken = [one for some in spoken_of(keys, viewer=viewer).values() for one in some if one.stands]
    claims = [claim for one in spoken for claim in one.claims() if surviving.is_otherwise(claim, file)]
    if not claims:
        return []
    records = SourceRecord.objects.select_related("place").in_bulk({one.record for one in claims if one.record})
    closed = civil.folded([act for acts in taken_of(keys, viewer=viewer).values() for act in acts])
    return [
        Otherwise(one, records[one.record], one.attribute not in closed)
        for one in sorted(claims, key=lambda one: one.at, reverse=True)
        if one.record and one.grade > Grade.PLACEHOLDER
    ]


def every_file(after: UUID | None, *, limit: int, viewer: Actor) -> list[UUID]:
    """The keys of some files, in their order, for the work on all of them."""
    rows = Patient.objects.order_by("id") if viewer.is_system else Patient.objects.none()
    return list((rows.filter(id__gt=after) if after else rows).values_list("id", flat=True)[:limit])
