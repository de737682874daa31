"""When a machine is silent, and when a phantom is late: no database is asked."""

import datetime
from zoneinfo import ZoneInfo

import pytest

from wasl.archive.rules import traffic as rules
from wasl.archive.views.traffic import drawn

TUNIS = ZoneInfo("Africa/Tunis")
HOUR = datetime.timedelta(hours=1)
FRIDAY = datetime.datetime(2026, 11, 27, 15, 20, tzinfo=TUNIS)  # the last image of a machine that works office hours


def working(weeks: int, hours: range = range(8, 17), days: range = range(5)) -> list[datetime.datetime]:
    """The hours with images of a machine that works so before its last image."""
    monday = datetime.datetime(2026, 11, 23, tzinfo=TUNIS)
    every = [
        monday - datetime.timedelta(weeks=week) + datetime.timedelta(days=day, hours=hour)
        for week in range(weeks) for day in days for hour in hours
    ]  # fmt: skip
    return [hour.astimezone(datetime.UTC) for hour in every if hour <= FRIDAY]


OFFICE, NIGHT_AND_DAY = working(4), working(4, range(24), range(7))


@pytest.mark.parametrize(
    ("busy", "now", "silent"),
    [
        (OFFICE, FRIDAY + 2 * HOUR, False),  # one usual hour was missed
        (OFFICE, FRIDAY.replace(day=28, hour=12), False),  # a Saturday
        (OFFICE, FRIDAY.replace(day=30, hour=9), False),  # Monday, the hour from eight is not missed in whole
        (OFFICE, FRIDAY.replace(day=30, hour=10, minute=0), True),  # Friday at four, Monday at eight and nine
        (OFFICE, FRIDAY + datetime.timedelta(days=400), True),
        (NIGHT_AND_DAY, FRIDAY + 3 * HOUR, False),
        (NIGHT_AND_DAY, FRIDAY.replace(hour=19, minute=0), True),
        (working(2), FRIDAY + datetime.timedelta(days=30), False),  # not known for long enough
        ([], FRIDAY + datetime.timedelta(days=30), False),
        (working(4, range(10, 11), range(1)), FRIDAY + datetime.timedelta(days=14), False),  # an hour a week
        (working(4, range(10, 11), range(1)), FRIDAY + datetime.timedelta(days=21), True),
        (OFFICE, FRIDAY - HOUR, False),  # a clock that was set back
    ],
)
def test_silence_is_of_usual_hours(busy: list[datetime.datetime], now: datetime.datetime, silent: bool) -> None:
    last = FRIDAY.astimezone(datetime.UTC)
    usual = rules.usual_hours(busy, last, TUNIS)
    assert rules.is_silent(last, now.astimezone(datetime.UTC), usual, TUNIS) is silent


def test_usual_is_what_happened_in_three_weeks_of_four_by_the_clock_on_the_wall() -> None:
    last = FRIDAY.astimezone(datetime.UTC)
    assert (0, 8) in rules.usual_hours(OFFICE, last, TUNIS)
    assert (0, 7) not in rules.usual_hours(OFFICE, last, TUNIS)
    assert rules.usual_hours(working(3), last, TUNIS)
    assert not rules.usual_hours(working(2), last, TUNIS)
    old = [hour - datetime.timedelta(weeks=5) for hour in OFFICE]
    assert not rules.usual_hours(old, last, TUNIS)


@pytest.mark.parametrize(
    ("success", "first", "late"),
    [(None, 1, False), (None, 3, True), (1, 200, False), (3, 200, True)],
)
def test_a_phantom_is_late_after_two_hours(success: int | None, first: int, late: bool) -> None:
    at = FRIDAY - success * HOUR if success else None
    assert rules.is_phantom_late(at, FRIDAY - first * HOUR, FRIDAY) is late


def test_how_far_a_phantom_did_not_come() -> None:
    assert rules.failed_at(None, None, None) == rules.failed_at(None, FRIDAY, FRIDAY) == "send"
    assert rules.failed_at(FRIDAY, None, None) == "queue"
    assert rules.failed_at(FRIDAY, FRIDAY, None) == "read"
    assert rules.failed_at(FRIDAY, FRIDAY, FRIDAY) == ""


def test_a_chart_draws_every_hour_that_had_images() -> None:
    assert drawn([0, 0]) == drawn([]) == ""
    assert drawn([0, 1000, 1]) == "M1 28v-28h1V28zM2 28v-1h1V28z"
