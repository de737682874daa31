"""All that the record says of a person, and what that refers to: `Patient/[id]/$everything` (FHIR R4, 8.1.12.1)."""

import json
from uuid import UUID

from asgiref.sync import sync_to_async

from wasl.edges.fhir import answers, asked, found, histories
from wasl.edges.fhir.answers import Answer
from wasl.edges.fhir.asked import Condition
from wasl.edges.fhir.call import Call
from wasl.edges.fhir.histories import Row
from wasl.edges.fhir.refusals import UnknownParameter, WrongValue
from wasl.kernel import fhir
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.patients import queries as patients
from wasl.record import queries as record

DEFINITION = "http://hl7.org/fhir/OperationDefinition/Patient-everything"
PARAMETERS = ("start", "end", "_since", "_type", "_count", "_page")
# first who it is, then what is said of them
FIRST = "(e.type <> 'Patient')::int"
COLUMNS = "select e.type, e.id, e.version, e.updated_at, {}, e.patient, g.ground, e.deleted, e.body from record_entry e"


async def everything(call: Call, key: UUID, *, viewer: Actor) -> Answer:
    """A page of all that is said on all files of a person, within what is open to the viewer. Raises NotFound."""
    given = await _given(call)
    hit = await found.current("Patient", key, viewer=viewer)
    if hit is None:
        raise NotFound
    count = asked.read("Patient", [("_count", given.get("_count", ""))]).count or 1
    after = None
    if "_page" in given:
        pairs, after = found.unsealed(given["_page"])
        given = dict(pairs)
    kinds = _kinds(given.get("_type", ""), histories.readable(call, viewer))
    where, values = _asked(given, await sync_to_async(patients.same_person)(key, viewer=viewer))
    if after is not None:
        where, values = f"{where} and ({FIRST}, e.id) > (%s, %s)", [*values, *after]
    select = f"{COLUMNS.format(FIRST)} {{}} order by {FIRST}, e.id limit %s"
    rows = await histories.those(select, kinds, where, [*values, count + 1], viewer=viewer)
    page = rows[:count]
    await histories.log(page, viewer)
    links = [("self", call.address())]
    if len(rows) > count:
        token = found.sealed([*given.items()], [page[-1].place, page[-1].id])
        more = call.encoded([("_count", str(count)), ("_page", token)])
        links.append(("next", f"{call.base}/Patient/{key}/$everything?{more}"))
    referred = await _referred(page, kinds, viewer)
    entries = [_entry(call, row, "match") for row in page] + [_entry(call, row, "include") for row in referred]
    return answers.bundle("searchset", links=links, entries=entries)


async def _given(call: Call) -> dict[str, str]:
    """The parameters of the operation, of an address or a body. Raises UnknownParameter, WrongValue."""
    sent = (await call.parameters()).get("parameter", [])
    given: dict[str, str] = {}
    for part in sent if isinstance(sent, list) else ():
        if not isinstance(part, dict) or part.get("name") not in PARAMETERS:
            raise UnknownParameter(names=str(part.get("name") if isinstance(part, dict) else "?"))
        value = next((str(said) for name, said in part.items() if name.startswith("value")), "")
        given[part["name"]] = f"{given['_type']},{value}" if part["name"] == "_type" in given else value
    return {name: value for name, value in given.items() if value}


def _kinds(named: str, readable: list[str]) -> list[str]:
    """The types that are asked for. Raises WrongValue."""
    wanted = [one.strip() for one in named.split(",")] if named else readable
    if unknown := [one for one in wanted if not record.is_served(one)]:
        raise WrongValue(name="_type", value=", ".join(unknown))
    return [one for one in wanted if one in readable]


def _asked(given: dict[str, str], files: tuple[UUID, ...]) -> Condition:
    """What is asked of an entry; dates of care narrow what was said, and not who it is. Raises WrongValue."""
    conditions = ["not e.deleted", "e.patient = any(%s)"]
    bounds: list[object] = [[*files]]
    for name, compared, end in (("start", ">=", 0), ("end", "<", 1)):
        if name in given:
            try:
                bound = fhir.span_of(given[name])[end]
            except (ValueError, OverflowError) as error:
                raise WrongValue(name=name, value=given[name]) from error
            conditions.append(f"(e.type = 'Patient' or e.date {compared} %s)")
            bounds.append(bound)
    if "_since" in given:
        conditions.append("e.updated_at >= %s")
        bounds.append(asked.moment(given["_since"]))
    return " and ".join(conditions), bounds


async def _referred(page: list[Row], kinds: list[str], viewer: Actor) -> list[Row]:
    """Who and what of no patient the resources of a page refer to: practitioners, organizations, medications."""
    named: set[tuple[str, UUID]] = set()
    for row in page:
        for literal, _path in record.references(json.loads(row.body), row.kind):
            kind, _slash, text = literal.partition("/")
            if kind in kinds and not record.of_patients(kind) and found.KEY.fullmatch(text):
                named.add((kind, UUID(text)))
    if not named:
        return []
    where = "not e.deleted and e.patient is null and (e.type, e.id) in (select * from unnest(%s::text[], %s::uuid[]))"
    pairs = sorted(named)
    return await histories.those(
        f"{COLUMNS.format(0)} {{}} order by e.type, e.id", sorted({kind for kind, _ in named}), where,
        [[kind for kind, _ in pairs], [key for _, key in pairs]], viewer=viewer,
    )  # fmt: skip


def _entry(call: Call, row: Row, mode: str) -> bytes:
    return answers.entry(f"{call.base}/{row.kind}/{row.id}", row.body, {"search": {"mode": mode}})
