"""The demo country's scanners: real images, sent to the instance's own DICOM port as a modality would.

A scanner asks the worklist, says that it begins (MPPS), stores its images (C-STORE) and says that it has finished.
"""

import contextlib
import datetime
from collections.abc import Iterator, Sequence

from pydicom import Dataset
from pydicom.dataset import FileDataset
from pydicom.uid import UID, generate_uid
from pynetdicom import AE, build_context
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext

# PS3.4, F.7 and K.5: the classes of procedure steps and of the worklist
MPPS, WORKLIST = UID("1.2.840.10008.3.1.2.3.3"), UID("1.2.840.10008.5.1.4.31")

CREATED = 0x0000
PENDING = (0xFF00, 0xFF01)


class NotReached(RuntimeError):
    """The DICOM port does not answer, or does not take what is sent."""


class Scanner:
    """A modality under its AE title, at the address where Wasl listens."""

    def __init__(self, title: str, host: str, port: int, called: str) -> None:
        self._title, self._host, self._port, self._called = title, host, port, called

    def worklist(self, question: Dataset) -> list[Dataset]:
        """The worklist items that match. Raises NotReached."""
        with self._association([build_context(WORKLIST)]) as wasl:
            answers = wasl.send_c_find(question, WORKLIST)
            return [item for status, item in answers if status and status.Status in PENDING and item]

    def perform(self, item: Dataset, images: Sequence[FileDataset], *, modality: str) -> None:
        """Begin the exam, store its images, finish it. Raises NotReached."""
        step = generate_uid(entropy_srcs=[str(item.StudyInstanceUID), "step"])
        contexts = [build_context(MPPS), *_storage(images)]
        with self._association(contexts) as wasl:
            answer, _ = wasl.send_n_create(begun(item, self._title, modality), MPPS, step)
            _store(wasl, images)
            if answer and answer.Status == CREATED:
                wasl.send_n_set(finished(images), MPPS, step)

    def store(self, images: Sequence[FileDataset]) -> None:
        """Store images and say nothing else, as older machines do. Raises NotReached."""
        with self._association(_storage(images)) as wasl:
            _store(wasl, images)

    @contextlib.contextmanager
    def _association(self, contexts: list[PresentationContext]) -> Iterator[Association]:
        scanner = AE(ae_title=self._title)
        scanner.requested_contexts = contexts
        wasl = scanner.associate(self._host, self._port, ae_title=self._called)
        if not wasl.is_established:
            raise NotReached(f"{self._called} at {self._host}:{self._port} takes no association from {self._title}")
        try:
            yield wasl
        finally:
            wasl.release()


def _storage(images: Sequence[FileDataset]) -> list[PresentationContext]:
    kinds = {(UID(image.SOPClassUID), UID(image.file_meta.TransferSyntaxUID)) for image in images}
    return [build_context(sop_class, syntax) for sop_class, syntax in sorted(kinds)]


def _store(wasl: Association, images: Sequence[FileDataset]) -> None:
    for image in images:
        status = wasl.send_c_store(image)
        # a warning (PS3.4, B.2.3) is an image that was kept
        if not status or status.Status not in (CREATED, 0xB000, 0xB006, 0xB007):
            raise NotReached(f"an image was not taken ({status.Status:04X}H)" if status else "the association broke")


def begun(item: Dataset, title: str, modality: str) -> Dataset:
    """Modality performed procedure step, in progress (PS3.4, table F.7.2-1)."""
    now = datetime.datetime.now().astimezone()
    reference = Dataset()
    reference.StudyInstanceUID = item.StudyInstanceUID
    reference.AccessionNumber = reference.RequestedProcedureID = item.AccessionNumber
    reference.ReferencedStudySequence = []
    reference.RequestedProcedureDescription = reference.ScheduledProcedureStepDescription = ""
    reference.ScheduledProcedureStepID = item.AccessionNumber
    reference.ScheduledProtocolCodeSequence = []
    step = Dataset()
    step.SpecificCharacterSet = "ISO_IR 192"
    step.ScheduledStepAttributesSequence = [reference]
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex"):
        setattr(step, keyword, item.get(keyword))
    step.ReferencedPatientSequence = []
    step.PerformedProcedureStepID = item.AccessionNumber
    step.PerformedStationAETitle, step.PerformedStationName, step.PerformedLocation = title, "", ""
    step.PerformedProcedureStepStartDate = f"{now:%Y%m%d}"
    step.PerformedProcedureStepStartTime = f"{now:%H%M%S}"
    step.PerformedProcedureStepStatus = "IN PROGRESS"
    step.PerformedProcedureStepDescription = step.PerformedProcedureTypeDescription = ""
    step.ProcedureCodeSequence = []
    step.PerformedProcedureStepEndDate = step.PerformedProcedureStepEndTime = ""
    step.Modality, step.StudyID = modality, item.AccessionNumber
    step.PerformedProtocolCodeSequence = step.PerformedSeriesSequence = []
    return step


def finished(images: Sequence[Dataset]) -> Dataset:
    """The end of the step, and the images that were made in it."""
    now = datetime.datetime.now().astimezone()
    series = Dataset()
    series.SeriesInstanceUID = images[0].SeriesInstanceUID
    series.ProtocolName = images[0].get("ProtocolName") or "-"
    series.SeriesDescription = images[0].SeriesDescription
    series.PerformingPhysicianName = series.OperatorsName = series.RetrieveAETitle = ""
    series.ReferencedNonImageCompositeSOPInstanceSequence = []
    series.ReferencedImageSequence = []
    for image in images:
        reference = Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
        series.ReferencedImageSequence.append(reference)
    end = Dataset()
    end.PerformedProcedureStepStatus = "COMPLETED"
    end.PerformedProcedureStepEndDate, end.PerformedProcedureStepEndTime = f"{now:%Y%m%d}", f"{now:%H%M%S}"
    end.PerformedSeriesSequence = [series]
    return end
