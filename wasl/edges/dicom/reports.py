"""The notification connection (PS3.18, 8.10.4): reports on workitems go over a WebSocket, each once and in order.

They wait in the database until they went over the line, so that who was away hears them afterwards. One connection
listens under an AE title; a new one ends the one before.
"""

import asyncio
import contextlib
import json
import re
from functools import partial
from urllib.parse import parse_qs, unquote
from uuid import UUID

from django.db import OperationalError
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from wasl.archive import queries, services
from wasl.edges import gate
from wasl.edges.dicom import sight
from wasl.edges.dicom.workitems import act
from wasl.edges.web import live
from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused
from wasl.kernel.verbs import allowed

ADDRESS = re.compile(r"/dicom-web/ws/subscribers/([^/]{1,64})")
GOING, NOT_ALLOWED, TRY_AGAIN, TAKEN = 1001, 1008, 1013, 4409  # how a connection ends (RFC 6455, 7.4)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Open the connection to who owns the AE title; refuse everybody else before it is open."""
    await receive()  # websocket.connect
    try:
        title, after = _asked(scope)
        by = await _listener(scope)
        subscriber, line = await act(lambda: services.take_line(title, after=after, by=by))
    except HTTPException as problem:
        return await _refuse(send, problem.status_code)
    except Refused as refusal:
        return await _refuse(send, refusal.http)
    await send({"type": "websocket.accept"})
    async with live.listening(["workitems"]) as page:
        gone = asyncio.create_task(_until_gone(receive, page))
        try:
            code = await _hand_over(scope, send, page, subscriber, line, by)
        except OperationalError:  # the database is away: whoever listens asks again
            code = TRY_AGAIN
        finally:
            still_there = not gone.done()
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await gone  # the server ends no connection of which somebody waits for words
        if still_there:
            await send({"type": "websocket.close", "code": code})
    return None


async def _hand_over(scope: Scope, send: Send, page: live.Page, subscriber: UUID, line: UUID, by: Actor) -> int:
    """Send what waits, then whatever comes, until the connection ends; how it ends."""
    while not page.over:
        reports = await act(lambda: queries.waiting_reports(subscriber, line=line, viewer=by))
        if reports is None:
            return TAKEN
        for report in reports:
            if report.message is not None:
                await send({"type": "websocket.send", "text": json.dumps(report.message, ensure_ascii=False)})
        if page.over:  # whether they arrived is not known: they are sent again
            break
        if reports:
            await act(partial(services.note_handed, subscriber, line=line, number=reports[-1].number, by=by))
            continue
        await page.next(live.HEARTBEAT)
        if await gate.actor_of(dict(scope)) != by:
            return NOT_ALLOWED
    return GOING


def _asked(scope: Scope) -> tuple[str, int | None]:
    """The AE title of the address, and the Message ID after which its owner wants to hear. Raises 400, 404."""
    if not gate.is_known_host(dict(scope)):
        raise HTTPException(400)
    found = ADDRESS.fullmatch(scope["path"])
    after = parse_qs(scope["query_string"].decode("latin-1")).get("after", [""])[0]
    title = unquote(found[1]).strip() if found else ""
    if not title:
        raise HTTPException(404)
    if "\0" in title or (after and not (after.isascii() and after.isdigit() and len(after) < 6)):
        raise HTTPException(400)
    return title, int(after) if after else None


async def _listener(scope: Scope) -> Actor:
    by = await sight.allowed(scope, "dicomweb.read")
    origin = gate.header(dict(scope), b"origin")
    if origin and origin.partition("://")[2] != gate.header(dict(scope), b"host"):
        raise HTTPException(403)
    if not allowed("archive.add_subscriber", by):
        raise HTTPException(403)
    return by


async def _refuse(send: Send, status: int) -> None:
    headers = [(b"cache-control", b"no-store"), (b"content-length", b"0")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b""})


async def _until_gone(receive: Receive, page: live.Page) -> None:
    """Whatever the other side says is passed over, but its end."""
    with contextlib.suppress(RuntimeError):
        while (await receive())["type"] != "websocket.disconnect":
            pass
    page.end()
