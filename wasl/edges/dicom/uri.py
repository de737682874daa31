"""WADO-URI (PS3.18, 9): one instance, named in the query of an address, as a file, a picture or a page."""

from collections.abc import Iterable

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from wasl.edges.dicom import accept, documents, looks, sight
from wasl.edges.dicom.pixels import FORMATS, LARGEST, Picture, moving, picture
from wasl.edges.dicom.rendered import GIF, MOST_FRAMES, MOVING
from wasl.edges.dicom.wado import DICOM, Stored, given_in, instances, looked, one_file, read, said_of

UIDS = {"studyUID": "study", "seriesUID": "series", "objectUID": "instance"}
# parameters of pictures alone (PS3.18, 9.4.1.2.3)
OF_PICTURES = ("annotation", "rows", "columns", "region", "windowCenter", "windowWidth", "frameNumber", "imageQuality")
OF_FILES = ("anonymize", "transferSyntax")


async def retrieve(request: Request) -> Response:
    """An instance as WADO-URI names it. Raises 400, 404 and 406."""
    asked = request.query_params
    await _check(request)
    among = {UIDS[name]: asked[name] for name in UIDS}
    seen = await looked(request, "archive.images", among["study"])
    one = (await instances(request, seen, among))[0]
    kind = _kind(request, one, FORMATS if one.pixels else await documents.kinds(one))
    if kind == DICOM:
        _refuse(request, OF_PICTURES, "is asked of pictures, not of files")
        if asked.get("anonymize"):
            raise HTTPException(406, "Images are not anonymized on request: ask the archive for a copy without names.")
        syntax = asked.get("transferSyntax", accept.EXPLICIT)
        if not given_in([one], syntax):
            raise HTTPException(406, "This image is not given in that transfer syntax.")
        return await one_file(request, one, syntax, await run_in_threadpool(said_of, seen))
    _refuse(request, OF_FILES, "is asked of files, not of pictures")
    if one.pixels is None:
        return await documents.shown(request, one, seen, kind)
    number = _number(request, one)
    look = looks.fitted(_look(request, kind), _view(request, one.pixels.columns, one.pixels.rows), one.pixels)
    if kind == GIF and "frameNumber" not in asked and one.frames > 1:
        if one.frames > MOST_FRAMES:
            raise HTTPException(406, f"A moving picture has at most {MOST_FRAMES} frames here.")
        small = look if look.size else Picture(kind, look.window, size=MOVING)
        return Response(await read(moving, one.pixels, small), media_type=kind)
    return Response(await read(picture, one.pixels, number, look), media_type=kind)


async def _check(request: Request) -> None:
    """What must be there: the type of the request and three UIDs, each once. Who is not known is told so first."""
    await sight.reader(request)
    asked = request.query_params
    if asked.get("requestType") != "WADO":
        raise HTTPException(400, "The requestType is WADO.")
    for name in UIDS:
        if not asked.get(name) or len(asked.getlist(name)) > 1:
            raise HTTPException(400, f"The {name} is missing, or there are several.")
    _refuse(request, ("presentationUID", "presentationSeriesUID"), "is not served")


def _kind(request: Request, one: Stored, shown: Iterable[str]) -> str:
    """The media type: as named, else as it is `shown` first; a file of what is not, or has many frames. Raises 406."""
    kinds = (*shown, DICOM)
    if one.frames > 1 and "frameNumber" not in request.query_params:
        kinds = (DICOM, *shown)
    named = request.query_params.get("contentType")
    taken = accept.parsed(named or request.headers.get("accept") or "*/*")
    found = next((kind for one in taken if not one.parts for kind in kinds if one.fits(kind)), None)
    if found is None:
        raise accept.not_acceptable(kinds)
    return found


def _number(request: Request, one: Stored) -> int:
    text = request.query_params.get("frameNumber", "1")
    if not (text.isascii() and text.isdigit()):
        raise HTTPException(400, "The frameNumber is a number from 1.")
    if not 1 <= int(text[:9]) <= max(one.frames, 1):
        raise HTTPException(404, "There is no such frame in this instance.")
    return int(text)


def _look(request: Request, kind: str) -> Picture:
    centre, width = (request.query_params.get(name) for name in ("windowCenter", "windowWidth"))
    if (centre is None) != (width is None):
        raise HTTPException(400, "The window is its centre and its width.")
    window = looks.window_of(centre, width) if centre is not None and width is not None else None
    return Picture(kind=kind, window=window, quality=looks.quality(request, "imageQuality"))


def _view(request: Request, columns: int, rows: int) -> looks.View | None:
    """The size (`rows`, `columns`: either alone leaves the other free) and the `region`, parts of 1 from the corner."""
    asked = request.query_params
    region = _region(asked["region"], columns, rows) if "region" in asked else None
    if "rows" in asked or "columns" in asked:
        free = str(LARGEST)
        return looks.View(looks.sides(asked.get("columns", free), asked.get("rows", free)), region)
    return looks.View((max(round(region[2]), 1), max(round(region[3]), 1)), region) if region else None


def _region(text: str, columns: int, rows: int) -> tuple[float, float, float, float]:
    """`region=left,top,right,bottom`, each from 0 to 1 (PS3.18, 9.1.2.2.7), in pixels. Raises 400."""
    try:
        left, top, right, bottom = (float(piece) for piece in text.split(","))
    except ValueError as error:
        raise HTTPException(400, "The region is four numbers from 0 to 1: left, top, right, bottom.") from error
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise HTTPException(400, "The region is four numbers from 0 to 1: left, top, right, bottom.")
    return left * columns, top * rows, (right - left) * columns, (bottom - top) * rows


def _refuse(request: Request, names: tuple[str, ...], why: str) -> None:
    for name in names:
        if name in request.query_params:
            raise HTTPException(400, f"{name} {why}.")
