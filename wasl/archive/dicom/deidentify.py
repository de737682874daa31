"""A header written anew without what names a person (PS3.15, E): only what was judged goes into the copy.

Nothing is edited in place: what is not copied is not there, be it in a sequence, a private block or a value that cannot
be read. What would stay by the table is still left out where it says a name or number of the patient.
"""

import datetime
import hashlib
import hmac
import warnings
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field

from pydicom import DataElement, Dataset
from pydicom.config import RAISE
from pydicom.datadict import keyword_for_tag
from pydicom.sequence import Sequence
from pydicom.valuerep import validate_value

from wasl.archive.dicom import confidentiality as profile
from wasl.archive.dicom.confidentiality import CLEAN, CODES, DATES, DUMMY, EMPTY, REMOVE, REPLACE
from wasl.archive.dicom.descriptors import known_words
from wasl.archive.rules import is_uid
from wasl.archive.rules.viewing import SPACINGS, is_spacing
from wasl.kernel.text import fold

STANDARD = "1.2.840.10008."  # UIDs of the standard itself name nobody
YEARS = 10  # dates are put back by as much at most
WORDS = frozenset({"AS", "CS", "LO", "LT", "SH", "ST", "UC", "UT"})
DUMMIES: dict[str, object] = {
    "AE": "REMOVED", "AS": "000Y", "CS": "REMOVED", "DA": "19000101", "DS": "0", "DT": "19000101000000", "IS": "0",
    "LO": "Removed", "LT": "Removed", "PN": "Removed", "SH": "Removed", "ST": "Removed", "TM": "000000",
    "UC": "Removed", "UR": "urn:removed", "UT": "Removed", "FD": 0.0, "FL": 0.0, "SL": 0, "SS": 0, "UL": 0, "US": 0,
}  # fmt: skip
# numbers of the patient and of the request: whoever says one of them elsewhere says whose images these are
NUMBERS = ("PatientID", "AccessionNumber", "StudyID", "OtherPatientIDs", "AdmissionID", "MilitaryRank",
           "RequestedProcedureID", "FillerOrderNumberImagingServiceRequest",
           "PlacerOrderNumberImagingServiceRequest")  # fmt: skip
IMAGE = 0x0028  # the group that says how pixels are laid out: words of the standard
SHORT = 3  # letters of a name that is looked for as a whole word only
OLDEST = 89  # years of age that still hide in a crowd


@dataclass(frozen=True)
class Alias:
    """Who somebody is in a project: a pseudonym, and what UIDs and dates are turned by, the same for all images."""

    pseudonym: str
    secret: bytes
    person: str
    known: frozenset[str] = field(default=frozenset())  # names and numbers that the header need not say

    def uid(self, uid: str) -> str:
        """The UID that stands for another in this project (PS3.5, B.2)."""
        if uid.startswith(STANDARD) and is_uid(uid):
            return uid
        return f"2.25.{int.from_bytes(self._digest(f'uid:{uid}')[:16], 'big')}"

    @property
    def days(self) -> int:
        """By how many days this person's dates are put back."""
        return int.from_bytes(self._digest(f"days:{self.person}")[:8], "big") % (YEARS * 365) + 1

    def _digest(self, text: str) -> bytes:
        return hmac.new(self.secret, text.encode(), hashlib.sha256).digest()


def deidentified(head: Dataset, alias: Alias, *, options: Set[str], clean_pixels: bool) -> Dataset:
    """A data set, without its pixels, that names nobody; `clean_pixels` says that text in them was looked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that are not what the standard asks for; they are left out
        made = _Writer(alias, options, _named(head) | alias.known).data_set(head)
        _sign(made, alias, options, clean_pixels)
    return made


class _Writer:
    def __init__(self, alias: Alias, options: Set[str], named: frozenset[str]) -> None:
        self.alias, self.options, self.named = alias, options, named

    def data_set(self, data: Dataset, *, dummy: bool = False) -> Dataset:
        made = Dataset()
        for element in _readable(data):
            tag = int(element.tag)
            if element.tag.is_private:
                self.private(data, element, made)
                continue
            if tag in SPACINGS and not is_spacing(_values(element)):  # as in every file that is given
                continue
            how = DUMMY if dummy else profile.action(tag, element.VR, self.options)
            value = self.value(element, how)
            if value is not None:
                made.add_new(tag, element.VR, value)
        return made

    def private(self, data: Dataset, element: DataElement, made: Dataset) -> None:
        """A private element goes, unless it is known to be a number and asked for."""
        if "safe-private" not in self.options or element.tag.is_private_creator:
            return
        creator = str(data.get((element.tag.group, element.tag.element >> 8), DataElement(0, "LO", "")).value)
        if profile.is_safe_private(creator, int(element.tag), element.VR):
            block = made.private_block(element.tag.group, creator, create=True)
            block.add_new(element.tag.element & 0xFF, element.VR, element.value)

    def value(self, element: DataElement, how: str) -> object:
        """What is written of an element; None for nothing at all."""
        if how == REMOVE:
            return None
        if element.VR == "SQ":
            return self.items(element, how)
        if how == EMPTY or element.value is None:
            return "" if element.VR not in profile.NUMBERS else []
        if how == REPLACE or (how == DUMMY and element.VR == "UI"):
            return self.uids(element)
        if how == DUMMY:
            return DUMMIES.get(element.VR)
        if how == CLEAN:
            return self.cleaned(element)
        return self.kept(element)

    def items(self, element: DataElement, how: str) -> Sequence | None:
        if how == EMPTY:
            return Sequence()
        items = element.value[:1] if how == DUMMY else element.value
        return Sequence([self.data_set(item, dummy=how == DUMMY) for item in items])

    def uids(self, element: DataElement) -> object:
        values = [self.alias.uid(str(uid)) for uid in _values(element) if uid]
        return values if element.VM > 1 else "".join(values) or None

    def cleaned(self, element: DataElement) -> object:
        """Dates put back, texts reduced to known words; nothing of anything else."""
        if element.VR in DATES:
            return [_put_back(str(value), self.alias.days, element.VR) for value in _values(element)] or None
        if element.VR not in WORDS:
            return None
        return known_words(" ".join(map(str, _values(element))), unless=self.named) or None

    def kept(self, element: DataElement) -> object:
        """A value as it is, unless it says who the patient is."""
        if element.VR == "UI" and not all(is_uid(str(uid)) for uid in _values(element)):
            return self.uids(element)
        if element.VR in WORDS and element.tag.group != IMAGE and self.names(element):
            return None
        if element.keyword == "PatientAge" and str(element.value)[:3].isdigit():
            years = int(str(element.value)[:3])
            return f"{OLDEST + 1:03d}Y" if str(element.value)[3:] == "Y" and years > OLDEST else element.value
        return element.value

    def names(self, element: DataElement) -> bool:
        """Whether a text says a name or number of the patient; a code does as a whole word."""
        said = fold(" ".join(map(str, _values(element))))
        whole = said.split()
        return any(word in (whole if len(word) <= SHORT or element.VR == "CS" else said) for word in self.named)


def _sign(made: Dataset, alias: Alias, options: Set[str], clean_pixels: bool) -> None:
    """Write what was done into the copy (PS3.3, C.7.1.1 and C.12.1.1.10)."""
    made.SpecificCharacterSet = "ISO_IR 192"
    made.PatientName = made.PatientID = alias.pseudonym
    made.PatientIdentityRemoved = "YES"
    made.DeidentificationMethod = f"Wasl, {profile.EDITION}"
    done = ["profile", *(["pixels"] if clean_pixels else []), *sorted(options)]
    made.DeidentificationMethodCodeSequence = Sequence([_code(*CODES[name]) for name in done])
    made.LongitudinalTemporalInformationModified = (
        "UNMODIFIED" if "full-dates" in options else "MODIFIED" if "shifted-dates" in options else "REMOVED"
    )
    if clean_pixels:
        made.BurnedInAnnotation = "NO"


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item


def _named(data: Dataset) -> frozenset[str]:
    """The words of every name, and the numbers, that a data set says anywhere, in their search form."""
    said: set[str] = set()
    for element in _readable(data, strict=False):
        if element.VR == "SQ":
            for item in element.value:
                said |= _named(item)
        elif element.VR == "PN" or keyword_for_tag(element.tag) in NUMBERS:
            said |= words_of(str(value) for value in _values(element))
    return frozenset(said)


def words_of(texts: Iterable[str]) -> frozenset[str]:
    """The words that name somebody; those of one or two letters name no one."""
    return frozenset(word for text in texts for word in fold(text).split() if len(word) > 2)


def _readable(data: Dataset, *, strict: bool = True) -> Iterator[DataElement]:
    """The elements that can be read; with `strict`, whose value is what its representation says."""
    for tag in sorted(data.keys()):
        if tag.group <= 0x0002 or tag.group in (0x7FE0, 0xFFFC) or tag.element == 0:
            continue
        try:
            element = data[tag]
            if element.VR != "SQ":
                for value in _values(element):
                    if isinstance(value, str) and element.VR != "UI" and strict:
                        validate_value(element.VR, value, RAISE)
        except Exception:  # noqa: S112  readers raise what they like, and what is unreadable stays behind
            continue
        yield element


def _values(element: DataElement) -> list[object]:
    if element.value is None:
        return []
    return list(element.value) if element.VM > 1 else [element.value]


def _put_back(value: str, days: int, vr: str) -> str:
    """A date some days earlier, its time unchanged; nothing of what is no whole date."""
    if vr == "TM":
        return value
    try:
        day = datetime.datetime.strptime(value[:8], "%Y%m%d") - datetime.timedelta(days=days)  # noqa: DTZ007
    except ValueError:
        return ""
    return f"{day:%Y%m%d}{value[8:]}"
