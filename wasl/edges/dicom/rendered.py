"""Pictures of instances and frames, and thumbnails (PS3.18, 10.4.1.1.3 and 10.4.1.1.5)."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from wasl.edges.dicom import accept
from wasl.edges.dicom.multipart import Writer
from wasl.edges.dicom.pixels import FORMATS, LARGEST, Picture, picture
from wasl.edges.dicom.wado import Stored, frame_numbers, instances, looked, read

THUMBNAIL = 128  # pixels of the longer side
MOST_FRAMES = 100  # pictures of one answer


async def rendered(request: Request) -> Response:
    """An instance, or frames of it, as pictures; more than one frame as parts."""
    seen = await looked(request, "archive.images")
    wanted = _wanted(request)
    one = (await instances(request, seen))[0]
    if one.pixels is None:
        raise HTTPException(406, "This instance has no picture.")
    numbers = frame_numbers(request, one) if "frames" in request.path_params else [1]
    if len(numbers) > MOST_FRAMES:
        raise HTTPException(400, f"At most {MOST_FRAMES} pictures are given at once.")
    made = [await read(picture, one.pixels, number, wanted) for number in numbers]
    if len(made) == 1:
        return Response(made[0], media_type=wanted.kind)
    writer = Writer(wanted.kind)
    parts = (piece for content in made for piece in writer.part(wanted.kind, [content]))
    return Response(b"".join((*parts, writer.end())), media_type=writer.media_type)


async def thumbnail(request: Request) -> Response:
    """A small picture of an instance, or of the middle of a series or study."""
    seen = await looked(request, "archive.images")
    kind = _kind(request)
    pictured = [(one, one.pixels) for one in await instances(request, seen) if one.pixels]
    if not pictured:
        raise HTTPException(404, "There is no picture here.")
    one, pixels = pictured[len(pictured) // 2]
    size = _viewport(request) or (THUMBNAIL, THUMBNAIL)
    made = await read(picture, pixels, _number(request, one), Picture(kind=kind, size=size, quality=80))
    return Response(made, media_type=kind)


def _number(request: Request, one: Stored) -> int:
    return frame_numbers(request, one)[0] if "frames" in request.path_params else max(one.frames, 1) // 2 or 1


def _kind(request: Request) -> str:
    parted = [one for one in accept.taken(request) if one.parts]
    kind = next((kind for one in parted for kind in FORMATS if one.fits(kind)), None)
    return kind or accept.choose(request, tuple(FORMATS))


def _wanted(request: Request) -> Picture:
    return Picture(kind=_kind(request), window=_window(request), size=_viewport(request), quality=_quality(request))


def _window(request: Request) -> tuple[float, float] | None:
    """`window=centre,width,function` (PS3.18, 8.3.5.1.3); the function is linear."""
    text = request.query_params.get("window")
    if text is None:
        return None
    centre, width, *function = text.split(",")[:3] if text.count(",") else (text, "")
    try:
        window = float(centre), float(width)
    except ValueError as error:
        raise HTTPException(400, "The window is its centre, its width, and linear.") from error
    if not 1 <= window[1] < 1e9 or abs(window[0]) > 1e9 or function not in ([], ["linear"]):
        raise HTTPException(400, "The window is its centre, its width (1 or more), and linear.")
    return window


def _viewport(request: Request) -> tuple[int, int] | None:
    """`viewport=width,height`: the largest size; the picture keeps its proportions."""
    text = request.query_params.get("viewport")
    if text is None:
        return None
    pieces = text.split(",")
    if len(pieces) != 2 or not all(piece.isascii() and piece.isdigit() for piece in pieces):
        raise HTTPException(400, "The viewport is a width and a height in pixels.")
    width, height = (int(piece[:6]) for piece in pieces)
    if not (0 < width <= LARGEST and 0 < height <= LARGEST):
        raise HTTPException(400, f"The viewport is between 1 and {LARGEST} pixels wide and high.")
    return width, height


def _quality(request: Request) -> int:
    text = request.query_params.get("quality", "90")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= 100):
        raise HTTPException(400, "The quality is a number from 1 to 100.")
    return int(text)
