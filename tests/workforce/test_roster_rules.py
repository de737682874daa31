"""Which hours have too few on duty, and what a shift may be: tables of cases, no database."""

import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings

from wasl.kernel.access import SYSTEM, Actor, Held
from wasl.kernel.errors import Refused
from wasl.workforce.rules import groups, rosters, swaps

DECEMBER, FEBRUARY, LEAP = datetime.date(2026, 12, 1), datetime.date(2027, 2, 1), datetime.date(2028, 2, 1)
HOUR = datetime.timedelta(hours=1)
HERE = uuid4()


def moment(day: int, hour: int, month: datetime.date = DECEMBER) -> datetime.datetime:
    """An hour counted from the beginning of a month."""
    return rosters.bounds(month)[0] + datetime.timedelta(days=day - 1, hours=hour)


def gaps(
    *shifts: tuple[int, int, int, int], month: datetime.date = DECEMBER, minimum: int = 1
) -> list[tuple[str, int]]:
    """The gaps of a month as they are named, with how many are on duty; shifts as day, hour, day, hour."""
    periods = [(moment(a, b, month), moment(c, d, month)) for a, b, c, d in shifts]
    found = rosters.gaps(*rosters.bounds(month), periods, minimum)
    return [(str(gap).strip("\u2066\u2069"), gap.present) for gap in found]


@pytest.mark.parametrize(
    ("month", "hours"),
    [
        (DECEMBER, 744),
        (FEBRUARY, 672),
        (LEAP, 696),
        (datetime.date(2027, 3, 1), 744),
        (datetime.date(2027, 10, 1), 744),
    ],
)
def test_a_month_lasts_its_days_and_no_hour_is_lost_to_summer(month: datetime.date, hours: int) -> None:
    first, last = rosters.bounds(month)
    assert last - first == hours * HOUR
    assert first.astimezone(datetime.UTC).hour == 23, "UTC+1 all year"
    assert first.tzinfo == ZoneInfo(settings.TIME_ZONE)
    assert last == rosters.bounds(month + datetime.timedelta(days=31))[0]


@pytest.mark.parametrize(
    ("shifts", "minimum", "left"),
    [
        ([], 1, [("01/12 00:00 – 01/01 00:00", 0)]),
        ([(1, 0, 32, 0)], 1, []),
        ([(-1, 0, 40, 0)], 1, []),  # longer than the month on both sides
        ([(1, 0, 10, 8), (10, 8, 32, 0)], 1, []),
        ([(1, 0, 10, 8), (10, 9, 32, 0)], 1, [("10/12 08:00 – 10/12 09:00", 0)]),
        ([(1, 8, 32, 0)], 1, [("01/12 00:00 – 01/12 08:00", 0)]),
        ([(1, 0, 31, 20)], 1, [("31/12 20:00 – 01/01 00:00", 0)]),
        ([(1, 0, 32, 0)], 2, [("01/12 00:00 – 01/01 00:00", 1)]),
        ([(1, 0, 32, 0), (1, 0, 32, 0)], 2, []),
        ([(1, 0, 32, 0), (1, 0, 9, 12), (9, 14, 32, 0)], 2, [("09/12 12:00 – 09/12 14:00", 1)]),
        # who is there changes, how many are there does not: one gap
        ([(1, 0, 5, 0), (5, 0, 32, 0)], 2, [("01/12 00:00 – 01/01 00:00", 1)]),
        ([(2, 0, 32, 0), (1, 0, 32, 0), (3, 0, 3, 6)], 2, [("01/12 00:00 – 02/12 00:00", 1)]),
        ([(1, 0, 5, 0), (4, 0, 32, 0)], 2,
         [("01/12 00:00 – 04/12 00:00", 1), ("05/12 00:00 – 01/01 00:00", 1)]),
        ([(1, 0, 32, 0), (40, 0, 41, 0)], 1, []),  # of another month
    ],
)  # fmt: skip
def test_gaps(shifts: list[tuple[int, int, int, int]], minimum: int, left: list[tuple[str, int]]) -> None:
    assert gaps(*shifts, minimum=minimum) == left


def test_the_last_night_of_february() -> None:
    assert gaps((1, 0, 29, 0), month=FEBRUARY) == []
    assert gaps((1, 0, 29, 0), month=LEAP) == [("29/02 00:00 – 01/03 00:00", 0)]


def test_a_refusal_names_its_gaps_and_carries_all_of_them() -> None:
    left = rosters.gaps(*rosters.bounds(DECEMBER), [(moment(n, 0), moment(n, 12)) for n in range(1, 32)], 1)
    with pytest.raises(rosters.GapsLeft) as refusal:
        rosters.check_covered(left)
    assert len(refusal.value.gaps) == 31
    assert "01/12 12:00 – 02/12 00:00" in refusal.value.sentence
    assert refusal.value.sentence.count(" – ") == rosters.NAMED
    rosters.check_covered([])


@pytest.mark.parametrize(
    ("begins", "ends", "hours"), [(8, 20, 12), (20, 8, 12), (8, 8, 24), (0, 0, 24), (23, 0, 1), (0, 23, 23)]
)
def test_a_pattern_goes_into_the_next_day(begins: int, ends: int, hours: int) -> None:
    since, until = rosters.span(datetime.date(2026, 12, 31), begins, ends)
    assert (until - since, since.hour, until.hour) == (hours * HOUR, begins, ends)


@pytest.mark.parametrize(
    ("since", "until", "longest", "refused"),
    [
        (moment(1, 0), moment(2, 0), 24, None),
        (moment(31, 23), moment(32, 23), 24, None),  # it may end in the next month
        (moment(1, 0), moment(2, 1), 24, "ShiftTooLong"),
        (moment(1, 0), moment(3, 0), None, None),  # no text limits it
        (moment(1, 0), moment(1, 0), 24, "NotWholeHours"),
        (moment(2, 0), moment(1, 0), 24, "NotWholeHours"),
        (moment(1, 0) + datetime.timedelta(minutes=30), moment(1, 8), 24, "NotWholeHours"),
        (moment(1, 0), moment(1, 8) + datetime.timedelta(seconds=1), 24, "NotWholeHours"),
        (moment(0, 23), moment(1, 8), 24, "OutsideMonth"),
        (moment(32, 0), moment(32, 8), 24, "OutsideMonth"),
    ],
)
def test_what_a_shift_may_be(
    since: datetime.datetime, until: datetime.datetime, longest: int | None, refused: str | None
) -> None:
    def check() -> None:
        rosters.check_shift((since, until), month=DECEMBER, longest=longest)

    if refused is None:
        check()
    else:
        with pytest.raises(Refused) as refusal:
            check()
        assert refusal.value.code == refused


@pytest.mark.parametrize(
    ("month", "good"), [(DECEMBER, True), (datetime.date(2026, 11, 1), True), (datetime.date(2026, 10, 1), False)]
)
def test_a_month_that_is_over_is_not_planned(month: datetime.date, good: bool) -> None:
    if good:
        rosters.check_month(month, today=datetime.date(2026, 11, 30))
    else:
        with pytest.raises(rosters.MonthOver):
            rosters.check_month(month, today=datetime.date(2026, 11, 30))


@pytest.mark.parametrize(
    ("role", "place", "plans", "decides"),
    [
        ("planner", None, True, True), ("planner", HERE, True, True), ("planner", uuid4(), False, False),
        ("chief", HERE, True, False), ("chief", uuid4(), False, False), ("radiologist", HERE, False, False),
    ],
)  # fmt: skip
def test_who_plans(role: str, place: object, plans: bool, decides: bool) -> None:
    actor = Actor(kind="person", id=uuid4(), name="x", held=(Held(role, place),))  # type: ignore[arg-type]
    for check, good in ((groups.check_plans, plans), (groups.check_groups, decides)):
        if good:
            check(HERE, actor)
        else:
            with pytest.raises(groups.NotYourGroup):
                check(HERE, actor)
        check(HERE, SYSTEM)


@pytest.mark.parametrize(("minimum", "good"), [(0, False), (1, True), (20, True), (21, False)])
def test_somebody_is_on_duty(minimum: int, good: bool) -> None:
    if good:
        groups.check_minimum(minimum)
    else:
        with pytest.raises(groups.BadMinimum):
            groups.check_minimum(minimum)


@pytest.mark.parametrize(
    ("begins", "gone", "refused"),
    [(1, None, None), (0, None, "ShiftBegun"), (-1, None, "ShiftBegun"), (1, moment(1, 0), "HandedOver"),
     (-1, moment(1, 0), "HandedOver")],
)  # fmt: skip
def test_what_may_be_handed_over(begins: int, gone: datetime.datetime | None, refused: str | None) -> None:
    def check() -> None:
        swaps.check_open(moment(1, 0) + begins * HOUR, gone, now=moment(1, 0))

    if refused is None:
        check()
    else:
        with pytest.raises(Refused) as refusal:
            check()
        assert refusal.value.code == refused
