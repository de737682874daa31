"""The rows of images taken in: studies locked, series found, counts kept."""

import contextlib
import datetime
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from psycopg import Cursor

from wasl.archive.models import Instance, Series, Study
from wasl.archive.services.header import SERIES_TAGS, STUDY_TAGS, Header
from wasl.archive.services.store import Stored
from wasl.kernel.access import Actor
from wasl.kernel.text import fold


@dataclass(frozen=True)
class Incoming:
    """An instance whose file is in the store and that no row knows yet.

    `metadata` is DICOM JSON (PS3.18, F) without bulk data; `dataset_sha256` is of the data set without the file meta
    information; `pixel_offset` counts bytes from the file's start to the pixel data element. The file is on disk before
    `receive` is called: a row is never there without it.
    """

    stored: Stored
    metadata: dict[str, Any]
    transfer_syntax: str
    dataset_sha256: bytes
    pixel_offset: int | None
    frames: int
    source: UUID | None
    place: UUID | None
    flags: tuple[str, ...] = ()
    frame_table: bytes | None = None
    filed: tuple[str, str, str] | None = None  # study, series and own UID, where its site says others than the header
    withheld: bool = False  # taken back where it comes from


Pair = tuple[Incoming, Header]

# the columns of an instance; its series is found by the two UIDs that are sent beside them
COLUMNS = {
    "id": "uuid", "uid": "text", "sop_class": "text", "transfer_syntax": "text", "number": "int", "frames": "int",
    "rows": "int", "columns": "int", "path": "text", "size": "bigint", "sha256": "bytea", "pixel_offset": "bigint",
    "frame_table": "bytea", "metadata": "jsonb", "source_id": "uuid", "rejected": "bool", "created_at": "timestamptz",
}  # fmt: skip
# what every batch asks, written out and prepared: to have it put together anew each time took most of a batch's time,
# and so did an array for each column, which one JSON text is not.
# Whoever may make or move series waits for those who insert, and they for him ("for key share"), and then they see
# where a series is now; they do not wait for one another.
INSERT = f"""
with given as materialized (select * from json_to_recordset(%s::json) given
  ({", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())}, study_uid text, series_uid text)),
study as materialized (select id, uid from archive_study where uid = any(%s)
  and (%s or instance_count > 0 and standing = 0 and (%s or place_id is null or place_id = any(%s)))
  order by uid for key share),
placed as materialized (select given.*, series.id series_id from given join study on study.uid = given.study_uid
  join archive_series series on series.study_id = study.id and series.uid = given.series_uid
  for key share of series)
insert into archive_instance ({", ".join(COLUMNS)}, series_id)
select {", ".join(COLUMNS)}, series_id from placed
where (select count(*) from placed) = (select count(*) from given)
order by uid on conflict do nothing returning id, series_id
"""  # noqa: S608  names of ours
LOCK = """
select id, uid, place_id, instance_count, rejected_count, standing from archive_study where uid = any(%s)
order by uid for update
"""
SERIES = "select uid, study_id from archive_series where uid = any(%s) and study_id = any(%s)"
PRESENT = "select uid from archive_instance where uid = any(%s)"
# what a study has of these images; a study without any takes the first one's identity, to compare the others with,
# unless it is known from images that were taken back since
GROW = """
update archive_study study set
  modalities = array(select distinct unnest(modalities || %(modalities)s::varchar[]) order by 1),
  flags = array(select distinct unnest(flags || %(flags)s::varchar[] || case when exists (
    select from unnest(%(identities)s::text[]) said where said <> case
      when instance_count = 0 and (rejected_count = 0 or attributes = '{}') then (%(identities)s::text[])[1]
      else header_id || ' ' || coalesce(birth_date::text, '') end)
    then array['identity'] else '{}' end::varchar[]) order by 1),
  instance_count = instance_count + %(number)s, size = size + %(size)s, expected = coalesce(expected, %(expected)s),
  last_arrival_at = %(now)s
where uid = %(uid)s
returning id, uid, place_id, patient_id, accession, instance_count, rejected_count, expected, announced, phantom,
  complete_by, complete_at, instance_count = %(number)s and (rejected_count = 0 or attributes = '{}'),
  exists (select from archive_performedstep step where step.study_uid = study.uid)
"""
# in the order of the model
GROWN = (
    "id", "uid", "place_id", "patient_id", "accession", "instance_count", "rejected_count", "expected", "announced",
    "phantom", "complete_by", "complete_at",
)  # fmt: skip
COUNT = """
update archive_series series set instance_count = series.instance_count + added.number
from unnest(%s::uuid[], %s::int[]) added (id, number) where series.id = added.id
returning series.study_id, series.instance_count = added.number
"""
BEGIN = "update archive_study set series_count = series_count + %s where id = %s"


@dataclass(frozen=True)
class Grown:
    """A study that has more images: whether they are its first ones, and whether its modality speaks of its steps."""

    study: Study
    first: bool
    steps: bool


def new_instance(item: Incoming, head: Header, *, rejected: bool) -> Instance:
    """The row of an instance, not yet in its table nor in its series."""
    return Instance(
        uid=head.uid, sop_class=head.text("00080016", 64), transfer_syntax=item.transfer_syntax[:64],
        number=head.number("00200013"), frames=item.frames, rows=head.size("00280010"), columns=head.size("00280011"),
        path=item.stored.path, size=item.stored.size, sha256=item.dataset_sha256, pixel_offset=item.pixel_offset,
        frame_table=item.frame_table, metadata=item.metadata, source_id=item.source,
        rejected=rejected,
    )  # fmt: skip


def insert(
    pairs: Mapping[int, Pair], *, by: Actor, locked: bool = False, rejected: Collection[int] = ()
) -> dict[int, Instance]:
    """Put the rows of images into their table in one statement: those whose UID nobody had put there before.

    None are put there unless all their series are known, in studies that have images, of which nothing is taken back,
    and are of a place of the actor; with `locked` the studies are locked and were looked at. Those `rejected` are not
    shown.
    """
    rows = {number: new_instance(item, head, rejected=number in rejected) for number, (item, head) in pairs.items()}
    studies = list({head.study_uid for _, head in pairs.values()})
    everywhere = by.is_system or None in {held.place for held in by.held}
    given = json.dumps([_given(rows[number], head) for number, (_, head) in pairs.items()], default=_plain)
    with statements() as ask:
        if not locked:
            ask("savepoint before_images", ())
        done = ask(INSERT, [given, studies, locked, everywhere, list(by.places())])
    kept = dict(done.fetchall())
    if not kept and not locked:  # lest who goes on to lock the studies for himself keeps others waiting for himself
        with statements() as ask:
            ask("rollback to savepoint before_images", ())
    taken = {number: row for number, row in rows.items() if row.id in kept}
    for row in taken.values():
        row.series_id = kept[row.id]
    return taken


def _given(row: Instance, head: Header) -> dict[str, object]:
    values = {name: getattr(row, name) for name in COLUMNS}
    return {**values, "study_uid": head.study_uid, "series_uid": head.series_uid}


def _plain(value: object) -> str:
    """A value that JSON does not have, as PostgreSQL reads it."""
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, UUID | datetime.datetime):
        return str(value)
    raise TypeError(type(value).__name__)


@contextlib.contextmanager
def statements() -> Iterator[Callable[[str, Any], "Cursor[Any]"]]:
    """Send prepared statements in one trip to the database; their answers are there in the end."""
    connection.ensure_connection()
    connection.connection.prepare_threshold = 0  # or nothing is, whatever a statement asks: Django turns it off
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield lambda sql, values: Cursor(connection.connection).execute(sql.encode(), values, prepare=True)


def lock_studies(pairs: Iterable[Pair]) -> dict[str, Study]:
    """The studies of these images, made where they are new, locked: whoever sends to them at once waits here."""
    places: dict[str, UUID | None] = {}
    for item, head in pairs:
        places.setdefault(head.study_uid, item.place)
    uids = sorted(places)  # always in one order, so that nobody waits in a ring
    there = {study.uid: study for study in Study.objects.raw(LOCK, [uids])}
    if len(there) < len(uids):
        now = timezone.now()
        new = [Study(uid=uid, place_id=places[uid], last_arrival_at=now) for uid in uids if uid not in there]
        Study.objects.bulk_create(new, ignore_conflicts=True)
        there = {study.uid: study for study in Study.objects.raw(LOCK, [uids])}
    return there


def make_series(pairs: Collection[Pair], studies: Mapping[str, Study]) -> None:
    """Make the series of these images that are new; their studies are locked."""
    owners = {study.id: uid for uid, study in studies.items()}
    with connection.cursor() as cursor:
        cursor.execute(SERIES, [list({head.series_uid for _, head in pairs}), list(owners)])
        there = {(owners[study], uid) for uid, study in cursor.fetchall()}
    new: dict[tuple[str, str], Series] = {}
    for _, head in pairs:
        key = (head.study_uid, head.series_uid)
        if key not in there and key not in new:
            new[key] = Series(
                study=studies[head.study_uid], uid=head.series_uid, modality=head.text("00080060", 16),
                number=head.number("00200011"), description=head.text("0008103E", 200),
                body_part=head.text("00180015", 64), attributes=head.among(SERIES_TAGS),
            )  # fmt: skip
    Series.objects.bulk_create(new.values())


def present(uids: Iterable[str]) -> list[str]:
    """Those of some UIDs that instances have."""
    with connection.cursor() as cursor:
        cursor.execute(PRESENT, [list(uids)])
        return [uid for (uid,) in cursor.fetchall()]


def grow(taken: Mapping[int, Instance], pairs: Mapping[int, Pair]) -> list[Grown]:
    """Count new images in their studies and series, which are locked from here on."""
    added: dict[str, list[Pair]] = defaultdict(list)
    for number in taken:
        added[pairs[number][1].study_uid].append(pairs[number])
    series = Counter(row.series_id for row in taken.values())
    with statements() as ask:
        answers = {uid: ask(GROW, _growth(uid, added[uid])) for uid in sorted(added)}
        counted = ask(COUNT, [list(series), list(series.values())])
    begun = Counter(study for study, first in counted.fetchall() if first)
    if begun:
        with statements() as ask:
            for study in sorted(begun):
                ask(BEGIN, [begun[study], study])
    grown = []
    for answer in answers.values():
        ((*values, first, steps),) = answer.fetchall()
        grown.append(Grown(Study.from_db("default", GROWN, values), first, steps))
    return grown


def _growth(uid: str, added: Sequence[Pair]) -> dict[str, object]:
    heads = [head for _, head in added]
    flags = {flag for item, _ in added for flag in item.flags}
    if any(head.is_demonstration for head in heads):
        flags.add(Study.Flag.DEMONSTRATION)
    return {
        "uid": uid,
        "modalities": list({head.text("00080060", 16) for head in heads} - {""}),
        "flags": list(flags),
        # in their order: the first may be the study's own
        "identities": list(dict.fromkeys(f"{head.text('00100020', 64)} {head.birth_date or ''}" for head in heads)),
        "number": len(added),
        "size": sum(item.stored.size for item, _ in added),
        "expected": next((head.expected for head in heads if head.expected), None),
        "now": timezone.now(),
    }


def name(study: Study, place: UUID | None, head: Header) -> None:
    """Give a study a place, and what the header of its first image says of it."""
    values: dict[str, Any] = {
        "place_id": None if study.phantom else place or study.place_id,
        "header_id": head.text("00100020", 64),
        "header_issuer": head.text("00100021", 64),
        "header_name": head.name,
        "header_name_folded": fold(head.name)[:400],
        "birth_date": head.birth_date,
        "sex": head.text("00100040", 1),
        "accession": head.text("00080050", 16),
        "description": head.text("00081030", 200),
        "started_at": head.started_at,
        "body_part": head.text("00180015", 64),
        "attributes": head.among(STUDY_TAGS),
    }
    for field, value in values.items():
        setattr(study, field, value)
    study.save(update_fields=values)
