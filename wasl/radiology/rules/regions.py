"""Who may split a reading, read and merge its body regions, what is refused, and how their texts become one."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.radiology.rules import reading

CAN: dict[str, frozenset[str]] = {
    "split_reading": reading.READERS | {"chief", "system"},
    "claim_region": reading.READERS,
    "save_region": reading.READERS,
    "keep_region": reading.READERS,
    "time_out_region": frozenset({"system"}),
    "hand_back_region": reading.READERS,
    "hand_in_region": reading.READERS,
    "release_finding": reading.READERS,
    "merge_regions": reading.READERS,
    "take_back_regions": reading.READERS,
}

BODIES: Final = ("head", "neck", "chest", "abdomen", "spine", "limbs")  # from head to foot, as a report names them
WHOLE_BODY: Final = "38266002"  # SNOMED CT, entire body (DICOM CID 4)
LONGEST: Final = 3000  # characters of a text of a region: six of them fit into a section of a report
LONGEST_FINDING: Final = 300
OPEN: Final = ("waiting", "claimed", "handed_in")


class NoRegion(Invalid):
    """Choose at least one body region."""


class UnknownRegion(Invalid):
    """A case is not split into a region called {region}."""


class AlreadySplit(Refused):
    """This case is already split into these regions."""


class NotYoursToSplit(NotAllowed):
    """A case is split by the reader who holds it, or the head of that reader’s department."""


class RegionTaken(Refused):
    """{reader} is already reading this region."""


class NotYourRegion(NotAllowed):
    """This region is not in your hands."""


class RegionIsFree(Refused):
    """Nobody has this region in hand: it went back to the list, with what was saved. Take it again to go on."""


class RegionHandedIn(Refused):
    """You handed this region in. Take it up again to change it."""


class RegionEnded(Refused):
    """This region is in the report, or was taken back: it no longer changes."""


class RegionNotReady(Invalid):
    """Write a conclusion before you hand in."""


class RegionTooLong(Invalid):
    """A text of a region holds at most {most} characters."""


class RegionsOpen(Refused):
    """The report lacks regions that others read: {regions}. Put in what was handed in, or take the others back."""


class NothingToMerge(Refused):
    """No region was handed in that the report does not hold yet."""


class NoTakeBackReason(Invalid):
    """Say why you take a region back: its reader is told."""


class NoFinding(Invalid):
    """Say what was found: the requesting doctor reads it first."""


def check_bodies(bodies: Collection[str]) -> None:
    """A case is split into at least one region, and only into those that exist."""
    if not bodies:
        raise NoRegion
    for body in bodies:
        if body not in BODIES:
            raise UnknownRegion(region=body)


def usual(regions: Sequence[str], anatomy: str) -> tuple[str, ...]:
    """The regions that an exam is usually split into: its own, else all of an exam of the whole body."""
    return tuple(regions) or (BODIES if anatomy == WHOLE_BODY else ())


def check_mine(state: str, reader: UUID | None, person: UUID | None) -> None:
    """A region is written by its reader until it is handed in."""
    if state == "waiting":
        raise RegionIsFree
    if reader is None or reader != person:
        raise NotYourRegion
    if state == "handed_in":
        raise RegionHandedIn
    if state != "claimed":
        raise RegionEnded


def check_texts(*texts: str) -> None:
    """The texts of a region fit into a report."""
    if any(len(text) > LONGEST for text in texts):
        raise RegionTooLong(most=LONGEST)


def check_concludes(conclusion: str) -> None:
    """A region is handed in with a conclusion."""
    if not conclusion.strip():
        raise RegionNotReady(fields={"conclusion": _("Write a conclusion before you hand in.")})


def check_reason(because: str) -> None:
    """A region is taken back for a reason."""
    if not because.strip():
        raise NoTakeBackReason


def check_finding(what: str) -> None:
    """A critical finding says what it is."""
    if not what.strip():
        raise NoFinding


def check_merged(missing: Iterable[str]) -> None:
    """A report is issued or signed once it holds every region that was not taken back."""
    if names := ", ".join(missing):
        raise RegionsOpen(regions=names)


def put_in(before: str, parts: Iterable[tuple[str, str]]) -> str:
    """A section with the texts of regions after what stands there, each under its heading."""
    texts = [before.rstrip(), *(f"{heading}\n{text.strip()}" for heading, text in parts if text.strip())]
    return "\n\n".join(text for text in texts if text)


@dataclass
class Told:
    """What of a case was told as critical before its report, as a report would say it."""

    language: str = ""
    critical: bool = True
    critical_what: str = ""
    critical_category: int = 1
    sections: dict[str, str] = field(default_factory=dict)
    follow_up: dict[str, str] | None = None


def told(findings: Sequence[tuple[str, int]], *, besides: tuple[str, int] | None = None) -> Told | None:
    """Findings (what, category) as one, after what the report says of its own (`besides`); None when there is none."""
    said = [*([besides] if besides else []), *findings]
    if not said:
        return None
    words: list[str] = []
    for what, _category in said:
        if not any(what in other for other in words):
            words.append(what)
    what = "; ".join(words)[:LONGEST_FINDING]
    return Told(critical_what=what, critical_category=min(category for _what, category in said))
