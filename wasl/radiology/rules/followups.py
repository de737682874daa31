"""Which exam a report may recommend, by when, who may dismiss it, and what is refused."""

import calendar
import datetime
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.radiology.rules.results import CLINICIANS as CLINICIANS

CAN: dict[str, frozenset[str]] = {
    "open_recommendation": frozenset({"system"}),
    "close_recommendation": frozenset({"system"}),
    "reopen_recommendation": frozenset({"system"}),
    "dismiss_recommendation": CLINICIANS,
}

MODALITIES: Final = ("CR", "CT", "DX", "MG", "MR", "NM", "US", "XA")
DAYS: Final = {"days": 1, "weeks": 7}
UNITS: Final = (*DAYS, "months")
MOST: Final = 999  # days, weeks or months
FIELDS: Final = {"what": 36, "body": 120, "amount": 3, "unit": 6, "reason": 300}


class NotAFollowUp(Invalid):
    """What is recommended is not written as a follow-up is."""


class AlreadySettled(Refused):
    """This recommendation is settled already."""


class NotYourFollowUp(NotAllowed):
    """Only a doctor of the hospital that asked for the exam decides about its follow-up."""


class NoReasonGiven(Invalid):
    """Say why the follow-up is not made; the next doctor will ask."""


def written(follow_up: Mapping[str, str] | None) -> dict[str, str] | None:
    """A follow-up as a draft keeps it, complete or not; nothing when none is recommended."""
    if follow_up is None:
        return None
    if set(follow_up) - set(FIELDS):
        raise NotAFollowUp
    kept = {name: follow_up.get(name, "").replace("\x00", "").strip()[:longest] for name, longest in FIELDS.items()}
    if kept["what"] and kept["what"] not in MODALITIES and exam_of(kept) is None:
        raise NotAFollowUp
    return kept


def exam_of(follow_up: Mapping[str, str]) -> UUID | None:
    """The exam of the catalogue that is recommended; None where only a modality is said."""
    try:
        return UUID(follow_up["what"])
    except ValueError:
        return None


def wrong(follow_up: Mapping[str, str] | None) -> dict[str, str]:
    """What is missing of a follow-up before it can be signed, by the editor's fields."""
    if follow_up is None:
        return {}
    found: dict[str, str] = {}
    if not follow_up["what"]:
        found["follow_up_what"] = _("Choose the exam that you recommend.")
    amount = follow_up["amount"]
    if not (amount.isascii() and amount.isdigit() and 0 < int(amount) <= MOST) or follow_up["unit"] not in UNITS:
        found["follow_up_amount"] = _("Say within how long.")
    if not follow_up["reason"]:
        found["follow_up_reason"] = _("Say why: whoever follows the patient reads it.")
    return found


def due_on(signed: datetime.date, follow_up: Mapping[str, str]) -> datetime.date:
    """The last day of a follow-up; a month ends with its last day."""
    amount = int(follow_up["amount"])
    if follow_up["unit"] in DAYS:
        return signed + datetime.timedelta(days=amount * DAYS[follow_up["unit"]])
    year, month = divmod(signed.year * 12 + signed.month - 1 + amount, 12)
    return datetime.date(year, month + 1, min(signed.day, calendar.monthrange(year, month + 1)[1]))


def check_dismissal(*, state: str, works_there: bool, because: str) -> None:
    """An open recommendation is dismissed by a doctor of the hospital that asked, with a reason."""
    if not works_there:
        raise NotYourFollowUp
    if state != "open":
        raise AlreadySettled
    if len(because.strip()) < 5:
        raise NoReasonGiven
