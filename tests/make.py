"""Objects for tests, made with the verbs that users use."""

import datetime
import io
import itertools
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import numpy as np
from django.utils import timezone
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid

from tests.cast import Cast
from wasl.archive import queries as archive_queries
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Source, Study
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import services as patients
from wasl.patients.models import Patient
from wasl.planning import services as planning
from wasl.planning.models import Case
from wasl.radiology import services as radiology
from wasl.radiology.models import Agreement, Order, Procedure, Reading, Report

_numbers = itertools.count(1)
WRITTEN = {
    "title": "Scanner cérébral", "findings": "Hypodensité sylvienne gauche.",
    "conclusion": "AVC ischémique sylvien gauche.",
}  # fmt: skip


def patient(stage: Cast, **values: object) -> Patient:
    """A woman known in both scripts, registered by Nour at the regional hospital unless the values say otherwise."""
    about: dict[str, Any] = {
        "given_name": "Salma", "family_name": "Ben Salah", "given_name_ar": "سلمى", "family_name_ar": "بن صالح",
        "sex": "female", "birth_date": datetime.date(1980, 3, 12), "place": stage.regional, "by": stage.nour,
    }  # fmt: skip
    about.update(values)
    return patients.register_patient(**about)


def procedure(**values: object) -> Procedure:
    """A head CT that asks nothing, under a code of its own unless the values say otherwise."""
    about: dict[str, Any] = {
        "code": f"CT{next(_numbers):05d}", "names": ("مفراس الدماغ", "Scanner cérébral", "Head CT"), "modality": "CT",
        "region": "69536005", "region_name": "Head", "loinc": "24725-4", "by": SYSTEM,
    }  # fmt: skip
    about.update(values)
    return radiology.add_procedure(**about)


def order(stage: Cast, *, patient: UUID | None = None, procedure: UUID | None = None, **values: object) -> Order:
    """A head CT that Amel asks for, of a patient of her hospital unless the values say otherwise."""
    about: dict[str, Any] = {
        "patient": patient or _patient(stage).id, "procedure": procedure or _procedure().id, "place": stage.regional,
        "urgency": "P2", "question": "Hémiparésie droite depuis deux heures ?", "answers": {}, "by": stage.amel,
        "repeat_because": "changed",  # kept only where an earlier exam stands for it
    }  # fmt: skip
    about.update(values)
    return radiology.send_order(**about)


def image(number: int = 1, **values: object) -> Dataset:
    """A small synthetic CT slice of Salma, in a study of its own unless the values say otherwise."""
    data = Dataset()
    study = str(values.get("StudyInstanceUID") or generate_uid())
    about: dict[str, object] = {
        "SpecificCharacterSet": "ISO_IR 192", "SOPClassUID": CTImageStorage, "SOPInstanceUID": generate_uid(),
        "StudyDate": "20261110", "StudyTime": "080500", "AccessionNumber": "", "Modality": "CT",
        "StudyDescription": "CT du crâne", "SeriesDescription": "Axial", "PatientName": "Ben Salah^Salma=بن صالح^سلمى",
        "PatientID": "HZ-1980", "PatientBirthDate": "19800312", "PatientSex": "F", "BodyPartExamined": "HEAD",
        "StudyInstanceUID": study, "SeriesInstanceUID": f"{study[:56]}.1", "SeriesNumber": 1,
        "InstanceNumber": number, "Rows": 16, "Columns": 16, "PixelSpacing": [0.5, 0.5], "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "BitsStored": 12, "HighBit": 11,
        "PixelRepresentation": 1, "RescaleIntercept": -1024, "RescaleSlope": 1, "ImagePositionPatient": [0, 0, number],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "SliceThickness": 1,
    }  # fmt: skip
    for keyword, value in {**about, **values}.items():
        setattr(data, keyword, value)
    pixels = np.random.default_rng(number).integers(0, 2000, (data.Rows, data.Columns), dtype="int16")
    data.add_new("PixelData", "OW", pixels.tobytes())
    return data


def part10(data: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """A data set as a DICOM file."""
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = UID(syntax)
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    buffer = io.BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def send(stage: Cast, *images: Dataset, by: Actor | None = None, place: UUID | None = None) -> list[archive.Outcome]:
    """Images that Sami takes into the archive of the regional hospital, or of the place named."""
    items = [incoming(part10(data), place=place or stage.regional) for data in images]
    return archive.receive(items, by=by or stage.sami)


def study(stage: Cast, *, images: int = 3, **values: object) -> Study:
    """A study of some CT slices at the regional hospital, of no patient yet and not yet complete."""
    uid = str(generate_uid())
    outcomes = send(stage, *(image(number, **{**values, "StudyInstanceUID": uid}) for number in range(1, images + 1)))
    return archive_queries.study(outcomes[0].study, viewer=SYSTEM)


def rejection_note(study: Study, *uids: str, title: str = "113001", of: str = "") -> Dataset:
    """A note that takes images of a study back, as a modality writes it."""
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.59", str(generate_uid())
    data.StudyInstanceUID, data.SeriesInstanceUID, data.Modality = study.uid, str(generate_uid()), "KO"
    data.PatientID, data.PatientName, data.StudyDate = study.header_id, study.header_name, "20261110"
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = title, "DCM", "Rejected"
    data.ConceptNameCodeSequence = [code]
    named, series = Dataset(), Dataset()
    named.StudyInstanceUID, series.SeriesInstanceUID = of or study.uid, "1.2.3"
    series.ReferencedSOPSequence = []
    for uid in uids:
        one = Dataset()
        one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", uid
        series.ReferencedSOPSequence.append(one)
    named.ReferencedSeriesSequence = [series]
    data.CurrentRequestedProcedureEvidenceSequence = [named]
    return data


def source(stage: Cast, **values: object) -> Source:
    """The CT scanner of the regional hospital, which may send from this machine."""
    about: dict[str, Any] = {
        "ae_title": "CT_OUEDZEN", "place": stage.regional, "name": "CT Oued Zen", "modality": "CT",
        "address": "127.0.0.1", "by": SYSTEM,
    }  # fmt: skip
    about.update(values)
    return archive.add_source(**about)


_patient, _procedure = patient, procedure  # their names are also arguments


def study_of(stage: Cast, order: Order, *, complete: bool = True, images: int = 1) -> Study:
    """The images of an order's exam, as its modality sends them; whole unless said otherwise."""
    about = {
        "StudyInstanceUID": order.study_uid, "AccessionNumber": order.accession, "Modality": order.procedure.modality
    }  # fmt: skip
    sent = (image(number, **about) for number in range(1, images + 1))
    outcomes = send(stage, *sent, place=order.place_id, by=SYSTEM if order.place_id != stage.regional else None)
    if complete:
        archive.complete_study(outcomes[0].study, how="quiet", by=SYSTEM)
    return archive_queries.study(outcomes[0].study, viewer=SYSTEM)


def reading(stage: Cast, *, order: Order | None = None, **values: object) -> Reading:
    """A complete study that waits for Leila, of an order of Amel's unless one is named."""
    asked = order or _order(stage, **values)  # type: ignore[arg-type]
    arrived = study_of(stage, asked)
    radiology.link_study(asked.id, study=arrived.id, because="accession", by=SYSTEM)
    return radiology.open_reading(asked.id, study=arrived.id, by=SYSTEM)


def draft(
    stage: Cast, case: UUID, *, by: Actor | None = None, revision: int = 0, sections: Mapping[str, str] = WRITTEN,
    language: str = "fr", critical: bool = False, critical_what: str = "",
    critical_category: int = 1,
) -> Report:  # fmt: skip
    """What Leila, who holds the case, wrote so far."""
    return radiology.save_draft(
        case, sections=sections, language=language, critical=critical, critical_what=critical_what,
        critical_category=critical_category, revision=revision, by=by or stage.leila,
    )  # fmt: skip


def signed_report(
    stage: Cast, *, case: UUID | None = None, revision: int = 0, sections: Mapping[str, str] = WRITTEN,
    language: str = "fr", critical: bool = False, critical_what: str = "",
    critical_category: int = 1,
) -> Report:  # fmt: skip
    """A report that Leila claimed, wrote and signed."""
    key = case or reading(stage).id
    radiology.claim_reading(key, by=stage.leila)
    written = draft(stage, key, revision=revision, sections=sections, language=language, critical=critical,
                    critical_what=critical_what, critical_category=critical_category)  # fmt: skip
    return radiology.sign_report(written.id, revision=written.revision, by=stage.leila)


def preliminary(stage: Cast, *, case: UUID | None = None, by: Actor | None = None, **values: Any) -> Report:  # noqa: ANN401
    """A preliminary report that Sirine, or the reader named, claimed, wrote and issued."""
    key = case or reading(stage).id
    who = by or stage.sirine
    radiology.claim_reading(key, by=who)
    written = draft(stage, key, by=who, **values)
    return radiology.issue_preliminary(written.id, revision=written.revision, by=who)


def finalised(
    stage: Cast, issued: Report, *, change: str = "none", by: Actor | None = None, **values: object
) -> Report:
    """The final report that Leila, or the radiologist named, makes of a preliminary one, with other words if given."""
    who = by or stage.leila
    radiology.claim_reading(issued.reading_id, by=who)
    revision = 1
    if values:
        about: dict[str, Any] = {
            "sections": issued.sections, "critical": issued.critical, "critical_what": issued.critical_what, **values
        }  # fmt: skip
        revision = draft(stage, issued.reading_id, by=who, revision=1, **about).revision
    key = Report.objects.get(reading=issued.reading_id, state=Report.State.DRAFT).id
    return radiology.sign_report(key, revision=revision, by=who, change=change)


def terms(**values: object) -> radiology.Terms:
    """Every CT, urgent or not, day and night, from today on for ninety days, unless the values say otherwise."""
    about: dict[str, Any] = {
        "modalities": ("CT",), "minutes": {"P2": 240, "P3": None}, "scale": "TN-2024-715", "text": "Art. 7.",
        "since": timezone.localdate(), "until": timezone.localdate() + datetime.timedelta(days=89),
    }  # fmt: skip
    about.update(values)
    return radiology.Terms(**about)


def draft_agreement(stage: Cast, **values: object) -> Agreement:
    """What the university hospital would read for the other hospital, as Karim writes it down."""
    return radiology.draft_agreement(
        provider=stage.university, beneficiary=stage.other, terms=terms(**values), by=stage.karim
    )


def agreement(stage: Cast, **values: object) -> Agreement:
    """An agreement that Karim signed for the university hospital, and Hatem for the other hospital."""
    drafted = draft_agreement(stage, **values)
    radiology.sign_agreement(drafted.id, side="provider", version=1, by=stage.karim)
    return radiology.sign_agreement(drafted.id, side="beneficiary", version=1, by=stage.hatem)


_order = order


def published_month() -> None:
    """The evaluation of the last month, in which all that is known now was asked for, counted and published."""
    last = (timezone.localdate().replace(day=1) - datetime.timedelta(days=1)).replace(day=1)
    Case.objects.update(month=last)
    for month in (last, timezone.localdate().replace(day=1)):
        planning.count_month(month, by=SYSTEM)
    planning.release_month(last, by=SYSTEM)
