"""Intervals, sums and what is withheld, against figures of textbooks and against counting by hand."""

import datetime
import math
import statistics
import uuid
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from wasl.planning.rules.counting import Cell, Counted, Place, between, distance, figures, night_hours, withheld
from wasl.planning.rules.evaluation import (
    MinimumNotLater,
    MonthNotOver,
    NoSuchMinimum,
    check_disclosure,
    check_later,
    check_releasable,
    month_before,
    next_month,
)
from wasl.planning.rules.indicators import INDICATORS, Kind, NoSuchIndicator, indicator
from wasl.planning.rules.intervals import percentile, poisson, ranks, wilson

NORTH, SOUTH = uuid.UUID(int=1), uuid.UUID(int=2)
A, B, C = uuid.UUID(int=11), uuid.UUID(int=12), uuid.UUID(int=13)
DAY = datetime.date(2026, 9, 1)


# Newcombe 1998, table I, method 3
@pytest.mark.parametrize(
    ("numerator", "denominator", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson(numerator: int, denominator: int, low: float, high: float) -> None:
    assert wilson(numerator, denominator) == pytest.approx((low, high), abs=5e-5)


# the exact limits of a Poisson count as tables have them (Ulm 1990); large ones by the normal distribution
@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0, 3.6889), (1, 0.0253, 5.5716), (10, 4.7954, 18.3904), (100, 81.3639, 121.6269)]
)
def test_poisson(count: int, low: float, high: float) -> None:
    assert poisson(count) == pytest.approx((low, high), abs=5e-4)


def test_a_large_count_has_nearly_a_normal_interval() -> None:
    low, high = poisson(400_000)
    assert low == pytest.approx(400_000 - 1.96 * math.sqrt(400_000), rel=1e-4)
    assert high == pytest.approx(400_000 + 1.96 * math.sqrt(400_000), rel=1e-4)


# n, share -> the ranks that statistical tables give (Conover); of few values there is no upper bound
@pytest.mark.parametrize(
    ("number", "share", "expected"),
    [(10, 0.5, (2, 9)), (20, 0.5, (6, 15)), (100, 0.5, (40, 61)), (5, 0.5, (None, None)), (20, 0.9, (15, None))],
)
def test_ranks(number: int, share: float, expected: tuple[int | None, int | None]) -> None:
    assert ranks(number, share) == expected


def test_ranks_hold_the_percentile_with_95_percent() -> None:
    lower, upper = ranks(1000, 0.9)
    assert lower is not None and upper is not None
    inside = sum(math.comb(1000, k) * 0.9**k * 0.1 ** (1000 - k) for k in range(lower, upper))
    assert 0.95 <= inside < 0.965
    low, high = ranks(400_000, 0.9)
    assert low and high and low < 360_000 < high and high - low < 800


def test_percentiles_are_those_of_the_database() -> None:
    chance = Random(3)
    values = sorted(chance.uniform(0, 9000) for _ in range(57))
    value, low, high = percentile(np.array(values), 0.9)
    assert value == pytest.approx(statistics.quantiles(values, n=10, method="inclusive")[8])
    assert low is not None and high is not None and low < value < high


def test_distance() -> None:
    assert distance((36.806, 10.181), (33.881, 10.098)) == pytest.approx(325.3, abs=0.5)
    known = Place(region=NORTH, point=(36.0, 10.0), area=(36.5, 10.0))
    vague = Place(region=NORTH, area=(36.5, 10.0))
    far = Place(region=SOUTH, area=(33.0, 10.0))
    assert between(known, vague) is None, "in one region the region's point says nothing"
    assert between(known, far) == pytest.approx(333.6, abs=0.5)
    assert between(vague, far) == pytest.approx(389.2, abs=0.5)


def test_a_night_goes_over_midnight() -> None:
    hours = night_hours(DAY, (22, 6))
    assert len(hours) == 30 * 8
    assert {hour for _, hour in hours} == {22, 23, 0, 1, 2, 3, 4, 5}
    assert len(night_hours(DAY, (0, 6))) == 30 * 6


def cell(place: uuid.UUID, provider: uuid.UUID | None, number: int, **values: object) -> Cell:
    about: dict[str, object] = {
        "modality": "CT", "urgency": "P1", "hour": 7, "performed": number, "signed": number, "due": number, "late": 1,
        "turns": np.arange(1.0, number + 1), "waits": np.arange(1.0, number + 1) * 10,
    }  # fmt: skip
    return Cell(place=place, provider=provider, ordered=number, **{**about, **values})  # type: ignore[arg-type]


PLACES = {
    A: Place(region=NORTH, area=(36.5, 10.0), staffed=False, night=(100, 240), rejects=(3, 60)),
    B: Place(region=SOUTH, area=(33.0, 10.0), staffed=True, night=(240, 240), rejects=(1, 40)),
    C: Place(region=SOUTH, staffed=True, night=(0, 240)),
}


def found(*cells: Cell, population: dict[uuid.UUID, int | None] | None = None) -> dict[tuple[object, ...], Counted]:
    counted = figures(cells, PLACES, {NORTH: 10_000, SOUTH: None} if population is None else population)
    return {(one.place or one.region, one.indicator, one.slice): one for one in counted}


def test_figures_of_a_month() -> None:
    by = found(cell(A, B, 20), cell(A, A, 5, urgency="P0", hour=22), cell(B, B, 10, performed=8))
    country = {name: by[None, name, ""] for name in INDICATORS}
    assert [country[name].value for name in ("ordered", "performed", "signed")] == [35, 33, 35]
    assert (country["remote"].numerator, country["remote"].denominator) == (20, 35)
    assert (by[NORTH, "remote", ""].numerator, by[NORTH, "remote", ""].denominator) == (20, 25)
    assert country["kilometres"].value == pytest.approx(20 * 389.2, abs=10)
    assert (country["late"].numerator, country["late"].denominator) == (3, 35)
    assert (country["night"].numerator, country["night"].denominator) == (340, 480), "C ordered nothing"
    assert country["night"].low is None, "hours are all known"
    assert (country["rejects"].numerator, country["rejects"].denominator) == (4, 100)
    assert (country["unstaffed"].numerator, country["unstaffed"].denominator) == (1, 2)
    assert country["discrepancy"].why == "none"
    assert country["turnaround_p50"].value == statistics.median([*range(1, 21), *range(1, 6), *range(1, 11)])
    assert by[A, "turnaround_p90", "urgency:P0"].denominator == 5
    assert by[A, "ordered", "hour:22"].value == 5
    assert (A, "rate", "") not in by and (A, "unstaffed", "") not in by


def test_a_rate_needs_a_population() -> None:
    by = found(cell(A, B, 20), cell(B, B, 10))
    assert by[NORTH, "rate", ""].value == pytest.approx(2.0)
    assert by[NORTH, "rate", ""].low == pytest.approx(1.2216, abs=1e-3)
    assert (by[SOUTH, "rate", ""].value, by[SOUTH, "rate", ""].why) == (None, "population")
    assert by[None, "rate", ""].numerator == 20, "what has no denominator is on neither side"
    assert found(cell(A, B, 20), population={NORTH: None})[None, "rate", ""].why == "population"


def test_vacancies_are_of_all_hospitals_whose_posts_are_known() -> None:
    places = {
        A: replace(PLACES[A], posts=(2, 2), remote_hours=(500, 720)),
        B: replace(PLACES[B], remote_hours=(20, 720)),
        C: replace(PLACES[C], posts=(1, 4)),
    }
    by = {(one.place or one.region, one.indicator): one
          for one in figures([cell(A, B, 20), cell(B, B, 10)], places, {}) if not one.slice}  # fmt: skip
    share = {key: (one.numerator, one.denominator, one.value) for key, one in by.items() if key[1] == "vacancies"}
    assert share == {
        (None, "vacancies"): (3, 6, 0.5), (NORTH, "vacancies"): (2, 2, 1.0), (SOUTH, "vacancies"): (1, 4, 0.25),
        (A, "vacancies"): (2, 2, 1.0), (C, "vacancies"): (1, 4, 0.25), (B, "vacancies"): (0, None, None),
    }  # fmt: skip
    assert by[B, "vacancies"].why == "posts", "where nobody wrote down posts nothing is known, and never zero"
    assert (C, "ordered") not in by and by[C, "vacancies"].low is None, "it ordered nothing; posts are counted"
    assert (by[None, "posts_known"].numerator, by[None, "posts_known"].denominator) == (1, 2), "A of A and B"
    assert (by[SOUTH, "posts_known"].value, (B, "posts_known") in by) == (0, False)
    assert (by[None, "remote_hours"].numerator, by[None, "remote_hours"].denominator) == (520, 1440)
    assert not {one.indicator for one in withheld(by.values(), 50)} & {"vacancies", "posts_known", "remote_hours"}


def test_a_hospital_with_no_post_has_none_to_fill() -> None:
    places = {A: replace(PLACES[A], posts=(0, 0)), B: PLACES[B], C: PLACES[C]}
    found = [one for one in figures([cell(A, A, 9)], places, {}) if one.indicator == "vacancies"]
    assert [(one.value, one.denominator, one.why) for one in found] == [(None, 0, "none")] * 3


def test_small_numbers_are_withheld_and_what_would_give_them_away() -> None:
    places = [Counted(NORTH, key, "ordered", "", number, value=number) for key, number in ((A, 3), (B, 9), (C, 50))]
    hidden = withheld(places, 5)
    assert {one.place for one in hidden} == {A, B}, "the smallest of the others, or A would follow from the sum"
    both = [Counted(NORTH, key, "ordered", "", number, value=number) for key, number in ((A, 3), (B, 2), (C, 50))]
    assert {one.place for one in withheld(both, 5)} == {A, B}
    assert withheld([Counted(NORTH, A, "ordered", "", 0, value=0), places[2]], 5) == set()
    times = [Counted(NORTH, A, "wait_p90", "", 3, 3, 60.0), Counted(NORTH, B, "wait_p90", "", 80, 90, 60.0)]
    assert {one.place for one in withheld(times, 5)} == {A}
    hours = Counted(NORTH, A, "night", "", 1, 3, 0.3)
    assert withheld([hours], 5) == set()


def test_months() -> None:
    assert (month_before(DAY), next_month(datetime.date(2026, 12, 3))) == (
        datetime.date(2026, 8, 1), datetime.date(2027, 1, 1),
    )  # fmt: skip
    check_releasable(DAY, today=datetime.date(2026, 10, 1))
    with pytest.raises(MonthNotOver):
        check_releasable(DAY, today=datetime.date(2026, 9, 30))


@pytest.mark.parametrize(("minimum", "source"), [(0, "x"), (101, "x"), (5, "  ")])
def test_a_minimum_rests_on_something(minimum: int, source: str) -> None:
    with pytest.raises(NoSuchMinimum):
        check_disclosure(minimum, source)


def test_a_minimum_begins_later() -> None:
    check_later(DAY, current=None, today=DAY)
    for since, current in ((DAY, DAY), (datetime.date(2026, 8, 31), None)):
        with pytest.raises(MinimumNotLater):
            check_later(since, current=current, today=DAY)


def test_indicators_say_what_they_are() -> None:
    for one in INDICATORS.values():
        assert one.title and one.formula and one.facts and one.excluded
        assert one.kind in Kind
    with pytest.raises(NoSuchIndicator):
        indicator("beauty")
