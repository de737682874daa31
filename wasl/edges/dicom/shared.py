"""Studies shared with somebody outside, under `/shared/<token>/`: a page of their own, its pictures, report and files.

Who comes has no account. The link and the code that was told to them open one study; what remembers it is a signed
cookie of the link's own path, and every request asks the share again, so that nothing outlives it. An address that
opens nothing answers like any other that does, whatever became of it.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast
from urllib.parse import parse_qs

from allauth.core import ratelimit
from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import translation
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from wasl.archive import queries as archive
from wasl.archive import services
from wasl.archive.dicom import VIDEO
from wasl.archive.queries import Share
from wasl.edges import gate
from wasl.edges.dicom import looks, sight, wado
from wasl.edges.dicom.pixels import picture
from wasl.edges.dicom.zipped import zipped
from wasl.edges.threads import database, in_thread
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused
from wasl.patients import queries as patients
from wasl.radiology import queries as radiology

COOKIE = "wasl_share"
SECONDS = 3600  # then the code is asked for again
MOST = 1000  # bytes of a form
# centre and width of the windows that a CT is looked at with, beside the one that its header names
WINDOWS = {"soft": (40, 400), "lung": (-600, 1500), "bone": (400, 1800), "brain": (40, 80)}
SAFE = (
    (b"cache-control", b"no-store"),
    (b"x-robots-tag", b"noindex, nofollow"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src "
     b"'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"),
)  # fmt: skip
_signer = signing.TimestampSigner(salt="wasl.shared")


async def page(request: Request) -> Response:
    """The study, to who said the code; to others the question for it."""
    _, share = await _share(request)
    if not _passed(request, share):
        return await _page(request, "archive/shared_code.html", share=share)
    found = await _pictures(request, share)
    await _look(request, share)
    return await _page(request, "archive/shared_study.html", share=share, **await in_thread(_study, share, found))


async def slash(request: Request) -> Response:
    """A link that lost its last sign on the way."""
    return RedirectResponse(f"{request.url.path}/")


async def enter(request: Request) -> Response:
    """The code: who says it is let in; a wrong one is counted."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":  # without a referrer, Origin says nothing
        raise HTTPException(403, "Another site may not say a code here.")
    token, share = await _share(request)
    if not await in_thread(ratelimit.consume, _django(request), action="share_code"):
        return await _page(request, "archive/shared_code.html", share=share, often=True, status=429)
    said = await _code(request)
    if await in_thread(services.open_share, token, code=said, address=_address(request), by=SYSTEM) is None:
        if await in_thread(archive.share_at, token, viewer=SYSTEM) is None:  # that was one too many
            raise HTTPException(404)
        return await _page(request, "archive/shared_code.html", share=share, wrong=True, status=403)
    answer = RedirectResponse(request.url.path, 303)
    answer.set_cookie(
        COOKIE, signed(share), max_age=SECONDS, path=request.url.path, secure=settings.HTTPS,
        httponly=True, samesite="lax",
    )  # fmt: skip
    return answer


async def image(request: Request) -> Response:
    """One frame as a picture, in the window asked for."""
    _, share = await _opened(request)
    one = (await wado.instances(request, _seen(share)))[0]
    if one.pixels is None or one.syntax in VIDEO:
        raise HTTPException(404)
    number = wado.frame_numbers(request, one)[0]
    await _look(request, share)
    look = looks.fitted(looks.wanted(request, "image/jpeg"), looks.viewport(request), one.pixels)
    return Response(await wado.read(picture, one.pixels, number, look), media_type="image/jpeg")


async def files(request: Request) -> Response:
    """Every image as a DICOM file in a ZIP, written while it is sent; it breaks off where the share ends meanwhile."""
    token, share = await _opened(request)
    seen = _seen(share)
    found = await wado.instances(request, seen)
    said = await in_thread(wado.said_of, seen)
    await in_thread(archive.at_hand, found[0].path)
    await in_thread(services.fetch_share, share.id, what="images", address=_address(request), by=SYSTEM)

    def content() -> Iterator[tuple[str, Iterator[bytes]]]:
        numbers: dict[str, int] = {}
        for at, one in enumerate(found, 1):
            with database():
                if archive.share_at(token, viewer=SYSTEM) is None:
                    raise ConnectionAbortedError("The share ended.")
            folder = numbers.setdefault(one.series, len(numbers) + 1)
            yield f"{folder:03d}/{at:06d}.dcm", one.given(said).pieces()

    headers = {"content-disposition": f'attachment; filename="study-{share.id.hex[-8:]}.zip"'}
    return StreamingResponse(zipped(content()), media_type="application/zip", headers=headers)


async def report(request: Request) -> Response:
    """The sealed PDF of the final report, or of an addendum to it, where the share has it."""
    _, share = await _opened(request)
    wanted = request.path_params["report"]
    document = next((one for one in await in_thread(_documents, share) if str(one.report_id) == wanted), None)
    if document is None:
        raise HTTPException(404)
    await in_thread(services.fetch_share, share.id, what="report", address=_address(request), by=SYSTEM)
    headers = {"content-disposition": 'inline; filename="report.pdf"'}
    return Response(bytes(document.pdf), media_type="application/pdf", headers=headers)


async def _code(request: Request) -> str:
    """What was typed. Raises 413 and 400."""
    if int(request.headers.get("content-length") or MOST + 1) > MOST:
        raise HTTPException(413, "A code has eight letters.")
    try:
        return parse_qs((await request.body()).decode()).get("code", [""])[0]
    except ValueError as error:
        raise HTTPException(400, "A code has eight letters.") from error


async def _share(request: Request) -> tuple[str, Share]:
    """The token of the address and the share that it opens now. Raises 404."""
    token = request.path_params["token"]
    found = await in_thread(archive.share_at, token, viewer=SYSTEM)
    if found is None or "\0" in request.url.path:
        raise HTTPException(404)
    return token, found


async def _opened(request: Request) -> tuple[str, Share]:
    """The same, for who said its code within the hour. Raises 404."""
    token, found = await _share(request)
    if not _passed(request, found):
        raise HTTPException(404)
    return token, found


def signed(share: Share) -> str:
    """What the cookie of somebody who said the code holds: which share, and since when, under our signature."""
    return _signer.sign(str(share.id))


def _passed(request: Request, share: Share) -> bool:
    try:
        return _signer.unsign(request.cookies.get(COOKIE, ""), max_age=SECONDS) == str(share.id)
    except signing.BadSignature:
        return False


def _seen(share: Share) -> sight.Seen:
    return sight.Seen(share.study_id, share.study.uid, share.patient_id, sight.SHARE)


async def _pictures(request: Request, share: Share) -> list[wado.Stored]:
    """What can be shown of the study; nothing of what has no picture."""
    try:
        found = await wado.instances(request, _seen(share), among={})
    except HTTPException:
        return []
    return [one for one in found if one.pixels and one.syntax not in VIDEO]


async def _look(request: Request, share: Share) -> None:
    """Write the look into the access log, once in ten minutes."""
    await sight.log(_seen(share), "archive.share_looked", by=services.outsider(share, address=_address(request)))


def _study(share: Share, found: list[wado.Stored]) -> dict[str, Any]:
    """What the page says of the study."""
    about = {row.uid: row for row in archive.series_of(share.study_id, viewer=SYSTEM)}
    series: dict[str, list[tuple[str, int]]] = {}
    for one in found:
        series.setdefault(one.series, []).append((one.uid, max(one.frames, 1)))
    shown = [(about[uid], images) for uid, images in series.items() if uid in about]
    return {
        "study": share.study,
        "patient": patients.patient(share.patient_id, viewer=SYSTEM),
        "series": [(row, sum(frames for _, frames in images)) for row, images in shown],
        "pictures": [{"series": row.uid, "ct": row.modality == "CT", "images": images} for row, images in shown],
        "windows": WINDOWS if "CT" in share.study.modalities else {},
        "documents": _documents(share),
    }


def _documents(share: Share) -> list[radiology.Document]:
    if not share.with_report:
        return []
    return radiology.final_documents(share.study_id, patient=share.patient_id, viewer=SYSTEM)


async def _page(request: Request, template: str, *, status: int = 200, **context: object) -> Response:
    """A page in the language chosen on it, or the browser's."""
    chosen = request.query_params.get("language", "")
    chosen = chosen if chosen in dict(settings.LANGUAGES) else ""
    language = chosen or translation.get_language_from_request(_django(request))
    answer = HTMLResponse(await in_thread(_rendered, template, language, context), status)
    if chosen:
        answer.set_cookie(settings.LANGUAGE_COOKIE_NAME, chosen, path="/shared/", secure=settings.HTTPS, samesite="lax")
    return answer


def _rendered(template: str, language: str, context: dict[str, object]) -> str:
    with translation.override(language):
        return render_to_string(template, {"languages": settings.LANGUAGES, **context})


def _django(request: Request) -> HttpRequest:
    """As much of the request as Django's and allauth's own functions ask for."""
    made = HttpRequest()
    made.META = {"REMOTE_ADDR": _address(request), "HTTP_ACCEPT_LANGUAGE": request.headers.get("accept-language", "")}
    made.COOKIES = dict(request.cookies)
    return made


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _wrong(request: Request, error: Exception) -> Response:
    """What opens nothing is one page, in three languages; nobody learns which of the ways to nothing it was."""
    problem = cast(HTTPException, error)
    if problem.status_code in (404, 405):
        return await _page(request, "archive/shared_nothing.html", status=404)
    return PlainTextResponse(problem.detail, problem.status_code)


async def _refused(request: Request, error: Exception) -> Response:
    refusal = cast(Refused, error)
    return await _wrong(request, HTTPException(404 if refusal.http == 404 else 503, "This is not to be had now."))


def routes() -> list[Route]:
    """Every address under the prefix; a share opens these of its own and no other."""
    own = "/shared/{token}"
    get: dict[str, Callable[[Request], Awaitable[Response]]] = {
        f"{own}/series/{{series}}/instances/{{instance}}/frames/{{frames}}": image,
        f"{own}/images.zip": files,
        f"{own}/reports/{{report}}.pdf": report,
        f"{own}/": page,
    }
    return [
        *(Route(at, give, methods=["GET"]) for at, give in get.items()),
        Route(f"{own}/", enter, methods=["POST"]),
        Route(own, slash, methods=["GET"]),
    ]


service = Starlette(routes=routes(), exception_handlers={HTTPException: _wrong, Refused: _refused})
service.router.redirect_slashes = False


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The door; nothing of an answer is kept, found by search engines, or told to where a link leads."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *SAFE]}
        await send(message)

    if not gate.is_known_host(cast(dict[str, Any], scope)):
        await PlainTextResponse("This service is not known under that name.", 400)(scope, receive, guarded)
    else:
        await service(scope, receive, guarded)
