"""Finding resources: one query a question, the ground of each patient in it, stored texts out."""

import base64
import datetime
import hashlib
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from asgiref.sync import sync_to_async
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from wasl.edges import gate
from wasl.edges.fhir.asked import Asked, Condition, Pairs, alternatives
from wasl.edges.fhir.refusals import WrongValue
from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused
from wasl.patients import queries as patients
from wasl.record.queries import of_patients, parameters


def _seen(kind: str, viewer: Actor) -> tuple[str, list[object]]:
    """The condition that a resource may be seen: its patient's record is open, or it is no patient's by its type.

    A report also, that its viewer does not assess just now without knowing it.
    """
    opened = "g.ground is not null" if of_patients(kind) else "(e.patient is null or g.ground is not null)"
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


KEY = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
FILES = (
    "select f.id, o.id from patients_patient f join patients_patient o on o.head_id = f.head_id where f.id = any(%s)"
)
NUMBERS = "urn:wasl:patient"  # the system of Wasl's own numbers


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


async def persons(kind: str, pairs: Pairs) -> dict[UUID, list[UUID]]:
    """By each patient's file that a search names, all files of the same person."""
    references = {name for name, param in parameters(kind).items() if param.sort == "reference"}
    named = {text for name, value in pairs if name.partition(":")[0] in references for text in KEY.findall(value)}
    if not named:
        return {}
    together: dict[UUID, list[UUID]] = {}
    async with (await gate.pool()).connection() as connection:
        cursor = await connection.execute(FILES, [[UUID(text) for text in named]])
        for file, other in await cursor.fetchall():
            together.setdefault(file, []).append(other)
    return together


async def said_of_numbers(pairs: Pairs, *, viewer: Actor) -> list[Refused]:
    """What there is to say of the Wasl numbers that a search for patients names, besides whose they are."""
    asked = [one for name, value in pairs if name == "identifier" for one in alternatives(value)]
    numbers = [one.removeprefix(f"{NUMBERS}|") for one in asked if one.startswith(f"{NUMBERS}|") or one.isdecimal()]
    return [said for one in numbers for said in await sync_to_async(patients.said_of_number)(one, viewer=viewer)]


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
    text, values = selected("count(*)", asked.kind, *await condition(asked, viewer=viewer), viewer=viewer)
    async with (await gate.pool()).connection() as connection:
        row: Any = await (await connection.execute(text.encode(), values)).fetchone()
    return int(row[0])


async def condition(asked: Asked, *, viewer: Actor) -> Condition:
    """All that is asked of an entry."""
    return _where(asked)


def selected(columns: str, kind: str, where: str, values: Sequence[object], *, viewer: Actor) -> Condition:
    """SQL of entries of a type that the viewer may see and that meet a condition."""
    opened, grounds = gate.open_to(viewer)
    seen, known = _seen(kind, viewer)
    text = f"select {columns} from record_entry e {opened} where {seen} and {where}"  # noqa: S608  our words
    return text, [*grounds, *known, *values]


def _where(asked: Asked) -> Condition:
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
