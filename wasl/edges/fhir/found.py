"""Finding resources: one query a question, the ground of each patient in it, stored texts out."""

import base64
import datetime
import hashlib
import json
import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from asgiref.sync import sync_to_async
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from psycopg.errors import QueryCanceled
from psycopg_pool import PoolTimeout

from wasl.edges import gate
from wasl.edges.fhir import kinds, paths, scopes, sorting
from wasl.edges.fhir.asked import Asked, Pairs
from wasl.edges.fhir.kinds import Condition, Criterion
from wasl.edges.fhir.paths import Parameter
from wasl.edges.fhir.refusals import TooCostly, WrongValue
from wasl.edges.fhir.values import alternatives
from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused
from wasl.patients import queries as patients
from wasl.record import queries as record


def _seen(kind: str, viewer: Actor) -> tuple[str, list[object]]:
    """The condition that a resource may be seen: its patient's record is open, or it is no patient's by its type.

    One of a type without scope may not. A report also, that its viewer does not assess just now without knowing it.
    """
    if not scopes.sees(viewer, kind):
        return "false", []
    opened = "g.ground is not null" if record.of_patients(kind) else "(e.patient is null or g.ground is not null)"
    known, values = gate.known_to(viewer) if kind == "DiagnosticReport" else ("true", [])
    return f"{opened} and {known}", values


def _seen_of_any(viewer: Actor) -> Condition:
    """The same for resources of any type."""
    free = [kind for kind in paths.served() if not record.of_patients(kind)]
    known, values = gate.known_to(viewer)
    seen = "(g.ground is not null or (e.patient is null and e.type = any(%s)))"
    return f"{seen} and (e.type <> 'DiagnosticReport' or {known})", [free, *values]


class Hit(NamedTuple):
    """A resource, or a version of one, that the viewer may see."""

    kind: str
    id: UUID
    version: int
    at: datetime.datetime
    patient: UUID | None
    ground: str | None
    deleted: bool
    body: str
    keys: tuple[object, ...] = ()  # what it is sorted by


COLUMNS = "e.type, e.id, e.version, e.updated_at, e.patient, g.ground, e.deleted, e.body"
WIDTH = 8
ONE = f"select {COLUMNS} from record_entry e "  # noqa: S608  of our own words
OLD = "select e.type, e.resource, e.version, e.at, e.patient, g.ground, e.deleted, e.body from record_version e "

MOST_LED_TO = 1000  # resources to which a chain leads
KEY_PATTERN = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# the key of a resource of a type, at the end of what refers to it literally
LED_TO = f"(?:^|/){{}}/({KEY_PATTERN.replace('{', '{{').replace('}', '}}')})(?:/_history/[0-9]+)?$"
# all files of the persons whose files these are
FILES_OF = "select o.id from patients_patient f join patients_patient o on o.head_id = f.head_id where f.id in ({})"

KEY = re.compile(KEY_PATTERN)
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


async def persons(pairs: Pairs) -> dict[UUID, list[UUID]]:
    """By each patient's file that a search names, all files of the same person."""
    named = {text for name, value in pairs if name != "_id" for text in KEY.findall(value)}
    if not named:
        return {}
    together: dict[UUID, list[UUID]] = {}
    async with (await gate.pool()).connection() as connection:
        cursor = await connection.execute(FILES, [[UUID(text) for text in named]])
        for file, other in await cursor.fetchall():
            together.setdefault(file, []).append(other)
    return together


async def files(keys: Collection[UUID]) -> list[UUID]:
    """All files of the persons whose files these are."""
    async with (await gate.pool()).connection() as connection:
        cursor = await connection.execute(FILES, [list(keys)])
        return sorted({other for _, other in await cursor.fetchall()})


async def said_of_numbers(pairs: Pairs, *, viewer: Actor) -> list[Refused]:
    """What there is to say of the Wasl numbers that a search for patients names, besides whose they are."""
    asked = [one for name, value in pairs if name == "identifier" for one in alternatives(value)]
    numbers = [one.removeprefix(f"{NUMBERS}|") for one in asked if one.startswith(f"{NUMBERS}|") or one.isdecimal()]
    return [said for one in numbers for said in await sync_to_async(patients.said_of_number)(one, viewer=viewer)]


async def search(asked: Asked, after: Sequence[object] | None, *, viewer: Actor) -> list[Hit]:
    """A page of what was asked, and one more to know whether there is a next. Raises TooCostly."""
    where, values = await condition(asked, viewer=viewer)
    if after is not None:
        beyond, last = sorting.after(asked.order, after)
        where, values = f"{where} and {beyond}", [*values, *last]
    keys = "".join(f", {key.sql} k{number}" for number, key in enumerate(asked.order))
    text, known = selected(f"{COLUMNS}{keys}", asked.kind, where, values, viewer=viewer)
    known = [value for key in asked.order for value in key.values] + known
    rows = await _answered(f"{text} {sorting.ordered(asked.order)} limit %s", [*known, asked.count + 1])
    return [Hit(*row[:WIDTH])._replace(keys=row[WIDTH:]) for row in rows]


async def these(where: str, values: Sequence[object], *, most: int, viewer: Actor) -> list[Hit]:
    """Resources of any type that meet a condition and may be seen. Raises TooCostly."""
    opened, grounds = gate.open_to(viewer)
    seen, known = _seen_of_any(viewer)
    text = f"{ONE}{opened} where {seen} and not e.deleted and {where} order by e.type, e.id limit %s"
    return [Hit(*row) for row in await _answered(text, [*grounds, *known, *values, most])]


async def total(asked: Asked, *, viewer: Actor) -> int:
    """How many there are of what was asked. Raises TooCostly."""
    text, values = selected("count(*)", asked.kind, *await condition(asked, viewer=viewer), viewer=viewer)
    ((count,),) = await _answered(text, values)
    return int(count)


async def condition(asked: Asked, *, viewer: Actor) -> Condition:
    """All that is asked of an entry; what lies behind a chain is found within what the viewer may see."""
    conditions, values = ["e.type = %s", "not e.deleted", *asked.conditions], [asked.kind, *asked.values]
    for link in asked.links:
        step = _referred if link.turned else _leading
        text, known = kinds.any_of([await step(asked.kind, link.param, one, viewer) for one in link.inner])
        conditions.append(text)
        values += known
    return " and ".join(conditions), values


async def _leading(kind: str, param: Parameter, inner: Asked, viewer: Actor) -> Condition:
    """What refers by a parameter to what is asked for."""
    where, known = await condition(inner, viewer=viewer)
    text, values = selected("e.id", inner.kind, where, known, viewer=viewer)
    if inner.kind == "Patient" and paths.names_patient(kind, param):
        proof, at = _names_its_patient(param)
        return f"(e.patient in ({FILES_OF.format(text)}) and {proof})", [*values, *at]
    if inner.kind == "Patient":
        text = FILES_OF.format(text)
    keys = [key for (key,) in await _answered(f"{text} limit %s", [*values, MOST_LED_TO + 1])]
    if len(keys) > MOST_LED_TO:
        raise TooCostly
    forms = [f"{inner.kind}/{key}" for key in keys]
    return kinds.referring(Criterion(kind, param, "", {}), forms) if forms else ("false", [])


async def _referred(kind: str, param: Parameter, inner: Asked, viewer: Actor) -> Condition:
    """What is referred to by a parameter of what is asked for."""
    where, known = await condition(inner, viewer=viewer)
    if kind == "Patient" and paths.names_patient(inner.kind, param):
        proof, at = _names_its_patient(param)
        text, values = selected("e.patient", inner.kind, f"{where} and {proof}", [*known, *at], viewer=viewer)
    else:
        referred, at = paths.values(paths.references(param))
        column = "substring(v.text from %s)::uuid"
        beside = f"cross join lateral {referred}"
        text, values = selected(column, inner.kind, where, known, viewer=viewer, beside=beside)
        values = [LED_TO.format(kind), *at, *values]
    # as an array, which is read once: joined, it might be read anew for each that could be referred to
    return f"e.id = any(array({FILES_OF.format(text) if kind == 'Patient' else text}))", values


def _names_its_patient(param: Parameter) -> Condition:
    """That the parameter itself names the patient of whose record an entry is part."""
    (at,) = paths.references(param)
    named = "jsonb_build_object('r', 'Patient/' || e.patient)"
    return f"coalesce(jsonb_path_exists({paths.BODY}, %s::jsonpath, {named}), false)", [f"{at} ? (@ == $r)"]


def selected(
    columns: str, kind: str, where: str, values: Sequence[object], *, viewer: Actor, beside: str = ""
) -> Condition:
    """SQL of entries of a type that the viewer may see and that meet a condition."""
    opened, grounds = gate.open_to(viewer)
    seen, known = _seen(kind, viewer)
    text = f"select {columns} from record_entry e {beside} {opened} where {seen} and {where}"  # noqa: S608  our words
    return text, [*grounds, *known, *values]


async def _answered(text: str, values: Sequence[object]) -> list[Any]:
    """The rows of a search, which is given up when it takes too long. Raises TooCostly."""
    try:
        async with (await gate.searching()).connection() as connection:
            return await (await connection.execute(text.encode(), values)).fetchall()
    except (QueryCanceled, PoolTimeout) as error:
        raise TooCostly from error


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
