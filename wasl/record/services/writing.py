"""Writing a resource: its current text, its version and what it is found by, in the transaction of the fact."""

import datetime
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.utils import timezone

from wasl.kernel import fhir
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import Told
from wasl.kernel.verbs import verb
from wasl.record.models import Amount, Entry, Moment, Version, Word
from wasl.record.rules import texts
from wasl.record.rules.parameters import parameters
from wasl.record.services.indexing import index_of

INSERT = """
insert into record_entry (type, id, version, updated_at, patient, place, author, date, tokens, deleted, body)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing
"""
OURS = ("versionId", "lastUpdated")  # what of `meta` the record says, and not the owner


@verb
def write_entry(kind: str, key: UUID, *, fact: Told, by: Actor) -> int | None:
    """Let the record say of a row what its owner's tables say now; the new version, or None when nothing changed.

    The entry is locked before the row is read, so that of two who change one resource the later sees both changes.
    """
    entry = Entry.objects.select_for_update().filter(type=kind, id=key).first()
    if entry is None:
        resource = render(kind, key)
        if resource is None:
            return None
        if written := _write(Entry(type=kind, id=key, version=0, deleted=True), resource, fact):
            return written
        # somebody else wrote it first, and was waited for: read the row again
        entry = Entry.objects.select_for_update().get(type=kind, id=key)
    return _write(entry, render(kind, key), fact)


def render(kind: str, key: UUID) -> fhir.Resource | None:
    """What the owner's tables say of a row now, without what the record adds; None when there is no such resource."""
    owner = fhir.owned[kind]
    try:
        row = owner.get(key)
    except (NotFound, ObjectDoesNotExist):
        return None
    if row is None:
        return None
    said = fhir.without_empty(owner.render(row))
    return {**said, "resourceType": kind, "id": str(key)}


def said_by_owner(body: str, read: Callable[[str], fhir.Resource] = json.loads) -> fhir.Resource:
    """A stored resource without what the record added to it."""
    said = read(body)
    meta = {name: value for name, value in said.pop("meta", {}).items() if name not in OURS}
    return {**said, **({"meta": meta} if meta else {})}


def _write(entry: Entry, resource: fhir.Resource | None, fact: Told) -> int | None:
    unchanged = entry.deleted if resource is None else not entry.deleted and resource == said_by_owner(entry.body)
    return None if unchanged else put(entry, resource, fact)


def put(entry: Entry, resource: fhir.Resource | None, fact: Told) -> int | None:
    """Write the next version of a locked entry, None withdraws it; gives None where a first was written meanwhile."""
    now = timezone.now()
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as exact as it is served
    first = entry.version == 0
    entry.version, entry.updated_at = entry.version + 1, now
    entry.deleted, entry.body = resource is None, "" if resource is None else text_of(resource, entry.version, now)
    entry.place = entry.place or fact.place
    if first or fact.by != "system":
        entry.author = fact.by
    if not _keep_index(entry, resource, first=first):
        return None
    Version.objects.create(
        type=entry.type, resource=entry.id, version=entry.version, at=now, patient=entry.patient, fact=fact.seq,
        author=fact.by, deleted=entry.deleted, body=entry.body,
    )  # fmt: skip
    return entry.version


def text_of(resource: fhir.Resource, version: int, at: datetime.datetime) -> str:
    """The JSON text that is served: type, id and meta first."""
    meta = {
        "versionId": str(version),
        "lastUpdated": at.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        **resource.get("meta", {}),
    }
    first = {"resourceType": resource["resourceType"], "id": resource["id"], "meta": meta}
    return texts.written({**first, **{k: v for k, v in resource.items() if k not in first}})


def reindex(kind: str, key: UUID) -> None:
    """Index a resource again, where its text is right and what it is found by is not."""
    entry = Entry.objects.select_for_update().get(type=kind, id=key)
    _keep_index(entry, None if entry.deleted else said_by_owner(entry.body, texts.read))


def _keep_index(entry: Entry, resource: fhir.Resource | None, *, first: bool = False) -> bool:
    """Save an entry, and replace all that its resource is found by; of a first version there is nothing to replace.

    False where it is the first version, and somebody else wrote one meanwhile.
    """
    index = index_of(entry.type, resource or {})
    if resource is not None:  # what is withdrawn stays part of the record it was part of
        entry.patient = index.patient
        entry.date = index.date or entry.date or entry.updated_at
    entry.tokens = list(index.tokens)
    if not first:
        entry.save(force_update=True)
    elif not _inserted(entry):
        return False
    of = {"type": entry.type, "resource": entry.id}
    rows: tuple[tuple[type[Word | Moment | Amount], list[Any]], ...] = (
        (Word, [Word(**of, param=param, text=text) for param, text in sorted(index.words)]),
        (Moment, [Moment(**of, param=p, low=low, high=high, token=of_what)
                  for p, low, high, of_what in sorted(index.moments, key=_in_order)]),
        (Amount, [Amount(**of, param=p, low=low, high=high, token=of_what)
                  for p, low, high, of_what in sorted(index.amounts, key=_in_order)]),
    )  # fmt: skip
    for table, some in rows:
        if not first and table in written_to(entry.type):
            table.objects.filter(**of).delete()
        if some:
            table.objects.bulk_create(some)
    return True


def written_to(kind: str) -> set[type[Word | Moment | Amount]]:
    """The tables that may hold what resources of a type are found by."""
    sorts = {param.sort for param in parameters(kind).values()}
    return {
        *((Word,) if sorts & {"string", "composite", "uri", "token"} and kind not in fhir.owned else ()),
        *((Word,) if "string" in sorts else ()),
        *((Moment,) if sorts & {"date", "composite"} else ()),
        *((Amount,) if sorts & {"number", "quantity", "composite"} else ()),
    }


def _in_order(found: tuple[str, Any, Any, int | None]) -> tuple[object, ...]:
    return (*found[:3], found[3] or 0)


def _inserted(entry: Entry) -> bool:
    """Write a new entry, and whether nobody else had; who is writing it now is waited for."""
    written = (
        entry.type, entry.id, entry.version, entry.updated_at, entry.patient, entry.place, entry.author, entry.date,
        entry.tokens, entry.deleted, entry.body,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(INSERT, written)
        return bool(cursor.rowcount)
