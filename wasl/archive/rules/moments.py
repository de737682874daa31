"""Moments as DICOM writes them (DT: PS3.5, 6.2), as far as they are said."""

import datetime
import re

from django.utils import timezone

_MOMENT = re.compile(r"([1-9]\d{3})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:\.(\d{1,6}))?([+-](?:0\d|1[0-4])\d\d)?")
UNITS = ("days", "hours", "minutes", "seconds")


def moment(text: object) -> datetime.datetime | None:
    """The beginning of what a DT value names, in the country's time unless it says another; None when it is none."""
    span = span_of(text)
    return span[0] if span else None


def span_of(text: object) -> tuple[datetime.datetime, datetime.datetime] | None:
    """The time from the beginning of what a DT value names to its end: a year, a day, a second, as far as it says."""
    found = _MOMENT.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return None
    *parts, fraction, zone = found.groups()
    said = [int(part) for part in parts if part]
    year, month, day, hour, minute, second = said + [1, 1, 1, 0, 0, 0][len(said) :]
    micro = int((fraction or "").ljust(6, "0") or 0)
    try:
        begin = datetime.datetime(year, month, day, hour, minute, min(second, 59), micro)  # noqa: DTZ001  made aware
        if zone:
            offset = datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
            aware = begin.replace(tzinfo=datetime.timezone(-offset if zone[0] == "-" else offset))
        else:
            aware = timezone.make_aware(begin)
        return aware, aware + _length(begin, len(said), fraction)
    except (ValueError, OverflowError):
        return None


def stamp(now: datetime.datetime) -> str:
    """A moment as a DT value with the country's offset."""
    return timezone.localtime(now).strftime("%Y%m%d%H%M%S.%f%z")


def _length(begin: datetime.datetime, said: int, fraction: str | None) -> datetime.timedelta:
    if fraction:
        return datetime.timedelta(microseconds=10 ** (6 - len(fraction)))
    if said > 2:
        return datetime.timedelta(**{UNITS[said - 3]: 1})
    if said == 2:
        return (begin + datetime.timedelta(days=31)).replace(day=1) - begin
    return begin.replace(year=begin.year + 1) - begin
