"""Who may bind two hospitals by a framework agreement, what it says, and what is refused of it."""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.radiology.rules.ordering import HOUSE_TARGETS

# who binds a hospital: the head of its imaging department, or who plans for it; the ministry's planner for any
BINDING = ("chief", "planner")
CAN: dict[str, frozenset[str]] = {
    "draft_agreement": frozenset(BINDING),
    "change_agreement": frozenset(BINDING),
    "sign_agreement": frozenset(BINDING),
    "end_agreement": frozenset(BINDING),
    "read_end_warning": frozenset(BINDING),
    "warn_of_end": frozenset({"system"}),
    "tell_of_end": frozenset({"system"}),
}

SIDES = ("provider", "beneficiary")
WARNING_DAYS = 30
DAY = 24 * 60
WEEK = 7 * DAY  # in minutes, from Monday 0:00
MOST_MINUTES = 31 * DAY  # of a response time


class AgreementIncomplete(Invalid):
    """The agreement is not complete."""


class SameHospital(Invalid):
    """A hospital needs no agreement to read its own exams."""


class NotYourSide(NotAllowed):
    """You hold no role that binds this hospital."""


class UnknownSide(Invalid):
    """An agreement is signed for its provider or for its beneficiary."""


class AgreementIsSigned(Refused):
    """Both hospitals have signed this agreement: it no longer changes."""


class DraftMovedOn(Refused):
    """This draft was changed since you opened it. Read it again before you go on."""


class SideHasSigned(Refused):
    """This hospital has signed already."""


class TwoMustSign(Refused):
    """You signed for the other hospital: somebody else signs for this one."""


class AgreementIsOver(Refused):
    """The last day of this agreement is past."""


class AgreementOverlaps(Refused):
    """Another agreement of these two hospitals already covers some of these exams in this period."""


class NotAgreedYet(Refused):
    """This agreement is not signed by both hospitals."""


class NoticeWasGiven(Refused):
    """Notice was given already: this agreement ends on {day}."""


class BadNotice(Invalid):
    """An agreement ends early on a day from today on, and before the day that was agreed."""


class NoNoticeReason(Invalid):
    """Say in at least ten letters why the agreement ends early."""


@dataclass(frozen=True)
class Terms:
    """What two hospitals agree on; the scope is every exam of some modalities, and single exams of others."""

    modalities: tuple[str, ...]  # DICOM CID 29
    minutes: Mapping[str, int | None]  # class of urgency in scope -> response time; None: the country's target
    since: datetime.date
    until: datetime.date  # the last day
    scale: str  # the code of a tariff
    procedures: tuple[UUID, ...] = ()
    hours: tuple[tuple[int, int], ...] = ()  # minutes of the week, end excluded; empty: day and night
    text: str = ""


def binds(place: UUID, by: Actor) -> bool:
    """Whether an actor may sign for a hospital, or give notice in its name."""
    return any(by.holds(role, place) for role in BINDING)


def check_parties(provider: UUID, beneficiary: UUID, by: Actor) -> None:
    """Two hospitals agree, and who writes it down binds one of them."""
    if provider == beneficiary:
        raise SameHospital
    if not binds(provider, by) and not binds(beneficiary, by):
        raise NotYourSide


def check_terms(terms: Terms, *, today: datetime.date) -> None:
    """An agreement names exams, classes of urgency, hours, a period and a scale. Raises AgreementIncomplete."""
    wrong: dict[str, str] = {}
    if not terms.modalities and not terms.procedures:
        wrong["modalities"] = _("Choose at least one modality or one exam.")
    if not terms.minutes or not set(terms.minutes) <= set(HOUSE_TARGETS):
        wrong["urgencies"] = _("Choose at least one class of urgency.")
    if any(m is not None and not 0 < m <= MOST_MINUTES for m in terms.minutes.values()):
        wrong["urgencies"] = _("A response time is between one minute and a month.")
    if terms.hours != in_week(terms.hours):
        wrong["hours"] = _("Hours begin before they end, within the week.")
    if terms.until < terms.since or terms.until < today:
        wrong["until"] = _("The last day is not before the first, nor before today.")
    if not terms.scale.strip():
        wrong["scale"] = _("Name the scale by which readings are paid.")
    if wrong:
        raise AgreementIncomplete(fields=wrong)


def in_week(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Spans of minutes in their order, joined where they meet, gone round where they pass Sunday night.

    Empty spans are left out; the whole week, like nothing at all, is day and night.
    """
    turned = [part for start, end in spans if 0 <= start < end <= start + WEEK for part in _turned(start, end)]
    found: list[tuple[int, int]] = []
    for start, end in sorted(turned):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return () if found == [(0, WEEK)] else tuple(found)


def _turned(start: int, end: int) -> list[tuple[int, int]]:
    if start >= WEEK:
        return [(start - WEEK, end - WEEK)]
    return [(start, end)] if end <= WEEK else [(start, WEEK), (0, end - WEEK)]


def by_day(hours: Iterable[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Hours of the week as people say them: the day they begin (Monday 0), from which minute of it, for how many.

    What lasts longer than a day is said in days; what goes round Sunday night begins on Sunday.
    """
    spans = sorted(hours)
    if len(spans) > 1 and spans[0][0] == 0 and spans[-1][1] == WEEK:
        spans = [*spans[1:-1], (spans[-1][0], WEEK + spans[0][1])]
    return [
        (at // DAY % 7, at % DAY, min(DAY, end - at)) for start, end in spans for at in range(start, end, DAY)
    ]  # fmt: skip


def minute_of_week(at: datetime.datetime) -> int:
    """Minutes since Monday 0:00 on the clock that `at` is told by."""
    return at.weekday() * DAY + at.hour * 60 + at.minute


def check_draft(state: str, version: int, read: int) -> None:
    """Only a draft changes or is signed, and as it was read."""
    if state != "draft":
        raise AgreementIsSigned
    if version != read:
        raise DraftMovedOn


def check_signature(
    *, signed: UUID | None, other: UUID | None, person: UUID | None, last_day: datetime.date, today: datetime.date
) -> None:
    """A side signs once, by somebody who did not sign for the other, while there is something to sign for."""
    if person is None:
        raise NotAllowed
    if signed is not None:
        raise SideHasSigned
    if other == person:
        raise TwoMustSign
    if last_day < today:
        raise AgreementIsOver


def check_notice(
    *, state: str, ended: bool, first_day: datetime.date, last_day: datetime.date, wanted: datetime.date, because: str,
    today: datetime.date,
) -> None:  # fmt: skip
    """A signed agreement ends once earlier than agreed, never in the past, and with a reason."""
    if state != "signed":
        raise NotAgreedYet
    if ended:
        raise NoticeWasGiven(day=last_day.strftime("%d/%m/%Y"))
    if last_day < today:
        raise AgreementIsOver
    if not max(today, first_day) <= wanted < last_day:
        raise BadNotice
    if len(because.strip()) < 10:
        raise NoNoticeReason
