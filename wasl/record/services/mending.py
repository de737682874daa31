"""Proving that the record says what the tables say, and mending it where it does not."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection

from wasl.kernel import fhir
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.record.events import EntryRebuilt
from wasl.record.models import Amount, Entry, Moment, Word
from wasl.record.rules.kept import KEPT, is_kept
from wasl.record.rules.texts import read
from wasl.record.services.indexing import index_of
from wasl.record.services.writing import reindex, render, said_by_owner, write_entry

MANY = 500  # resources compared at a time

_BROKEN_VERSIONS = """
select e.type, e.id from record_entry e
left join record_version v on v.type = e.type and v.resource = e.id and v.version = e.version
where v.body is distinct from e.body or v.deleted is distinct from e.deleted
   or e.version <> (select count(*) from record_version a where a.type = e.type and a.resource = e.id)
order by 1, 2
"""


@dataclass(frozen=True)
class Difference:
    """A resource that the record does not keep as it should."""

    type: str
    id: UUID
    what: str  # missing, different, orphan, index, versions


def verify() -> Iterator[Difference]:
    """Render again what modules own and compare it, and of all resources index and versions; yields what differs."""
    for kind in sorted(fhir.owned):
        yield from _missing(kind)
        yield from _different(kind)
    for kind in sorted(filter(is_kept, KEPT)):
        yield from _different(kind)
    with connection.cursor() as cursor:
        cursor.execute(_BROKEN_VERSIONS)
        for kind, key in cursor.fetchall():
            yield Difference(kind, key, "versions")


def rebuild(*, by: Actor) -> Iterator[Difference]:
    """Write again each resource that differs from its owner's tables; yields what was mended, and what cannot be."""
    for difference in list(verify()):
        if difference.what != "versions":  # a version that was touched stays as evidence
            rebuild_entry(difference.type, difference.id, what=difference.what, by=by)
        yield difference


@verb
def rebuild_entry(kind: str, key: UUID, *, what: str, by: Actor) -> None:
    """Write a resource of the record again from its owner's tables, with its index."""
    told = emit(EntryRebuilt(entry=key, type=kind, what=what), by=by)
    if is_kept(kind) or write_entry(kind, key, fact=told, by=by) is None:
        reindex(kind, key)


def _missing(kind: str) -> Iterator[Difference]:
    """Rows whose resource the record does not have."""
    keys = iter(fhir.owned[kind].every())
    while some := list(islice(keys, MANY)):
        found = Entry.objects.filter(type=kind, id__in=some, deleted=False).values_list("id", flat=True)
        for key in sorted(set(some) - set(found)):
            if render(kind, key) is not None:
                yield Difference(kind, key, "missing")


def _different(kind: str) -> Iterator[Difference]:
    """Resources that say, or are found by, something else than their rows."""
    last = UUID(int=0)
    while some := list(Entry.objects.filter(type=kind, id__gt=last, deleted=False).order_by("id")[:MANY]):
        kept = _index_of_many(kind, [entry.id for entry in some])
        for entry in some:
            # of what the record keeps itself, its text is the truth
            said = said_by_owner(entry.body, read) if is_kept(kind) else render(kind, entry.id)
            if said is None:
                yield Difference(kind, entry.id, "orphan")
                continue
            index = index_of(kind, said)
            if not is_kept(kind) and said != said_by_owner(entry.body):
                yield Difference(kind, entry.id, "different")
            elif (entry.patient, tuple(entry.tokens), *(found.get(entry.id, frozenset()) for found in kept)) != (
                index.patient, index.tokens, index.words, index.moments, index.amounts
            ):  # fmt: skip
                yield Difference(kind, entry.id, "index")
        last = some[-1].id


def _index_of_many(kind: str, keys: list[UUID]) -> list[dict[UUID, frozenset[Any]]]:
    """The texts, the times and the amounts under which each of several resources is found."""
    kept = []
    ranged = ("param", "low", "high", "token")
    for table, columns in ((Word, ("param", "text")), (Moment, ranged), (Amount, ranged)):
        found: dict[UUID, set[Any]] = defaultdict(set)
        rows = table._default_manager.filter(type=kind, resource__in=keys).values_list("resource", *columns)
        for key, *row in rows:
            found[key].add(tuple(row))
        kept.append({key: frozenset(some) for key, some in found.items()})
    return kept
