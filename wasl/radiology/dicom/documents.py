"""An issued report as DICOM objects of its study: an Encapsulated PDF (PS3.3, A.45.1) and a Basic Text SR (A.35.1).

Its key images are a Key Object Selection (A.35.4; IHE RAD, KIN), so that other viewers point at them too, and show them
as the reader did (presentations.py).
"""

import datetime
import hashlib
import io
from collections.abc import Container
from typing import Any

from django.utils import timezone
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    BasicTextSRStorage,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    KeyObjectSelectionDocumentStorage,
)

from wasl.archive import queries as archive
from wasl.archive.services import Incoming, put
from wasl.kernel.access import Actor
from wasl.radiology import queries
from wasl.radiology.dicom.header import MARK, begin, is_preliminary
from wasl.radiology.dicom.presentations import presentations, reference_to
from wasl.radiology.queries import Document, KeyImage, Report
from wasl.workforce import queries as workforce

# LOINC, and DICOM's own codes (PS3.16), of TID 2000's headings: title, and the text beneath each
HEADINGS = {
    "indication": (("121060", "DCM", "History"), ("121060", "DCM", "History")),
    "technique": (("121064", "DCM", "Current Procedure Descriptions"), ("121065", "DCM", "Procedure Description")),
    "comparison": (("121068", "DCM", "Previous Findings"), ("121071", "DCM", "Finding")),
    "findings": (("121070", "DCM", "Findings"), ("121071", "DCM", "Finding")),
    "conclusion": (("121076", "DCM", "Conclusions"), ("121077", "DCM", "Conclusion")),
}
States = list[tuple[Dataset, list[KeyImage]]]  # presentation states, each with the images it shows
LANGUAGES = {"ar": "Arabic", "fr": "French", "en": "English"}


def objects(document: Document, *, viewer: Actor) -> list[Dataset]:
    """The PDF, the text and, where it has key images, their selection and how they were shown.

    Their UIDs follow from the document's key, once for ever.
    """
    report = queries.report(document.report_id, viewer=viewer)
    made = [encapsulated_pdf(document, report, viewer=viewer), text_sr(document, report, viewer=viewer)]
    states = presentations(document, report, viewer=viewer)
    selection = key_objects(document, report, states, viewer=viewer)
    return [*made, *([selection] if selection else []), *(state for state, _images in states)]


def encapsulated_pdf(document: Document, report: Report, *, viewer: Actor) -> Dataset:
    """The sealed PDF, byte for byte, as an object of its study."""
    data = begin(document, report, viewer=viewer, role=1, sop_class=EncapsulatedPDFStorage, modality="DOC")
    signed = timezone.localtime(report.signed_at)
    data.ConversionType = "WSD"
    data.Laterality = ""
    data.BurnedInAnnotation = "YES"
    data.RecognizableVisualFeatures = "NO"
    data.AcquisitionDateTime = f"{signed:%Y%m%d%H%M%S}"
    title = report.sections.get("title") or report.reading.order.procedure.name_fr
    data.DocumentTitle = f"{MARK} {title}" if is_preliminary(report) else title
    loinc = report.reading.order.procedure.loinc
    data.ConceptNameCodeSequence = Sequence([_code(loinc, "LN", "Diagnostic imaging study")] if loinc else [])
    data.MIMETypeOfEncapsulatedDocument = "application/pdf"
    pdf = bytes(document.pdf)
    data.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    data.EncapsulatedDocumentLength = len(pdf)
    return data


def text_sr(document: Document, report: Report, *, viewer: Actor) -> Dataset:
    """The report's sections as a Basic Text SR (PS3.16, TID 2000), complete; verified by its signer when final."""
    data = begin(document, report, viewer=viewer, role=2, sop_class=BasicTextSRStorage, modality="SR")
    reading, signed = report.reading, timezone.localtime(report.signed_at)
    worker = workforce.worker_of(report.author_id, viewer=viewer)
    name = f"{report.author.family_name}^{report.author.given_name}"
    data.ReferencedPerformedProcedureStepSequence = Sequence()
    data.PerformedProcedureCodeSequence = Sequence()
    data.CompletionFlag = "COMPLETE"
    if is_preliminary(report):
        data.VerificationFlag, data.PreliminaryFlag = "UNVERIFIED", "PRELIMINARY"
    else:
        data.VerificationFlag, data.PreliminaryFlag = "VERIFIED", "FINAL"
        place = worker.place.name_fr if worker else "Wasl"
        data.VerifyingObserverSequence = Sequence([_observer(name, place, signed)])
    data.ReferencedRequestSequence = Sequence([_request(report)])
    data.CurrentRequestedProcedureEvidenceSequence = Sequence(_evidence(report, viewer=viewer))
    data.ValueType, data.ContinuityOfContent = "CONTAINER", "SEPARATE"
    data.ConceptNameCodeSequence = Sequence([_code("18748-4", "LN", "Diagnostic imaging study")])
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "2000"
    data.ContentTemplateSequence = Sequence([template])
    items = [
        _item("HAS CONCEPT MOD", "CODE", ("121049", "DCM", "Language of Content Item and Descendants"),
              code=(report.language, "RFC5646", LANGUAGES[report.language])),
        _item("HAS OBS CONTEXT", "CODE", ("121005", "DCM", "Observer Type"), code=("121006", "DCM", "Person")),
        _item("HAS OBS CONTEXT", "PNAME", ("121008", "DCM", "Person Observer Name"), person=name),
    ]  # fmt: skip
    if is_preliminary(report):
        items.append(_item("CONTAINS", "TEXT", ("121106", "DCM", "Comment"), text=MARK))
    for section, (heading, concept) in HEADINGS.items():
        if text := report.sections.get(section, ""):
            box = _item("CONTAINS", "CONTAINER", heading)
            box.ContinuityOfContent = "SEPARATE"
            box.ContentSequence = Sequence([_item("CONTAINS", "TEXT", concept, text=text)])
            items.append(box)
    data.ContentSequence = Sequence(items)
    data.StudyDescription = reading.study.description or reading.order.procedure.name_fr[:64]
    return data


def key_objects(document: Document, report: Report, states: States, *, viewer: Actor) -> Dataset | None:
    """The key images as a Key Object Selection (PS3.16, TID 2010), with what is noted on them; None without any.

    Each refers to the presentation state that shows it. Images that are not in the archive any more are left out.
    """
    wanted = queries.key_images([report.id], viewer=viewer)
    named = [image.instance_uid for image in wanted]
    rows = archive.instances_of(report.reading.study_id, viewer=viewer).filter(uid__in=named)
    here = {row.uid: row for row in rows}
    wanted = [image for image in wanted if image.instance_uid in here]
    if not wanted:
        return None
    data = begin(
        document, report, viewer=viewer, role=3, sop_class=KeyObjectSelectionDocumentStorage, modality="KO"
    )  # fmt: skip
    data.ReferencedPerformedProcedureStepSequence = Sequence()
    data.ReferencedRequestSequence = Sequence([_request(report)])
    evidence = _evidence(report, viewer=viewer, only=here)
    evidence[0].ReferencedSeriesSequence.extend(_series_of(states))
    data.CurrentRequestedProcedureEvidenceSequence = Sequence(evidence)
    data.ValueType, data.ContinuityOfContent = "CONTAINER", "SEPARATE"
    data.ConceptNameCodeSequence = Sequence([_code("113000", "DCM", "Of Interest")])
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "2010"
    data.ContentTemplateSequence = Sequence([template])
    name = f"{report.author.family_name}^{report.author.given_name}"
    items = [
        _item("HAS OBS CONTEXT", "CODE", ("121005", "DCM", "Observer Type"), code=("121006", "DCM", "Person")),
        _item("HAS OBS CONTEXT", "PNAME", ("121008", "DCM", "Person Observer Name"), person=name),
    ]
    # the standard has one description of all of them: each note stands with the number of its image
    if notes := "\r\n".join(f"{number}. {image.note}" for number, image in enumerate(wanted, 1) if image.note):
        items.append(_item("CONTAINS", "TEXT", ("113012", "DCM", "Key Object Description"), text=notes))
    shown_by = {image.id: state for state, images in states for image in images}
    for image in wanted:
        row = here[image.instance_uid]
        one, shown = Dataset(), Dataset()
        shown.ReferencedSOPClassUID, shown.ReferencedSOPInstanceUID = row.sop_class, row.uid
        if row.frames > 1:
            shown.ReferencedFrameNumber = image.frame
        if state := shown_by.get(image.id):  # PS3.3, C.18.4
            shown.ReferencedSOPSequence = Sequence([reference_to(state)])
        one.RelationshipType, one.ValueType = "CONTAINS", "IMAGE"
        one.ReferencedSOPSequence = Sequence([shown])
        items.append(one)
    data.ContentSequence = Sequence(items)
    return data


def _series_of(states: States) -> list[Dataset]:
    """The series of the presentation states, as evidence."""
    if not states:
        return []
    series = Dataset()
    series.SeriesInstanceUID = states[0][0].SeriesInstanceUID
    series.ReferencedSOPSequence = Sequence(reference_to(state) for state, _images in states)
    return [series]


def incoming(data: Dataset) -> Incoming:
    """A data set of ours put into the pixel store, ready for the archive's `receive`."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = data.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.file_meta = meta
    file = io.BytesIO()
    data.save_as(file, enforce_file_format=True)
    content = file.getvalue()
    # what the file says, not what was meant: the hash and the metadata are of the bytes on the disk
    read = dcmread(io.BytesIO(content))
    start = 128 + 4 + 12 + int(read.file_meta.FileMetaInformationGroupLength)
    shown = Dataset({element.tag: element for element in read if element.keyword != "EncapsulatedDocument"})
    metadata: dict[str, Any] = shown.to_json_dict()
    return Incoming(
        stored=put([content]), metadata=metadata, transfer_syntax=str(ExplicitVRLittleEndian),
        dataset_sha256=hashlib.sha256(content[start:]).digest(), pixel_offset=None, frames=0, source=None, place=None,
    )  # fmt: skip


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _item(
    relation: str, kind: str, concept: tuple[str, str, str], *, text: str = "", person: str = "",
    code: tuple[str, str, str] | None = None,
) -> Dataset:  # fmt: skip
    item = Dataset()
    item.RelationshipType, item.ValueType = relation, kind
    item.ConceptNameCodeSequence = Sequence([_code(*concept)])
    if kind == "TEXT":
        item.TextValue = text
    elif kind == "PNAME":
        item.PersonName = person
    elif code:
        item.ConceptCodeSequence = Sequence([_code(*code)])
    return item


def _observer(name: str, hospital: str, signed: datetime.datetime) -> Dataset:
    observer = Dataset()
    observer.VerifyingOrganization = hospital[:64]
    observer.VerificationDateTime = f"{signed:%Y%m%d%H%M%S}"
    observer.VerifyingObserverName = name
    observer.VerifyingObserverIdentificationCodeSequence = Sequence()
    return observer


def _request(report: Report) -> Dataset:
    order = report.reading.order
    request = Dataset()
    request.StudyInstanceUID = report.reading.study.uid
    request.ReferencedStudySequence = Sequence()
    request.AccessionNumber = order.accession
    request.PlacerOrderNumberImagingServiceRequest = order.accession
    request.FillerOrderNumberImagingServiceRequest = ""
    request.RequestedProcedureID = order.accession
    request.RequestedProcedureDescription = order.procedure.name_fr[:64]
    request.RequestedProcedureCodeSequence = Sequence()
    return request


def _evidence(report: Report, *, viewer: Actor, only: Container[str] | None = None) -> list[Dataset]:
    """The images that were read, or only some of them, by series (PS3.3, C.17.2)."""
    study = Dataset()
    study.StudyInstanceUID = report.reading.study.uid
    series: dict[str, Dataset] = {}
    for instance in archive.instances_of(report.reading.study_id, viewer=viewer).filter(frames__gt=0):
        if only is not None and instance.uid not in only:
            continue
        group = series.setdefault(instance.series.uid, Dataset())
        group.SeriesInstanceUID = instance.series.uid
        image = Dataset()
        image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = instance.sop_class, instance.uid
        group.ReferencedSOPSequence = Sequence([*group.get("ReferencedSOPSequence", []), image])
    study.ReferencedSeriesSequence = Sequence(series.values())
    return [study] if series else []
