"""DICOMweb (PS3.18) under `/dicom-web`: find, retrieve, store, and work; a fast door beside Django's pages.

It only reads tables; what is stored goes through the archive's verb.
"""

import zlib
from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

import anyio.from_thread
from django.utils import translation
from psycopg.errors import QueryCanceled
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Message, Receive, Scope, Send

from wasl.archive.services.metadata import told
from wasl.edges import gate
from wasl.edges.dicom import (
    accept,
    fast,
    metadata,
    parts,
    preview,
    qido,
    rendered,
    reports,
    sight,
    stow,
    upload,
    uri,
    wado,
    workitems,
)
from wasl.edges.dicom.multipart import Malformed
from wasl.edges.dicom.spool import TooLarge
from wasl.edges.threads import in_thread
from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused
from wasl.kernel.verbs import allowed

STUDY, SERIES, INSTANCE = "/studies/{study}", "/series/{series}", "/instances/{instance}"
ZIP_FROM = 1024  # bytes
PIECE = 1 << 20  # bytes of a body that are gathered
PLACE = "select id from places_place where code = %(code)s"
KEPT_BY_NOBODY = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


async def find(request: Request) -> Response:
    """QIDO-RS: what matches at a level."""
    viewer = await sight.reader(request)
    accept.choose(request, (wado.JSON, "application/json"))
    level = request.url.path.rstrip("/").rsplit("/", 1)[1]
    if "study" in request.path_params:
        await sight.study(request.path_params["study"], viewer=viewer)
    found = qido.search(request, level)
    try:
        rows, more = await _found(found, wado.address(request), viewer)
    except (QueryCanceled, PoolTimeout) as error:
        text = "This search takes too long: narrow it, by a patient, a date or an accession number."
        raise HTTPException(503, text, {"retry-after": "10"}) from error
    if more:
        found.warnings.append(f"There are {more} additional results that can be requested")
    await sight.log_search([(patient, ground) for _, patient, ground in rows], by=viewer)
    headers = {"warning": ", ".join(f'299 wasl "{text}"' for text in found.warnings)} if found.warnings else {}
    return _json(request, b"[" + ",".join(text for text, *_ in rows).encode() + b"]", headers)


async def _found(found: qido.Search, base: str, viewer: Actor) -> tuple[list[tuple[str, UUID | None, str | None]], str]:
    """A page: the JSON of each result, its patient and the ground; and how many results follow it, if any do."""
    few = not found.narrow and await sight.sees_few(viewer, qido.FEW)
    more, least, rows = 0, "", []
    async with (await gate.searching()).connection() as connection:

        async def answer(text: str, params: dict[str, object]) -> list[Any]:
            return await (await connection.execute(text.encode(), params | sight.params(viewer))).fetchall()

        if found.issuer:  # before the search is planned, so that statistics know how much is of that place
            coded = [place for (place,) in await answer(PLACE, {"code": found.code})]
            found.issuer, found.params["coded"] = (found.issuer[0], coded), coded
        named_few = False
        if found.names and not (found.narrow or few):
            ((count,),) = await answer(*qido.named(found))
            named_few = count <= qido.NAMED
        for ways in qido.ways(found, sorted(viewer.places(*sight.IMAGING)), few=few, named_few=named_few):
            rows = await answer(*qido.sql(found, base, ways))
            more = rows[0][-1] - found.offset - found.limit
            if more > 0:
                least = "at least " if more == qido.COUNTED or ways[-1].cut else ""
                break
    results = [(told(text, at) if at else text, patient, ground) for text, patient, ground, at, _ in rows if text]
    return results, f"{least}{more}" if more > 0 else ""


async def store(request: Request) -> Response:
    """STOW-RS: files of any number of studies, or of the one in the address."""
    by = await _sender(request, "archive.save_marks")
    accept.choose(request, (wado.JSON, "application/json"))
    kind, values = accept.parameters(request.headers.get("content-type", ""))
    if kind != accept.MULTIPART or values.get("type", stow.DICOM).lower() != stow.DICOM:
        raise HTTPException(415, f'Send multipart/related; type="{stow.DICOM}".')
    place = sight.place(by) if allowed("archive.receive", by) else by.at  # who only saves marks makes no images
    try:
        receipt = await in_thread(
            stow.store, _body(request), values.get("boundary", ""), study=request.path_params.get("study"),
            place=place, base=wado.address(request), by=by,
        )  # fmt: skip
    except TooLarge as error:
        raise HTTPException(413, str(error)) from error
    except Malformed as error:
        raise HTTPException(400, str(error)) from error
    return JSONResponse(receipt.answer(), receipt.status, media_type=wado.JSON)


async def take(request: Request) -> Response:
    """A DICOM file or a ZIP archive from the upload page (no part of DICOMweb)."""
    by = await _sender(request)
    if request.headers.get("content-type") not in ("application/octet-stream", wado.DICOM, "application/zip"):
        raise HTTPException(415, "Send application/octet-stream.")
    try:
        account = await in_thread(
            upload.take, _body(request), place=_chosen(request, by), by=by,
            language=request.query_params.get("language", ""), disc=_disc(request),
        )  # fmt: skip
    except Malformed as error:
        raise HTTPException(400, str(error)) from error
    return JSONResponse(account)


async def begin_part(request: Request) -> Response:
    """A large file is announced, that comes in pieces (tus, creation)."""
    return await parts.make(request, await _sender(request))


async def go_on(request: Request) -> Response:
    """A file that comes in pieces: how far it is, one piece more, or given up (tus)."""
    by = await _sender(request)
    if request.method != "PATCH":
        return await (parts.ask if request.method == "HEAD" else parts.forget)(request, by)
    key, at = parts.key_of(request), parts.offset_of(request)
    try:
        return await in_thread(
            parts.take, key, _body(request), at=at, place=_chosen(request, by), disc=_disc(request),
            language=request.query_params.get("language", ""), by=by,
        )  # fmt: skip
    except Malformed as error:
        raise HTTPException(400, str(error)) from error


async def _sender(request: Request, *besides: str) -> Actor:
    """Who sends, if only what a verb `besides` takes; whoever may not is told so before anything of it is taken."""
    by = await sight.writer(request)
    sight.check_origin(request)
    if not any(allowed(verb, by) for verb in ("archive.receive", *besides)):
        raise HTTPException(403, "Your posts do not let you store images.")
    return by


def _chosen(request: Request, by: Actor) -> UUID | None:
    """The place that the sender chose on the page, while a post is held there."""
    asked = request.query_params.get("place", "")
    return next((place for place in by.places() if str(place) == asked), sight.place(by))


def _disc(request: Request) -> UUID | None:
    """The disc that the files are of, when they are of one."""
    try:
        return UUID(request.query_params["disc"]) if "disc" in request.query_params else None
    except ValueError as error:
        raise HTTPException(400, "This is no disc.") from error


def _body(request: Request) -> Iterator[bytes]:
    """The request's body, pulled from a thread in large pieces as it arrives: each costs a way to the loop and back."""
    more = True
    while more:
        piece, more = anyio.from_thread.run(_piece, request)
        yield piece


async def _piece(request: Request) -> tuple[bytes, bool]:
    """The next mebibyte of a request's body, or the rest of it, and whether more follows. Raises Malformed."""
    parts: list[bytes] = []
    size = 0
    while size < PIECE:
        message: Message = await request.receive()
        if message["type"] == "http.disconnect":
            if parts:  # what came whole is kept
                return b"".join(parts), True
            raise Malformed("The body ends before its last boundary.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body"):
            return b"".join(parts), False
    return b"".join(parts), True


def _json(request: Request, body: bytes, headers: dict[str, str]) -> Response:
    if len(body) >= ZIP_FROM and "gzip" in request.headers.get("accept-encoding", ""):
        body = zlib.compress(body, level=1, wbits=31)
        headers = headers | {"content-encoding": "gzip"}
    return Response(body, media_type=wado.JSON, headers=headers | {"vary": "accept-encoding"})


async def _refused(request: Request, error: Exception) -> Response:
    """A module's refusal, in English, the protocol's language; with the standard's own words where it has some."""
    refusal = cast(Refused, error)
    warning = refusal.values.get("warning") or getattr(refusal, "warning", "")
    headers = {"warning": f"299 wasl: {warning}"} if warning else None
    with translation.override("en"):
        return JSONResponse({"status": refusal.http, "error": refusal.sentence}, refusal.http, headers)


async def _wrong(request: Request, error: Exception) -> Response:
    problem = cast(HTTPException, error)
    return JSONResponse({"status": problem.status_code, "error": problem.detail}, problem.status_code, problem.headers)


def _routes() -> list[Route]:
    instance = STUDY + SERIES + INSTANCE
    frames = instance + "/frames/{frames}"
    get = {
        "/wado": uri.retrieve,
        "/studies": find, "/series": find, "/instances": find, f"{STUDY}/series": find, f"{STUDY}/instances": find,
        f"{STUDY}{SERIES}/instances": find,
        **{at: wado.retrieve for at in (STUDY, STUDY + SERIES, instance)},
        **{f"{at}/metadata": metadata.metadata for at in (STUDY, STUDY + SERIES, instance)},
        **{f"{at}/thumbnail": rendered.thumbnail for at in (STUDY, STUDY + SERIES, instance, frames)},
        **{f"{at}/rendered": rendered.rendered for at in (STUDY, STUDY + SERIES, instance, frames)},
        frames: wado.frames,
        instance + "/bulkdata/{path:path}": wado.bulk_data,
        "/releases/{release}/{instance}": preview.preview,
    }  # fmt: skip
    post = [Route(at, store, methods=["POST"]) for at in ("/studies", STUDY)]
    post.append(Route("/upload", take, methods=["POST"]))
    post.append(Route("/upload/parts", begin_part, methods=["POST"]))
    post.append(Route("/upload/parts/{part}", go_on, methods=["HEAD", "PATCH", "DELETE"]))
    return [*(Route(at, give, methods=["GET"]) for at, give in get.items()), *post, *workitems.routes()]


service = Starlette(
    routes=[Mount("/dicom-web", routes=_routes())],
    exception_handlers={HTTPException: _wrong, Refused: _refused},
)
service.router.redirect_slashes = False


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The service; nothing of an answer stays on a shared machine, and no browser takes it for a page."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *KEPT_BY_NOBODY]}
        await send(message)

    if scope["type"] == "websocket":
        await reports.application(scope, receive, send)
    elif not gate.is_known_host(dict(scope)):
        refusal = JSONResponse({"status": 400, "error": "This service is not known under that name."}, 400)
        await refusal(scope, receive, guarded)
    elif not await fast.answer(dict(scope), guarded):
        await service(scope, receive, guarded)
