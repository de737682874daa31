"""The hourly phantom: a small CT of nobody, sent to our own port as a scanner would (C-STORE, PS3.4, B)."""

import logging
from typing import Any

import numpy as np
from django.conf import settings
from django.utils import timezone
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, build_context

from wasl.archive import services
from wasl.archive.queries import PhantomRun
from wasl.edges.dicom.calling import ANSWER, CONNECT, GREET, Unreachable
from wasl.kernel.access import SYSTEM

NAME = "PHANTOM^WASL"
MARK = "Wasl phantom, of no patient"  # Image Comments (0020,4000)
SIDE = 128  # pixels
WATER, AIR, BONE = 0, -1000, 900  # Hounsfield units

log = logging.getLogger(__name__)


def send(run: PhantomRun) -> None:
    """Send a run's images and note when the last was acknowledged; when that fails, the run has failed."""
    if run.ended_at or run.stored_at:
        return
    try:
        _store(run, [image(run, number) for number in range(1, services.IMAGES + 1)])
    except (OSError, RuntimeError, ValueError) as error:
        log.error("The phantom of a site was not taken: %s", type(error).__name__)
        services.fail_phantom(run.id, by=SYSTEM)
        return
    services.note_phantom_stored(run.id, at=timezone.now(), by=SYSTEM)


def image(run: PhantomRun, number: int) -> Dataset:
    """A slice of a run's phantom: a cylinder of water with a rod of bone; made again it is the same, byte for byte."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, UID(f"2.25.{run.id.int + number}")
    data.StudyInstanceUID, data.SeriesInstanceUID = UID(f"2.25.{run.study.int}"), UID(f"2.25.{run.id.int}")
    data.FrameOfReferenceUID = UID(f"2.25.{run.id.int + 100}")
    moment = run.started_at
    for part in ("Study", "Series", "Acquisition", "Content"):
        setattr(data, f"{part}Date", f"{moment:%Y%m%d}")
        setattr(data, f"{part}Time", f"{moment:%H%M%S}")
    data.TimezoneOffsetFromUTC = f"{moment:%z}"
    data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex = NAME, "PHANTOM", "", "O"
    data.AccessionNumber = data.ReferringPhysicianName = data.StudyID = data.PositionReferenceIndicator = ""
    data.Laterality = ""
    data.Modality, data.Manufacturer, data.StudyDescription = "CT", "Wasl", MARK
    data.ImageComments, data.ImageType = MARK, ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.SeriesNumber, data.InstanceNumber, data.AcquisitionNumber = 1, number, 1
    data.KVP, data.PatientPosition = None, "HFS"
    data.ImagePositionPatient, data.ImageOrientationPatient = [-64, -64, number * 5], [1, 0, 0, 0, 1, 0]
    data.PixelSpacing, data.SliceThickness = [1, 1], 5
    data.Rows = data.Columns = SIDE
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = 0, 1, "HU"
    data.add_new("PixelData", "OW", _slice(number).tobytes())
    return data


def _slice(number: int) -> "np.ndarray[Any, np.dtype[np.int16]]":
    """Pixels of a slice, SIDE by SIDE, in Hounsfield units."""
    across, down = np.meshgrid(np.arange(SIDE) - SIDE / 2, np.arange(SIDE) - SIDE / 2)
    pixels = np.full((SIDE, SIDE), AIR, "<i2")
    pixels[across**2 + down**2 < 50**2] = WATER
    pixels[(across - 10 * number) ** 2 + down**2 < 8**2] = BONE
    return pixels


def _store(run: PhantomRun, images: list[Dataset]) -> None:
    """Send images over one association. Raises Unreachable where one is not taken."""
    host, _, port = settings.PHANTOM_TO.rpartition(":")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host.strip("[]"), host.strip("[]"))  # noqa: S104
    ae = AE(run.source.ae_title)
    ae.connection_timeout, ae.acse_timeout, ae.dimse_timeout, ae.network_timeout = CONNECT, GREET, ANSWER, ANSWER
    ae.requested_contexts = [build_context(CTImageStorage, ExplicitVRLittleEndian)]
    opened: Any = ae.associate(host, int(port), ae_title=settings.DICOM_AE_TITLE)
    if not opened.is_established:
        raise Unreachable("Our own DICOM port takes no phantom.")
    try:
        for data in images:
            status = opened.send_c_store(data)
            if not status or status.Status != 0x0000:
                raise Unreachable("Our own DICOM port did not take a phantom's image.")
    finally:
        opened.release()
