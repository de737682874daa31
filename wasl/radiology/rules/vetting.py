"""Who vets exams before they are made, who may go on without, and what is refused of it."""

import datetime
from collections.abc import Collection

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.radiology.rules import ordering
from wasl.radiology.rules.agreements import BINDING

VETTERS = frozenset({"radiologist"})  # a medical act: no resident's
CAN: dict[str, frozenset[str]] = {
    "accept_exam": VETTERS,
    "change_exam": VETTERS,
    "refuse_exam": VETTERS,
    "vet_afterwards": VETTERS,
    "bypass_vetting": frozenset({"requester", "radiographer"}),
    "set_vetting_rule": frozenset({*BINDING, "system"}),
    "set_vetting_target": frozenset({"planner", "system"}),
    "add_protocol": frozenset({"planner", "administrator", "system"}),
}
SEES_RATES = frozenset({"chief", "planner"})
FEWEST = 5  # of fewer exams no share is said
SHORTEST = 5  # letters of a reason
MOST_MINUTES = 30 * 24 * 60


class NotVetted(Refused):
    """A radiologist vets this exam first. In a vital emergency, go on with a reason on the order's page."""


class NotYoursToVet(NotAllowed):
    """You do not vet exams of this kind for this hospital."""


class AlreadyVetted(Refused):
    """This exam was vetted already."""


class NoProtocol(Invalid):
    """Set the protocol: choose one, or write it; and say whether contrast medium is given."""


class NoSuchProtocol(Invalid):
    """This protocol is not one of this exam."""


class NotWithContrast(Invalid):
    """This exam is ordered without contrast medium: change it into the one with it."""


class NotAnotherExam(Invalid):
    """Choose another exam than the one that was ordered."""


class AnswersMissing(Refused):
    """The other exam asks safety questions that this order does not answer: refuse this one, and name the other."""


class NoVettingReason(Invalid):
    """Say why in at least five letters."""


class NoRefusalReason(Invalid):
    """Choose the reason, explain it, and say what should be done instead."""


class NotVital(Refused):
    """Only a vital emergency goes on without being vetted."""


class NotOwedAfterwards(Refused):
    """This exam did not go on without being vetted."""


class NotThatHospitals(NotAllowed):
    """You set such rules only for a hospital that you bind, or that yours reads for."""


class VettingRuleNotLater(Invalid):
    """What holds from now on begins after {since}, when the present rule began."""


class BadVettingTarget(Invalid):
    """A target is from one minute to {most}, and begins after the present one."""


class ProtocolCodeTaken(Refused):
    """Another protocol already has the code {code}."""


class NotForAll(NotAllowed):
    """The targets and protocols hold for the whole country: its planners set them."""


def check_waiting(state: str) -> None:
    """Only an exam that waits to be vetted is vetted."""
    if state == "cancelled":
        raise ordering.OrderIsCancelled
    if state != "vetting":
        raise AlreadyVetted


def check_protocol(instructions: str, *, chosen: bool, contrast: bool | None, with_contrast: bool) -> None:
    """A protocol is chosen or written, says whether contrast is given, and gives none that nobody is safe to have."""
    if contrast is None or not (chosen or len(instructions.strip()) >= SHORTEST):
        raise NoProtocol
    if contrast and not with_contrast:  # nobody asked its safety questions
        raise NotWithContrast


def check_why(because: str) -> None:
    """What is changed, or done without vetting, has a reason."""
    if len(because.strip()) < SHORTEST:
        raise NoVettingReason


def check_refusal(reason: str, reasons: Collection[str], *, note: str, alternative: str) -> None:
    """A refusal has a reason from the list, an explanation and an alternative."""
    if reason not in reasons or min(len(note.strip()), len(alternative.strip())) < SHORTEST:
        raise NoRefusalReason


def check_bypass(state: str, urgency: str, because: str) -> None:
    """A vital emergency that waits to be vetted goes on, with a reason."""
    check_waiting(state)
    if urgency != "P0":
        raise NotVital
    check_why(because)


def check_afterwards(*, without: bool, done: bool, right: bool, note: str) -> None:
    """What went on without vetting is judged once; a judgement against it says why."""
    if not without:
        raise NotOwedAfterwards
    if done:
        raise AlreadyVetted
    if not right:
        check_why(note)


def check_since(since: datetime.date, current: datetime.date | None) -> None:
    """A new rule begins after the present one began."""
    if current is not None and since <= current:
        raise VettingRuleNotLater(since=current.isoformat())


def check_target(minutes: int, *, since: datetime.date, current: datetime.date | None) -> None:
    """A target is some minutes, from a day on that comes after the present one's first."""
    if not 1 <= minutes <= MOST_MINUTES or (current is not None and since <= current):
        raise BadVettingTarget(most=MOST_MINUTES)


def check_country(by: Actor) -> None:
    """Targets and protocols are the country's."""
    if not (by.is_system or any(held.place is None and held.role in ("planner", "administrator") for held in by.held)):
        raise NotForAll
