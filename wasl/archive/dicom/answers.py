"""Matches as the data sets that answer a query (PS3.4, C.4.1), in UTF-8, with the elements that were asked for."""

from collections.abc import Iterator
from typing import Any

from django.utils import timezone
from pydicom.dataset import Dataset

from wasl.archive.queries import Found, find
from wasl.kernel.access import Actor

UTF8 = "ISO_IR 192"


def answers(query: Dataset, *, ae_title: str, viewer: Actor) -> Iterator[Dataset]:
    """The answers to a query/retrieve identifier at its level, patients told once."""
    level = str(query.get("QueryRetrieveLevel", "STUDY"))
    told: set[tuple[str, ...]] = set()
    for found in find(level, keys_of(query), viewer=viewer):
        if level == "PATIENT":
            person = (found.study.header_id, found.study.header_issuer, found.study.header_name)
            if person in told:
                continue
            told.add(person)
        yield _answer(query, level, found, ae_title)


def keys_of(query: Dataset) -> dict[str, str]:
    """The matching keys of an identifier, as DICOM writes them."""
    keys = {}
    for element in query:
        if element.VR != "SQ" and element.keyword and element.value not in (None, ""):
            value = element.value
            several = isinstance(value, list | tuple) or hasattr(value, "insert")
            keys[element.keyword] = "\\".join(map(str, value)) if several else str(value)
    return keys


def _answer(query: Dataset, level: str, found: Found, ae_title: str) -> Dataset:
    known = _values(found)
    answer = Dataset()
    answer.SpecificCharacterSet = UTF8
    answer.QueryRetrieveLevel = level
    answer.RetrieveAETitle = ae_title
    for element in query:
        if element.keyword in known:
            setattr(answer, element.keyword, known[element.keyword])
        elif element.keyword and element.keyword not in answer:
            setattr(answer, element.keyword, [] if element.VR == "SQ" else None)
    return answer


def _values(found: Found) -> dict[str, Any]:
    study = found.study
    moment = timezone.localtime(study.started_at) if study.started_at else None
    values: dict[str, Any] = {
        "PatientID": study.header_id,
        "IssuerOfPatientID": study.header_issuer,
        "PatientName": study.header_name,
        "PatientBirthDate": f"{study.birth_date:%Y%m%d}" if study.birth_date else "",
        "PatientSex": study.sex,
        "StudyInstanceUID": study.uid,
        "StudyDate": f"{moment:%Y%m%d}" if moment else "",
        "StudyTime": f"{moment:%H%M%S}" if moment else "",
        "AccessionNumber": study.accession,
        "StudyID": _first(study.attributes, "00200010"),
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


def _first(elements: dict[str, Any], tag: str) -> str:
    return str(next(iter(elements.get(tag, {}).get("Value") or ()), "") or "")
