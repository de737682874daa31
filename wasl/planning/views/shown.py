"""A figure as a page shows it: value, interval, numbers, and where the facts behind it are."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from wasl.planning.queries import Figure
from wasl.planning.rules import writing
from wasl.planning.rules.indicators import INDICATORS, THEMES, Indicator
from wasl.radiology.queries import Urgency

URGENCIES = {code: words for code, words in Urgency.choices}
SHADES = 4
# where the facts behind what no case says are
ELSEWHERE = {
    "rejects": "radiology:quality", "critical": "radiology:closures", "night": "workforce:rosters",
    "remote_hours": "workforce:rosters",
}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A figure in words; `value` says why there is none, where `said` is False."""

    about: Indicator
    figure: Figure
    value: str
    said: bool
    interval: str
    numbers: str
    part: str
    address: str  # of the facts behind it; empty where it is withheld


def shown(figure: Figure) -> Shown:
    """A figure in words of the language in force."""
    about = INDICATORS[figure.indicator]
    said = figure.value is not None and not figure.withheld
    value = interval = numbers = ""
    if figure.value is None:
        value = str(figure.get_why_display())
    elif figure.withheld:
        value = writing.withheld_in_words()
    else:
        value = writing.value_in_words(figure.value, about.kind)
        interval = writing.interval_in_words(figure.low, figure.high, about.kind)
        numbers = writing.numbers_in_words(figure.numerator, figure.denominator, about.kind)
    part = writing.slice_in_words(figure.slice, URGENCIES) if figure.slice else ""
    return Shown(about, figure, value, said, interval, numbers, part, "" if figure.withheld else _behind(figure))


def _behind(figure: Figure) -> str:
    """The address of the facts behind a figure."""
    if name := ELSEWHERE.get(figure.indicator):
        month = {"month": f"{figure.month:%Y-%m}"} if figure.indicator == "critical" else {}
        return f"{reverse(name)}?{urlencode(month)}" if month else reverse(name)
    of_posts = figure.indicator in ("vacancies", "posts_known")
    asked = {"month": f"{figure.month:%Y-%m}"}
    asked |= {"known": "on"} if figure.indicator == "vacancies" else {} if of_posts else {"indicator": figure.indicator}
    if figure.place_id:
        asked["place"] = str(figure.place_id)
    elif figure.region_id:
        asked["region"] = str(figure.region_id)
    if figure.slice:
        asked["slice"] = figure.slice
    return f"{reverse('workforce:posts' if of_posts else 'planning:cases')}?{urlencode(asked)}"


def by_theme(figures: Iterable[Figure]) -> list[tuple[str, list[Shown]]]:
    """The whole figures of a scope, theme by theme, in the order of the indicators."""
    whole = {figure.indicator: figure for figure in figures if not figure.slice}
    themes = []
    for theme, title in THEMES.items():
        rows = [shown(whole[one.code]) for one in INDICATORS.values() if one.theme == theme and one.code in whole]
        if rows:
            themes.append((str(title), rows))
    return themes


def by_slice(figures: Iterable[Figure], name: str) -> list[tuple[str, list[Shown]]]:
    """A table of slices: each with its figures, in the order of the indicators that are counted so."""
    rows: dict[str, dict[str, Figure]] = {}
    for figure in figures:
        if figure.slice.startswith(f"{name}:"):
            rows.setdefault(figure.slice, {})[figure.indicator] = figure
    return [
        (writing.slice_in_words(part, URGENCIES), [shown(row[one.code]) for one in sliced(name) if one.code in row])
        for part, row in sorted(rows.items())
    ]


def sliced(name: str) -> list[Indicator]:
    """The indicators that are counted by urgency, hour or modality."""
    return [one for one in INDICATORS.values() if name in one.sliced]


@dataclass(frozen=True)
class Point:
    """A month of a trend, in a drawing 100 wide and 40 high; `top` is None where no value is said."""

    month: datetime.date
    shown: Shown | None
    x: float
    top: float | None
    high: float | None  # the ends of its interval
    low: float | None


def drawn(trend: Sequence[tuple[datetime.date, Figure | None]]) -> tuple[list[Point], str]:
    """The months of a trend as points, and the line through those that are said."""
    rows = [(month, shown(figure) if figure else None) for month, figure in trend]
    said = [one.figure for _, one in rows if one and one.said]
    most = max((figure.high or figure.value or 0 for figure in said), default=0) or 1
    points = []
    for number, (month, one) in enumerate(rows):
        x = round(100 * (number + 0.5) / len(rows), 2)
        figure = one.figure if one and one.said else None
        value, high, low = (figure.value, figure.high, figure.low) if figure else (None, None, None)
        points.append(Point(month, one, x, _top(value, most), _top(high, most), _top(low, most)))
    return points, " ".join(f"{point.x},{point.top}" for point in points if point.top is not None)


def _top(value: float | None, most: float) -> float | None:
    return None if value is None else round(38 - 34 * value / most, 2)


@dataclass(frozen=True)
class Tile:
    """A region on the map of tiles, and its shade from 1, the lightest; 0 where nothing is said."""

    title: str
    address: str
    shown: Shown | None
    shade: int


def tiles(regions: Sequence[tuple[str, str, float, float, Figure | None]]) -> tuple[list[Tile], int]:
    """Regions (title, address, latitude, longitude, figure) as tiles, rows from north to south, and how many columns.

    Neighbours stay near each other; the shape of the country is not kept, so that small regions are seen as well.
    """
    across = max(1, round((len(regions) * 0.7) ** 0.5))
    said = sorted(row[4].value for row in regions if row[4] and row[4].value is not None and not row[4].withheld)
    north = sorted(regions, key=lambda row: (-row[2], row[3]))
    found = []
    for number in range(0, len(north), across):
        for title, address, _lat, _lon, figure in sorted(north[number : number + across], key=lambda row: row[3]):
            one = shown(figure) if figure else None
            found.append(Tile(title, address, one, _shade(one, said)))
    return found, across


def _shade(one: Shown | None, said: Sequence[float]) -> int:
    """Which quarter of the regions a figure lies in; 0 where nothing is said."""
    if one is None or not one.said or one.figure.value is None:
        return 0
    below = sum(value < one.figure.value for value in said)
    return 1 + min(SHADES - 1, SHADES * below // len(said))
