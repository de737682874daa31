"""DICOMweb (PS3.18) under `/dicom-web`: find, retrieve and store; a fast door beside Django's pages.

It only reads tables; what is stored goes through the archive's verb.
"""

import zlib
from collections.abc import Iterator
from typing import cast
from uuid import UUID

import anyio.from_thread
from django.utils import translation
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Message, Receive, Scope, Send

from wasl.edges import gate
from wasl.edges.dicom import accept, metadata, qido, rendered, sight, stow, upload, wado
from wasl.edges.dicom.multipart import Malformed
from wasl.edges.dicom.spool import TooLarge
from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused
from wasl.kernel.verbs import allowed

STUDY, SERIES, INSTANCE = "/studies/{study}", "/series/{series}", "/instances/{instance}"
ZIP_FROM = 1024  # bytes
KEPT_BY_NOBODY = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


async def find(request: Request) -> Response:
    """QIDO-RS: what matches at a level."""
    accept.choose(request, (wado.JSON, "application/json"))
    viewer = await sight.reader(request)
    level = request.url.path.rstrip("/").rsplit("/", 1)[1]
    if "study" in request.path_params:
        await sight.study(request.path_params["study"], viewer=viewer)
    found = qido.search(request, level)
    page, rest, params = qido.sql(found, wado.address(request))
    params |= sight.params(viewer)
    async with (await gate.pool()).connection() as connection:
        rows = await (await connection.execute(page, params)).fetchall()
        if len(rows) > found.limit:
            ((more,),) = await (await connection.execute(rest, params)).fetchall()
            found.warnings.append(f"There are {more} additional results that can be requested")
    rows = rows[: found.limit]
    await sight.log_search([(patient, ground) for _, patient, ground in rows], by=viewer)
    headers = {"warning": ", ".join(f'299 wasl "{text}"' for text in found.warnings)} if found.warnings else {}
    return _json(request, b"[" + ",".join(text for text, *_ in rows).encode() + b"]", headers)


async def store(request: Request) -> Response:
    """STOW-RS: files of any number of studies, or of the one in the address."""
    by = await _sender(request)
    accept.choose(request, (wado.JSON, "application/json"))
    kind, values = accept.parameters(request.headers.get("content-type", ""))
    if kind != accept.MULTIPART or values.get("type", stow.DICOM).lower() != stow.DICOM:
        raise HTTPException(415, f'Send multipart/related; type="{stow.DICOM}".')
    try:
        receipt = await run_in_threadpool(
            stow.store, _body(request), values.get("boundary", ""), study=request.path_params.get("study"),
            place=_place(by), base=wado.address(request), by=by,
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
        account = await run_in_threadpool(
            upload.take, _body(request), place=_chosen(request, by), by=by,
            language=request.query_params.get("language", ""),
        )  # fmt: skip
    except Malformed as error:
        raise HTTPException(400, str(error)) from error
    return JSONResponse(account)


async def _sender(request: Request) -> Actor:
    """Who sends; whoever may not is told so before anything of the body is taken."""
    by = await sight.writer(request)
    _check_origin(request)
    if not allowed("archive.receive", by):
        raise HTTPException(403, "Your posts do not let you store images.")
    return by


def _chosen(request: Request, by: Actor) -> UUID | None:
    """The place that the sender chose on the page, while a post is held there."""
    asked = request.query_params.get("place", "")
    return next((place for place in by.places() if str(place) == asked), _place(by))


def _body(request: Request) -> Iterator[bytes]:
    """The request's body, pulled from a thread piece by piece as it arrives."""
    while True:
        message: Message = anyio.from_thread.run(request.receive)  # type: ignore[arg-type]
        if message["type"] == "http.disconnect":
            raise Malformed("The body ends before its last boundary.")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


def _place(by: Actor) -> UUID | None:
    """The place where the images come from: where the sender makes images, or stands for."""
    for role in sight.IMAGING:
        if places := by.places(role):
            return min(places)
    return None


def _check_origin(request: Request) -> None:
    """A page of another site may not store in the name of who is signed in here."""
    origin = request.headers.get("origin")
    if origin and origin.partition("://")[2] != request.headers.get("host"):
        raise HTTPException(403, "Another site may not store here.")


def _json(request: Request, body: bytes, headers: dict[str, str]) -> Response:
    if len(body) >= ZIP_FROM and "gzip" in request.headers.get("accept-encoding", ""):
        body = zlib.compress(body, level=1, wbits=31)
        headers = headers | {"content-encoding": "gzip"}
    return Response(body, media_type=wado.JSON, headers=headers | {"vary": "accept-encoding"})


async def _refused(request: Request, error: Exception) -> Response:
    """A module's refusal, in English, the protocol's language."""
    refusal = cast(Refused, error)
    with translation.override("en"):
        return JSONResponse({"status": refusal.http, "error": refusal.sentence}, refusal.http)


async def _wrong(request: Request, error: Exception) -> Response:
    problem = cast(HTTPException, error)
    return JSONResponse({"status": problem.status_code, "error": problem.detail}, problem.status_code, problem.headers)


def _routes() -> list[Route]:
    instance = STUDY + SERIES + INSTANCE
    frames = instance + "/frames/{frames}"
    get = {
        "/studies": find, "/series": find, "/instances": find, f"{STUDY}/series": find, f"{STUDY}/instances": find,
        f"{STUDY}{SERIES}/instances": find,
        **{at: wado.retrieve for at in (STUDY, STUDY + SERIES, instance)},
        **{f"{at}/metadata": metadata.metadata for at in (STUDY, STUDY + SERIES, instance)},
        **{f"{at}/thumbnail": rendered.thumbnail for at in (STUDY, STUDY + SERIES, instance, frames)},
        **{f"{at}/rendered": rendered.rendered for at in (instance, frames)},
        frames: wado.frames,
        instance + "/bulkdata/{path:path}": wado.bulk_data,
    }  # fmt: skip
    post = [Route(at, store, methods=["POST"]) for at in ("/studies", STUDY)]
    post.append(Route("/upload", take, methods=["POST"]))
    return [*(Route(at, give, methods=["GET"]) for at, give in get.items()), *post]


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

    if not gate.is_known_host(dict(scope)):
        refusal = JSONResponse({"status": 400, "error": "This service is not known under that name."}, 400)
        await refusal(scope, receive, guarded)
    else:
        await service(scope, receive, guarded)
