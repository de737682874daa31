"""Pictures of studies, series, instances and frames, and thumbnails (PS3.18, 10.4.1.1.3 and 10.4.1.1.5)."""

from collections.abc import Iterator

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from wasl.archive.dicom import VIDEO
from wasl.edges.dicom import accept, documents, films, looks
from wasl.edges.dicom.frames import Pixels
from wasl.edges.dicom.multipart import Writer
from wasl.edges.dicom.pixels import FORMATS, Picture, moving, picture
from wasl.edges.dicom.wado import Stored, frame_numbers, instances, looked, read

THUMBNAIL = 128  # pixels of the longer side
MOST_FRAMES = 100  # pictures of one answer
MOVING = (512, 512)  # pixels of a moving picture that nobody gave a size
GIF = "image/gif"


async def rendered(request: Request) -> Response:
    """A study, a series, an instance or frames of it as pictures, as parts where they are many; documents too.

    An instance of many frames is its first one to who takes no parts, and all of them as a moving picture (GIF). A
    video is what is stored, where that is an MP4 file; among others there is no picture of it.
    """
    seen = await looked(request, "archive.images")
    found = await instances(request, seen)
    single = "instance" in request.path_params
    if single and found[0].pixels is None:
        return await documents.document(request, found[0], seen)
    if single and found[0].syntax in VIDEO:
        return await films.film(request, found[0])
    kind, parts = _kind(request)
    asked = looks.wanted(request, kind)
    view = looks.viewport(request)
    pictured = [(pixels, looks.fitted(asked, view, pixels)) for one in found if (pixels := _pixels(one))]
    if not pictured:
        raise HTTPException(406, "There is no picture here.")
    if single and "frames" in request.path_params:
        numbers = frame_numbers(request, found[0])
    elif single and kind == GIF and not parts:
        return await _moving(*pictured[0])
    else:
        numbers = [] if parts or not single else [1]
    return await _pictures(request, pictured, numbers, parts=parts)


async def _pictures(
    request: Request, pictured: list[tuple[Pixels, Picture]], numbers: list[int], *, parts: bool
) -> Response:
    """Pictures of these frames, or of every frame; one is drawn when the client has taken the one before it."""
    each = [
        (pixels, number, look)
        for pixels, look in pictured
        for number in (numbers or range(1, max(pixels.frames, 1) + 1))
    ]
    if len(each) > MOST_FRAMES:
        text = f"These are {len(each)} pictures, and at most {MOST_FRAMES} are given at once: ask for frames."
        raise HTTPException(400, text)
    kind = each[0][2].kind
    first = await read(picture, *each[0])  # what cannot be decoded is said before the answer begins
    headers = _warning(request)
    if len(each) == 1 and not parts and "instance" in request.path_params:
        return Response(first, media_type=kind, headers=headers)
    writer = Writer(kind)

    def body() -> Iterator[bytes]:
        for one in each:
            yield from writer.part(kind, [first if one is each[0] else picture(*one)])
        yield writer.end()

    return StreamingResponse(body(), media_type=writer.media_type, headers=headers)


async def _moving(pixels: Pixels, look: Picture) -> Response:
    if pixels.frames > MOST_FRAMES:
        raise HTTPException(400, f"A moving picture has at most {MOST_FRAMES} frames here, this one {pixels.frames}.")
    small = look if look.size else Picture(GIF, look.window, look.function, MOVING)
    return Response(await read(moving, pixels, small), media_type=GIF)


async def thumbnail(request: Request) -> Response:
    """A small picture of an instance, or of the middle of a series or study."""
    seen = await looked(request, "archive.images")
    kind, _ = _kind(request)
    pictured = [(one, pixels) for one in await instances(request, seen) if (pixels := _pixels(one))]
    if not pictured:
        raise HTTPException(404, "There is no picture here.")
    one, pixels = pictured[len(pictured) // 2]
    view = looks.viewport(request) or looks.View((THUMBNAIL, THUMBNAIL))
    look = looks.fitted(Picture(kind=kind, quality=80), view, pixels)
    made = await read(picture, pixels, _number(request, one), look)
    return Response(made, media_type=kind)


def _pixels(one: Stored) -> Pixels | None:
    """The pixels of which a picture can be drawn; None of what has none, and of video."""
    return None if one.syntax in VIDEO else one.pixels


def _number(request: Request, one: Stored) -> int:
    return frame_numbers(request, one)[0] if "frames" in request.path_params else max(one.frames, 1) // 2 or 1


def _kind(request: Request) -> tuple[str, bool]:
    """The media type of the pictures, and whether the client asks for parts. Raises 406."""
    parted = [one for one in accept.taken(request) if one.parts]
    kind = next((kind for one in parted for kind in FORMATS if one.fits(kind)), None)
    return (kind, True) if kind else (accept.choose(request, tuple(FORMATS)), False)


def _warning(request: Request) -> dict[str, str]:
    """What is said to who asks for words in the pictures: none are drawn (PS3.18, 8.3.5.1.1)."""
    if "annotation" not in request.query_params:
        return {}
    return {"warning": '299 wasl "No annotations are drawn into pictures."'}
