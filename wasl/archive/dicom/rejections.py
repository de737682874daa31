"""The note that takes images back: a Key Object Selection with a rejection's title (PS3.3, A.35.4; IHE RAD, IOCM)."""

import io
from collections.abc import Sequence
from uuid import UUID

from pydicom.dataset import Dataset

from wasl.archive import queries
from wasl.archive.dicom.files import incoming
from wasl.archive.events import ImagesRejected
from wasl.archive.queries import Found, Rejection
from wasl.archive.services import Incoming, pass_rejection_on, receive
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.events import Told, after

TITLES = {
    "113001": "Rejected for Quality Reasons",
    "113037": "Rejected for Patient Safety Reasons",
    "113038": "Incorrect Modality Worklist Entry",
    "113039": "Data Retention Policy Expired",
}  # PS3.16, CID 7011
# what a note says of its patient and study is what their header says, so that whoever has the images knows them
NEEDED = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
          "StudyTime")  # fmt: skip
NUMBER = 9100  # of a note's series


@after(ImagesRejected)
def write_and_pass_on(event: ImagesRejected, told: Told) -> None:
    """What was taken back is said in a note in the study, which goes to all who hold the images."""
    here = queries.rejected(event.rejection, viewer=SYSTEM)  # none where the note came before its images
    if here and queries.note(event.rejection, viewer=SYSTEM) is None:
        receive([written(event.rejection, viewer=SYSTEM)], by=SYSTEM)
    pass_rejection_on(event.rejection, by=SYSTEM)


def written(rejection: UUID, *, viewer: Actor) -> Incoming:
    """The note of a rejection, put into the pixel store, ready for `receive`."""
    row = queries.rejection(rejection, viewer=viewer)
    file = io.BytesIO()
    note_of(row, queries.rejected(rejection, viewer=viewer)).save_as(file, enforce_file_format=True)
    return incoming(file.getvalue(), place=row.study.place_id)


def note_of(row: Rejection, images: Sequence[Found]) -> Dataset:
    """The note that takes some images back, under the UID that it was given with the rejection."""
    from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument  # heavy, and rarely needed
    from highdicom.sr import CodedConcept

    said = Dataset.from_json(row.study.attributes)
    for keyword in NEEDED:
        setattr(said, keyword, said.get(keyword) or "")
    evidence = [_evidence(said, one) for one in images]
    title = CodedConcept(row.reason, "DCM", TITLES[row.reason])
    number = int(row.uid.rpartition(".")[2])
    return KeyObjectSelectionDocument(
        evidence=evidence, content=KeyObjectSelection(document_title=title, referenced_objects=evidence),
        series_instance_uid=f"2.25.{number + 1}", series_number=NUMBER, sop_instance_uid=row.uid, instance_number=1,
        manufacturer="Wasl", institution_name=row.study.place.name_fr[:64] if row.study.place else None,
        series_description="Images taken back",
    )  # fmt: skip


def _evidence(said: Dataset, found: Found) -> Dataset:
    """As much of an image's header as a note needs to name it."""
    image, series = found.instance, found.series
    assert image is not None  # noqa: S101  only images are named
    assert series is not None  # noqa: S101
    one = Dataset()
    one.update(said)
    one.SpecificCharacterSet = "ISO_IR 192"
    one.StudyInstanceUID, one.SeriesInstanceUID = found.study.uid, series.uid
    one.SOPClassUID, one.SOPInstanceUID = image.sop_class, image.uid
    if image.rows and image.columns:
        one.Rows, one.Columns = image.rows, image.columns
    return one
