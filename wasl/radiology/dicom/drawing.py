"""What a reader drew on a key image, drawn on its picture: yellow within black, so that it is seen on every grey."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings
from PIL import Image, ImageDraw, ImageFont

from wasl.radiology.dicom.presentations import arrow

Pixels = npt.NDArray[np.uint8]
Corner = tuple[float, float]
SIDE = 700  # pixels of the longer side: a third of a printed page in width
FINE = 2  # times as large it is drawn, then made smaller: smooth lines
LINE, HALO = 4, 9  # pixels, of a line and of the black beneath it
LETTER = 30  # pixels, the height of a line of text: 6 points in print
YELLOW, BLACK = (255, 212, 59), (0, 0, 0)
ROUND = 96  # points of an ellipse
CROSS = 9  # pixels from the middle of a point to an end of its cross


def with_drawings(pixels: Pixels, drawings: Sequence[Mapping[str, Any]]) -> Pixels:
    """A picture (rows, columns) or RGB, its longer side SIDE pixels, with the drawings on it, as RGB."""
    picture = Image.fromarray(pixels).convert("RGB")
    size = picture.size
    scale = SIDE / max(size)
    shown = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    large = picture.resize((shown[0] * FINE, shown[1] * FINE), Image.Resampling.BICUBIC)
    factor = (large.width / size[0], large.height / size[1])
    lines = [line for drawing in drawings for line in _lines(drawing, size, factor)]
    draw = ImageDraw.Draw(large)
    for colour, width in ((BLACK, HALO), (YELLOW, LINE)):
        for line in lines:
            _stroke(draw, line, colour, width * FINE)
    for drawing in drawings:
        if "text" in drawing:
            _write(draw, drawing["text"], _scaled(drawing["at"], factor), large.size)
    return np.asarray(large.resize(shown, Image.Resampling.LANCZOS), dtype=np.uint8)


def _lines(drawing: Mapping[str, Any], size: tuple[int, int], factor: Corner) -> list[list[Corner]]:
    """The lines of a drawing, in pixels of the large picture."""
    kind, points = drawing["kind"], drawing["points"]
    if kind == "point":
        x, y = _scaled(points[0], factor)
        far = CROSS * FINE
        return [[(x - far, y), (x + far, y)], [(x, y - far), (x, y + far)]]
    if kind == "ellipse":
        points = _ellipse(points)
    elif kind == "closed":
        points = [*points, points[0]]
    elif kind == "arrow":
        points = arrow(points, size)
    return [[_scaled(point, factor) for point in points]]


def _ellipse(ends: Sequence[Sequence[float]]) -> list[list[float]]:
    """An ellipse as a line, from the ends of its axes."""
    a, b, c, d = ends
    middle = [(a[axis] + b[axis]) / 2 for axis in (0, 1)]
    turns = [2 * math.pi * step / ROUND for step in range(ROUND + 1)]
    return [
        [
            middle[axis] + (b[axis] - a[axis]) / 2 * math.cos(turn) + (d[axis] - c[axis]) / 2 * math.sin(turn)
            for axis in (0, 1)
        ]
        for turn in turns
    ]


def _stroke(draw: ImageDraw.ImageDraw, line: list[Corner], colour: tuple[int, int, int], width: int) -> None:
    """A line with round ends."""
    draw.line(line, fill=colour, width=width, joint="curve")
    far = width / 2
    for x, y in (line[0], line[-1]):
        draw.ellipse((x - far, y - far, x + far, y + far), fill=colour)


def _write(draw: ImageDraw.ImageDraw, text: str, at: Corner, size: tuple[int, int]) -> None:
    """A text from its upper left corner on, moved so far that all of it is within the picture, where there is room."""
    font, edge = _font(), 3 * FINE
    left, top, right, bottom = draw.multiline_textbbox((0, 0), text, font=font, stroke_width=edge)
    x = max(-left, min(at[0], size[0] - right))
    y = max(-top, min(at[1], size[1] - bottom))
    draw.multiline_text((x, y), text, font=font, fill=YELLOW, stroke_width=edge, stroke_fill=BLACK)


@cache
def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(settings.HERE / "static/vendor/fonts/IBMPlexSansArabic-Medium.ttf", LETTER * FINE)


def _scaled(point: Sequence[float], factor: Corner) -> Corner:
    return point[0] * factor[0], point[1] * factor[1]
