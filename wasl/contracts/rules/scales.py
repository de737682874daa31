"""Scales: what an act is paid is a pure function of the act and of the scale in force on its day."""

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Final, Protocol, TypeVar

from wasl.contracts.models import Hours, Mode, Part
from wasl.kernel.errors import Invalid, Refused

CAN: dict[str, frozenset[str]] = {
    "draft_scale": frozenset({"planner", "system"}),
    "publish_scale": frozenset({"planner", "system"}),
    "discard_scale": frozenset({"planner", "system"}),
}
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{1,39}")
MOST_PRICES: Final = 2_000
EXPERTISE: Final = (
    "TELE-EXPERTISE"  # what an opinion for another hospital is called where acts are called by their exam
)
LARGEST: Final = 10**12  # millimes: a thousand million dinars is a slip of the hand


@dataclass(frozen=True)
class Kind:
    """What decides the price of an act; in a price an empty field says nothing. The first fields weigh most."""

    procedure: str = ""
    modality: str = ""
    urgency: str = ""
    mode: str = ""
    hours: str = ""
    part: str = Part.REPORT


KIND: Final = tuple(field.name for field in fields(Kind))
EXAM: Final = KIND[:3]  # what is known of an act before its session and its hours are


class Priced(Protocol):
    """A kind of act and what it is paid, in the currency's smallest unit."""

    @property
    def procedure(self) -> str: ...
    @property
    def modality(self) -> str: ...
    @property
    def urgency(self) -> str: ...
    @property
    def mode(self) -> str: ...
    @property
    def hours(self) -> str: ...
    @property
    def part(self) -> str: ...
    @property
    def amount(self) -> int: ...


P = TypeVar("P", bound=Priced)


class BadScaleCode(Invalid):
    """The code of a scale is of Latin letters, digits and hyphens."""


class SourceMissing(Invalid):
    """Name the text that sets the scale, or say that it is invented."""


class NoPrices(Invalid):
    """A scale needs one price at least."""


class TooManyPrices(Invalid):
    """A scale holds at most {most} prices."""


class BadLine(Invalid):
    """Line {line}: a price is written as six fields with semicolons between them, or seven with the kind of act."""


class BadPrice(Invalid):
    """Line {line}: a price is a positive number of {unit}, with at most {places} decimals."""


class BadKind(Invalid):
    """Line {line}: {value} is not known here."""


class PriceTwice(Invalid):
    """Line {line}: the scale says a price of these acts already."""


class ScalePublished(Refused):
    """This scale is published; it never changes. Write a new version."""


class ScaleNotLater(Invalid):
    """This version must begin after {since}, when the version before it began."""


class AlreadyPaid(Refused):
    """Acts of {since} and later are paid by the version before this one; what was paid stays paid. Begin later."""


def price(act: Kind, prices: Sequence[P]) -> P | None:
    """The price that names the act most exactly: its exam before its modality, that before its urgency, and so on.

    None where the scale says nothing of such acts. No two prices of a scale name the same kind, so it is always one.
    What a scale says of all exams it does not say of opinions, nor of second readings and arbitrations: only a price
    that names them pays them.
    """
    fitting = [one for one in prices if _fits(one, act, KIND)]
    return max(fitting, key=lambda one: [getattr(one, name) != "" for name in KIND], default=None)


def names(act: Kind, prices: Iterable[Priced]) -> bool:
    """Whether a scale says a price of such acts at all, in some mode and at some hours."""
    return any(_fits(one, act, EXAM) for one in prices)


def _fits(one: Priced, act: Kind, said: Iterable[str]) -> bool:
    same = one.part == act.part and (one.procedure == EXPERTISE or act.procedure != EXPERTISE)
    return same and all(getattr(one, name) in ("", getattr(act, name)) for name in said)


def check_scale(*, code: str, source: str, invented: bool) -> None:
    """A scale has a code, and a text behind it or the word that it is invented."""
    if not CODE.fullmatch(code):
        raise BadScaleCode
    if not source.strip() and not invented:
        raise SourceMissing


def check_prices(prices: Iterable[tuple[Kind, int]], *, unit: str, places: int) -> None:
    """Every price is more than nothing, of a kind that there is, and said once."""
    seen: set[Kind] = set()
    for line, (kind, amount) in enumerate(prices, 1):
        if not 0 < amount <= LARGEST:
            raise BadPrice(line=line, unit=unit, places=places)
        if kind.mode and kind.mode not in Mode.values:
            raise BadKind(line=line, value=kind.mode)
        if kind.hours and kind.hours not in Hours.values:
            raise BadKind(line=line, value=kind.hours)
        if kind.part not in Part.values:
            raise BadKind(line=line, value=kind.part)
        if kind in seen:
            raise PriceTwice(line=line)
        seen.add(kind)
    if not seen:
        raise NoPrices
    if len(seen) > MOST_PRICES:
        raise TooManyPrices(most=MOST_PRICES)


def check_follows(since: datetime.date, *, before: datetime.date, paid: bool) -> None:
    """A version begins after the one before it, and no act of its days is paid by that one."""
    if since <= before:
        raise ScaleNotLater(since=before.isoformat())
    if paid:
        raise AlreadyPaid(since=since.isoformat())


def is_official(local: datetime.datetime, *, opens: datetime.time, closes: datetime.time, day_off: bool) -> bool:
    """Whether a moment, in the country's time, is in official hours."""
    return not day_off and opens <= local.time() < closes
