"""What others do to resources that the record keeps (FHIR R4, 3.1.0): one act, in a request or in a bundle.

An act may name its resource by a search instead of an id. Those who mean one resource by the same search at once wait
for each other, so that of two conditional creations one creates.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast
from uuid import UUID

import jsonpatch
from django.db import connection, transaction
from jsonpointer import JsonPointerException

from wasl.edges.fhir import asked, found
from wasl.edges.fhir.asked import Condition, Pairs
from wasl.edges.fhir.refusals import (
    ConditionExpected,
    IdDiffers,
    IdentityPatched,
    PatchFails,
    SeveralMeant,
    UnknownParameter,
)  # fmt: skip
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.fhir import Resource
from wasl.record import services
from wasl.record.services import Kept


class Meant(NamedTuple):
    """A search by which a resource is meant: as it was asked, and as a condition on entries."""

    text: str
    condition: Condition


@dataclass(frozen=True)
class Act:
    """Create (POST), update (PUT), patch (PATCH) or delete (DELETE) one resource, by its key or by a search."""

    method: str
    kind: str
    key: UUID | None = None
    meant: Meant | None = None
    body: Resource | None = None
    patch: Sequence[Any] = ()
    expected: int | None = None


class Change(NamedTuple):
    """What became of an act: its status, and of which version; nothing where nothing was there to delete."""

    status: int
    kept: Kept | None


async def meant(kind: str, pairs: Pairs, *, viewer: Actor) -> Meant:
    """Understand a search by which one resource is meant, whole. Raises ConditionExpected, UnknownParameter."""
    named = [(name, value) for name, value in pairs if name not in ("_format", "_pretty")]
    question = asked.read(kind, named, await found.persons(kind, named))
    if question.ignored:
        raise UnknownParameter(names=", ".join(question.ignored))
    if not question.conditions:
        raise ConditionExpected
    text = "&".join(f"{name}={value}" for name, value in sorted(named))
    return Meant(f"{kind}?{text}", await found.condition(question, viewer=viewer))


def at_once(act: Act, *, by: Actor) -> Change:
    """Do one act, in a transaction of its own."""
    with transaction.atomic():
        wait_for([act])
        return do(act, target(act, by=by), by=by)


def wait_for(acts: Collection[Act]) -> None:
    """Let whoever means a resource by one of the same searches go first; in one order, so that no two wait for ever."""
    with connection.cursor() as cursor:
        for text in sorted({act.meant.text for act in acts if act.meant}):
            cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"fhir {text}"])


def target(act: Act, *, by: Actor) -> Kept | None:
    """The resource that an act is about, as far as its search says; None where there is none. Raises SeveralMeant."""
    return one(act.kind, act.meant, by=by) if act.meant else None


def one(kind: str, search: Meant, *, by: Actor) -> Kept | None:
    """The one resource that is meant by a search; None where there is none. Raises SeveralMeant."""
    columns = "e.type, e.id, e.version, e.updated_at, ''::text, false, e.patient"
    text, values = found.selected(columns, kind, *search.condition, viewer=by)
    with connection.cursor() as cursor:
        cursor.execute(f"{text} limit 2", cast(Any, values))
        rows = cursor.fetchall()
    if len(rows) > 1:
        raise SeveralMeant(query=search.text)
    return Kept(*rows[0]) if rows else None


def do(
    act: Act, standing: Kept | None, *, by: Actor, named: UUID | None = None, beside: Collection[str] = ()
) -> Change:
    """Do an act in the open transaction; `standing` is what its search found, `named` and `beside` as the verb says."""
    key = standing.key if standing else act.key
    match act.method:
        case "POST" if standing:
            return Change(200, standing)
        case "DELETE":
            gone = services.withdraw_resource(act.kind, key, expected=act.expected, by=by) if key else None
            return Change(204, gone)
        case "PATCH":
            if key is None:
                raise NotFound
            kept = services.amend_resource(
                act.kind, key, patching(act.patch), expected=act.expected, by=by, beside=beside
            )
            return Change(200, kept)
    body = act.body or {}
    if act.method == "PUT":
        _check_id(body.get("id"), key, by_search=act.meant is not None)
    kept = services.keep_resource(
        body, key=key if act.method == "PUT" else None, expected=act.expected, named=named, beside=beside, by=by
    )
    return Change(201 if kept.new else 200, kept)


def _check_id(sent: object, key: UUID | None, *, by_search: bool) -> None:
    """What is updated has the id of its address; what a search names need not say it, and chooses none of its own."""
    if sent != (str(key) if key else None) and not (by_search and sent is None):
        raise IdDiffers


def patching(operations: Sequence[Any]) -> Callable[[Resource], Resource]:
    """The change that a JSON Patch makes (RFC 6902). Raises PatchFails, IdentityPatched."""

    def change(body: Resource) -> Resource:
        try:
            patched = jsonpatch.JsonPatch(operations).apply(body)
        except (jsonpatch.JsonPatchException, JsonPointerException, TypeError, ValueError, LookupError) as error:
            raise PatchFails(what=str(error)[:200]) from error
        if not isinstance(patched, dict) or any(patched.get(name) != body[name] for name in ("resourceType", "id")):
            raise IdentityPatched
        return patched

    return change


def referring(value: Any, named: Mapping[str, str], base: str) -> Any:  # noqa: ANN401  any part of a resource
    """A resource whose references to others of its bundle, or to addresses of this service, name type and id."""
    if isinstance(value, list):
        return [referring(item, named, base) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {name: referring(item, named, base) for name, item in value.items()}
    literal = changed.get("reference")
    if isinstance(literal, str) and "resourceType" not in changed:
        changed["reference"] = named.get(literal, literal).removeprefix(f"{base}/")
    return changed
