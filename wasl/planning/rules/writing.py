"""A figure in words of the language in force: its value, its interval, the numbers that it rests on."""

from collections.abc import Mapping

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from wasl.planning.rules.indicators import Kind

ISOLATE, END = "\u2066", "\u2069"  # a run from left to right, in a line of either direction
URGENCY, HOUR, MODALITY = "urgency", "hour", "modality"


def value_in_words(value: float, kind: Kind) -> str:
    """A value with its unit."""
    match kind:
        case Kind.TIME:
            return time_in_words(value)
        case Kind.SHARE:
            return _ltr(f"{number_format(100 * value, 1)} %")
        case Kind.RATE:
            return _ltr(number_format(value, 2 if value >= 1 else 4))
        case Kind.DISTANCE:
            return _("{number} km").format(number=_ltr(number_format(round(value), 0, force_grouping=True)))
    return _ltr(number_format(round(value), 0, force_grouping=True))


def time_in_words(seconds: float) -> str:
    """A time in its two largest units."""
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 60:
        return _("{seconds} s").format(seconds=whole)
    if minutes < 60:
        return _("{minutes} min").format(minutes=minutes)
    if hours < 24:
        return _("{hours} h {minutes:02d}").format(hours=hours, minutes=minutes % 60)
    return _("{days} d {hours} h").format(days=days, hours=hours % 24)


def interval_in_words(low: float | None, high: float | None, kind: Kind) -> str:
    """The 95 % interval; a bound that so few values do not have is open. Empty where there is none."""
    if low is None and high is None:
        return ""
    bounds = ("…" if bound is None else value_in_words(bound, kind) for bound in (low, high))
    return "{} – {}".format(*bounds)


def numbers_in_words(numerator: float, denominator: float | None, kind: Kind) -> str:
    """What a figure rests on: of how many cases, or how many of how many. Empty where the value says it."""
    if kind is Kind.COUNT or denominator is None:
        return ""
    whole = _ltr(number_format(round(denominator), 0, force_grouping=True))
    if kind in (Kind.TIME, Kind.DISTANCE):
        return _("n = {number}").format(number=whole)
    return _ltr(f"{number_format(round(numerator), 0, force_grouping=True)} / {whole}")


def slice_in_words(part: str, urgencies: Mapping[str, str | Promise]) -> str:
    """What the cases of a slice have in common."""
    name, _sep, value = part.partition(":")
    if name == URGENCY:
        return str(urgencies.get(value, value))
    return _ltr(f"{int(value):02d}:00") if name == HOUR else value


def withheld_in_words() -> str:
    """What stands for a figure that rests on too few."""
    return pgettext("figure", "withheld")


def _ltr(text: str) -> str:
    return f"{ISOLATE}{text}{END}"
