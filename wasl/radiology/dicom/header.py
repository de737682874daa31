"""What every object says that Wasl writes of a report: whose it is, of which study, in which series."""

from django.utils import timezone
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    ColorSoftcopyPresentationStateStorage,
    EncapsulatedPDFStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
)

from wasl.archive import queries as archive
from wasl.kernel.access import Actor
from wasl.patients import queries as patients
from wasl.radiology.queries import Document, Report

# modality -> what its series is called
SERIES = {"DOC": "Report", "SR": "Report (text)", "KO": "Key images", "PR": "Key images as the reader saw them"}
WRITTEN = (
    EncapsulatedPDFStorage, BasicTextSRStorage, KeyObjectSelectionDocumentStorage,
    GrayscaleSoftcopyPresentationStateStorage, ColorSoftcopyPresentationStateStorage,
)  # fmt: skip
ROOT = "2.25"
MARK = "PRELIMINARY"  # before every title of a report that is not final; C.17.2 has a flag, which few show


def is_preliminary(report: Report) -> bool:
    """Whether no radiologist has made the report final."""
    return bool(report.state == "preliminary")


def begin(document: Document, report: Report, *, viewer: Actor, role: int, sop_class: UID, modality: str) -> Dataset:
    """The modules that all of them share: patient, study, series, equipment, SOP common."""
    reading = report.reading
    study = archive.study(reading.study_id, viewer=viewer)
    patient = patients.patient(reading.patient_id, viewer=viewer)
    signed = timezone.localtime(report.signed_at)
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID = sop_class
    data.SOPInstanceUID = f"{ROOT}.{document.id.int + role}"
    data.InstanceCreationDate, data.InstanceCreationTime = f"{signed:%Y%m%d}", f"{signed:%H%M%S}"
    started = timezone.localtime(study.started_at) if study.started_at else None
    data.StudyDate, data.StudyTime = (f"{started:%Y%m%d}", f"{started:%H%M%S}") if started else ("", "")
    data.ContentDate, data.ContentTime = data.InstanceCreationDate, data.InstanceCreationTime
    data.SeriesDate, data.SeriesTime = data.InstanceCreationDate, data.InstanceCreationTime
    data.AccessionNumber = study.accession
    data.Modality = modality
    data.Manufacturer, data.ManufacturerModelName, data.SoftwareVersions = "Wasl", "Wasl", "1"
    data.DeviceSerialNumber = "1"
    data.InstitutionName = reading.place.name_fr[:64]
    data.ReferringPhysicianName = f"{reading.order.requester.family_name}^{reading.order.requester.given_name}"
    described = SERIES[modality]
    data.SeriesDescription = f"{MARK} {described}" if is_preliminary(report) else described
    data.PatientName = _name(patient)
    data.PatientID, data.IssuerOfPatientID = patient.number, "Wasl"
    data.PatientBirthDate = f"{patient.birth_date:%Y%m%d}" if patient.birth_date else ""
    data.PatientSex = {"male": "M", "female": "F", "other": "O"}.get(patient.sex, "")
    data.StudyInstanceUID = study.uid
    data.SeriesInstanceUID = f"{ROOT}.{document.id.int + 10 + role}"
    data.StudyID = reading.order.accession
    data.SeriesNumber = 9000 + role
    data.InstanceNumber = 1
    return data


def _name(patient: patients.Patient) -> str:
    """The name in Latin letters, and in Arabic as the ideographic group (PS3.5, 6.2.1.2)."""
    latin = f"{patient.family_name}^{patient.given_name}".strip("^")
    arabic = f"{patient.family_name_ar}^{patient.given_name_ar}".strip("^")
    return f"{latin}={arabic}" if arabic else latin
