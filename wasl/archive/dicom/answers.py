"""Matches as the data sets that answer a query (PS3.4, C.4.1), with the elements that were asked for."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.conf import settings
from django.utils import timezone
from pydicom.charset import python_encoding
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from wasl.archive import rules
from wasl.archive.queries import Found, find, person_counts
from wasl.kernel.access import Actor

UTF8 = "ISO_IR 192"
TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})  # what a character set is for (PS3.5, 6.1.2.2)
# the unique key of each level (PS3.4, C.6.1.1)
UNIQUE = {"PATIENT": "PatientID", "STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}
LEVELS = tuple(UNIQUE)
COUNTS = ("NumberOfPatientRelatedStudies", "NumberOfPatientRelatedSeries", "NumberOfPatientRelatedInstances")
PERSON = frozenset(
    {"PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex", "InstanceAvailability"}
)
OURS = frozenset({"QueryRetrieveLevel", "SpecificCharacterSet", "RetrieveAETitle"})
# what an instance's row says without its metadata
ROW = frozenset(
    {"PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
     "StudyTime", "StudyID", "AccessionNumber", "StudyDescription", "ModalitiesInStudy", "SeriesInstanceUID",
     "Modality", "SeriesNumber", "SeriesDescription", "BodyPartExamined", "SOPInstanceUID", "SOPClassUID",
     "InstanceNumber", "NumberOfFrames", "Rows", "Columns", "InstanceAvailability", *OURS}
)  # fmt: skip


def answers(
    query: Dataset, *, ae_title: str, viewer: Actor, patient_root: bool = False, relational: bool = False
) -> Iterator[Dataset]:
    """The answers to a query/retrieve identifier at its level, patients told once.

    Raises WrongLevel and KeyMissing before the first; TooMany after as many as a query may have.
    """
    level, keys = str(query.get("QueryRetrieveLevel", "")), keys_of(query)
    check_keys(level, keys, patient_root=patient_root, relational=relational)
    more = any(element.keyword not in ROW for element in query)
    found = find(level, keys, viewer=viewer, relational=relational, metadata=more)
    # the answers below one study or series are as many as it has
    most = None if level in ("SERIES", "IMAGE") and not relational else settings.FIND_LIMIT
    matches = list(islice(found, None if most is None else most + 1))  # so that no cursor waits for a slow asker
    for match in matches[:most]:
        yield _answer(query, level, match, ae_title, viewer)
    if most is not None and len(matches) > most:
        raise rules.TooMany(most=most)


def check_keys(level: str, keys: dict[str, str], *, patient_root: bool, relational: bool) -> None:
    """A query of a hierarchy names the one patient, study or series that it looks into (PS3.4, C.4.1.3.1).

    The level just above is enough: what it names has one place in the hierarchy.
    """
    if level not in LEVELS or (level == "PATIENT" and not patient_root):
        raise rules.WrongLevel
    above = LEVELS[max(LEVELS.index(level) - 1, 0)]
    if relational or level == "PATIENT" or (above == "PATIENT" and not patient_root):
        return
    named = keys.get(UNIQUE[above], "")
    if not named.strip() or set(named) & set("*?\\"):
        raise rules.KeyMissing(key=UNIQUE[above])


def keys_of(query: Dataset) -> dict[str, str]:
    """The matching keys of an identifier, as DICOM writes them."""
    keys = {}
    for element in query:
        if element.VR != "SQ" and element.keyword and element.value not in (None, ""):
            value = element.value
            several = isinstance(value, list | tuple) or hasattr(value, "insert")
            keys[element.keyword] = "\\".join(map(str, value)) if several else str(value)
    return keys


def _answer(query: Dataset, level: str, found: Found, ae_title: str, viewer: Actor) -> Dataset:
    known, kept = _values(found), _kept(found)
    if level == "PATIENT":  # of a patient no study is told
        known = {name: value for name, value in known.items() if name in PERSON}
        kept = {tag: entry for tag, entry in kept.items() if tag.startswith("0010")}
    if level in ("PATIENT", "STUDY") and any(name in query for name in COUNTS):
        known |= dict(zip(COUNTS, person_counts(found.study, viewer=viewer), strict=True))
    answer = Dataset()
    answer.QueryRetrieveLevel = level
    answer.RetrieveAETitle = ae_title
    for element in query:
        if element.keyword in OURS or element.tag.element == 0:
            continue
        if element.keyword in known:
            setattr(answer, element.keyword, known[element.keyword])
        else:
            answer.add(_stored(element, kept))
    answer.SpecificCharacterSet = _letters(answer, query.get("SpecificCharacterSet"))
    return answer


def _kept(found: Found) -> dict[str, Any]:
    """The elements of the header that are kept with the rows."""
    kept: dict[str, Any] = dict(found.study.attributes)
    if found.series is not None:
        kept |= found.series.attributes
    if found.instance is not None and "metadata" not in found.instance.get_deferred_fields():
        kept |= found.instance.metadata
    return kept


def _stored(asked: DataElement, kept: dict[str, Any]) -> DataElement:
    """An element as the header has it; without a value when it is not kept, makes no sense, or is no spacing."""
    tag = f"{int(asked.tag):08X}"
    if entry := rules.viewing.measurable({tag: kept[tag]} if tag in kept else {}).get(tag):
        try:
            return Dataset.from_json({tag: entry})[asked.tag]
        except (ValueError, TypeError, KeyError):
            pass
    return DataElement(asked.tag, asked.VR, [] if asked.VR == "SQ" else None)


def _letters(answer: Dataset, asked: Any) -> Any:  # noqa: ANN401  a term, several, or none
    """The character set of an answer: the asker's own when it has all the letters, otherwise Unicode's."""
    terms = [asked] if isinstance(asked, str) else list(asked or ())
    codecs = [python_encoding.get(term or "") for term in terms]
    if not codecs or None in codecs:
        return UTF8
    for element in answer.iterall():
        if element.VR in TEXT:
            values = element.value if element.VM > 1 else [element.value]
            if not all(_written(letter, codecs) for value in values for letter in str(value or "")):
                return UTF8
    return asked


def _written(letter: str, codecs: list[Any]) -> bool:
    for codec in codecs:
        try:
            letter.encode(codec)
        except UnicodeEncodeError:
            continue
        return True
    return False


def _values(found: Found) -> dict[str, Any]:
    study = found.study
    moment = timezone.localtime(study.started_at) if study.started_at else None
    values: dict[str, Any] = {
        **{keyword_for_tag(tag): value for tag, value in found.person.items()},
        "StudyInstanceUID": study.uid,
        "StudyDate": f"{moment:%Y%m%d}" if moment else "",
        "StudyTime": f"{moment:%H%M%S}" if moment else "",
        "AccessionNumber": study.accession,
        "StudyDescription": study.description,
        "ModalitiesInStudy": study.modalities,
        "NumberOfStudyRelatedSeries": study.series_count,
        "NumberOfStudyRelatedInstances": study.instance_count,
        "InstanceAvailability": "ONLINE",
    }
    if found.series is not None:
        series = found.series
        values |= {
            "SeriesInstanceUID": series.uid, "Modality": series.modality, "SeriesNumber": series.number,
            "SeriesDescription": series.description, "BodyPartExamined": series.body_part,
            "NumberOfSeriesRelatedInstances": series.instance_count,
        }  # fmt: skip
    if found.instance is not None:
        image = found.instance
        values |= {
            "SOPInstanceUID": image.uid, "SOPClassUID": image.sop_class, "InstanceNumber": image.number,
            "NumberOfFrames": image.frames or None, "Rows": image.rows, "Columns": image.columns,
        }  # fmt: skip
    return values
