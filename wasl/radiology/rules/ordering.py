"""Who may order exams, perform them and say which study answers which order; and what is refused."""

import datetime
from collections.abc import Collection, Mapping, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.radiology.rules import safety
from wasl.radiology.rules.regions import check_bodies

CAN: dict[str, frozenset[str]] = {
    "add_procedure": frozenset({"administrator", "system"}),
    "set_exam_regions": frozenset({"planner", "administrator", "system"}),
    "set_target": frozenset({"planner", "administrator", "system"}),
    "send_order": frozenset({"requester"}),
    "enter_order": frozenset({"requester"}),
    "cancel_order": frozenset({"requester", "radiographer", "chief"}),
    "cancel_for_death": frozenset({"system"}),
    "start_exam": frozenset({"radiographer", "system"}),
    "break_off_exam": frozenset({"radiographer", "system"}),
    "perform_exam": frozenset({"radiographer", "system"}),
}

# minutes from complete to signed, until a ministry sets its own
HOUSE_TARGETS = {"P0": 30, "P1": 60, "P2": 24 * 60, "P3": 72 * 60}
QUESTION_LENGTH = 10
DAYS_OF_CARE = 180  # how long an order opens the record to the place that asked
DAYS_OF_PAPER = 30  # an exam that was made without Wasl is entered so many days later, at most

# why Wasl itself cancels an order: in English, read in every language
IDENTIFIED = gettext_noop("The person was identified; the order goes on under the right name.")
DIED = gettext_noop("The civil register says that the patient has died.")
MOVED_BACK = gettext_noop("The images were moved back to the first patient.")


class ProcedureCodeTaken(Refused):
    """Another exam of the catalogue already has the code {code}."""


class CatalogueIsTheCountrys(NotAllowed):
    """The catalogue is the country’s: who plans or administers for all of it says how its exams are split."""


class OneRegionOnly(Invalid):
    """One region is no split: choose two at the least, or none."""


class UnknownQuestion(Invalid):
    """There is no safety question called {question}."""


class TargetNotLater(Invalid):
    """A new target must begin after {since}, when the present one began."""


class NotYourHospital(NotAllowed):
    """You do not hold this role at this hospital."""


class NotOnOffer(Refused):
    """This exam is no longer in the catalogue."""


class Incomplete(Invalid):
    """The order is not complete."""


class NotMadeBefore(Invalid):
    """An exam that was made already was made in the last thirty days."""


class OrderIsCancelled(Refused):
    """This order was cancelled."""


class OrderIsRefused(Refused):
    """This order was refused when it was vetted."""


class ExamBegun(Refused):
    """The exam has begun; it can no longer be cancelled."""


class AlreadyStarted(Refused):
    """This exam was started already."""


class NotStarted(Refused):
    """This exam is not being performed."""


class AlreadyPerformed(Refused):
    """This exam was performed already."""


class NoCancelReason(Invalid):
    """Say in at least five letters why the order is cancelled."""


class UnknownUrgency(Invalid):
    """There is no urgency class called {urgency}."""


def check_urgency(urgency: str) -> None:
    """Only urgency classes of the house."""
    if urgency not in HOUSE_TARGETS:
        raise UnknownUrgency(urgency=urgency)


def check_questions(questions: Sequence[str]) -> None:
    """Only questions that the house can ask."""
    for question in questions:
        if question not in safety.ANSWERS:
            raise UnknownQuestion(question=question)


def check_regions(regions: Collection[str]) -> None:
    """Readings of an exam are split only into regions that exist, and into several."""
    if regions:
        check_bodies(regions)
    if len(set(regions)) == 1:
        raise OneRegionOnly


def check_catalogue(by: Actor) -> None:
    """What holds for the exams of the whole country is said by who answers for all of it."""
    if not by.is_system and not any(held.place is None and held.role in CAN["set_exam_regions"] for held in by.held):
        raise CatalogueIsTheCountrys


def check_target(*, since: datetime.date, current: datetime.date | None) -> None:
    """A new target begins after the present one began."""
    if current is not None and since <= current:
        raise TargetNotLater(since=current.isoformat())


def check_complete(
    exam: safety.Exam, subject: safety.Subject, *, urgency: str, question: str, side: str, answers: Mapping[str, str],
    today: datetime.date, wrong_repeat: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """An order names its urgency, asks a clinical question, has a side where there are two, answers every safety
    question of its exam, and says why it repeats another. Raises Incomplete with a sentence for each wrong field.
    """
    wrong = dict(wrong_repeat or {})
    if urgency not in HOUSE_TARGETS:
        wrong["urgency"] = _("Choose how urgent the exam is.")
    if len(question.strip()) < QUESTION_LENGTH:
        wrong["question"] = _("Ask the clinical question in at least ten letters.")
    wrong |= _wrong_side(sided=exam.sided, side=side)
    wrong |= safety.wrong_answers(exam, subject, answers, vital=urgency == "P0", today=today)
    if wrong:
        raise Incomplete(fields=wrong)


def check_made(made_at: datetime.datetime, *, now: datetime.datetime) -> None:
    """An exam that is entered afterwards was made before now, and not long before."""
    if not now - datetime.timedelta(days=DAYS_OF_PAPER) <= made_at <= now:
        raise NotMadeBefore


def check_side(*, sided: bool, side: str) -> None:
    """An exam has a side where there are two. Raises Incomplete."""
    if wrong := _wrong_side(sided=sided, side=side):
        raise Incomplete(fields=wrong)


def _wrong_side(*, sided: bool, side: str) -> dict[str, str]:
    if sided and side not in ("L", "R", "B"):
        return {"side": _("Say which side.")}
    return {"side": _("This exam has no side.")} if side and not sided else {}


def check_cancellable(state: str, because: str) -> None:
    """An order is cancelled before its exam begins, once, and with a reason."""
    check_in_force(state)
    if state not in ("sent", "vetting"):
        raise ExamBegun
    if len(because.strip()) < 5:
        raise NoCancelReason


def check_in_force(state: str) -> None:
    """Nothing more is done for an order that was cancelled or refused."""
    if state == "cancelled":
        raise OrderIsCancelled
    if state == "refused":
        raise OrderIsRefused


def check_startable(state: str) -> None:
    """An exam starts once, and not when its order was cancelled."""
    check_in_force(state)
    if state != "sent":
        raise AlreadyStarted


def check_breakable(state: str) -> None:
    """Only an exam that has begun is broken off."""
    if state != "started":
        raise NotStarted


def check_performable(state: str) -> None:
    """An exam is performed once, and not when its order was cancelled."""
    check_in_force(state)
    if state == "performed":
        raise AlreadyPerformed


def accession(number: int) -> str:
    """The accession number of the n-th order: a letter, nine digits that do not show n, two ISO 7064 MOD 97-10 digits.

    The multiplication is a permutation of the nine-digit numbers, so no two orders share one; 12 characters of the 16
    that DICOM allows (PS3.5, 6.2, SH).
    """
    if not 0 < number < 10**9:
        raise ValueError(f"no accession number for order {number}")
    digits = f"{(number * 736_481_779 + 184_467_440) % 10**9:09d}"
    return f"A{digits}{98 - int(digits) * 100 % 97:02d}"


def is_accession(text: str) -> bool:
    """Whether this has the shape and the check digits of an accession number of ours."""
    digits = text[1:]
    return len(text) == 12 and text[0] == "A" and digits.isascii() and digits.isdigit() and int(digits) % 97 == 1
