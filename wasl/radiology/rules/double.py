"""Which signed reports are read twice, who may be the second and the third reader, and what is refused of it."""

import datetime
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.radiology.rules.agreements import BINDING
from wasl.radiology.rules.finalising import is_in_night

RADIOLOGISTS = frozenset({"radiologist"})
CAN: dict[str, frozenset[str]] = {
    "set_double_rule": frozenset({*BINDING, "system"}),
    "end_double_rule": frozenset({*BINDING, "system"}),
    "miss_second_reading": frozenset({"system"}),
    "claim_double_reading": RADIOLOGISTS,
    "give_back_double_reading": RADIOLOGISTS,
    "give_second_reading": RADIOLOGISTS,
    "compare_readings": RADIOLOGISTS,
    "arbitrate_readings": RADIOLOGISTS,
}
SEES_RULES: Final = frozenset(BINDING)
FEWEST: Final = 30  # second readings; of fewer no share is said
LONGEST, LONGEST_REASON = 10_000, 2000
MOST_HOURS, MOST_REPORTS, LONGEST_DUTY, MOST_ONE_IN = 168, 10_000, 48, 1000
VERDICTS: Final = ("agrees", "minor", "major")


class NotADoubleRule(Invalid):
    """Give the rule a name, hours and numbers that can be, and at least one thing that it looks at."""


class DoubleRuleNotLater(Invalid):
    """What holds from now on begins after {since}, when the present rule of this name began."""


class DoubleRuleEnded(Refused):
    """This rule has ended already."""


class NotThatCentre(NotAllowed):
    """You set such rules only for the readers of a centre that you head; planners set those of the country."""


class NotToReadAgain(NotAllowed):
    """You may not read this exam again: you had a part in it, opened the record since, or read no such exams."""


class TakenBySomebody(Refused):
    """Somebody else took this exam to read it a second time."""


class NothingToRead(Refused):
    """This report waits for no other reading now."""


class NotYourOpinion(NotAllowed):
    """This exam was not taken by you, or the time for it is over."""


class GivenAlready(Refused):
    """Your reading is written down and does not change any more: compare it with the first one."""


class NotGivenYet(Refused):
    """Write down your own reading before the first one is shown."""


class NoConclusion(Invalid):
    """Write your conclusion, and say what it means for the patient."""


class NotAComparison(Invalid):
    """Choose whether the two readings agree, and say what differs if they do not."""


class CriticalDiffers(Invalid):
    """One of the two readings is critical and the other is not: that is a major discrepancy."""


class NotAnArbitration(Invalid):
    """Choose which of the two readings stands, and say why."""


class SecondReadingFirst(Refused):
    """This report waits for a second reader who does not know it. Over-read it after that."""


class Rule(Protocol):
    """What a rule looks at."""

    id: UUID
    centre_id: UUID | None
    modality: str
    procedure_id: UUID | None
    urgencies: list[str]
    night_from: int | None
    night_until: int | None
    duty_hours: int | None
    first_reports: int | None
    one_in: int


@dataclass(frozen=True)
class Signing:
    """What rules look at when a report is signed."""

    centre: UUID | None  # of the reader
    modality: str
    procedure: UUID
    urgency: str
    hour: int  # local
    on_duty: datetime.timedelta | None  # so far; None: no roster says so
    number: int  # of the reader's reports in this modality, this one included
    digest: str  # of the signed content


def asks(rule: Rule, signing: Signing) -> bool:
    """Whether a rule asks that what was just signed is read a second time: it meets every condition, and the share."""
    duty, needed = signing.on_duty or datetime.timedelta(), datetime.timedelta(hours=rule.duty_hours or 0)
    night = rule.night_from is None or is_in_night(signing.hour, (rule.night_from, rule.night_until or 0))
    return (
        rule.centre_id in (None, signing.centre)
        and rule.modality in ("", signing.modality)
        and rule.procedure_id in (None, signing.procedure)
        and (not rule.urgencies or signing.urgency in rule.urgencies)
        and night
        and duty >= needed
        and (rule.first_reports is None or signing.number <= rule.first_reports)
        and falls(rule.id, signing.digest, one_in=rule.one_in)
    )


def falls(rule: UUID, digest: str, *, one_in: int) -> bool:
    """Whether a report is of the share that a rule asks for; its digest, which the moment of signing decides, says so.

    Nobody can tell before the signature, and everybody can compute it again after it.
    """
    said = hashlib.sha256(f"{rule}|{digest}".encode()).digest()
    return int.from_bytes(said[:8], "big") % one_in == 0


@dataclass(frozen=True)
class Asked:
    """What a rule is to ask for, as it is set."""

    modality: str = ""
    procedure: UUID | None = None
    urgencies: tuple[str, ...] = ()
    night: tuple[int, int] | None = None
    duty_hours: int | None = None
    first_reports: int | None = None
    one_in: int = 1
    within: int = 24


def check_rule(name: str, asked: Asked, *, since: datetime.date, current: datetime.date | None) -> None:
    """A rule has a name and sane numbers, looks at something, and begins after the present one of its name began."""
    hours = asked.night or (0, 1)
    narrow = asked.modality or asked.urgencies or asked.night or asked.duty_hours or asked.first_reports
    sane = (
        all(0 <= hour < 24 for hour in hours)
        and hours[0] != hours[1]
        and 1 <= (asked.duty_hours or 1) <= LONGEST_DUTY
        and 1 <= (asked.first_reports or 1) <= MOST_REPORTS
        and 1 <= asked.one_in <= MOST_ONE_IN
        and 1 <= asked.within <= MOST_HOURS
    )
    if not name.strip() or not sane or not (narrow or asked.one_in > 1):
        raise NotADoubleRule
    if current is not None and since <= current:
        raise DoubleRuleNotLater(since=current.isoformat())


def check_centre(centre: UUID | None, by: Actor) -> None:
    """Rules of the country are the planners'; those of a centre also of who heads it."""
    if by.is_system or any(held.role == "planner" and held.place is None for held in by.held):
        return
    if centre is None or centre not in by.places(*BINDING):
        raise NotThatCentre


def check_conclusion(conclusion: str, category: str, *, known: Collection[str]) -> None:
    """A second reading concludes, and says what that means for the patient."""
    if not conclusion.strip() or category not in known:
        raise NoConclusion


def check_verdict(verdict: str, reason: str, *, critical: tuple[bool, bool]) -> None:
    """Who compares says how the readings differ; that one alone is critical is never less than major."""
    if verdict not in VERDICTS or (verdict != "agrees" and not reason.strip()):
        raise NotAComparison
    if critical[0] != critical[1] and verdict != "major":
        raise CriticalDiffers


def check_arbitration(stands: str, reason: str) -> None:
    """An arbiter chooses one of the two, and says why."""
    if stands not in ("first", "second") or not reason.strip():
        raise NotAnArbitration


def in_order(key: UUID) -> tuple[str, str]:
    """In which order an arbiter is shown the two readings: whichever came first, nobody can tell from that."""
    turned = hashlib.sha256(key.bytes).digest()[0] % 2
    return ("second", "first") if turned else ("first", "second")
