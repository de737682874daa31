"""What a picture is asked to look like, read from an address (PS3.18, 8.3.5 and 9.1)."""

from dataclasses import dataclass, replace

from starlette.exceptions import HTTPException
from starlette.requests import Request

from wasl.edges.dicom.frames import Pixels
from wasl.edges.dicom.pixels import FUNCTIONS, LARGEST, Picture


@dataclass(frozen=True)
class View:
    """A viewport: the size that the picture is to fill, and the part of the image that it shows.

    The part is its left and top and its width and height in pixels (negative: mirrored); no width, no height: the rest.
    """

    size: tuple[int, int]
    part: tuple[float, float, float | None, float | None] | None = None


def wanted(request: Request, kind: str) -> Picture:
    """How an address of WADO-RS wants its pictures, apart from the viewport. Raises 400."""
    window, function = _window(request.query_params.get("window"))
    return Picture(kind=kind, window=window, function=function, quality=quality(request, "quality"))


def fitted(picture: Picture, view: View | None, pixels: Pixels) -> Picture:
    """A picture as the viewport shows one image. Raises 400 when nothing of the image would be seen."""
    if view is None:
        return picture
    if view.part is None:
        return replace(picture, size=view.size)
    left, top, width, height = view.part
    across = pixels.columns - left if width is None else width
    down = pixels.rows - top if height is None else height
    box = (max(left, 0), max(top, 0), min(left + abs(across), pixels.columns), min(top + abs(down), pixels.rows))
    part = (int(box[0]), int(box[1]), round(box[2]), round(box[3]))
    if part[0] >= part[2] or part[1] >= part[3]:
        raise HTTPException(400, "The part of the image that is asked for lies outside it.")
    return replace(picture, size=view.size, part=part, mirrored=(across < 0, down < 0))


def viewport(request: Request) -> View | None:
    """`viewport=width,height[,left,top[,width,height]]` (PS3.18, 8.3.5.1.2 and 8.3.5.1.3). Raises 400."""
    text = request.query_params.get("viewport")
    if text is None:
        return None
    pieces = text.split(",")
    if len(pieces) not in (2, 4, 6) or not all(_is_number(piece) for piece in pieces[:2]):
        raise HTTPException(400, "The viewport is a width and a height in pixels, and the part of the image.")
    size = sides(pieces[0], pieces[1])
    if len(pieces) == 2:
        return View(size)
    try:
        left, top, *rest = (float(piece) if piece else None for piece in [*pieces[2:], "", ""][:4])
    except ValueError as error:
        raise HTTPException(400, "The part of the image is its left, top, width and height in pixels.") from error
    if not all(value is None or abs(value) < 1e6 for value in (left, top, *rest)):
        raise HTTPException(400, "The part of the image is its left, top, width and height in pixels.")
    return View(size, (left or 0.0, top or 0.0, rest[0], rest[1]))


def sides(*texts: str) -> tuple[int, int]:
    """A width and a height in pixels. Raises 400."""
    width, height = (int(text[:6]) if _is_number(text) else 0 for text in texts)
    if not (0 < width <= LARGEST and 0 < height <= LARGEST):
        raise HTTPException(400, f"A picture is between 1 and {LARGEST} pixels wide and high.")
    return width, height


def window_of(centre: str, width: str) -> tuple[float, float]:
    """The centre and the width of a window. Raises 400."""
    try:
        window = float(centre), float(width)
    except ValueError as error:
        raise HTTPException(400, "The window is its centre and its width.") from error
    if not 1 <= window[1] < 1e9 or not abs(window[0]) < 1e9:
        raise HTTPException(400, "The window is its centre and its width (1 or more).")
    return window


def quality(request: Request, name: str) -> int:
    """The quality of a JPEG picture, from 1 to 100. Raises 400."""
    text = request.query_params.get(name, "90")
    if not (_is_number(text) and 1 <= int(text[:4]) <= 100):
        raise HTTPException(400, "The quality is a number from 1 to 100.")
    return int(text)


def _window(text: str | None) -> tuple[tuple[float, float] | None, str]:
    """`window=centre,width,function` (PS3.18, 8.3.5.1.4)."""
    if text is None:
        return None, FUNCTIONS[0]
    centre, width, *function = text.split(",") if text.count(",") else (text, "")
    if len(function) > 1 or not set(function) <= set(FUNCTIONS):
        raise HTTPException(400, f"The window is its centre, its width, and one of {', '.join(FUNCTIONS)}.")
    return window_of(centre, width), function[0] if function else FUNCTIONS[0]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
