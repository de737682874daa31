"""Keeping what no module owns: said by a hospital's system or a doctor, of patients whose record is open to them."""

import datetime
from collections.abc import Callable, Collection
from typing import NamedTuple
from uuid import UUID

from wasl.kernel import fhir
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.models import uuid7
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients
from wasl.places import queries as places
from wasl.record import queries
from wasl.record.events import ResourceKept, ResourceWithdrawn
from wasl.record.models import Entry
from wasl.record.rules import check_valid, kept, texts
from wasl.record.services.indexing import index_of
from wasl.record.services.writing import put, text_of


class Kept(NamedTuple):
    """What became of a resource that was sent: its version, the text that is served, and whether it is new."""

    type: str
    key: UUID
    version: int
    at: datetime.datetime
    body: str
    new: bool
    patient: UUID | None


@verb
def keep_resource(
    body: fhir.Resource,
    *,
    by: Actor,
    key: UUID | None = None,
    expected: int | None = None,
    named: UUID | None = None,
    beside: Collection[str] = (),
) -> Kept:
    """Keep a resource as it was received: a new one, or with `key` the next version of one; the same again is none.

    `expected` is the version that the change was made from. Of what is written together in one transaction, a new one
    has the key `named`, and `beside` are the references that the others will resolve. Raises the refusals of
    `rules.kept`, and NotFound.
    """
    kind = kept.check_kept(body.get("resourceType"))
    if key is None:
        return _keep(Entry(type=kind, id=named or uuid7(), version=0, deleted=True), body, beside, by=by)
    return _keep(_standing(kind, key, expected, by=by), body, beside, by=by)


@verb
def amend_resource(
    type: str,
    key: UUID,
    change: Callable[[fhir.Resource], fhir.Resource],
    *,
    by: Actor,
    expected: int | None = None,
    beside: Collection[str] = (),
) -> Kept:
    """Keep the next version of a resource, made from the one that stands while nobody else changes it.

    Raises what `keep_resource` does, and what `change` raises.
    """
    entry = _standing(kept.check_kept(type), key, expected, by=by)
    return _keep(entry, change(texts.read(entry.body)), beside, by=by)


@verb
def withdraw_resource(type: str, key: UUID, *, by: Actor, expected: int | None = None) -> Kept:
    """Take back what one said: it is found no longer, and its versions stay; what was withdrawn stays as it is.

    Raises the refusals of `rules.kept`, and NotFound.
    """
    entry = _locked(kept.check_kept(type), key, expected, by=by)
    if not entry.deleted:
        told = emit(
            ResourceWithdrawn(
                resource=key, type=type, version=entry.version + 1, patient=entry.patient, place=by.at
            ),
            by=by,
        )  # fmt: skip
        put(entry, None, told)
    return Kept(type, key, entry.version, entry.updated_at, "", False, entry.patient)


def _keep(entry: Entry, body: fhir.Resource, beside: Collection[str], *, by: Actor) -> Kept:
    """Write the next version of an entry that is locked, or not there yet, when it says something new."""
    kind, new = entry.type, entry.version == 0
    check_valid(body)
    _check_references(kind, body, beside, by=by)
    resource = {**body, "id": str(entry.id), "meta": kept.own_meta(body.get("meta") or {}, _source(by))}
    patient = index_of(kind, resource).patient
    kept.check_patient(kind, patient, entry.patient)
    if patient and not patients.ground(patient, viewer=by):
        raise kept.NothingReferred(reference=f"Patient/{patient}", path=kind)
    if new or text_of(resource, entry.version, entry.updated_at) != entry.body:
        fact = ResourceKept(resource=entry.id, type=kind, version=entry.version + 1, patient=patient, place=by.at)
        if put(entry, resource, emit(fact, by=by)) is None:
            raise RuntimeError(f"{kind}/{entry.id} was named twice")
    return Kept(kind, entry.id, entry.version, entry.updated_at, entry.body, new, patient)


def _standing(kind: str, key: UUID, expected: int | None, *, by: Actor) -> Entry:
    """An entry that may be changed by whoever acts, and was not withdrawn; locked."""
    entry = _locked(kind, key, expected, by=by)
    if entry.deleted:
        raise kept.KeptNoLonger
    return entry


def _locked(kind: str, key: UUID, expected: int | None, *, by: Actor) -> Entry:
    """An entry that may be changed by whoever acts, locked: who changes it at the same time is waited for."""
    entry = Entry.objects.select_for_update().filter(type=kind, id=key).first()
    if entry is None or (entry.patient and not patients.ground(entry.patient, viewer=by)):
        raise NotFound
    kept.check_sender(entry.place, entry.author, by=by)
    kept.check_version(entry.version, expected)
    return entry


def _source(by: Actor) -> str:
    """The sender, as the resource itself says it (`meta.source`): nobody speaks in the name of another place."""
    return f"urn:wasl:place:{places.place(by.at, viewer=by).code}" if by.at else f"urn:wasl:{by}"


def _check_references(kind: str, body: fhir.Resource, beside: Collection[str], *, by: Actor) -> None:
    """Refuse a reference to nothing that its sender sees; what is not seen is as what is not there."""
    paths = dict(reversed([*kept.references(body, kind)]))  # of each, the first place where it stands
    kept.check_referred(paths, queries.resolved(paths.keys() - set(beside), viewer=by) | set(beside))
