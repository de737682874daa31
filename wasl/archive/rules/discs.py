"""What is refused when the disc of another hospital is read and taken."""

from collections.abc import Iterable
from uuid import UUID

from wasl.kernel.errors import NotAllowed, Refused

DISC_HOURS = 24  # how long a disc that was read waits for somebody to say whose it is
MOST_IMAGES = 20_000  # of one disc


class NoSuchDisc(Refused):
    """There is no such disc that you are reading."""

    http = 404
    fhir_issue = "not-found"


class DiscOver(Refused):
    """This disc was taken or given up already."""


class NothingOnDisc(Refused):
    """No image of this disc has been read yet."""


class DiscFull(Refused):
    """A disc holds no more than {most} images."""


class OtherPatientsStudy(Refused):
    """A study of this disc is here already, as another patient's; settle that first."""


class DiscCollides(Refused):
    """Images of this disc are here already with other content, and are not this patient's; settle that first."""


class NotHere(NotAllowed):
    """Choose the hospital where you hold a post; images are taken in there."""


def check_open(*, taken: bool, dropped: bool) -> None:
    """A disc is taken or given up once."""
    if taken or dropped:
        raise DiscOver


def check_fits(images: int) -> None:
    """A disc is no archive."""
    if images > MOST_IMAGES:
        raise DiscFull(most=MOST_IMAGES)


def check_owners(owners: Iterable[UUID | None], patient: UUID) -> None:
    """What is here of a disc's studies is nobody's, or the patient's for whom the disc is taken."""
    if set(owners) - {None, patient}:
        raise OtherPatientsStudy


def check_collisions(owners: Iterable[UUID | None], patient: UUID) -> None:
    """Images whose UIDs are here with other content are kept aside only beside the same patient's."""
    if set(owners) - {patient}:
        raise DiscCollides
