"""When a machine is silent, when a phantom is late, and how far it came."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta, tzinfo

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
WEEKS = 4  # before its last image, by which a machine's usual hours are known
USUALLY = 3  # of them with images in this hour of the week, and the hour is a usual one
MISSED = 3  # usual hours that passed without an image, and the machine is silent
PHANTOM_WITHIN = timedelta(minutes=15)  # a phantom that took longer did not arrive
PHANTOM_STAYS = timedelta(seconds=30)  # so that whoever heard of its study has looked at it
PHANTOM_LATE = timedelta(hours=2)  # without one that came all the way, and something is wrong


def usual_hours(busy: Collection[datetime], last: datetime, zone: tzinfo) -> frozenset[tuple[int, int]]:
    """The hours of the week, by the clock on the wall, in which a machine usually sent before its last image.

    `busy` are the beginnings of the hours that had images.
    """
    since = last - WEEKS * WEEK
    seen = Counter(_of_week(hour, zone) for hour in busy if since < hour <= last)
    return frozenset(hour for hour, weeks in seen.items() if weeks >= USUALLY)


def is_silent(last: datetime, now: datetime, usual: Collection[tuple[int, int]], zone: tzinfo) -> bool:
    """Whether so many of a machine's usual hours passed, each from begin to end, without an image."""
    if not usual:
        return False
    missed, hour = 0, last.replace(minute=0, second=0, microsecond=0) + HOUR
    end = min(now, last + (MISSED + 1) * WEEK)  # each usual hour comes once a week: by then all are missed
    while hour + HOUR <= end:
        missed += _of_week(hour, zone) in usual
        if missed >= MISSED:
            return True
        hour += HOUR
    return False


def is_phantom_late(last_success: datetime | None, first: datetime, now: datetime) -> bool:
    """Whether no phantom of a site came all the way for too long; `first` is when its first was sent."""
    return now - (last_success or first) > PHANTOM_LATE


def failed_at(stored_at: datetime | None, queued_at: datetime | None, read_at: datetime | None) -> str:
    """How far a phantom did not come: `send`, `queue`, `read`, or empty when it came all the way."""
    return "send" if stored_at is None else "queue" if queued_at is None else "read" if read_at is None else ""


def _of_week(hour: datetime, zone: tzinfo) -> tuple[int, int]:
    local = hour.astimezone(zone)
    return local.weekday(), local.hour
