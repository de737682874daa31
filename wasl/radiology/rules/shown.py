"""How a reader shows a key image: the greys, and what is drawn on it; what is kept of it, and what is refused.

Points are in the image's pixels, column first: 0, 0 is the upper left corner of the first pixel, not its middle, and
columns, rows the lower right corner of the last (PS3.3, C.10.5, PIXEL).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from wasl.kernel.errors import Invalid

# what may be drawn, and of how many points: an arrow points with its first; an ellipse is told by the ends of both axes
POINTS: Final = 2000
KINDS: Final = {"line": (2, POINTS), "closed": (3, POINTS), "arrow": (2, 2), "ellipse": (4, 4), "point": (1, 1)}
DRAWINGS: Final = 50
LETTERS: Final = 300  # of the text beside a drawing
FARTHEST: Final = 10_000_000  # of a grey
EDGE: Final = 1.0  # pixels by which a drawing may leave the image; it is put back to its edge
DIGITS: Final = 3  # of a pixel, after the point
SKEW: Final = 0.02  # of its axes: how much less than an ellipse an ellipse may be


class NotAView(Invalid):
    """How this image is shown could not be understood. Mark it again."""


class TooMuchDrawn(Invalid):
    """At most {drawings} drawings are kept with an image, of {points} points each, with texts of {letters} letters."""


class DrawnOutside(Invalid):
    """A drawing leaves the image, and would not be shown as it is. Take it away, and mark the image again."""


def view_of(sent: object, *, columns: int, rows: int, grey: bool = True) -> dict[str, Any] | None:
    """How an image of this size is shown, as it is kept; None when it is shown as it is.

    Colours have no window. Raises NotAView, TooMuchDrawn, DrawnOutside.
    """
    if sent is None:
        return None
    if not isinstance(sent, dict) or not sent.keys() <= {"window", "inverted", "drawings"}:
        raise NotAView
    drawn, inverted = sent.get("drawings", []), sent.get("inverted", False)
    if not isinstance(drawn, list) or not isinstance(inverted, bool):
        raise NotAView
    if len(drawn) > DRAWINGS:
        raise _too_much()
    kept = {
        "window": _window(sent.get("window")),
        "inverted": inverted,
        "drawings": [_drawing(one, (columns, rows)) for one in drawn],
    }
    if not grey and (kept["window"] or inverted):
        raise NotAView
    return kept if any(kept.values()) else None


def _window(sent: object) -> list[float] | None:
    """The middle and the width of the greys, linear as PS3.3, C.11.2.1.2.1 has it."""
    if sent is None:
        return None
    centre, width = _numbers(sent)
    if abs(centre) > FARTHEST or not 1 <= width <= FARTHEST:
        raise NotAView
    return [round(centre, DIGITS), round(width, DIGITS)]


def _drawing(sent: object, size: tuple[int, int]) -> dict[str, Any]:
    if not isinstance(sent, dict) or not sent.keys() <= {"kind", "points", "text", "at"}:
        raise NotAView
    kind, points = sent.get("kind"), sent.get("points")
    if not isinstance(kind, str) or kind not in KINDS or not isinstance(points, list):
        raise NotAView
    least, most = KINDS[kind]
    if len(points) > POINTS:
        raise _too_much()
    if not least <= len(points) <= most:
        raise NotAView
    kept: dict[str, Any] = {"kind": kind, "points": [_point(point, size) for point in points]}
    if kind == "ellipse":
        kept["points"] = _axes(kept["points"])
    return kept | _label(sent, size)


def _label(sent: Mapping[str, object], size: tuple[int, int]) -> dict[str, Any]:
    """The text beside a drawing, to the letter, and where it stands: within the image, wherever it stood."""
    text, at = sent.get("text"), sent.get("at")
    if text is None and at is None:
        return {}
    if not isinstance(text, str) or not (plain := text.replace("\r\n", "\n").strip()):
        raise NotAView
    if any(letter != "\n" and not letter.isprintable() for letter in plain):
        raise NotAView
    if len(plain) > LETTERS:
        raise _too_much()
    return {"text": plain, "at": [_within(value, most) for value, most in zip(_numbers(at), size, strict=True)]}


def _point(sent: object, size: tuple[int, int]) -> list[float]:
    values = _numbers(sent)
    if any(not -EDGE <= value <= most + EDGE for value, most in zip(values, size, strict=True)):
        raise DrawnOutside
    return [_within(value, most) for value, most in zip(values, size, strict=True)]


def _within(value: float, most: int) -> float:
    return round(min(max(value, 0.0), float(most)), DIGITS)


def _numbers(sent: object) -> tuple[float, float]:
    if not isinstance(sent, list) or len(sent) != 2 or not all(type(value) in (int, float) for value in sent):
        raise NotAView
    try:
        first, second = map(float, sent)
    except OverflowError as error:  # an integer of four hundred digits
        raise NotAView from error
    if not math.isfinite(first) or not math.isfinite(second):
        raise NotAView
    return first, second


def _axes(points: Sequence[list[float]]) -> list[list[float]]:
    """The ends of the longer axis, then those of the shorter one. Raises NotAView when it is no ellipse."""
    (a, b, c, d), (one, other) = points, ((points[0], points[1]), (points[2], points[3]))
    long, short = math.dist(*one), math.dist(*other)
    slack = 1 + SKEW * max(long, short)
    middles = math.dist([a[0] + b[0], a[1] + b[1]], [c[0] + d[0], c[1] + d[1]]) / 2
    across = abs((b[0] - a[0]) * (d[0] - c[0]) + (b[1] - a[1]) * (d[1] - c[1]))
    if middles > slack or across > slack * max(long, short) or not (long and short):
        raise NotAView
    return [*one, *other] if long >= short else [*other, *one]


def _too_much() -> TooMuchDrawn:
    return TooMuchDrawn(drawings=DRAWINGS, points=POINTS, letters=LETTERS)
