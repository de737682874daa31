"""The door of other Wasls under `/transfer`: a site names the images of a study, then sends what is missing, in pieces.

The protocol is described in docs/reference/transfer.md. Only machines come in here: by the certificate of a line, which
the listener of the lines turns into the actor, or by a token that may send images.
"""

import json
import zlib
from collections.abc import Iterator
from typing import Any, TypeVar, cast
from uuid import UUID

import anyio.from_thread
from django.utils import timezone, translation
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Message, Receive, Scope, Send

from wasl.archive import services as archive
from wasl.archive.services import Image
from wasl.edges import gate
from wasl.edges.body import whole
from wasl.edges.dicom import heeding
from wasl.edges.dicom.pieces import Cut, TooMuch
from wasl.edges.dicom.taking import Taking
from wasl.edges.threads import in_thread
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed, Refused

SCOPE = "dicomweb.write"
ACTOR = "wasl.actor"  # who called, as the listener of the lines found by the certificate; nothing in a request sets it
MANIFEST, PIECES = "application/vnd.wasl.manifest", "application/vnd.wasl.pieces"
CORRECTIONS = "application/vnd.wasl.corrections"
MANIFEST_MOST, UNPACKED_MOST = 8 << 20, 64 << 20  # bytes of a manifest as it comes, and unpacked
MOST_VALUES = 1_000_000  # of a manifest, which names at most 50,000 images: a value of a byte takes a hundred when read
T = TypeVar("T")
KEPT_BY_NOBODY = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


async def hello(request: Request) -> Response:
    """A sign of life, in both directions."""
    by = await _sender(request)
    await in_thread(archive.hear, by=by)
    return JSONResponse({"time": timezone.now().isoformat()})


async def announce(request: Request) -> Response:
    """A manifest; the answer says what is missing, and how far it is."""
    by = await _sender(request)
    _check_kind(request, MANIFEST)
    body = await whole(request, MANIFEST_MOST, "This manifest is too large.")
    return JSONResponse(await in_thread(_announce, body, by))


async def wanted(request: Request) -> Response:
    """The earlier exams that are wanted of the one who asks."""
    by = await _sender(request)
    return JSONResponse(await in_thread(heeding.wanted, viewer=by))


async def correct(request: Request) -> Response:
    """What the sender took back and put back; the answer says what was heard of it, and what was done here."""
    by = await _sender(request)
    _check_kind(request, CORRECTIONS)
    body = await whole(request, MANIFEST_MOST, "These are too many corrections.")
    try:
        said = await in_thread(heeding.answer, body, by=by)
    except heeding.Nonsense as error:
        raise HTTPException(400, "These are no corrections.") from error
    return Response(said, media_type="application/json")


async def take(request: Request) -> Response:
    """Pieces of files; the answer says how far each file is that was touched."""
    by = await _sender(request)
    _check_kind(request, PIECES)
    try:
        return JSONResponse(await in_thread(_take, _body(request), by))
    except TooMuch as error:
        raise HTTPException(413, "More was sent at once than is taken at once.") from error
    except Cut as error:
        raise HTTPException(400, "The line was cut in the middle of a piece.") from error


def _announce(body: bytes, by: Actor) -> dict[str, Any]:
    taking = Taking(place=_place(by), by=by)
    study, images, rank, complete = _manifest(body)
    missing = taking.announce(study, images, rank=rank, whole=complete)
    return {"missing": {digest.hex(): at for digest, at in missing.items()}, **_refusals(taking)}


def _take(chunks: Iterator[bytes], by: Actor) -> dict[str, Any]:
    taking = Taking(place=_place(by), by=by)
    taking.take(chunks)
    told = {digest.hex(): at for digest, at in taking.at.items()}
    return {"at": told, "damaged": taking.damaged, **_refusals(taking)}


def _refusals(taking: Taking) -> dict[str, Any]:
    return {"refused": {digest.hex(): code for digest, code in taking.refused.items()}}


def _manifest(body: bytes) -> tuple[str, list[Image], int, bool]:
    """A manifest as it came. Raises HTTPException: it was made by a machine, which needs no translation."""
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(body, UNPACKED_MOST)
        if not unpacker.eof or sum(map(text.count, (b",", b"[", b"{"))) > MOST_VALUES:
            raise ValueError
        told = json.loads(text)
        images = [
            Image(
                uid=str(one["uid"]), series_uid=str(one["series"]), sha256=bytes.fromhex(one["sha256"]),
                size=_number(one["size"]), frames=_number(one["frames"]), number=_maybe(one.get("number")),
                series_number=_maybe(one.get("series_number")), **_header(one.get("header")),
            )
            for one in told["images"]
        ]  # fmt: skip
        return str(told["study"]), images, _number(told["rank"]), told["whole"] is True
    except (zlib.error, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise HTTPException(400, "This is no manifest.") from error


def _header(said: dict[str, str] | None) -> dict[str, str]:
    """What the header says, where the site knows the image by other UIDs."""
    return {f"header_{name}": str(said[name]) for name in ("study", "series", "uid")} if said else {}


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _maybe(value: object) -> int | None:
    return None if value is None else _number(value)


async def _sender(request: Request) -> Actor:
    """Who sends: a machine, by its certificate or its token. Raises 401 and 403 before a byte of the body is taken."""
    known = request.scope.get(ACTOR)
    by = known if isinstance(known, Actor) else await gate.actor_of(dict(request.scope))
    if not by.held:
        raise HTTPException(401, "Send an access token.", {"www-authenticate": "Bearer"})
    if by.kind != "client" or (known is None and SCOPE not in by.scopes):
        raise HTTPException(403, f"Only machines send here, with the scope {SCOPE}.")
    return by


def _place(by: Actor) -> UUID | None:
    """The place for which the machine stands; none when it is the whole country."""
    return min(by.places(), default=None)


def _check_kind(request: Request, kind: str) -> None:
    if request.headers.get("content-type") != kind:
        raise HTTPException(415, f"Send {kind}.")


def _body(request: Request) -> Iterator[bytes]:
    """The request's body, pulled from a thread piece by piece as it arrives."""
    while True:
        message: Message = anyio.from_thread.run(request.receive)  # type: ignore[arg-type]
        if message["type"] == "http.disconnect":
            raise Cut
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def _refused(request: Request, error: Exception) -> Response:
    refusal = cast(Refused, error)
    with translation.override("en"):
        status = 403 if isinstance(refusal, NotAllowed) else refusal.http
        return JSONResponse({"code": refusal.code, "error": refusal.sentence}, status)


async def _wrong(request: Request, error: Exception) -> Response:
    problem = cast(HTTPException, error)
    return JSONResponse({"error": problem.detail}, problem.status_code, problem.headers)


def routes() -> list[Route]:
    """Every route of this door."""
    return [
        Route("/hello", hello, methods=["GET"]),
        Route("/studies", announce, methods=["POST"]),
        Route("/pieces", take, methods=["POST"]),
        Route("/wanted", wanted, methods=["GET"]),
        Route("/corrections", correct, methods=["POST"]),
    ]


service = Starlette(
    routes=[Mount("/transfer", routes=routes())],
    exception_handlers={HTTPException: _wrong, Refused: _refused},
)
service.router.redirect_slashes = False


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The door; nothing of an answer stays on a shared machine."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *KEPT_BY_NOBODY]}
        await send(message)

    if ACTOR not in scope and not gate.is_known_host(dict(scope)):
        refusal = JSONResponse({"error": "This service is not known under that name."}, 400)
        await refusal(scope, receive, guarded)
    else:
        await service(scope, receive, guarded)
