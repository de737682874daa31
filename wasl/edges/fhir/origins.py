"""Apps in browsers: an answer may be read by pages of the origins that registered apps come back to (Fetch, CORS).

No cookie is honoured for another origin: what an app reads, it reads by its token.
"""

import time
from dataclasses import replace

from asgiref.sync import sync_to_async

from wasl.accounts import queries as accounts
from wasl.edges.fhir.answers import Answer
from wasl.edges.gate import GRANT_SECONDS, Scope, header
from wasl.kernel.access import SYSTEM

MAY_SEND = "authorization, accept, content-type, if-match, if-none-match, prefer, accept-language"
MAY_READ = "etag, last-modified, location, content-location, www-authenticate"
_known: tuple[float, frozenset[str]] = (float("-inf"), frozenset())


async def asked_before(scope: Scope) -> Answer:
    """The answer to a browser that asks whether it may ask; it holds for ten minutes."""
    methods = "GET, HEAD, POST, PUT, PATCH, DELETE"
    told = {"allow": f"{methods}, OPTIONS"}
    if await _is_app(header(scope, b"origin")):
        told |= {
            "access-control-allow-methods": methods, "access-control-allow-headers": MAY_SEND,
            "access-control-max-age": "600",
        }  # fmt: skip
    return Answer(204, b"", told)


async def open_to_apps(answer: Answer, scope: Scope) -> Answer:
    """The same answer, which a page of an app's origin may read; what everybody may know, every page may."""
    origin = header(scope, b"origin")
    if not origin:
        return answer
    public = "/.well-known/" in scope["path"] or scope["path"].endswith("/metadata")
    told = {"vary": "origin"}
    if public or await _is_app(origin):
        told |= {"access-control-allow-origin": origin, "access-control-expose-headers": MAY_READ}
    return replace(answer, headers={**answer.headers, **told})


async def _is_app(origin: str) -> bool:
    global _known
    if not origin:
        return False
    asked = time.monotonic() - _known[0]
    if asked > (GRANT_SECONDS if origin in _known[1] else 2):  # an app just registered is not kept waiting
        _known = (time.monotonic(), await sync_to_async(accounts.app_origins)(viewer=SYSTEM))
    return origin in _known[1]
