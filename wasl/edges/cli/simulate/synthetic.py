"""A month made up from a seed, all of it written here: when cases come, what they are, who reads, and when.

The shares are those of a network of general hospitals: half radiographs, that take minutes, a quarter CT, which is what
emergencies come for, fewer MR and mammograms, nearly all of them routine. They are words of ours, not measured.
"""

import datetime
import random
from collections.abc import Hashable, Iterator
from itertools import pairwise

from wasl.edges.cli.simulate.replay import Month
from wasl.radiology.queries.dispatch import Case, Reader

START = datetime.datetime(2026, 10, 5, tzinfo=datetime.UTC)  # a Monday
HOSPITALS = (3, 2, 2, 1, 1, 1, 1, 1)  # how many cases come from each, one beside the other
HOURS = (
    0.25, 0.2, 0.2, 0.2, 0.25, 0.3, 0.5, 0.8, 1.2, 1.7, 1.9, 1.8,
    1.5, 1.4, 1.6, 1.6, 1.3, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4,
)  # fmt: skip
WEEKDAYS = (1.1, 1.1, 1.05, 1.05, 1.0, 0.5, 0.4)
URGENCIES = {"P0": 30, "P1": 60, "P2": 240, "P3": 2880}  # minutes, as the reference data say
# share of all cases, points of a usual one, and how many of it are of each class
KINDS = {
    "DX": (0.52, 3, (0.01, 0.09, 0.35, 0.55)),
    "CT": (0.26, 12, (0.05, 0.25, 0.35, 0.35)),
    "MR": (0.10, 18, (0.02, 0.05, 0.23, 0.70)),
    "MG": (0.05, 5, (0.0, 0.0, 0.05, 0.95)),
    "US": (0.07, 6, (0.01, 0.09, 0.30, 0.60)),
}
EXAMS = ((0.5, 0.7), (0.3, 1.2), (0.2, 1.9))  # simple, usual and long exams of a kind: how many, and how long
SPREAD = 0.3  # of the minutes that a reader takes for an exam, around its points (of their logarithm)
EVERYBODY_READS = ("DX", "CT")  # as who is on duty alone at night must
READ_BY = {"MR": 0.5, "MG": 0.4, "US": 0.6}  # what a reader reads beside, with so much chance
FEWEST = 0.25  # of the readers read each kind of each hospital
TURNS = ((0.60, 8), (0.25, 16), (0.15, 0))  # how many of those on duty begin at which hour, for eight hours
ON_DUTY = (0.70, 0.34)  # of the readers, on a working day and on a day of the weekend


def synthetic(seed: int, *, readers: int = 24, days: int = 28, load: float = 0.85) -> Month:
    """A month of a seed, with as many cases as fill the readers' hours to a load."""
    chance = random.Random(seed)  # noqa: S311  no secret
    staff = _staff(chance, readers)
    duties = list(_duties(chance, readers, days))
    minutes = load * 60 * 8 * len(duties)
    usual = sum(share * points for share, points, _ in KINDS.values()) * sum(share * long for share, long in EXAMS)
    cases = list(_cases(chance, days, minutes / usual))
    return Month(cases, staff, duties)


def staff_of(seed: int, readers: int, places: list[Hashable], kinds: list[str], days: list[datetime.date]) -> Month:
    """Made-up readers alone, for the cases of a real month: each of them may read everything."""
    chance = random.Random(seed)  # noqa: S311  no secret
    serves = frozenset((place, kind) for place in places for kind in kinds)
    midnight = datetime.datetime.combine(days[0], datetime.time(), datetime.UTC) - START
    duties = [(key, start + midnight, end + midnight) for key, start, end in _duties(chance, readers, len(days))]
    return Month([], {number: Reader(id=number, serves=serves) for number in range(readers)}, duties)


def _staff(chance: random.Random, number: int) -> dict[Hashable, Reader]:
    places = range(len(HOSPITALS))
    serves: list[set[tuple[Hashable, str]]] = []
    for _ in range(number):
        mine = chance.sample(places, chance.randint(len(places) // 2, len(places)))
        kinds = [kind for kind, share in READ_BY.items() if chance.random() < share]
        serves.append({(place, kind) for place in places for kind in EVERYBODY_READS})
        serves[-1] |= {(place, kind) for place in mine for kind in kinds}
    for pair in [(place, kind) for place in places for kind in READ_BY]:
        others = [served for served in serves if pair not in served]
        missing = round(FEWEST * number) - (number - len(others))
        for served in chance.sample(others, max(0, missing)):
            served.add(pair)
    return {key: Reader(id=key, serves=frozenset(served)) for key, served in enumerate(serves)}


def _duties(
    chance: random.Random, readers: int, days: int
) -> Iterator[tuple[Hashable, datetime.datetime, datetime.datetime]]:
    for day in range(days):
        order = chance.sample(range(readers), readers)
        on = order[: max(len(TURNS), round(readers * ON_DUTY[(START + datetime.timedelta(days=day)).weekday() > 4]))]
        cuts = [0, *(max(1, round(len(on) * sum(share for share, _ in TURNS[: n + 1]))) for n in range(2)), len(on)]
        for (first, last), (_, hour) in zip(pairwise(cuts), TURNS, strict=True):
            start = START + datetime.timedelta(days=day, hours=hour)
            yield from ((key, start, start + datetime.timedelta(hours=8)) for key in on[first:last])


def _cases(chance: random.Random, days: int, number: float) -> Iterator[tuple[Case, float]]:
    hours = [START + datetime.timedelta(hours=hour) for hour in range(24 * days)]
    weights = [HOURS[hour.hour] * WEEKDAYS[hour.weekday()] for hour in hours]
    kinds = [(kind, share) for kind, (share, _, _) in KINDS.items()]
    for hour, weight in zip(hours, weights, strict=True):
        mean = 3600 * sum(weights) / (number * weight)  # seconds between two
        after = chance.expovariate(1 / mean)
        while after < 3600:
            (kind,) = chance.choices([kind for kind, _ in kinds], [share for _, share in kinds])
            _, points, classes = KINDS[kind]
            (urgency,) = chance.choices(list(URGENCIES), classes)
            (long,) = chance.choices([long for _, long in EXAMS], [share for share, _ in EXAMS])
            (place,) = chance.choices(range(len(HOSPITALS)), HOSPITALS)
            opened = hour + datetime.timedelta(seconds=after)
            due = opened + datetime.timedelta(minutes=URGENCIES[urgency])
            key = chance.getrandbits(64)
            minutes = points * long * chance.lognormvariate(-(SPREAD**2) / 2, SPREAD)
            yield Case(key, place, kind, urgency, points * long, opened, due), minutes
            after += chance.expovariate(1 / mean)
