"""A whole head CT, where the machine has one: Debian's `invesalius-examples` (GPL), read in place and never shipped.

108 slices of 256 × 256 pixels in Hounsfield units, 0.957 × 0.957 × 1.5 mm. The source does not say which side is left:
no claim of side is made of it.
"""

import datetime
import plistlib
import tarfile
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from wasl.edges.cli.demo.pictures import dressed

FILE = Path("/usr/share/doc/invesalius-examples/examples/Cranium.inv3")
WINDOW = (400, 40)  # width and centre, Hounsfield units


def slices(item: Dataset, *, title: str, moment: datetime.datetime) -> list[FileDataset]:
    """The head as a scanner would make it for a worklist item: one series, from slice to slice, at a local moment."""
    voxels, (across, down, apart) = _volume()
    frame = generate_uid(entropy_srcs=[str(item.StudyInstanceUID), "frame"])
    made = []
    for number, plane in enumerate(voxels, 1):
        image = FileDataset("", _constant(), file_meta=_meta())
        image.FrameOfReferenceUID, image.PositionReferenceIndicator = frame, ""
        image.PixelSpacing = [round(down, 4), round(across, 4)]
        image.SliceThickness = apart
        image.ImagePositionPatient = [round(-across * plane.shape[1] / 2, 2), round(-down * plane.shape[0] / 2, 2),
                                      round(apart * number, 2)]  # fmt: skip
        image.Rows, image.Columns = plane.shape
        image.add_new("PixelData", "OW", np.ascontiguousarray(plane[::-1]).astype("<i2").tobytes())  # the nose is up
        made.append(dressed(image, item, title=title, moment=moment, number=number))
    return made


@lru_cache(maxsize=1)
def _volume() -> tuple["np.ndarray[tuple[int, int, int], np.dtype[np.int16]]", tuple[float, float, float]]:
    """The voxels (slices, rows, columns; Hounsfield units) and their spacing across, down and apart (mm)."""
    with tarfile.open(FILE) as archive:
        members = {Path(member.name).name: member for member in archive if member.isfile()}

        def content(name: str) -> bytes:
            file = archive.extractfile(members[name])
            assert file is not None  # noqa: S101  only files are kept above
            return file.read()

        about = plistlib.loads(content("main.plist"))
        depth, rows, columns = about["matrix"]["shape"]
        voxels = np.frombuffer(content(about["matrix"]["filename"]), dtype="<i2").reshape(depth, rows, columns)
    across, down, apart = about["spacing"]
    return voxels, (across, down, apart)


def _meta() -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = CTImageStorage, ExplicitVRLittleEndian
    return meta


def _constant() -> Dataset:
    """What every slice says alike (PS3.3, A.3)."""
    image = Dataset()
    image.SOPClassUID, image.Modality = CTImageStorage, "CT"
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.Manufacturer, image.KVP, image.AcquisitionNumber = "", None, None
    image.BodyPartExamined, image.PatientPosition = "HEAD", "HFS"
    image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 1
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = 0, 1, "HU"
    image.WindowWidth, image.WindowCenter = WINDOW
    return image
