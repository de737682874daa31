"""The FHIR service (R4, 3.1): read, vread, history and search over stored texts, as a plain ASGI application.

What is sent goes to the module that owns its type.

Who asks needs a session or a token with a scope; what is part of a patient's record needs a ground besides, and is
otherwise as if it were not there. Every answer that shows a patient writes the access log before it is sent.
"""

import json
import logging
from collections.abc import Iterator
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from wasl.edges import gate
from wasl.edges.fhir import (
    answers,
    asked,
    bundles,
    checked,
    everything,
    found,
    histories,
    origins,
    scopes,
    searching,
    sent,
    smart,
    summary,
    values,
    written,
)
from wasl.edges.fhir.answers import Answer, Send
from wasl.edges.fhir.call import Call, Receive, call_of
from wasl.edges.fhir.found import Hit
from wasl.edges.fhir.refusals import (
    NotSupported,
    OneTypeAtATime,
    SignInFirst,
    UnknownAddress,
    UnknownType,
    Withdrawn,
)  # fmt: skip
from wasl.edges.fhir.statement import statement
from wasl.edges.threads import in_thread
from wasl.kernel import fhir
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound, Refused
from wasl.record import queries as record

log = logging.getLogger(__name__)

READS = ("GET", "HEAD")
OF_ONE = {"$everything": everything.everything, "$summary": summary.summary}  # operations on one patient


async def application(scope: gate.Scope, receive: Receive, send: Send) -> None:
    """Answer one request, which a page of an app may read."""
    asked_before = scope["method"] == "OPTIONS"
    answer = await (origins.asked_before(scope) if asked_before else answered(scope, receive))
    await (await origins.open_to_apps(answer, scope)).send(scope, send)


async def answered(scope: gate.Scope, receive: Receive) -> Answer:
    """What is answered to a request; what goes wrong as an OperationOutcome."""
    try:
        return await _answer(call_of(scope, receive))
    except SignInFirst as refusal:
        return answers.refused(scope, refusal, **{"www-authenticate": 'Bearer realm="Wasl"'})
    except NotSupported as refusal:
        return answers.refused(scope, refusal, allow=str(refusal.values.get("allow", "GET, HEAD")))
    except Refused as refusal:
        return answers.refused(scope, refusal)
    except Exception:
        log.exception("A FHIR request failed")
        return answers.broken()


async def _answer(call: Call) -> Answer:
    match call.method, call.path:
        case method, ["metadata"] if method in READS:
            return Answer(200, statement(call.base), {"cache-control": "no-cache"})
        case method, ["_history"] if method in READS:
            viewer = await gate.actor_of(call.scope, apps=True)
            kinds = histories.readable(viewer)
            return await histories.history(call, kinds, f"{call.base}/_history", viewer=viewer)
        case method, [kind, "_history"] if method in READS:
            viewer = await _viewer(call, kind, "r")
            return await histories.history(call, [kind], f"{call.base}/{kind}/_history", viewer=viewer)
        case method, [".well-known", "smart-configuration" | "openid-configuration"] if method in READS:
            return Answer(200, smart.configuration(call.base), {"content-type": "application/json"})
        case _ if place := searching.place(call):
            return await _search(call, *place)
        case "POST" | "GET", [_, *_, name] if name.startswith("$"):
            return await _operated(call)
        case method, [kind, key] if method in READS and not key.startswith(("_", "$")):
            return await _read(call, kind, key)
        case method, [kind, key, "_history"] if method in READS:
            return await _history(call, kind, key)
        case method, [kind, key, "_history", number] if method in READS:
            return await _vread(call, kind, key, number)
        case method, _ if method in READS:
            raise UnknownAddress
    return await _changed(call)


async def _operated(call: Call) -> Answer:
    """The answer to an operation."""
    match call.path:
        case ["Patient", key, name] if name in OF_ONE:
            return await OF_ONE[name](call, _key(key), viewer=await _viewer(call, "Patient", "r"))
        case [kind, "$validate"] | [kind, _, "$validate"]:
            return await _validate(call, kind, *call.path[1:-1])
        case [kind, name]:
            return await _operate(call, kind, name[1:])
    raise UnknownAddress


async def _changed(call: Call) -> Answer:
    """The answer to a request that changes something."""
    match call.method, call.path:
        case "PUT", [kind] if kind in fhir.accepted:
            return await sent.update(call, kind)
        case "DELETE", [kind] if kind in fhir.removed:
            return await sent.remove(call, kind)
        case "POST" | "PUT" | "PATCH" | "DELETE", [kind] if record.is_kept(kind):
            return await written.change(call, kind)
        case "PUT" | "PATCH" | "DELETE", [kind, key] if record.is_kept(kind):
            return await written.change(call, kind, key)
        case "POST", [""]:
            return await bundles.take(call, answered)
    raise NotSupported(allow=", ".join(_allowed(call.path)))


def _allowed(path: list[str]) -> Iterator[str]:
    """What an address may be asked with (RFC 9110, 10.2.1)."""
    yield from READS
    if path == [""]:
        yield "POST"
    if len(path) < 3 and record.is_kept(path[0]):
        yield from ("POST", "PUT", "PATCH", "DELETE")[len(path) - 1 :]
    if len(path) == 1 and path[0] in fhir.accepted:
        yield "PUT"
    if len(path) == 1 and path[0] in fhir.removed:
        yield "DELETE"


async def _viewer(call: Call, kind: str, act: str) -> Actor:
    """Who asks, when they may ask for this type at all; `act` is r (read) or s (search), as scopes say it."""
    viewer = await gate.actor_of(call.scope, apps=True)
    scopes.check(viewer, kind, act)
    if not record.is_served(kind):
        raise UnknownType(type=kind)
    return viewer


async def _search(call: Call, kind: str, patient: str | None) -> Answer:
    if kind == "*":
        raise OneTypeAtATime
    return await searching.search(call, kind, viewer=await _viewer(call, kind, "s"), patient=patient)


async def _operate(call: Call, kind: str, name: str) -> Answer:
    """An operation on a type (FHIR R4, 3.2.0): the module that owns the type answers it, and writes who looked."""
    viewer = await _viewer(call, kind, "s")
    scopes.check_operation(viewer, kind)
    operation = fhir.operations.get((kind, name))
    if operation is None or (call.method == "GET" and not operation.by_get):
        raise UnknownAddress
    asked_with = await call.parameters()
    language = answers.language_of(call.scope)
    return Answer(200, answers.dumped(await in_thread(answers.spoken(language, operation.act), asked_with, by=viewer)))


async def _read(call: Call, kind: str, text: str) -> Answer:
    viewer = await _viewer(call, kind, "r")
    return await _one(call, kind, await found.current(kind, _key(text), viewer=viewer), viewer)


async def _validate(call: Call, kind: str, text: str = "") -> Answer:
    """Whether a resource is FHIR R4: what was sent, or what stands there."""
    if call.method == "POST":
        return await checked.validate(call, kind, text)
    viewer = await _viewer(call, kind, "r")
    hit = await found.current(kind, _key(text), viewer=viewer)
    if hit is None:
        raise NotFound
    await _one(call, kind, hit, viewer)
    return await run_in_threadpool(checked.judged, call, json.loads(hit.body))


async def _vread(call: Call, kind: str, text: str, number: str) -> Answer:
    viewer = await _viewer(call, kind, "r")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise NotFound
    return await _one(call, kind, await found.version(kind, _key(text), int(number), viewer=viewer), viewer)


async def _one(call: Call, kind: str, hit: Hit | None, viewer: Actor) -> Answer:
    if hit is None:
        raise NotFound
    if hit.patient and hit.ground:
        await gate.log_access(hit.patient, what=f"record.{kind}", ground=hit.ground, by=viewer, subject=hit.id)
    if hit.deleted:
        raise Withdrawn
    return answers.resource(hit.body, version=hit.version, at=hit.at, known=call.header(b"if-none-match"))


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound from error


async def _history(call: Call, kind: str, text: str) -> Answer:
    viewer = await _viewer(call, kind, "r")
    key, given = _key(text), dict(call.query)
    before, since, count = None, None, asked.read(kind, [("_count", given.get("_count", ""))]).count or 1
    if "_page" in given:
        (_, (before, since_text)) = found.unsealed(given["_page"])
        since = values.moment(since_text) if since_text else None
    elif "_since" in given:
        since_text = given["_since"]
        since = values.moment(since_text)
    else:
        since_text = ""
    hits = await found.history(kind, key, since=since, before=before, count=count + 1, viewer=viewer)
    if not hits and before is None and since is None:
        raise NotFound
    url = f"{call.base}/{kind}/{key}"
    links = [("self", call.address())]
    if len(hits) > count:
        token = found.sealed([], [hits[count - 1].version, since_text])
        links.append(("next", f"{url}/_history?{call.encoded([('_count', str(count)), ('_page', token)])}"))
    await searching.log(hits[:count], viewer)
    whole = len(hits) if before is None and since is None and len(hits) <= count else None
    entries = (answers.entry(url, hit.body, _told(kind, hit)) for hit in hits[:count])
    return answers.bundle("history", links=links, entries=entries, total=whole)


def _told(kind: str, hit: Hit) -> dict[str, object]:
    """How a version came to be, as a bundle of history says it (FHIR R4, 3.1.0.9)."""
    method = "DELETE" if hit.deleted else "POST" if hit.version == 1 else "PUT"
    status = {"DELETE": "204", "POST": "201", "PUT": "200"}[method]
    return {
        "request": {"method": method, "url": kind if method == "POST" else f"{kind}/{hit.id}"},
        "response": {"status": status, "etag": f'W/"{hit.version}"', "lastModified": hit.at.isoformat()},
    }
