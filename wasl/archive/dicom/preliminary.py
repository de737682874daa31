"""A preliminary word as a Basic Text SR of its study (PS3.3, A.35.1): unverified, preliminary, by a named person."""

import datetime
import io
from uuid import UUID

from django.utils import timezone
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, BasicTextSRStorage, ExplicitVRLittleEndian

from wasl.archive.dicom.files import incoming
from wasl.archive.queries import Study
from wasl.archive.rules import preliminary as rules
from wasl.archive.services import Incoming

NUMBER = 9200  # of its series
NEEDED = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime", "ReferringPhysicianName",
)  # fmt: skip


def written(study: Study, *, text: str, author: str, key: UUID, at: datetime.datetime) -> Incoming:
    """The word put into the pixel store, ready for its verb; `author` is a name as DICOM writes it, `key` its own."""
    data = document(study, text=text, author=author, key=key, at=at)
    file = io.BytesIO()
    data.save_as(file, enforce_file_format=True)
    return incoming(file.getvalue(), place=study.place_id)


def document(study: Study, *, text: str, author: str, key: UUID, at: datetime.datetime) -> Dataset:
    """What is written down; of its patient and its study it says what the images' header says."""
    moment = timezone.localtime(at)
    data = Dataset.from_json(study.attributes)
    for keyword in NEEDED:
        setattr(data, keyword, data.get(keyword) or "")
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = BasicTextSRStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = UID(f"2.25.{key.int}")
    data.SpecificCharacterSet = "ISO_IR 192"
    data.StudyInstanceUID, data.SeriesInstanceUID = study.uid, f"2.25.{key.int + 1}"
    data.Modality, data.SeriesNumber, data.InstanceNumber = "SR", NUMBER, 1
    data.SeriesDescription = "PRELIMINARY, written at the site"
    data.Manufacturer, data.ManufacturerModelName = "Wasl", rules.MODEL
    data.InstitutionName = study.place.name_fr[:64] if study.place else ""
    data.SeriesDate = data.ContentDate = data.InstanceCreationDate = f"{moment:%Y%m%d}"
    data.SeriesTime = data.ContentTime = data.InstanceCreationTime = f"{moment:%H%M%S}"
    data.TimezoneOffsetFromUTC = f"{moment:%z}"
    data.ObservationDateTime = f"{moment:%Y%m%d%H%M%S%z}"
    data.ReferencedPerformedProcedureStepSequence, data.PerformedProcedureCodeSequence = Sequence(), Sequence()
    data.CompletionFlag, data.VerificationFlag, data.PreliminaryFlag = "COMPLETE", "UNVERIFIED", "PRELIMINARY"
    data.AuthorObserverSequence = Sequence([_author(author, data.InstitutionName)])
    data.ValueType, data.ContinuityOfContent = "CONTAINER", "SEPARATE"
    data.ConceptNameCodeSequence = _code("18748-4", "LN", "Diagnostic imaging study")
    said = Dataset()
    said.RelationshipType, said.ValueType = "CONTAINS", "TEXT"
    said.ConceptNameCodeSequence = _code("121071", "DCM", "Finding")
    said.TextValue = text.strip()
    data.ContentSequence = Sequence([said])
    return data


def _author(name: str, hospital: str) -> Dataset:
    author = Dataset()
    author.ObserverType, author.PersonName, author.InstitutionName = "PSN", name, hospital
    author.PersonIdentificationCodeSequence = author.InstitutionCodeSequence = Sequence()
    return author


def _code(value: str, scheme: str, meaning: str) -> Sequence:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return Sequence([code])
