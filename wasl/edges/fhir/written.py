"""Writing what the record keeps (FHIR R4, 3.1.0): create, update, patch and delete, by id or by a search.

As with all that is sent, a token is asked for and no session.
"""

import datetime
import re
from dataclasses import replace
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from wasl.edges import gate
from wasl.edges.fhir import acts, answers
from wasl.edges.fhir.acts import Act, Change
from wasl.edges.fhir.answers import Answer
from wasl.edges.fhir.call import JSON, Call, pairs_of
from wasl.edges.fhir.refusals import (
    Done,
    NotJson,
    PatchExpected,
    ResourceExpected,
    TooLong,
    WrongValue,
)  # fmt: skip
from wasl.edges.fhir.sent import sender
from wasl.edges.threads import in_thread
from wasl.kernel import fhir
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.record import queries as record

LONGEST = 4 << 20  # bytes of one resource, a scanned page among them
PATCH = "application/json-patch+json"
# what a token must allow: who updates by a search creates where nothing is found
ACTS = {"POST": "c", "PUT": "u", "PATCH": "u", "DELETE": "d"}


async def change(call: Call, kind: str, text: str | None = None) -> Answer:
    """Answer a request that changes a resource, of this id, or that its search names; without either, a new one."""
    act = await act_of(call, kind, text)
    viewer = await gate.actor_of(call.scope)
    act = replace(act, body=acts.referring(act.body, {}, call.base))
    done = await in_thread(answers.spoken(answers.language_of(call.scope), acts.at_once), act, by=viewer)
    await log(act, done, viewer)
    return answered(call, done)


async def act_of(call: Call, kind: str, text: str | None) -> Act:
    """What a request asks for, when its sender may. Raises NotInScope, and what is refused of a request."""
    method = call.method
    viewer = await sender(call, kind, ACTS[method])
    if method == "PUT" and text is None:
        await sender(call, kind, "c")  # where nothing is found, it is created
    return Act(
        method, kind, None if text is None else key_of(text), await _meant(call, kind, text, viewer),
        body=await resource(call, kind) if method in ("POST", "PUT") else None,
        patch=await patch(call) if method == "PATCH" else (), expected=expected(call.header(b"if-match")),
    )  # fmt: skip


async def log(act: Act, done: Change, viewer: Actor) -> None:
    """Who changes a part of a resource is shown the whole of it."""
    if act.method == "PATCH" and done.kept and (patient := done.kept.patient):
        ground = await gate.ground_of(patient, viewer=viewer)
        await gate.log_access(patient, what=f"record.{act.kind}", ground=ground or "none", by=viewer,
                              subject=done.kept.key)  # fmt: skip


async def _meant(call: Call, kind: str, text: str | None, viewer: Actor) -> acts.Meant | None:
    """The search by which a request names its resource: in its address, or in If-None-Exist of a creation."""
    if call.method == "POST":
        condition = call.header(b"if-none-exist")
        return (
            await acts.meant(kind, pairs_of(condition.rpartition("?")[2].encode()), viewer=viewer)
            if condition
            else None
        )
    return None if text is not None else await acts.meant(kind, call.query, viewer=viewer)


def key_of(text: str) -> UUID:
    """The id of an address. Raises NotFound."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound from error


def expected(etag: str) -> int | None:
    """The version that If-Match names (FHIR R4, 3.1.0.5). Raises WrongValue."""
    if not etag or etag == "*":
        return None
    found = re.fullmatch(r'(?:W/)?"?(\d{1,9})"?', etag.strip())
    if found is None:
        raise WrongValue(name="If-Match", value=etag)
    return int(found[1])


async def resource(call: Call, kind: str, *, most: int = LONGEST) -> fhir.Resource:
    """The resource that was sent, decimals as they were written. Raises ResourceExpected, TooLong, NotJson."""
    if not JSON.match(call.header(b"content-type")):
        raise ResourceExpected(type=kind)
    sent = read(await call.body(TooLong, most))
    if not isinstance(sent, dict) or sent.get("resourceType") != kind:
        raise ResourceExpected(type=kind)
    return sent


async def patch(call: Call) -> list[Any]:
    """The JSON Patch that was sent. Raises PatchExpected, TooLong, NotJson."""
    if call.header(b"content-type").partition(";")[0].strip() != PATCH:
        raise PatchExpected
    found = read(await call.body(TooLong, LONGEST))
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise PatchExpected
    return found


def read(text: bytes) -> Any:  # noqa: ANN401  JSON of a stranger
    """JSON that the record can keep. Raises NotJson."""
    try:
        return record.read(text)
    except ValueError as error:
        raise NotJson from error


def answered(call: Call, change: Change) -> Answer:
    """What became of an act, with as much of the resource as `Prefer` asks for (FHIR R4, 3.1.0.1.10).

    Of what was there before a conditional creation its address is told, and not what it says: to read is another right.
    """
    kept = change.kept
    if kept is None or change.status == 204:
        return Answer(204, b"", {"etag": etag(kept.version)} if kept else {})
    headers = {
        "etag": etag(kept.version),
        "last-modified": format_datetime(kept.at.astimezone(datetime.UTC), usegmt=True),
        "location": f"{call.base}/{kept.type}/{kept.key}/_history/{kept.version}",
    }
    preferred = call.header(b"prefer").replace(" ", "")
    if "return=OperationOutcome" in preferred:
        said = answers.done(call.scope, Done())
        return Answer(change.status, said.body, said.headers | headers)
    silent = "return=minimal" in preferred or not kept.body
    return Answer(change.status, b"" if silent else kept.body.encode(), headers)


def etag(version: int) -> str:
    """A version as headers name it."""
    return f'W/"{version}"'
