"""Who may ask another hospital for an opinion and who gives it, what is refused, and what a signature covers."""

import datetime
import hashlib
import json
from collections.abc import Collection
from typing import Final
from uuid import UUID

from django.utils.translation import gettext_noop

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.radiology.rules.conversation import TALKERS

DOCTORS: Final = TALKERS  # tele-expertise is between doctors (decree 2022-318, art. 3)
SETTERS: Final = frozenset({"planner", "administrator", "system"})

CAN: dict[str, frozenset[str]] = {
    "request_expertise": DOCTORS,
    "take_expertise": DOCTORS,
    "answer_expertise": DOCTORS,
    "decline_expertise": DOCTORS,
    "withdraw_expertise": DOCTORS | {"system"},
    "set_expertise_target": SETTERS,
}

SHORTEST: Final = 10  # letters of a question
LONGEST: Final = 10_000  # letters of a question or an answer
REASON: Final = 300
MOST_MINUTES: Final = 60 * 24 * 90
MOVED: Final = gettext_noop("The images were taken back from this order.")


class ExpertiseQuestionMissing(Invalid):
    """Ask the expert a question of at least {least} letters."""


class ExpertiseTooLong(Invalid):
    """Write at most {most} letters."""


class ExpertiseNotElsewhere(Invalid):
    """Ask another hospital than your own."""


class NoDoctorThere(Invalid):
    """No doctor works with Wasl at this hospital yet."""


class NotADoctorThere(Invalid):
    """This person is no doctor of the hospital that you ask."""


class ExpertiseWithoutImages(Refused):
    """There are no images of this exam yet on which an opinion could be given."""


class ExpertiseAlreadyAsked(Refused):
    """Your hospital has already asked this one about these images, and waits for the answer."""


class NotYourHospitalToAskFor(NotAllowed):
    """You are no doctor of the hospital for which you ask."""


class ExpertiseTakenAlready(Refused):
    """{expert} has already taken this question."""


class ExpertiseEnded(Refused):
    """This question was already answered, declined or withdrawn; nothing of it changes any more."""


class NotAskedOfYou(NotAllowed):
    """This question was not asked of you."""


class NotYourExpertise(NotAllowed):
    """Only the expert who took the question answers it."""


class NotYourQuestion(NotAllowed):
    """Only doctors of the hospital that asked take the question back."""


class ExpertiseAnswerMissing(Invalid):
    """Write the answer before you sign it."""


class ExpertiseReasonMissing(Invalid):
    """Say why, in a few words."""


class ExpertiseUrgencyMissing(Invalid):
    """Choose how urgent the answer is."""


class BadExpertiseTarget(Invalid):
    """A response time is of one minute to ninety days."""


class ExpertiseTargetNotLater(Invalid):
    """A new response time must begin after {since}, when the present one began."""


def plain(text: str) -> str:
    """Text as it is kept: without the space around it. Raises ExpertiseTooLong."""
    clean = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if len(clean) > LONGEST:
        raise ExpertiseTooLong(most=LONGEST)
    return clean


def question(text: str) -> str:
    """A question as it is kept."""
    clean = plain(text)
    if len(clean) < SHORTEST:
        raise ExpertiseQuestionMissing(least=SHORTEST)
    return clean


def answer(text: str) -> str:
    """An answer as it is signed."""
    clean = plain(text)
    if not clean:
        raise ExpertiseAnswerMissing
    return clean


def reason(text: str) -> str:
    """Why a question is declined or taken back."""
    clean = plain(text)
    if not clean:
        raise ExpertiseReasonMissing
    if len(clean) > REASON:
        raise ExpertiseTooLong(most=REASON)
    return clean


def check_asked(
    *, place: UUID, expert_place: UUID, expert: UUID | None, doctors: Collection[UUID], by: Actor
) -> None:  # fmt: skip
    """A doctor of one hospital asks another one where a doctor works; who is named is one of them."""
    if place not in by.places(*DOCTORS):
        raise NotYourHospitalToAskFor
    if place == expert_place:
        raise ExpertiseNotElsewhere
    if not doctors:
        raise NoDoctorThere
    if expert is not None and expert not in doctors:
        raise NotADoctorThere


def check_urgency(urgency: str, classes: Collection[str]) -> None:
    """A question has one of the classes of urgency."""
    if urgency not in classes:
        raise ExpertiseUrgencyMissing


def check_open(state: str) -> None:
    """What ended stays as it is."""
    if state not in ("asked", "taken"):
        raise ExpertiseEnded


def check_expert(*, expert_place: UUID, expert_asked: UUID | None, by: Actor) -> None:
    """Who takes or declines a question is a doctor of the hospital that was asked, and the one named if one was."""
    if expert_place not in by.places(*DOCTORS) or expert_asked not in (None, by.id):
        raise NotAskedOfYou


def check_target(minutes: int, *, since: datetime.date, current: datetime.date | None) -> None:
    """A response time is a time, and a new one begins after the present one began."""
    if not 0 < minutes <= MOST_MINUTES:
        raise BadExpertiseTarget
    if current is not None and since <= current:
        raise ExpertiseTargetNotLater(since=current.isoformat())


def signed_content(
    *, expertise: UUID, accession: str, study_uid: str, patient: UUID, place: UUID, expert_place: UUID, asker: UUID,
    expert: UUID, question: str, answer: str, asked_at: datetime.datetime, answered_at: datetime.datetime,
) -> bytes:  # fmt: skip
    """Everything that the expert's signature covers, always in the same bytes: JSON with sorted keys, in UTF-8."""
    content = {
        "expertise": str(expertise), "accession": accession, "study": study_uid, "patient": str(patient),
        "place": str(place), "expert_place": str(expert_place), "asker": str(asker), "expert": str(expert),
        "question": question, "answer": answer, "asked_at": _instant(asked_at), "answered_at": _instant(answered_at),
    }  # fmt: skip
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(content: bytes) -> str:
    """The digest of what was signed: SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _instant(at: datetime.datetime) -> str:
    return at.astimezone(datetime.UTC).isoformat(timespec="microseconds")
