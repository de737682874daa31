"""Whether what a study's header says agrees with the patient of an order, and what is refused of links."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.utils.translation import gettext, gettext_noop

from wasl.kernel.errors import Invalid, Refused
from wasl.kernel.text import fold

LINKERS = ("radiographer", "radiologist", "chief")  # at the hospital that made the study

CAN: dict[str, frozenset[str]] = {
    "import_disc": frozenset({*LINKERS, "registrar"}),
    "link_study": frozenset({*LINKERS, "system"}),
    "unlink_study": frozenset({*LINKERS, "system"}),
    "move_study": frozenset({*LINKERS, "system"}),
    "undo_move": frozenset({*LINKERS, "system"}),
    "follow_images": frozenset({"system"}),
    "follow_images_back": frozenset({"system"}),
    "identify_patient": frozenset({*LINKERS, "system"}),
    "undo_identification": frozenset({*LINKERS, "system"}),
}

ALIKE = 0.8  # two spellings of one name: Mohamed and Mohammed, Farchichi and Ferchichi
REASON_LENGTH = 5
HOURS_AROUND = 2  # between the hour that a paper says, or a plan, and the console's
SEXES = {"M": "male", "F": "female"}  # PS3.3, C.7.1.1, Patient's Sex
# why a study was linked by itself, or what keeps it from being: written in English, read in every language
BECAUSE = {
    ("study_uid", "id"): gettext_noop("It carries the order's study UID and the patient's number."),
    ("study_uid", "name"): gettext_noop("It carries the order's study UID, the patient's name and birth date."),
    ("accession", "id"): gettext_noop("It carries the order's accession number and the patient's number."),
    ("accession", "name"): gettext_noop("It carries the order's accession number, the patient's name and birth date."),
    ("made", "id"): gettext_noop("It is the one exam of this patient and this part of the body made at that hour."),
}
BECAUSE_MERGED = gettext_noop("The images of a study that answers this order are part of it.")
AGAINST = {
    "id": gettext_noop("Its patient number is another person's."),
    "name": gettext_noop("Its patient's name is another."),
    "birth_date": gettext_noop("Its patient's birth date is another."),
    "sex": gettext_noop("Its patient's sex is another."),
    "": gettext_noop("Nothing in its header says that it is this patient."),
}


class StudyAlreadyLinked(Refused):
    """This study answers another order already."""


class StudyNotLinked(Refused):
    """This study answers no order."""


class StudyOfAnother(Refused):
    """This study was said to be another patient's; take it back from that patient first."""


class StudyFromElsewhere(Refused):
    """This study was made at another hospital than the order's."""


class NoLinkReason(Invalid):
    """Say in at least five letters why this study answers this order."""


class MovesNowhere(Invalid):
    """Choose another patient, or another order, to whom these images belong."""


class NotUnknown(Refused):
    """Only a person who was registered as unknown can be found to be somebody else."""


class NotCompared(Invalid):
    """What the disc says differs from the patient: look at the differences, and say that you saw them."""


class AlreadyUndone(Refused):
    """This step was already undone."""


class NotTheLastStep(Refused):
    """Later steps were made with these images; undo those first."""


class ChangedSince(Refused):
    """These images, or their order, were changed since; this step can no longer be undone."""


@dataclass(frozen=True)
class Header:
    """What a study says of its patient; never a proof of identity."""

    id: str
    name: str  # PN as received, its component groups separated by = (PS3.5, 6.2.1)
    birth_date: datetime.date | None
    sex: str
    owner: bool | None = None  # whether its number is the patient's: False when it is known as another person's


@dataclass(frozen=True)
class Known:
    """What is known of a patient: the Wasl number, the names in each script, birth and sex."""

    number: str
    names: tuple[str, ...]
    birth_date: datetime.date | None
    birth_date_about: bool
    sex: str


@dataclass(frozen=True)
class Compared:
    """A field of the header beside what is known; `agrees` is None where nothing can be said."""

    field: str
    received: str
    known: str
    agrees: bool | None


def compare(header: Header, known: Known) -> list[Compared]:
    """Every field of the header's identity beside the patient's."""
    number = header.id.strip()
    sex = SEXES.get(header.sex)
    same_sex = None if not sex or known.sex not in SEXES.values() else sex == known.sex
    return [
        Compared("id", number, known.number, header.owner),
        Compared("name", header.name, " · ".join(known.names), same_name(header.name, known.names)),
        Compared("birth_date", _written(header.birth_date), _written(known.birth_date), _same_birth(header, known)),
        Compared("sex", sex or header.sex, known.sex, same_sex),
    ]


@dataclass(frozen=True)
class Signs:
    """What besides the patient links a study to an order."""

    study_uid: bool
    accession: bool
    modality: bool
    hours: float  # between the exam's hour and the study's


def score(compared: Sequence[Compared], signs: Signs) -> tuple[int, list[str]]:
    """How much speaks for an order, and what, in words; never more than nothing for another modality alone."""
    agrees = {line.field: line.agrees for line in compared}
    weighed = (
        (100, signs.study_uid, gettext("same study UID")),
        (80, signs.accession, gettext("same accession number")),
        (60, agrees["id"], gettext("same patient number")),
        (30, agrees["name"], gettext("same name")),
        (20, agrees["birth_date"], gettext("same birth date")),
        (10, signs.modality, gettext("same modality")),
        (10, signs.hours <= 24, gettext("same day")),
    )
    found = [(weight, words) for weight, holds, words in weighed if holds]
    lost = 40 * sum(line.agrees is False for line in compared)
    patient_or_thread = any(weight >= 20 for weight, _ in found)
    return (max(sum(weight for weight, _ in found) - lost, 1) if patient_or_thread else 0), [w for _, w in found]


def identified_by(compared: Sequence[Compared]) -> str:
    """What says that it is the same person: the number, or name and birth date; empty when nothing does or one thing
    speaks against it.
    """
    agrees = {line.field: line.agrees for line in compared}
    if False in agrees.values():
        return ""
    if agrees["id"]:
        return "id"
    return "name" if agrees["name"] and agrees["birth_date"] else ""


def is_certainly(compared: Sequence[Compared]) -> bool:
    """Whether it is the same person though nothing but the person leads to the order: the number says so, and what
    else is known, the name or the birth date, says it too.
    """
    agrees = {line.field: line.agrees for line in compared}
    return identified_by(compared) == "id" and bool(agrees["name"] or agrees["birth_date"])


def against(compared: Sequence[Compared]) -> str:
    """The first thing that speaks against the same person, in words; or that nothing speaks for it."""
    differing = next((line.field for line in compared if line.agrees is False), "")
    return AGAINST[differing]


def same_name(received: str, names: Sequence[str]) -> bool | None:
    """Whether one of the name's groups is one of the names, in its script; order, accents and small slips apart.

    None when there is no name in the same script, or only one word to compare.
    """
    told = None
    for group in received.split("="):
        words = fold(group).split()
        for name in names:
            others = fold(name).split()
            if words and others and _script(group) == _script(name):
                fewer, more = sorted((words, others), key=len)
                found = sum(any(_alike(word, other) for other in more) for word in fewer)
                if found == len(fewer) >= 2 or fewer == more:
                    return True
                if found == 0 or len(fewer) >= 2:
                    told = False
    return told


def _script(text: str) -> str:
    return "arabic" if any("\u0600" <= c <= "\u06ff" for c in text) else "latin"


def _alike(one: str, other: str) -> bool:
    return one == other or (min(len(one), len(other)) > 3 and SequenceMatcher(None, one, other).ratio() >= ALIKE)


def _same_birth(header: Header, known: Known) -> bool | None:
    if header.birth_date is None or known.birth_date is None:
        return None
    if known.birth_date_about:
        return header.birth_date.year == known.birth_date.year
    return header.birth_date == known.birth_date


def _written(day: datetime.date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else ""


def check_link_reason(because: str) -> None:
    """A link says why."""
    if len(because.strip()) < REASON_LENGTH:
        raise NoLinkReason


def check_compared(differs: bool, *, compared: bool) -> None:
    """Who takes a disc whose header differs from the patient says that it was seen."""
    if differs and not compared:
        raise NotCompared


def check_unknown(kind: str, *, same: bool) -> None:
    """Who is identified was unknown, and is found to be somebody else."""
    if kind != "unknown" or same:
        raise NotUnknown


def check_undoable(*, undone: bool, later: bool, stands: bool) -> None:
    """A step is undone once, the last one first, and while it stands."""
    if undone:
        raise AlreadyUndone
    if later:
        raise NotTheLastStep
    if not stands:
        raise ChangedSince
