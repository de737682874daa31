"""Finding resources: one query a question, the ground of each patient in it, stored texts out."""

import base64
import datetime
import hashlib
import json
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from wasl.edges import gate
from wasl.edges.fhir.asked import Asked, Pairs
from wasl.edges.fhir.refusals import WrongValue
from wasl.kernel import fhir
from wasl.kernel.access import Actor


def _seen(kind: str, viewer: Actor) -> tuple[str, list[object]]:
    """The condition that a resource may be seen: its patient's record is open, or it is no patient's by its type.

    A report also, that its viewer does not assess just now without knowing it.
    """
    opened = "g.ground is not null" if fhir.of_patients(kind) else "(e.patient is null or g.ground is not null)"
    known, values = gate.known_to(viewer) if kind == "DiagnosticReport" else ("true", [])
    return f"{opened} and {known}", values


class Hit(NamedTuple):
    """A resource, or a version of one, that the viewer may see."""

    id: UUID
    version: int
    at: datetime.datetime
    date: datetime.datetime
    patient: UUID | None
    ground: str | None
    deleted: bool
    body: str


ONE = "select e.id, e.version, e.updated_at, e.date, e.patient, g.ground, e.deleted, e.body from record_entry e "
OLD = "select e.resource, e.version, e.at, e.at, e.patient, g.ground, e.deleted, e.body from record_version e "


async def current(kind: str, key: UUID, *, viewer: Actor) -> Hit | None:
    """A resource as it stands now."""
    return next(iter(await _ask(kind, ONE, "e.type = %s and e.id = %s", [kind, key], viewer=viewer)), None)


async def version(kind: str, key: UUID, number: int, *, viewer: Actor) -> Hit | None:
    """A resource as it was at a version."""
    where = "e.type = %s and e.resource = %s and e.version = %s"
    return next(iter(await _ask(kind, OLD, where, [kind, key, number], viewer=viewer)), None)


async def history(
    kind: str, key: UUID, *, since: datetime.datetime | None, before: int | None, count: int, viewer: Actor
) -> list[Hit]:
    """The versions of a resource, last first."""
    where = "e.type = %s and e.resource = %s and (%s::timestamptz is null or e.at >= %s) and (%s::int is null"
    where += " or e.version < %s)"
    return await _ask(
        kind, OLD, where, [kind, key, since, since, before, before], viewer=viewer,
        tail="order by e.version desc limit %s", more=[count],
    )  # fmt: skip


async def search(asked: Asked, after: tuple[object, UUID] | None, *, viewer: Actor) -> list[Hit]:
    """A page of what was asked, and one more to know whether there is a next."""
    where, values = _where(asked)
    turn, than = ("desc", "<") if asked.turned else ("asc", ">")
    if after is not None:
        keys = "e.id" if asked.order == "id" else f"(e.{asked.order}, e.id)"
        holders = "%s" if asked.order == "id" else "(%s, %s)"
        where += f" and {keys} {than} {holders}"
        values += [after[1]] if asked.order == "id" else list(after)
    order = f"e.id {turn}" if asked.order == "id" else f"e.{asked.order} {turn}, e.id {turn}"
    return await _ask(
        asked.kind, ONE, where, values, viewer=viewer, tail=f"order by {order} limit %s", more=[asked.count + 1]
    )


async def total(asked: Asked, *, viewer: Actor) -> int:
    """How many there are of what was asked."""
    where, values = _where(asked)
    opened, grounds = gate.open_to(viewer)
    seen, known = _seen(asked.kind, viewer)
    text = f"select count(*) from record_entry e {opened} where {seen} and {where}"  # noqa: S608  of our own words
    async with (await gate.pool()).connection() as connection:
        row: Any = await (await connection.execute(text.encode(), [*grounds, *known, *values])).fetchone()
    return int(row[0])


def _where(asked: Asked) -> tuple[str, list[object]]:
    return " and ".join(["e.type = %s", "not e.deleted", *asked.conditions]), [asked.kind, *asked.values]


async def _ask(
    kind: str,
    select: str,
    where: str,
    values: list[object],
    *,
    viewer: Actor,
    tail: str = "",
    more: list[object] | None = None,
) -> list[Hit]:
    opened, grounds = gate.open_to(viewer)
    seen, known = _seen(kind, viewer)
    text = f"{select}{opened} where {seen} and {where} {tail}"
    async with (await gate.pool()).connection() as connection:
        cursor = await connection.execute(text.encode(), [*grounds, *known, *values, *(more or [])])
        return [Hit(*row) for row in await cursor.fetchall()]


def sealed(pairs: Pairs, last: list[object]) -> str:
    """The opaque address of the page after `last`: sealed, since what was searched for may name a patient."""
    return _seal().encrypt(json.dumps([pairs, last], default=str).encode()).decode()


def unsealed(token: str) -> tuple[Pairs, list[Any]]:
    """The parameters and the last of the page before, of an opaque address. Raises WrongValue."""
    try:
        pairs, last = json.loads(_seal().decrypt(token))
    except InvalidToken as error:
        raise WrongValue(name="_page", value="…") from error
    return [(name, value) for name, value in pairs], last


@lru_cache(maxsize=1)
def _seal() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"fhir page {settings.SECRET_KEY}".encode()).digest()))
