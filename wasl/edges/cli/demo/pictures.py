"""Real DICOM images, given to invented patients: the identity in the header is replaced, and each says what it is.

They come with the packages pydicom and pydicom-data (MIT). "Demonstration image" stands in every description, and in
Image Comments, by which the archive knows them.
"""

import datetime
import importlib.util
import io
from functools import lru_cache
from pathlib import Path

import click
import pydicom
from pydicom import Dataset
from pydicom.dataset import FileDataset
from pydicom.uid import generate_uid

LABEL = "Demonstration image"
# the smallest of each kind, for the many exams of the past weeks; by procedure, else by modality
SMALL = {
    "DX-CHEST": "RG1_J2KI.dcm", "DX": "RG3_J2KI.dcm", "CT-HEAD": "693_J2KR.dcm", "CT-ABDO-PELV-C": "explicit_VR-UN.dcm",
    "CT-ABDO-PELV": "explicit_VR-UN.dcm", "CT-PANCREAS-C": "explicit_VR-UN.dcm", "CT": "CT_small.dcm",
    "MR-SHOULDER": "MR2_J2KI.dcm", "MR": "MR_small.dcm", "US": "OBXXXX1A_rle.dcm", "NM": "JPEG-LL.dcm",
}  # fmt: skip
# what a worklist item gives to the images made for it (IHE RAD TF-2, table A.1-1)
FROM_WORKLIST = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "AccessionNumber",
    "StudyInstanceUID", "ReferringPhysicianName", "InstitutionName",
)  # fmt: skip
# whatever else could be an earlier identity
FORGOTTEN = (
    "OtherPatientIDs", "OtherPatientNames", "PatientAge", "PatientAddress", "PatientTelephoneNumbers",
    "PatientComments", "PatientWeight", "PatientSize", "EthnicGroup", "Occupation", "AdditionalPatientHistory",
    "MedicalRecordLocator", "InstitutionAddress", "InstitutionalDepartmentName", "StationName", "PhysiciansOfRecord",
    "OperatorsName", "PerformingPhysicianName", "NameOfPhysiciansReadingStudy", "RequestingPhysician",
    "RequestAttributesSequence",
    "ReferencedStudySequence", "ReferencedPerformedProcedureStepSequence", "PerformedProcedureStepID",
    "DeviceSerialNumber",
)  # fmt: skip


def folder() -> Path:
    """Where pydicom-data keeps its images. Raises click.ClickException where it is not installed."""
    found = importlib.util.find_spec("data_store")
    if found is None or found.origin is None:
        raise click.ClickException("The demo country needs real images: pip install 'wasl[demo]'.")
    return Path(found.origin).parent / "data"


@lru_cache(maxsize=64)
def _bytes(name: str) -> bytes:
    for place in (folder(), Path(pydicom.__file__).parent / "data/test_files"):
        if (place / name).is_file():
            return (place / name).read_bytes()
    raise click.ClickException(f"The image {name} is missing: pip install --force-reinstall 'wasl[demo]'.")


def small(procedure: str, modality: str) -> str:
    """The file of a small image that may stand for this exam."""
    return SMALL.get(procedure, SMALL[modality])


def picture(name: str, item: Dataset, *, title: str, moment: datetime.datetime, number: int = 1) -> FileDataset:
    """The image `name` as a modality would make it for a worklist item, at a local moment."""
    image = pydicom.dcmread(io.BytesIO(_bytes(name)))
    image.remove_private_tags()
    image.decode()
    return dressed(image, item, title=title, moment=moment, number=number)


def dressed(
    image: FileDataset, item: Dataset, *, title: str, moment: datetime.datetime, number: int = 1
) -> FileDataset:
    """The image in the name of the worklist item's patient, labelled, and at a local moment."""
    image.SpecificCharacterSet = "ISO_IR 192"
    for keyword in FORGOTTEN:
        if keyword in image:
            delattr(image, keyword)
    for keyword in FROM_WORKLIST:
        setattr(image, keyword, item.get(keyword))
    image.StudyDescription = f"{LABEL}: {title}"[:64]
    image.SeriesDescription = image.ImageComments = LABEL
    image.StudyID = item.get("AccessionNumber") or ""
    for part in ("Study", "Series", "Acquisition", "Content"):
        setattr(image, f"{part}Date", f"{moment:%Y%m%d}")
        setattr(image, f"{part}Time", f"{moment:%H%M%S}")
    image.TimezoneOffsetFromUTC = f"{moment:%z}"
    image.SeriesNumber, image.InstanceNumber = 1, number
    image.SeriesInstanceUID = generate_uid(entropy_srcs=[str(item.StudyInstanceUID), "series"])
    image.SOPInstanceUID = generate_uid(entropy_srcs=[str(item.StudyInstanceUID), str(number)])
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    return image


def part10(image: FileDataset) -> bytes:
    """The image as a DICOM file."""
    file = io.BytesIO()
    pydicom.dcmwrite(file, image, enforce_file_format=True)
    return file.getvalue()
