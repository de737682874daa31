"""One server: the fast doors, and Django's pages in threads beside them."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wasl.settings")

from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application

from wasl.edges.forwarded import seen_through

Message = MutableMapping[str, Any]
Door = Callable[[Any, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

pages = cast(Door, WSGIMiddleware(cast(Any, get_wsgi_application()), workers=8))

# the fast doors: prefix of the address -> module that holds `application`
FAST = {
    "/fhir": "wasl.edges.fhir.fast",
    "/dicom-web": "wasl.edges.dicom.web",
    "/transfer": "wasl.edges.dicom.transfer",
    "/shared": "wasl.edges.dicom.shared",
    "/viewer": "wasl.edges.web.viewer",
    "/live": "wasl.edges.web.live",
    "/join": "wasl.edges.links.joining",
    "/metrics": "wasl.edges.web.metrics",
}
SOCKETS = "/dicom-web/ws/"  # the only WebSockets
fast = {prefix: import_module(name) for prefix, name in FAST.items() if find_spec(name) is not None}
doors: dict[str, Door] = {prefix: module.application for prefix, module in fast.items()}


async def application(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Send a request to its door."""
    if scope["type"] == "lifespan":
        return await _live(receive, send)

    async def receive_more() -> Message:  # the pages' threads need a coroutine, and granian gives a future
        return await receive()

    if scope["type"] == "websocket" and not scope["path"].startswith(SOCKETS):
        await receive_more()
        return await send({"type": "websocket.close", "code": 1008})
    first = "/" + scope["path"].removeprefix("/").partition("/")[0]
    await doors.get(first, pages)(seen_through(dict(scope)), receive_more, send)
    return None


async def _live(receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    from wasl.edges import gate

    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            for module in fast.values():
                if opened := getattr(module, "opened", None):
                    await opened()
            await send({"type": "lifespan.startup.complete"})
        else:
            for module in fast.values():
                if close := getattr(module, "close", None):
                    await close()
            await gate.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
