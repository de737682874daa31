"""Who may call a conference, join it, bring cases and decide, and what is refused."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.radiology.rules.conversation import TALKERS

DOCTORS: Final = TALKERS

CAN: dict[str, frozenset[str]] = {
    "open_conference": DOCTORS,
    "join_conference": DOCTORS,
    "add_case": DOCTORS,
    "decide_case": DOCTORS,
    "close_conference": DOCTORS,
}

TITLE: Final = 200  # letters
LONGEST: Final = 10_000
MOST_IMAGES: Final = 24  # of a case
MOST_INVITED: Final = 200


class ConferenceTitleMissing(Invalid):
    """Give the conference a title of at most {most} letters, which names no patient."""


class NobodyInvited(Invalid):
    """Invite a hospital or a doctor, at most {most} in all."""


class NotADoctorInvited(Invalid):
    """Somebody whom you invite is no doctor here."""


class NotYourConferencePlace(NotAllowed):
    """You are no doctor of the hospital for which you call this conference."""


class NotJoined(NotAllowed):
    """Join the conference first."""


class NotTheConvener(NotAllowed):
    """Only who called the conference closes it."""


class ConferenceIsClosed(Refused):
    """This conference is closed; nothing of it changes any more."""


class CaseTextMissing(Invalid):
    """Write the question, or the decision, in at most {most} letters."""


class CaseWithoutImages(Refused):
    """There are no images of this exam yet that could be shown."""


class CaseBroughtAlready(Refused):
    """This exam is on the list of this conference already."""


class NotAnImageOfTheCase(Invalid):
    """An image that you chose is not one of this exam."""


class TooManyConferenceImages(Invalid):
    """Choose at most {most} images of a case."""


class NobodyPresent(Invalid):
    """Say who was present, of those who joined."""


def title(text: str) -> str:
    """The title of a conference as it is kept."""
    clean = " ".join(text.replace("\x00", "").split())
    if not 0 < len(clean) <= TITLE:
        raise ConferenceTitleMissing(most=TITLE)
    return clean


def words(text: str) -> str:
    """A question or a decision as it is kept."""
    clean = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if not 0 < len(clean) <= LONGEST:
        raise CaseTextMissing(most=LONGEST)
    return clean


def check_opened(
    *, place: UUID, places: Collection[UUID], people: Collection[UUID], doctors: Collection[UUID], by: Actor
) -> None:  # fmt: skip
    """A doctor calls a conference for their hospital, and invites hospitals or doctors; `doctors` are those of `people`
    who are.
    """
    if place not in by.places(*DOCTORS):
        raise NotYourConferencePlace
    if not 0 < len(places) + len(people) <= MOST_INVITED:
        raise NobodyInvited(most=MOST_INVITED)
    if not set(people) <= set(doctors):
        raise NotADoctorInvited


def check_open(*, closed: bool) -> None:
    """A closed conference stays as it is."""
    if closed:
        raise ConferenceIsClosed


def check_images(images: Collection[tuple[str, int]]) -> None:
    """A case shows a few images, not the whole study."""
    if len(images) > MOST_IMAGES:
        raise TooManyConferenceImages(most=MOST_IMAGES)


def check_present(present: Collection[UUID], joined: Collection[UUID]) -> None:
    """A decision is taken before people who joined the conference."""
    if not present or not set(present) <= set(joined):
        raise NobodyPresent
