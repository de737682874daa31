"""Vacant posts beside remote cover: the same places in the same month, as a table and as a plane."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wasl.planning.queries import Figure
from wasl.planning.rules.indicators import INDICATORS, Indicator
from wasl.planning.views.shown import Shown, shown

OF_PLACES = ("vacancies", "remote", "remote_hours")
WIDE, HIGH = 100, 60  # of the plane


@dataclass(frozen=True)
class Line:
    """A place: its number in the plane, and its figures; None where nothing was counted."""

    number: int
    name: str
    address: str
    cells: tuple[Shown | None, ...]
    point: tuple[float, float] | None  # vacant posts from the left, read remotely from below; None: not both are said


@dataclass(frozen=True)
class Dot:
    """A point of the plane, and the places that lie there."""

    x: float
    y: float
    numbers: str
    names: str


@dataclass(frozen=True)
class Beside:
    """The columns and the lines; a plane of one place would say nothing."""

    columns: tuple[Indicator, ...]
    lines: tuple[Line, ...]

    @property
    def dots(self) -> list[Dot]:
        """The points of the plane; none unless there are two places or more to be compared."""
        there: dict[tuple[float, float], list[Line]] = {}
        for line in self.lines:
            if line.point is not None:
                there.setdefault(line.point, []).append(line)
        if sum(map(len, there.values())) < 2:
            return []
        return [
            Dot(*point, ", ".join(str(line.number) for line in lines), ", ".join(line.name for line in lines))
            for point, lines in there.items()
        ]


def beside_cover(
    places: Iterable[tuple[str, str, Mapping[str, Figure]]], *, regions: bool = False
) -> Beside:  # fmt: skip
    """Places (name, address, figures by indicator) of which vacancies were counted, known or not."""
    codes = (*OF_PLACES, "posts_known") if regions else OF_PLACES
    known = [place for place in places if "vacancies" in place[2]]
    lines = tuple(
        _line(number, name, address, [figures.get(code) for code in codes])
        for number, (name, address, figures) in enumerate(known, 1)
    )
    return Beside(tuple(INDICATORS[code] for code in codes), lines)


def _line(number: int, name: str, address: str, figures: list[Figure | None]) -> Line:
    vacant, remote = (one.value if one and not one.withheld else None for one in figures[:2])
    point = None if vacant is None or remote is None else (round(WIDE * vacant, 2), round(HIGH * (1 - remote), 2))
    return Line(number, name, address, tuple(shown(one) if one else None for one in figures), point)
