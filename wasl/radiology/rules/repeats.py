"""Which earlier exam stands for one that is ordered, for how long, and what is refused of ordering it again."""

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from wasl.kernel.errors import Invalid, Refused

CAN: dict[str, frozenset[str]] = {
    "show_earlier_exam": frozenset({"requester"}),
    "use_earlier_exam": frozenset({"requester"}),
    "set_validity": frozenset({"planner", "administrator", "system"}),
}
SEES_REPEATS = frozenset({"chief", "planner"})
SEES_VALIDITIES = frozenset({"chief", "planner", "administrator"})
DAYS: Final = 30  # how long an exam stands where nobody said so for its kind
MOST_DAYS: Final = 1825
MOST_LOOKED_AT: Final = 100  # of a patient's latest exams of a modality within the window
SPANS: Final = (30, 90)  # days before an exam in which a repeat is counted
VITAL: Final = "vital"  # the one reason that is not asked for: nothing holds up a vital emergency

# A region of DICOM CID 4 and the regions that its exams show as well as their own would. Left out on purpose is what
# has a technique of its own, and an exam of the larger region does not answer: coronary and pulmonary arteries,
# temporal bones, pancreas, liver, biliary and urinary tract, prostate.
HEAD, BRAIN, SKULL, FACE, SINUS, NECK, HEAD_NECK = (
    "69536005", "12738006", "89546000", "91397008", "2095001", "45048000", "774007",
)  # fmt: skip
CHEST, LUNG, RIB, ABDOMEN, KIDNEY, PELVIS, HIP, ABDOMEN_PELVIS, TRUNK = (
    "816094009", "39607008", "113197003", "818981001", "64033007", "816092008", "29836001", "818982008", "416775004",
)  # fmt: skip
CERVICAL, THORACIC, LUMBAR, SPINE, BODY = "122494005", "122495006", "122496007", "421060004", "38266002"
_OF_HEAD = frozenset({BRAIN, SKULL})
_OF_HEAD_NECK = frozenset({HEAD, NECK}) | _OF_HEAD
_OF_CHEST = frozenset({LUNG, RIB})
_OF_BELLY = frozenset({ABDOMEN, KIDNEY, PELVIS, HIP})
_OF_SPINE = frozenset({CERVICAL, THORACIC, LUMBAR})
COVERS: Final[Mapping[str, frozenset[str]]] = {
    HEAD: _OF_HEAD,
    HEAD_NECK: _OF_HEAD_NECK,
    FACE: frozenset({SINUS}),
    CHEST: _OF_CHEST,
    ABDOMEN: frozenset({KIDNEY}),
    PELVIS: frozenset({HIP}),
    ABDOMEN_PELVIS: _OF_BELLY,
    TRUNK: _OF_CHEST | _OF_BELLY | {CHEST, ABDOMEN_PELVIS},
    SPINE: _OF_SPINE,
    BODY: _OF_HEAD_NECK | _OF_CHEST | _OF_BELLY | _OF_SPINE | {HEAD_NECK, CHEST, ABDOMEN_PELVIS, TRUNK, SPINE},
}
SLICES: Final = frozenset({"CT", "MR", "US"})  # show all of a region; a radiograph is aimed at one part of it
# tracer, vessel or purpose, and not the region, says what these look for: nothing but the same exam stands for one
AIMED: Final = frozenset({"NM", "PT", "XA", "MG"})
AIMED_REGIONS: Final = frozenset({("US", "61685007")})  # of the leg: its veins, or its arteries
RADIOGRAPHS: Final = frozenset({"CR", "DX"})


class NothingEarlier(Refused):
    """No earlier exam stands for this one any more. Choose the exam again."""


class OrderedMeanwhile(Refused):
    """You ordered this exam today. Cancel that order first if the earlier exam is enough."""


class NoSuchExams(Invalid):
    """The catalogue has no exam of this kind and region."""


class BadValidity(Invalid):
    """An exam stands for 0 to {most} days."""


class NoClinicalOwner(Invalid):
    """Say who answers for this: a name or an office, in at least five letters."""


class ValidityNotLater(Invalid):
    """What is set now must begin after {since}, when the present one began."""


@dataclass(frozen=True)
class Exam:
    """What of an exam says whether another one stands for it."""

    code: str
    modality: str
    region: str
    contrast: bool = False
    side: str = ""  # of DICOM CID 244; empty: the exam has none


def stands_for(earlier: Exam, ordered: Exam) -> bool:
    """Whether an earlier exam shows what the ordered one is to show; how old it may be is asked elsewhere."""
    if not kinds_like(earlier.modality) & kinds_like(ordered.modality) or not _sides(ordered.side) <= _sides(
        earlier.side
    ):
        return False
    if ordered.modality in AIMED or (ordered.modality, ordered.region) in AIMED_REGIONS:
        return earlier.code == ordered.code
    if ordered.contrast and not earlier.contrast:
        return False
    if earlier.region == ordered.region:
        return True
    return ordered.modality in SLICES and ordered.region in COVERS.get(earlier.region, ())


def kinds_like(modality: str) -> frozenset[str]:
    """The modalities that make the same exams: a computed radiograph is as good as a digital one."""
    return RADIOGRAPHS if modality in RADIOGRAPHS else frozenset({modality})


def _sides(side: str) -> frozenset[str]:
    return frozenset({side}) if side in ("L", "R") else frozenset({"L", "R"})


def within(days: int, at: datetime.datetime, *, made: bool) -> tuple[datetime.datetime, datetime.datetime]:
    """After which moment, and until which, an exam stands for one of a moment.

    What is to be made soon stands for one to be made; for one that was made already, only what was made before.
    """
    span = datetime.timedelta(days=days)
    return at - span, at if made else at + span


def wrong_reason(reasons: Collection[str], *, because: str, note: str) -> dict[str, str]:
    """What is wrong with the reason for an exam that another one stands for, by field."""
    if because not in reasons or because == VITAL:
        return {"repeat_because": _("An earlier exam stands for this one: use it, or say why another is needed.")}
    if because == "other" and len(note.strip()) < 5:
        return {"repeat_note": _("Say in at least five letters why another exam is needed.")}
    return {}


def check_usable(*, stands: bool, ordered: bool) -> None:
    """An earlier exam is used where one stands for the exam, and the exam was not ordered meanwhile."""
    if ordered:
        raise OrderedMeanwhile
    if not stands:
        raise NothingEarlier


def check_validity(days: int, owner: str, *, known: bool) -> None:
    """How long exams stand is said in days, of exams that there are, by somebody who answers for it."""
    if not known:
        raise NoSuchExams
    if not 0 <= days <= MOST_DAYS:
        raise BadValidity(most=MOST_DAYS)
    if len(owner.strip()) < 5:
        raise NoClinicalOwner


def check_later(*, since: datetime.date, current: datetime.date | None) -> None:
    """What holds from a day on begins after what held before began."""
    if current is not None and since <= current:
        raise ValidityNotLater(since=current.isoformat())
