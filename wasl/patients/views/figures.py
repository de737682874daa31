"""Counts of identities as a page shows them: cells of a table that sorts, and small plots of a line each."""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.dateformat import format as dated
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext

from wasl.patients.queries import QualityCount
from wasl.patients.rules.quality import COUNT, DAYS, FIELDS, MEASURES, SHARE, Measure, value
from wasl.places.queries import Place

K = TypeVar("K")
MONTHS, MOST_PLOTS = 12, 12


@dataclass(frozen=True)
class Cell:
    """A count in words: its value, of how many, and where the records behind it are."""

    measure: Measure
    value: float
    shown: str
    numbers: str  # numerator and denominator
    address: str


@dataclass(frozen=True)
class Line:
    """A row of the table; None where there was nothing to count."""

    title: str
    address: str
    cells: dict[str, Cell | None]


class Table:
    """Rows in the order that the address asks for: by title or by a measure, what is not known last."""

    def __init__(self, request: HttpRequest, lines: Sequence[Line], columns: Sequence[Measure]) -> None:
        asked = request.GET.get("sort", "")
        self.sort = asked if asked.removeprefix("-") in {"title", *(one.code for one in columns)} else ""
        self.query = request.GET.copy()
        self.lines = [(line, [(one, line.cells[one.code]) for one in columns]) for line in self._sorted(lines)]

    def _sorted(self, lines: Sequence[Line]) -> list[Line]:
        code, down = self.sort.removeprefix("-"), self.sort.startswith("-")
        if not code:
            return list(lines)
        if code == "title":
            return sorted(lines, key=lambda line: line.title, reverse=down)
        known = [line for line in lines if line.cells[code]]
        known.sort(key=lambda line: one.value if (one := line.cells[code]) else 0.0, reverse=down)
        return [*known, *(line for line in lines if not line.cells[code])]

    def address(self, **changes: str | int) -> str:
        """The query string of this page with another order."""
        query = self.query.copy()
        query["sort"] = str(changes["sort"])
        return f"?{query.urlencode()}"


def cell(row: QualityCount) -> Cell | None:
    """A count in the language in force; None where there was nothing to count."""
    measure = MEASURES[row.measure]
    found = value(measure.unit, row.numerator, row.denominator)
    if found is None:
        return None
    numbers = "" if measure.unit == COUNT else f"{row.numerator}/{row.denominator}" if measure.unit == SHARE else ""
    return Cell(measure, found, in_words(measure, found), numbers, _behind(row) if measure.listed else "")


def in_words(measure: Measure, found: float) -> str:
    """A value with its unit."""
    if measure.unit == SHARE:
        return gettext("{share} %").format(share=number_format(round(found, 1), 1))
    if measure.unit == DAYS:
        return gettext("{days} d").format(days=number_format(round(found, 1), 1))
    return number_format(int(found))


def _behind(row: QualityCount) -> str:
    if not row.numerator:
        return ""
    asked = {"measure": row.measure, "month": f"{row.month.month:%Y-%m}"}
    if row.place_id:
        asked["place"] = str(row.place_id)
    return f"{reverse('patients:quality_behind')}?{urlencode(asked)}"


def by_place(rows: Iterable[QualityCount], month: datetime.date, columns: Sequence[Measure]) -> list[Line]:
    """A line for each hospital that has a record or a pair in a month, by name."""
    of_month = [row for row in rows if row.month.month == month]
    known = {row.place_id: row.place for row in of_month}
    found = _cells((row.place_id, row) for row in of_month)
    lines = [_line(_name(known[key]), _page(known[key]), cells, columns) for key, cells in found.items()]
    return sorted(lines, key=lambda line: line.title)


def by_month(rows: Iterable[QualityCount], columns: Sequence[Measure]) -> list[Line]:
    """A line for each month of a hospital, the newest first."""
    found = _cells((row.month.month, row) for row in rows)
    return [_line(dated(month, "F Y"), "", cells, columns) for month, cells in sorted(found.items(), reverse=True)]


def _cells(rows: Iterable[tuple[K, QualityCount]]) -> dict[K, dict[str, Cell | None]]:
    found: dict[K, dict[str, Cell | None]] = defaultdict(dict)
    for key, row in rows:
        found[key][row.measure] = cell(row)
    return found


def _line(title: str, address: str, cells: Mapping[str, Cell | None], columns: Sequence[Measure]) -> Line:
    return Line(title, address, {one.code: cells.get(one.code) for one in columns})


def _name(place: Place | None) -> str:
    return place.name if place else gettext("No hospital")


def _page(place: Place | None) -> str:
    return reverse("patients:quality_place", args=[place.id]) if place else ""


def worst(rows: Iterable[QualityCount], month: datetime.date) -> str:
    """The field that the largest share of a month's records lacks."""
    shares: dict[str, list[int]] = {code: [0, 0] for code in FIELDS}
    for row in rows:
        if row.measure in shares and row.month.month == month:
            shares[row.measure][0] += row.numerator
            shares[row.measure][1] += row.denominator or 0
    return max(FIELDS, key=lambda code: shares[code][0] / (shares[code][1] or 1))


@dataclass(frozen=True)
class Plot:
    """A small drawing 100 wide and 40 high of a line through the months that are known, and what it says last."""

    title: str | Promise
    address: str
    points: list[tuple[float, float, str]]  # across, from the top, and in words
    last: str
    summary: str  # the first and the last month, for who hears the page

    @property
    def line(self) -> str:
        """The points as a polyline has them."""
        return " ".join(f"{x},{y}" for x, y, _words in self.points)


def months_until(month: datetime.date) -> list[datetime.date]:
    """The twelve months up to one, the earliest first."""
    months = [month]
    while len(months) < MONTHS:
        months.insert(0, (months[0] - datetime.timedelta(days=1)).replace(day=1))
    return months


def plots_of_places(rows: Iterable[QualityCount], measure: Measure, month: datetime.date) -> list[Plot]:
    """A measure of the hospitals that stand worst in a month, or stood last, on one scale."""
    mine = [row for row in rows if row.measure == measure.code]
    known = {row.place_id: row.place for row in mine}
    series = _cells_by_month((row.place_id, row) for row in mine)
    most = max((one.value for months in series.values() for one in months.values()), default=0.0)
    order = sorted(series, key=lambda key: -series[key][max(series[key])].value)[:MOST_PLOTS]
    return [_plot(_name(known[key]), _page(known[key]), series[key], month, most) for key in order]


def plots_of_measures(rows: Iterable[QualityCount], group: Sequence[Measure], month: datetime.date) -> list[Plot]:
    """The measures of a group at one hospital: shares on the scale of a hundred, the others each on its own."""
    series = _cells_by_month((row.measure, row) for row in rows)
    plots = []
    for one in group:
        if months := series.get(one.code):
            most = 100.0 if one.unit == SHARE else max(found.value for found in months.values())
            plots.append(_plot(one.title, "", months, month, most))
    return plots


def _cells_by_month(rows: Iterable[tuple[K, QualityCount]]) -> dict[K, dict[datetime.date, Cell]]:
    found: dict[K, dict[datetime.date, Cell]] = defaultdict(dict)
    for key, row in rows:
        if known := cell(row):
            found[key][row.month.month] = known
    return found


def _plot(
    title: str | Promise, address: str, cells: Mapping[datetime.date, Cell], until: datetime.date, most: float
) -> Plot:
    points, said = [], []
    for at, month in enumerate(months_until(until)):
        if one := cells.get(month):
            words = f"{dated(month, 'M Y')} : {one.shown}"
            said.append(words)
            points.append((round(100 * (at + 0.5) / MONTHS, 2), round(37 - 34 * one.value / (most or 1), 2), words))
    return Plot(title, address, points, cells[max(cells)].shown, " – ".join(dict.fromkeys((said[0], said[-1]))))


def lines_of_csv(rows: Iterable[QualityCount]) -> Iterator[tuple[object, ...]]:
    """A head, and a line for each count."""
    about = "quality of identities"
    yield (gettext("Month"), gettext("Hospital"), pgettext(about, "Code"), pgettext(about, "Figure"),
           pgettext(about, "Number"), pgettext(about, "Of"), gettext("Counted are"))  # fmt: skip
    for row in rows:
        one = MEASURES[row.measure]
        of = "" if row.denominator is None else row.denominator
        yield (f"{row.month.month:%Y-%m}", _name(row.place), one.code, str(one.title), row.numerator, of,
               str(one.counted))  # fmt: skip
