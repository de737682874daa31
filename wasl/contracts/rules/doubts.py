"""Doubts: what looks wrong of an act is a pure function of its facts and of the dated rules; who clears it."""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from wasl.contracts.models import Suspicion
from wasl.contracts.rules.sessions import NotYourOwn
from wasl.kernel.access import Actor, Held
from wasl.kernel.errors import Invalid, NotAllowed, Refused

CAN: dict[str, frozenset[str]] = {
    "set_doubt_rule": frozenset({"planner", "system"}),
    "end_doubt_rule": frozenset({"planner", "system"}),
    "doubt_act": frozenset({"system"}),
    "clear_doubt": frozenset({"chief", "planner"}),
}
COUNTING = (Suspicion.FAST, Suspicion.MANY)


class BadDoubtRule(Invalid):
    """A rule names its kind, the text or decision behind it, and a number where something is counted."""


class DoubtRuleNotLater(Invalid):
    """This rule must begin after {since}, when the rule before it began, and not in the past."""


class DoubtCleared(Refused):
    """This doubt was cleared already."""


class InDoubt(Refused):
    """This act is in doubt: look at the doubt, and clear it or do not pay the act."""


class Limit(Protocol):
    """What a rule of doubt says."""

    @property
    def kind(self) -> str: ...
    @property
    def modality(self) -> str: ...
    @property
    def limit(self) -> int: ...


L = TypeVar("L", bound=Limit)


@dataclass(frozen=True)
class Seen:
    """What the facts say of an act."""

    modality: str
    seconds: int | None  # from the claim to the signature; None: nobody knows when it was claimed
    opened: bool  # the signer opened the images
    alike: int  # acts of the same exam of the same patient by the same pair, signed before on that day
    hour: int  # acts of the reader in the hour up to the signature, this one included


def doubted(seen: Seen, rules: Iterable[L]) -> Iterator[tuple[L, int]]:
    """The rules by which an act is in doubt, each with what it counted; one that names the modality comes first."""
    exact = {rule.kind: rule for rule in sorted(rules, key=lambda rule: rule.modality != "") if _speaks(rule, seen)}
    counted = {
        Suspicion.TWICE: seen.alike, Suspicion.FAST: seen.seconds, Suspicion.MANY: seen.hour, Suspicion.UNSEEN: 0,
    }  # fmt: skip
    for kind, rule in exact.items():
        wrong = {
            Suspicion.TWICE: seen.alike > 0,
            Suspicion.FAST: seen.seconds is not None and seen.seconds < rule.limit,
            Suspicion.MANY: seen.hour > rule.limit,
            Suspicion.UNSEEN: not seen.opened,
        }
        if wrong[Suspicion(kind)]:
            yield rule, counted[Suspicion(kind)] or 0


def _speaks(rule: Limit, seen: Seen) -> bool:
    return rule.modality in ("", seen.modality)


def check_rule(*, kind: str, limit: int, source: str) -> None:
    """A known kind, a number where one is compared, and somebody who says so."""
    if kind not in Suspicion.values or (kind in COUNTING) != (limit > 0) or not source.strip():
        raise BadDoubtRule


def check_rule_later(since: datetime.date, *, current: datetime.date | None, today: datetime.date) -> None:
    """What held before stays known."""
    if since < today or (current is not None and since <= current):
        raise DoubtRuleNotLater(since=(current or today).isoformat())


def check_clears(reader: UUID, *, provider: UUID, by: Actor) -> None:
    """The chief of the provider, or the ministry's planner, clears a doubt; nobody clears their own."""
    if not by.holds("chief", provider) and Held("planner", None) not in by.held:
        raise NotAllowed
    if reader == by.id:
        raise NotYourOwn
