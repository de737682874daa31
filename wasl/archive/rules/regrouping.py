"""What is refused when images are said to be another study's, or another patient's."""

from uuid import UUID

from wasl.kernel.errors import Invalid, Refused

REASON_LENGTH = 5


class NotThisPatients(Refused):
    """This study is no longer the patient's whose you saw it to be; look at what is there now."""


class NoReasonGiven(Invalid):
    """Say in at least five letters why these images belong there."""


class NoImagesChosen(Invalid):
    """Choose at least one series or image of this study."""


class SameStudy(Invalid):
    """These images are in this study already."""


class ImagesElsewhere(Refused):
    """These images are in another study now; look at what is there."""


class AllOfThem(Refused):
    """These are all images of the study: move the whole study to another patient instead."""


class OtherPatients(Refused):
    """These studies are of different patients; only those of one patient are made one."""


class StudyTaken(Refused):
    """The study that would be left empty is a patient's; take it back from that patient first."""


class RegroupingUndone(Refused):
    """This step was already undone."""


class RegroupedSince(Refused):
    """These images were moved on since; undo the later steps first."""


def check_why(because: str) -> None:
    """Whoever moves images says why."""
    if len(because.strip()) < REASON_LENGTH:
        raise NoReasonGiven


def check_found(found: bool, some: bool) -> None:
    """The images chosen are in the study where they were seen."""
    if not found:
        raise ImagesElsewhere
    if not some:
        raise NoImagesChosen


def check_elsewhere(study: UUID, other: UUID) -> None:
    """Images go to another study than the one they are in."""
    if study == other:
        raise SameStudy


def check_split(moved: int, there: int) -> None:
    """A study is split into two that both have images."""
    if moved >= there:
        raise AllOfThem


def check_emptied(emptied: bool, left: UUID | None, patient: UUID | None) -> None:
    """A study that loses its last image is not another patient's than the one they go to."""
    if emptied and left not in (None, patient):
        raise StudyTaken


def check_mergeable(one: UUID | None, other: UUID | None) -> None:
    """Two studies are one exam of one patient; the first may be nobody's yet."""
    if one not in (None, other):
        raise OtherPatients


def check_regrouping_undoable(*, undone: bool, stands: bool) -> None:
    """A step is undone once, the last one first."""
    if undone:
        raise RegroupingUndone
    if not stands:
        raise RegroupedSince
