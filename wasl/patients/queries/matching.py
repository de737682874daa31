"""Who is who: in a file of records, asked of the records themselves, and in the index of everybody known."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import rules
from wasl.patients.models import CareRelationship, NotSame, Patient, RecordLink, SourceIdentity, SourceRecord
from wasl.patients.queries.names import read_newest
from wasl.patients.queries.search import by_local_number, by_number
from wasl.patients.rules.matching import batch, blocking, files, live, saying, sql, weighing
from wasl.patients.rules.matching.batch import Find, Keep, Tell
from wasl.patients.rules.matching.batch import Matched as Matched
from wasl.patients.rules.matching.live import Candidate, Comparison, Grade, Terms
from wasl.patients.rules.matching.records import COLUMNS as COLUMNS
from wasl.patients.rules.matching.records import Records as Records
from wasl.patients.rules.matching.sql import Linkage as Linkage

A_KEY, MOST, RECORDS = 150, 40, 160  # records under one key; records that are compared; records of their people
# people found by the keys of the record asked about, those who share most of them first, with all that is said of them
FOUND = """
with found as (
  select here.record from unnest(%s::bigint[]) as asked(key)
  cross join lateral (select k.record from patients_recordkey k where k.key = asked.key limit %s) here
  group by here.record order by count(*) desc, here.record limit %s
), known as (
  select f.head_id from found join patients_recordlink l on l.record_id = found.record and l.closed_at is null
  join patients_patient f on f.id = l.patient_id
  union select %s::uuid
)
select p.id, p.level, v.said, r.id, r.place_id, r.local_id
from known
join patients_patient p on p.id = known.head_id
join patients_patient f on f.head_id = p.id
left join patients_recordlink l on l.patient_id = f.id and l.closed_at is null
left join patients_recordversion v on v.record_id = l.record_id and v.superseded_at is null
left join patients_sourcerecord r on r.id = l.record_id
order by p.id, v.created_at desc limit %s
"""
RARE = """
select r.field, r.value, r.bits from unnest(%s::text[], %s::bigint[]) as asked(field, value)
join patients_rarity r on r.field = asked.field and r.value = asked.value
"""


@dataclass(frozen=True)
class Match:
    """Somebody who may be the one asked about, and why."""

    patient: Patient
    grade: Grade
    score: float  # log2 odds
    terms: Terms

    @property
    def agree(self) -> list[str]:
        """What the two have in common, in words, the weightiest first."""
        return live.said_in_words(self.terms)[0]

    @property
    def differ(self) -> list[str]:
        """What speaks against it, in words, the weightiest first."""
        return live.said_in_words(self.terms)[1]


@dataclass(frozen=True)
class Candidates:
    """Who may be the one asked about, the surest first; who is related: of the family and day, or the number; and who
    is somebody else, however alike, since people told them apart from whom the number names.
    """

    matches: tuple[Match, ...] = ()
    related: tuple[Match, ...] = ()
    apart: tuple[Match, ...] = ()

    def __iter__(self) -> Iterator[Match]:
        return iter((*self.matches, *self.related))

    @property
    def certain(self) -> Match | None:
        """Who it is, where nobody needs to decide it."""
        return next((match for match in self.matches if match.grade == Grade.CERTAIN), None)


def match_records(
    rows: Iterable[Sequence[str]], *, tell: Tell, keep: Keep, viewer: Actor, find: Find = blocking.pairs
) -> Matched:
    """Bring records together into persons; `rows` are in the order of COLUMNS, the live index is not looked at.

    `find` says which pairs of them are compared. Names are read as this process last read them: by the shipped
    dictionary, unless `read_newest` was asked.
    """
    rules.check_search(viewer)
    return batch.match(rows, tell=tell, keep=keep, find=find)


def linkage(records: Records, *, dialect: str, viewer: Actor) -> Linkage:
    """What Splink needs to find the pairs of these records, in the SQL of `duckdb` or of `spark`."""
    rules.check_search(viewer)
    return sql.linkage(records, weighing.model(), dialect)


def checked_rows(header: Sequence[str], rows: Iterable[Sequence[str]], *, viewer: Actor) -> Iterator[list[str]]:
    """The rows of a file in the order of COLUMNS; refuses a file with a column missing, and a `rid` empty or twice."""
    rules.check_search(viewer)
    return files.rows_of(header, rows)


def model_mark(*, viewer: Actor) -> str:
    """What the results of matching depend on besides the records: the model and the dictionary of names."""
    rules.check_search(viewer)
    return weighing.mark()


def _visible_records(viewer: Actor) -> QuerySet[SourceRecord]:
    """What a place said is for those who work there; who is found by it, for everybody who may look for people."""
    rows = SourceRecord.objects.all()
    return rows if viewer.is_system else rows.filter(place__in=viewer.places())


def match(
    said: Mapping[str, str], *, viewer: Actor, place: UUID | None = None, local_id: str = "", number: str = ""
) -> Candidates:
    """Who of everybody known may be the one of whom this is said, by the matcher's columns.

    `local_id` is the number that `place` has for the person, heard of who works there; `number` a Wasl number.
    """
    rules.check_match(viewer)
    read_newest(viewer=viewer)
    holder = by_number(number, viewer=SYSTEM) if number else None
    if holder is None and local_id and place and (viewer.is_system or place in viewer.places()):
        holder = by_local_number(local_id, place=place, viewer=SYSTEM)
    asked = live.row(saying.received(said), place=str(place or ""), local_id=local_id)
    people = _people(live.indexed([asked])[0].keys, holder.id if holder else None)
    comparison = Comparison(asked, list(people.values()))
    judged = comparison.judged(*_rarity(comparison.values()))
    order = list(people)
    known = Patient.objects.in_bulk([order[one.person] for one in judged])
    others = _told_apart(holder.id) if holder else frozenset()
    found = [
        Match(known[order[one.person]], Grade.NOT if order[one.person] in others else one.grade, one.score, one.terms)
        for one in judged
    ]
    if holder and not people[holder.id].rows:
        found.insert(0, Match(holder, Grade.CERTAIN, 0.0, ()))
    return Candidates(
        tuple(one for one in found if one.grade not in (Grade.RELATED, Grade.NOT)),
        tuple(one for one in found if one.grade == Grade.RELATED),
        tuple(one for one in found if one.grade == Grade.NOT),
    )


def _told_apart(person: UUID) -> frozenset[UUID]:
    """Whom people told apart from a person, in any of the files of both."""
    rows = NotSame.objects.filter(withdrawn_at__isnull=True)
    return frozenset(
        head
        for mine, theirs in (("one", "other"), ("other", "one"))
        for head in rows.filter(**{f"{mine}__head__files": person}).values_list(f"{theirs}__head", flat=True)
    )


def is_theirs(patient: UUID, *, here: UUID, place: UUID, local_id: str, nid: str, new: bool, viewer: Actor) -> bool:
    """Whether images made `here`, under a place's number for a patient, may open the patient's record here.

    They may where it is open already, where a person wrote down the number here or the patient was made of it, and
    where the images give the patient's national number, as a card does. A likeness alone opens nothing.
    """
    if not viewer.is_system:
        return False
    now = timezone.now()
    files = list(Patient.objects.filter(head__files=patient).values_list("id", flat=True))
    open_now = CareRelationship.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), patient__in=files, place=here)
    if open_now.filter(starts_at__lte=now, person=None).exists():
        return True
    links = RecordLink.objects.filter(patient__in=files)
    own = {"record__place": place, "record__local_id": local_id}
    if (new or place == here) and (first := links.order_by("opened_at", "id").select_related("record").first()):
        if (first.record.place_id, first.record.local_id) == (place, local_id):
            return True
        if links.filter(**own, state=RecordLink.State.HUMAN, closed_at=None).exists() and place == here:
            return True
    return bool(nid) and SourceIdentity.objects.filter(patient__in=files, value=nid, place=None).exists()


def match_person(
    person: Mapping[str, object], numbers: Sequence[tuple[str, str]], *, place: UUID | None, viewer: Actor
) -> Candidates:
    """Who may be the person about to be registered: fields of a patient, and pairs of kind and number."""
    typed = dict(reversed(numbers))
    national = next((value for kind, value in numbers if kind != "local"), "")
    said = saying.said(person, national)
    return match(said, place=place, local_id=typed.get("local", ""), viewer=viewer)


def _people(keys: Sequence[int], holder: UUID | None) -> dict[UUID, Candidate]:
    """The people found by keys, and a holder, with what their records say."""
    with connection.cursor() as cursor:
        cursor.execute(FOUND, [list(keys), A_KEY, MOST, holder, RECORDS])
        found = cursor.fetchall()
    rows: dict[UUID, list[list[str]]] = {}
    level = {}
    for patient, sure, said, record, place, local_id in found:
        level[patient] = sure
        mine = rows.setdefault(patient, [])
        if record is not None:
            mine.append(live.row(json.loads(said), rid=str(record), place=str(place or ""), local_id=local_id))
    return {
        patient: Candidate(said, decidable=level[patient] != Patient.Level.PROVISIONAL, holder=patient == holder)
        for patient, said in rows.items()
    }


def _rarity(values: Mapping[str, Iterable[int]]) -> tuple[dict[str, dict[int, float]], int]:
    """The rarity of these values, by field, and how many records there are."""
    wanted = [("records", 0), *((field, value) for field, some in values.items() for value in {0, *some})]
    with connection.cursor() as cursor:
        cursor.execute(RARE, [[field for field, _ in wanted], [value for _, value in wanted]])
        found: dict[str, dict[int, float]] = {}
        for field, value, bits in cursor.fetchall():
            found.setdefault(field, {})[value] = bits
    return found, int(found.get("records", {}).get(0, 0))
