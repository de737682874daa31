"""From a month's cases to its figures: pure sums, the same whoever counts and how often."""

import datetime
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from wasl.planning.rules.indicators import INDICATORS, Indicator, Kind
from wasl.planning.rules.intervals import Seconds, percentile, poisson, wilson

EARTH = 6371.0088  # kilometres, the mean radius (IUGG)
THOUSAND = 1000
PERCENTILES = {"turnaround_p50": 0.5, "turnaround_p90": 0.9, "wait_p90": 0.9}
Point = tuple[float, float]  # latitude and longitude, WGS84 degrees
Share = tuple[int, int]


@dataclass(frozen=True)
class Cell:
    """The cases of a month that are alike: the same hospital, reader's hospital, modality, class and hour."""

    place: UUID
    provider: UUID | None
    modality: str
    urgency: str
    hour: int
    ordered: int
    performed: int
    signed: int
    due: int
    late: int
    turns: Seconds  # from complete to the first report
    waits: Seconds  # from the order to the first report


@dataclass(frozen=True)
class Place:
    """What is known of a hospital beside its cases; a share is a number of a number."""

    region: UUID
    point: Point | None = None  # its own
    area: Point | None = None  # a representative point of its region
    staffed: bool = False
    night: Share | None = None  # hours covered, of hours; None: no night is set
    remote_hours: Share = (0, 0)  # hours covered from another hospital, of all hours
    posts: Share | None = None  # of radiologists: vacant, of established; None: none are known
    rejects: Share = (0, 0)
    discrepancy: Share = (0, 0)
    critical: Share = (0, 0)


@dataclass(frozen=True)
class Counted:
    """A figure before it is written; region and place are None where it is for more than one."""

    region: UUID | None
    place: UUID | None
    indicator: str
    slice: str
    numerator: float
    denominator: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    why: str = ""

    @property
    def level(self) -> str:
        """For whom it is."""
        return "place" if self.place else "region" if self.region else "country"


@dataclass
class Sums:
    """What the cells of one hospital, region or country, or of a slice of it, come to."""

    ordered: int = 0
    performed: int = 0
    signed: int = 0
    due: int = 0
    late: int = 0
    read: int = 0
    remote: int = 0
    located: int = 0
    kilometres: float = 0.0
    turns: list[Seconds] = field(default_factory=list)
    waits: list[Seconds] = field(default_factory=list)

    def add(self, cell: Cell, places: Mapping[UUID, Place]) -> None:
        """Count a cell in."""
        for name in ("ordered", "performed", "signed", "due", "late"):
            setattr(self, name, getattr(self, name) + getattr(cell, name))
        self.turns.append(cell.turns)
        self.waits.append(cell.waits)
        if cell.provider is None:
            return
        self.read += cell.signed
        if cell.provider != cell.place:
            self.remote += cell.signed
            apart = between(places[cell.place], places[cell.provider])
            if apart is not None:
                self.located += cell.signed
                self.kilometres += cell.signed * apart


Scope = tuple[UUID | None, UUID | None]  # region and place


def figures(
    cells: Iterable[Cell], places: Mapping[UUID, Place], population: Mapping[UUID, int | None]
) -> Iterator[Counted]:
    """Every figure of a month: of the country, of its regions and of its hospitals, whole and by slice."""
    sums: dict[tuple[Scope, str], Sums] = defaultdict(Sums)
    active: dict[Scope, set[UUID]] = defaultdict(set)
    read_elsewhere: set[UUID] = set()
    for cell in cells:
        region = places[cell.place].region
        if cell.provider not in (None, cell.place):
            read_elsewhere.add(cell.place)
        scopes: tuple[Scope, ...] = ((None, None), (region, None), (region, cell.place))
        for scope in scopes:
            active[scope].add(cell.place)
            for part in ("", f"urgency:{cell.urgency}", f"hour:{cell.hour:02d}", f"modality:{cell.modality}"):
                sums[scope, part].add(cell, places)
    for (scope, part), found in sums.items():
        known = [places[key] for key in sorted(active[scope])]
        for one in INDICATORS.values():
            if one.hospitals and one.of_orders and (not part or part.split(":")[0] in one.sliced):
                yield _figure(one, scope, part, found, known)
    yield from _rates(sums, active, places, population)
    yield from _vacancies(active, places)
    for scope, there in active.items():
        if scope[1] is None:
            without = sum(not places[key].staffed and key in read_elsewhere for key in there)
            written = sum(places[key].posts is not None for key in there)
            yield _share("unstaffed", scope, "", (without, len(there)), sampled=False)
            yield _share("posts_known", scope, "", (written, len(there)), sampled=False)


def _figure(one: Indicator, scope: Scope, part: str, found: Sums, known: list[Place]) -> Counted:
    match one.code:
        case "ordered" | "performed" | "signed":
            number = getattr(found, one.code)
            return Counted(*scope, one.code, part, number, value=number)
        case "turnaround_p50" | "turnaround_p90" | "wait_p90":
            values = found.waits if one.code == "wait_p90" else found.turns
            return _time(one.code, scope, part, np.sort(np.concatenate(values)))
        case "late":
            return _share("late", scope, part, (found.late, found.due))
        case "remote":
            return _share("remote", scope, part, (found.remote, found.read))
        case "kilometres":
            why = "" if found.located else "distance" if found.remote else "none"
            value = found.kilometres if found.located else None
            return Counted(*scope, "kilometres", part, found.kilometres, found.located, value, why=why)
        case "night" if any(place.night is None for place in known):
            return Counted(*scope, "night", part, 0, None, why="night")
        case _:
            pairs = [getattr(place, one.code) for place in known]
            total = (sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs))
            return _share(one.code, scope, part, total, sampled=one.sampled)


def _share(code: str, scope: Scope, part: str, pair: Share, *, sampled: bool = True) -> Counted:
    numerator, denominator = pair
    if not denominator:
        return Counted(*scope, code, part, numerator, denominator, why="none")
    low, high = wilson(numerator, denominator) if sampled else (None, None)
    return Counted(*scope, code, part, numerator, denominator, numerator / denominator, low, high)


def _time(code: str, scope: Scope, part: str, seconds: Seconds) -> Counted:
    if not len(seconds):
        return Counted(*scope, code, part, 0, 0, why="none")
    share = PERCENTILES[code]
    value, low, high = percentile(seconds, share)
    within = int(np.searchsorted(seconds, value, side="right"))
    return Counted(*scope, code, part, within, len(seconds), value, low, high)


def _rates(
    sums: Mapping[tuple[Scope, str], Sums], active: Mapping[Scope, set[UUID]], places: Mapping[UUID, Place],
    population: Mapping[UUID, int | None],
) -> Iterator[Counted]:  # fmt: skip
    """Exams by inhabitants: of regions whose population is known, and of the country as far as it is."""
    done, people = 0, 0
    for region, inhabitants in sorted(population.items()):
        found = sums.get(((region, None), ""), Sums())
        done, people = (done + found.performed, people + inhabitants) if inhabitants else (done, people)
        if found.ordered:
            yield _rate((region, None), found.performed, inhabitants)
    if (None, None) in active:
        yield _rate((None, None), done, people)


def _vacancies(active: Iterable[Scope], places: Mapping[UUID, Place]) -> Iterator[Counted]:
    """Vacant posts of all hospitals whose posts are known, whether they ordered exams or not."""
    known: dict[Scope, list[Share]] = {scope: [] for scope in active}
    for key, place in places.items():
        if place.posts is not None:
            scopes: tuple[Scope, ...] = ((None, None), (place.region, None), (place.region, key))
            for scope in scopes:
                known.setdefault(scope, []).append(place.posts)
    for scope, pairs in known.items():
        if pairs:
            total = (sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs))
            yield _share("vacancies", scope, "", total, sampled=False)
        else:
            yield Counted(*scope, "vacancies", "", 0, why="posts")


def _rate(scope: Scope, number: int, inhabitants: int | None) -> Counted:
    if not inhabitants:
        return Counted(*scope, "rate", "", number, None, why="population")
    low, high = (bound / inhabitants * THOUSAND for bound in poisson(number))
    return Counted(*scope, "rate", "", number, inhabitants, number / inhabitants * THOUSAND, low, high)


def between(a: Place, b: Place) -> float | None:
    """How far two hospitals are apart, in kilometres; None where one of a region's hospitals has no coordinates."""
    if a.region == b.region and not (a.point and b.point):
        return None
    here, there = a.point or a.area, b.point or b.area
    return distance(here, there) if here and there else None


def distance(a: Point, b: Point) -> float:
    """The great circle between two points, in kilometres (haversine)."""
    north, south = math.radians(a[0]), math.radians(b[0])
    across, along = math.sin((north - south) / 2), math.sin(math.radians(a[1] - b[1]) / 2)
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(across**2 + math.cos(north) * math.cos(south) * along**2)))


def night_hours(month: datetime.date, night: tuple[int, int]) -> list[tuple[datetime.date, int]]:
    """The hours of a month's nights, each with its day; a night may go over midnight."""
    begins, ends = night
    hours = [hour for hour in range(24) if (begins <= hour < ends if begins < ends else hour >= begins or hour < ends)]
    following = (month + datetime.timedelta(days=31)).replace(day=1)
    days = (month + datetime.timedelta(days=n) for n in range((following - month).days))
    return [(day, hour) for day in days for hour in hours]


def withheld(found: Iterable[Counted], minimum: int) -> set[Counted]:
    """The figures that rest on too few to be published, and one more where the rest would give a single one away."""
    hidden: set[Counted] = set()
    beside: dict[tuple[object, ...], list[Counted]] = defaultdict(list)
    for one in found:
        kind = INDICATORS[one.indicator]
        if not kind.sampled:
            continue
        if 0 < rests_on(one) < minimum:
            hidden.add(one)
        if kind.kind is not Kind.TIME:  # no percentile follows from others
            parent = one.region if one.place else None
            beside[one.level, parent, one.indicator, one.slice].append(one)
            if one.slice:
                beside[one.level, one.region, one.place, one.indicator, one.slice.split(":")[0]].append(one)
    for group in beside.values():
        shown = [one for one in group if one not in hidden and rests_on(one)]
        if len(group) - len(shown) - sum(not rests_on(one) for one in group) == 1 and shown:
            hidden.add(min(shown, key=lambda one: (rests_on(one), str(one.place or one.region), one.slice)))
    return hidden


def rests_on(one: Counted) -> float:
    """How many cases a figure says something of."""
    kind = INDICATORS[one.indicator].kind
    return one.numerator if kind in (Kind.COUNT, Kind.RATE) else one.denominator or 0
