"""What may leave as a de-identified copy, and when pixels name somebody else than their header."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.kernel.text import fold

# the options of PS3.15, E.3 that are offered; those not named here are never taken
OPTIONS = ("full-dates", "shifted-dates", "patient", "device", "institution", "uids", "descriptors", "safe-private")

# modalities whose images often carry names; every class but these acquired ones is taken to do so
WRITES = frozenset({"US", "OT", "XA", "RF", "ES", "SC", "XC", "GM", "OP", "IVUS", "DG", "BDUS"})
_STORAGE = "1.2.840.10008.5.1.4.1.1"
ACQUIRED = frozenset(
    f"{_STORAGE}.{end}"
    for end in ("1", "1.1", "1.1.1", "1.2", "1.2.1", "2", "2.1", "4", "4.1", "4.3", "20", "128", "128.1", "130")
)
CLASS, IMAGE_TYPE, MODALITY, CONVERSION, BURNED = "00080016", "00080008", "00080060", "00080064", "00280301"

ALIKE = 0.8  # how much of two words must agree, where a reader confuses letters
_NAME = re.compile(r"\b(?:patient(?:'?s)?(?:\s*name)?|name|nom|pt)\s*[:=]\s*(\S.*)", re.IGNORECASE)
_WRITTEN = re.compile(r"([A-Z][A-Z'-]+)\s*(?:\^|,\s?)\s*([A-Z][A-Za-z' -]+)")  # BEN SALAH, Salma or BEN SALAH^SALMA
_NUMBER = re.compile(r"\b(?:patient\s*id|id|pid|mrn|ipp)\s*[:#=]\s*([A-Z0-9][A-Z0-9/-]{3,})", re.IGNORECASE)


class NoReader(Refused):
    """Names may stand in the pixels of these images, and no reader of text is installed; nothing is copied."""


class CannotPaint(Refused):
    """Text was found in these pixels, and they are of a kind that cannot be written again."""


class UnknownOption(Invalid):
    """There is no option {option} of de-identification."""


class DatesTwice(Invalid):
    """Dates are kept, or they are shifted; not both."""


class NoSuchProject(Refused):
    """There is no such project here."""

    http = 404
    fhir_issue = "not-found"


class ProjectKnown(Refused):
    """Another project has this name."""


class NoSuchRelease(Refused):
    """There is no such release here."""

    http = 404
    fhir_issue = "not-found"


class NoSuchPseudonym(Refused):
    """This pseudonym is nobody's."""

    http = 404
    fhir_issue = "not-found"


class NotYourRelease(NotAllowed):
    """Who asked for a release does not approve it."""


class AlreadyApproved(Refused):
    """This release was approved already."""


class NotApproved(Refused):
    """What goes outside is approved by somebody else first."""


class ReleaseOver(Refused):
    """This release was made already."""


class ReleaseRefused(Refused):
    """This release was refused."""


class NothingToFetch(Refused):
    """The copies of this release are not here: they are not made yet, or their time is over."""

    http = 404
    fhir_issue = "not-found"


class NotApprovable(Refused):
    """Copies that stay here for teaching are approved by nobody."""


def check_waits(purpose: str, *, approved: bool, refused: bool) -> None:
    """A release waits until it is approved or refused, once."""
    if purpose == "teaching":
        raise NotApprovable
    if approved:
        raise AlreadyApproved
    if refused:
        raise ReleaseRefused


def check_options(options: Collection[str]) -> None:
    """The options are known, and agree."""
    for option in options:
        if option not in OPTIONS:
            raise UnknownOption(option=option)
    if {"full-dates", "shifted-dates"} <= set(options):
        raise DatesTwice


def check_approver(asked_by: str, *, by: Actor) -> None:
    """Four eyes: somebody else approves."""
    if asked_by == str(by):
        raise NotYourRelease


def check_approved(purpose: str, approved_by: str) -> None:
    """What goes outside was approved."""
    if purpose != "teaching" and not approved_by:
        raise NotApproved


def may_carry_text(metadata: Mapping[str, Any]) -> bool:
    """Whether names may stand in an image's pixels: all but those that a scanner acquires, and says nothing else of."""

    def said(tag: str) -> set[str]:
        return {str(value) for value in metadata.get(tag, {}).get("Value") or ()}

    if not said(CLASS) <= ACQUIRED or said(MODALITY) & WRITES or said(CONVERSION) or "YES" in said(BURNED):
        return True
    return bool(said(IMAGE_TYPE) & {"SECONDARY", "SCREEN SAVE", "SCREEN CAPTURE", "LOCALIZER_REPORT"})


def names_another(texts: Iterable[str], *, names: Collection[str], numbers: Collection[str]) -> bool:
    """Whether text in pixels, where it says that it is a name or number, is of somebody else than the header's.

    `names` are the words of the header's names in their search form; where none is in Latin letters nothing is said.
    """
    latin = [word for word in names if word.isascii()]
    said = list(texts)
    written = [word for text in said for word in _named(text)]
    if latin and written:
        return not any(_alike(word, name) for word in written for name in latin)
    counted = [fold(found[1]) for text in said if (found := _NUMBER.search(text))]
    known = [fold(number) for number in numbers if number]
    return bool(counted and known) and not any(_alike(one, other) for one in counted for other in known)


def _named(text: str) -> Iterator[str]:
    found = _NAME.search(text)
    name = found[1] if found else " ".join(written.groups()) if (written := _WRITTEN.search(text)) else ""
    yield from (word for word in fold(name).split() if len(word) > 2)


def _alike(one: str, other: str) -> bool:
    return SequenceMatcher(None, one, other).ratio() >= ALIKE
