"""What was said of all resources of a type, or of all, newest first (FHIR R4, 3.1.0.9), as far as it is open.

A version is shown to whom the record that it was part of then is open now.
"""

import datetime
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from psycopg.errors import QueryCanceled

from wasl.edges import gate
from wasl.edges.fhir import answers, asked, found
from wasl.edges.fhir.answers import Answer
from wasl.edges.fhir.asked import Condition
from wasl.edges.fhir.call import Call
from wasl.edges.fhir.refusals import HistoryTooLong, OutOfScope, UnknownParameter, WrongValue
from wasl.kernel import fhir
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed
from wasl.record import queries as record

PARAMETERS = ("_since", "_at", "_count", "_format", "_pretty", "_page")
VERSIONS = (
    "select e.type, e.resource, e.version, e.at, e.id, e.patient, g.ground, e.deleted, e.body from record_version e"
)
# what stood at some moment of a time (3.1.0.9.1): said before its end, and not replaced before its beginning
AT = (
    "e.at < %s and not exists (select from record_version n where n.type = e.type and n.resource = e.resource"
    " and n.version = e.version + 1 and n.at <= %s)"
)


class Row(NamedTuple):
    """A version, or a resource as it stands, of a patient whose record is open on a ground, or of none."""

    kind: str
    id: UUID
    version: int
    at: datetime.datetime
    place: object  # what it has its place in the order by
    patient: UUID | None
    ground: str | None
    deleted: bool
    body: str


async def history(call: Call, kinds: Sequence[str], url: str, *, viewer: Actor) -> Answer:
    """What was said of resources of these types, a page of it; `url` is where it is asked for."""
    given = dict(call.query)
    if unknown := [name for name in given if name not in PARAMETERS]:
        raise UnknownParameter(names=", ".join(unknown))
    count = asked.read("Patient", [("_count", given.get("_count", ""))]).count or 1
    pairs, after = [(name, given[name]) for name in ("_since", "_at") if given.get(name)], None
    if "_page" in given:
        pairs, after = found.unsealed(given["_page"])
    where, values = _asked(dict(pairs))
    if after is not None:
        where, values = f"{where} and (e.at, e.id) < (%s, %s)", [*values, *after]
    rows = await those(f"{VERSIONS} {{}} order by e.at desc, e.id desc limit %s", kinds, where, [*values, count + 1],
                       viewer=viewer)  # fmt: skip
    page = rows[:count]
    await log(page, viewer)
    links = [("self", call.address())]
    if len(rows) > count:
        token = found.sealed(pairs, [page[-1].at, page[-1].place])
        links.append(("next", f"{url}?{call.encoded([('_count', str(count)), ('_page', token)])}"))
    told = (answers.entry(f"{call.base}/{row.kind}/{row.id}", row.body, _told(row)) for row in page)
    return answers.bundle("history", links=links, entries=told)


def readable(call: Call, viewer: Actor) -> list[str]:
    """The types that somebody may read at all. Raises what is refused where there is none."""
    kinds = []
    for kind in sorted(record.served()):
        try:
            call.check(viewer, kind, "r")
        except OutOfScope:
            continue
        kinds.append(kind)
    if not kinds:
        raise NotAllowed
    return kinds


async def those(select: str, kinds: Sequence[str], where: str, values: Sequence[object], *, viewer: Actor) -> list[Row]:
    """The rows of some types that the viewer may see; `select` has a place for the condition. Raises HistoryTooLong."""
    opened, grounds = gate.open_to(viewer)
    known, hidden = gate.known_to(viewer)
    free = [kind for kind in kinds if not record.of_patients(kind)]
    seen = (
        f"{opened} where e.type = any(%s) and (g.ground is not null or (e.patient is null and e.type = any(%s)))"
        f" and (e.type <> 'DiagnosticReport' or {known}) and {where}"
    )
    try:
        async with (await gate.searching()).connection() as connection:
            cursor = await connection.execute(
                select.format(seen).encode(), [*grounds, list(kinds), free, *hidden, *values]
            )
            return [Row(*row) for row in await cursor.fetchall()]
    except QueryCanceled as error:
        raise HistoryTooLong from error


async def log(rows: Iterable[Row], viewer: Actor) -> None:
    """One line of the access log for each patient and type of an answer."""
    grounds: dict[str, dict[UUID, str]] = {}
    for row in rows:
        if row.patient and row.ground:
            grounds.setdefault(row.kind, {})[row.patient] = row.ground
    for kind, patients in grounds.items():
        looks = ((patient, ground, None) for patient, ground in patients.items())
        await gate.log_accesses(looks, what=f"record.{kind}", by=viewer)


def _asked(given: dict[str, str]) -> Condition:
    """What `_since` and `_at` ask of a version. Raises WrongValue."""
    conditions: list[str] = ["true"]
    values: list[object] = []
    if "_since" in given:
        conditions.append("e.at >= %s")
        values.append(asked.moment(given["_since"]))
    if "_at" in given:
        try:
            low, high = fhir.span_of(given["_at"].replace(" ", "+"))
        except (ValueError, OverflowError) as error:
            raise WrongValue(name="_at", value=given["_at"]) from error
        conditions.append(AT)
        values += [high, low]
    return " and ".join(conditions), values


def _told(row: Row) -> dict[str, object]:
    """How a version came to be, as a bundle of history says it."""
    method = "DELETE" if row.deleted else "POST" if row.version == 1 else "PUT"
    status = {"DELETE": "204", "POST": "201", "PUT": "200"}[method]
    return {
        "request": {"method": method, "url": row.kind if method == "POST" else f"{row.kind}/{row.id}"},
        "response": {"status": status, "etag": f'W/"{row.version}"', "lastModified": row.at.isoformat()},
    }
