"""C-MOVE and C-GET by foreign clients and to foreign systems (DCMTK, pynetdicom)."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
    generate_uid,
)
from pynetdicom import AE, DEFAULT_TRANSFER_SYNTAXES, build_role, evt

from tests import make
from tests.cast import Cast
from tests.edges.dicom import client, receiving, three_studies
from wasl.archive import queries as archive_queries
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Study
from wasl.edges.dicom.classes import STUDY_ROOT_GET
from wasl.kernel.access import SYSTEM
from wasl.patients.models import Access

pytestmark = pytest.mark.django_db(transaction=True)

SIDE = 48  # pixels of the images that are compressed


@pytest.fixture
def studies(stage: Cast) -> list[Study]:
    return three_studies(stage)


def test_images_are_got_and_the_access_is_written(port: int, stage: Cast, studies: list[Study], tmp_path: Path) -> None:
    patient = make.patient(stage)
    archive.match_study(studies[0].id, patient=patient.id, because="test", by=stage.sami)
    folder = tmp_path / "got"
    folder.mkdir()
    said = client("getscu", port, "-S", "-od", folder, "-k", "QueryRetrieveLevel=STUDY",
                  "-k", f"StudyInstanceUID={studies[0].uid}")  # fmt: skip
    assert said.code == 0, said
    got = [dcmread(path) for path in folder.iterdir()]
    assert {data.SOPInstanceUID for data in got} == {
        image.uid for image in archive_queries.instances_of(studies[0].id, viewer=SYSTEM)
    }
    assert str(got[0].PatientName) == "Ben Salah^Salma=بن صالح^سلمى"
    access = Access.objects.get(patient=patient.id)
    assert (access.what, access.subject, access.actor_name) == ("archive.study", studies[0].id, "CT Oued Zen")


def test_images_are_moved_to_a_system_of_the_same_place(
    port: int, stage: Cast, studies: list[Study], tmp_path: Path
) -> None:
    with receiving(tmp_path / "moved", "WORKSTATION") as theirs:
        make.source(stage, ae_title="WORKSTATION", name="Station", port=theirs)
        move = ("-S", "-v", "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={studies[0].uid}")
        said = client("movescu", port, "-aem", "WORKSTATION", *move)
        assert said.code == 0, said
        assert len(list((tmp_path / "moved").iterdir())) == 2
        said = client("movescu", port, "-aem", "NOWHERE", *move)
        assert "MoveDestinationUnknown" in said.text, said


def test_another_hospital_gets_nothing(port: int, stage: Cast, studies: list[Study], tmp_path: Path) -> None:
    make.source(stage, ae_title="CT_NAKHIL", place=stage.other)
    folder = tmp_path / "got"
    folder.mkdir()
    said = client("getscu", port, "-S", "-od", folder, "-k", "QueryRetrieveLevel=STUDY",
                  "-k", f"StudyInstanceUID={studies[0].uid}", me="CT_NAKHIL")  # fmt: skip
    assert said.code == 0, said
    assert not list(folder.iterdir())
    assert Access.objects.count() == 0


def test_a_retrieval_that_names_nothing_gets_nothing(port: int, studies: list[Study], tmp_path: Path) -> None:
    folder = tmp_path / "got"
    folder.mkdir()
    client("getscu", port, "-S", "-od", folder, "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=*")
    client("getscu", port, "-P", "-od", folder, "-k", "QueryRetrieveLevel=PATIENT", "-k", "PatientID=HZ-*")
    client("getscu", port, "-S", "-od", folder, "-k", "QueryRetrieveLevel=PATIENT", "-k", "PatientID=HZ-2")
    assert not list(folder.iterdir())
    client("getscu", port, "-P", "-od", folder, "-k", "QueryRetrieveLevel=PATIENT", "-k", "PatientID=HZ-2")
    assert len(list(folder.iterdir())) == 1


def packed(stage: Cast) -> tuple[Study, dict[str, Any]]:
    """A study stored in compressed transfer syntaxes, of grey and of colours, and its pixels by instance."""
    study, pixels, files = str(generate_uid()), {}, []
    for number, syntax in enumerate((RLELossless, HTJ2KLossless, JPEGLSLossless, ExplicitVRLittleEndian), start=1):
        image = make.image(number, StudyInstanceUID=study, Rows=SIDE, Columns=SIDE)
        pixels[image.SOPInstanceUID] = np.frombuffer(image.PixelData, "int16")
        files.append(compressed(image, syntax))
    colours = make.image(5, StudyInstanceUID=study, Rows=SIDE, Columns=SIDE, SOPClassUID=SecondaryCaptureImageStorage,
                         SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0, BitsAllocated=8,
                         BitsStored=8, HighBit=7, PixelRepresentation=0)  # fmt: skip
    colours.PixelData = np.random.default_rng(5).integers(0, 255, SIDE * SIDE * 3, dtype="uint8").tobytes()
    pixels[colours.SOPInstanceUID] = np.frombuffer(colours.PixelData, "uint8")
    files.append(compressed(colours, RLELossless))
    archive.receive([incoming(file, place=stage.regional) for file in files], by=stage.sami)
    return Study.objects.get(uid=study), pixels


def compressed(image: Dataset, syntax: str) -> bytes:
    """An image as a file in a transfer syntax."""
    values = np.frombuffer(image.PixelData, "uint8" if image.BitsAllocated == 8 else "int16")
    values = values.reshape((image.Rows, image.Columns, *([3] if image.SamplesPerPixel == 3 else [])))
    if syntax == RLELossless:
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.compress(RLELossless, generate_instance_uid=False)
    elif syntax != ExplicitVRLittleEndian:
        encode = imagecodecs.htj2k_encode if syntax == HTJ2KLossless else imagecodecs.jpegls_encode
        image.PixelData = encapsulate([bytes(encode(values.astype("uint16")))])
        image["PixelData"].is_undefined_length = True
        image.PixelRepresentation = 0
    return make.part10(image, syntax)


def same(folder: Path, pixels: dict[str, Any]) -> bool:
    """Whether the files of a folder are these images, without compression and with the same pixels."""
    got = {data.SOPInstanceUID: data for data in map(dcmread, folder.iterdir())}
    assert got.keys() == pixels.keys()
    for uid, data in got.items():
        assert data.file_meta.TransferSyntaxUID in (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
        assert np.array_equal(np.frombuffer(data.PixelData, pixels[uid].dtype), pixels[uid])
    return True


def test_who_takes_no_compression_gets_none(port: int, stage: Cast, tmp_path: Path) -> None:
    study, pixels = packed(stage)
    words = ("-S", "-v", "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study.uid}")
    with receiving(tmp_path / "moved", "OLD") as theirs:  # storescp takes no compression unless it is told to
        make.source(stage, ae_title="OLD", name="Station", port=theirs)
        said = client("movescu", port, "-aem", "OLD", *words)
    assert said.code == 0, said
    assert same(tmp_path / "moved", pixels)
    folder = tmp_path / "got"
    folder.mkdir()
    said = client("getscu", port, "-od", folder, *words)
    assert said.code == 0, said
    assert same(folder, pixels)


def test_who_takes_compression_gets_images_as_they_are_stored(port: int, stage: Cast, tmp_path: Path) -> None:
    image = make.image(1)
    archive.receive([incoming(compressed(image, RLELossless), place=stage.regional)], by=stage.sami)
    with receiving(tmp_path / "moved", "NEW", "+xr") as theirs:
        make.source(stage, ae_title="NEW", name="Station", port=theirs)
        said = client("movescu", port, "-aem", "NEW", "-S", "-k", "QueryRetrieveLevel=STUDY",
                      "-k", f"StudyInstanceUID={image.StudyInstanceUID}")  # fmt: skip
    assert said.code == 0, said
    (moved,) = map(dcmread, (tmp_path / "moved").iterdir())
    assert moved.file_meta.TransferSyntaxUID == RLELossless
    assert moved.PixelData == image.PixelData


Counts = tuple[int, int, int]


@contextlib.contextmanager
def getting(
    port: int, answer: Callable[[Any], int], *classes: str, syntaxes: Sequence[str] = DEFAULT_TRANSFER_SYNTAXES
) -> Iterator[Callable[..., list[tuple[Dataset, Any]]]]:
    """A foreign system (pynetdicom) that gets studies, and answers each image as it likes."""
    ae = AE("CT_OUEDZEN")
    ae.add_requested_context(STUDY_ROOT_GET)
    for kind in classes:
        ae.add_requested_context(kind, list(syntaxes))
    roles: list[Any] = [build_role(kind, scp_role=True) for kind in classes]
    association = ae.associate(
        "127.0.0.1", port, ae_title="WASL", ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, answer)]
    )
    assert association.is_established

    def get(cancel: bool = False, level: str = "STUDY", **keys: object) -> list[tuple[Dataset, Any]]:
        query = Dataset()
        query.QueryRetrieveLevel = level
        for keyword, value in keys.items():
            setattr(query, keyword, value)
        said: list[tuple[Dataset, Any]] = []
        for status, identifier in association.send_c_get(query, STUDY_ROOT_GET, msg_id=9):
            if cancel and not said:
                association.send_c_cancel(9, query_model=STUDY_ROOT_GET)
            said.append((status, identifier))
        return said

    yield get
    association.release()


def counts(status: Dataset) -> Counts:
    """Completed, failed and warned of."""
    names = ("NumberOfCompletedSuboperations", "NumberOfFailedSuboperations", "NumberOfWarningSuboperations")
    completed, failed, warned = (int(status.get(name)) for name in names)
    return completed, failed, warned


def test_each_image_that_fails_is_named(port: int, stage: Cast, tmp_path: Path) -> None:
    study = make.study(stage, images=5)
    note = make.image(6, StudyInstanceUID=study.uid, SOPClassUID=SecondaryCaptureImageStorage)
    make.send(stage, note)
    first, second, third, *_ = archive_queries.instances_of(study.id, viewer=SYSTEM)
    archive_queries.path_of(first.id, viewer=SYSTEM).unlink()  # as a broken disk does
    answers = {second.uid: 0xA700, third.uid: 0xB000}
    with getting(port, lambda event: answers.get(event.request.AffectedSOPInstanceUID, 0x0000), CTImageStorage) as get:
        said = get(StudyInstanceUID=study.uid)
    status, identifier = said[-1]
    assert (status.Status, counts(status)) == (0xB000, (2, 3, 1))
    assert set(identifier.FailedSOPInstanceUIDList) == {first.uid, second.uid, note.SOPInstanceUID}
    pending = [(s.Status, s.NumberOfRemainingSuboperations) for s, _ in said[:-1]]
    assert pending == [(0xFF00, left) for left in range(5, -1, -1)]


def test_when_none_can_be_taken_the_retrieval_fails(port: int, stage: Cast) -> None:
    study = make.study(stage, images=2)
    with getting(port, lambda event: 0x0000, SecondaryCaptureImageStorage) as get:
        status, identifier = get(StudyInstanceUID=study.uid)[-1]
    assert (status.Status, counts(status)) == (0xA702, (0, 2, 0))
    assert len(identifier.FailedSOPInstanceUIDList) == 2


def test_a_retrieval_ends_when_its_asker_has_enough(port: int, stage: Cast) -> None:
    study = make.study(stage, images=40)
    with getting(port, lambda event: 0x0000, CTImageStorage) as get:
        status, _ = get(cancel=True, StudyInstanceUID=study.uid)[-1]
    assert status.Status == 0xFE00
    assert status.NumberOfRemainingSuboperations > 0
    assert counts(status)[0] + status.NumberOfRemainingSuboperations == 40


def test_a_move_that_half_fails_says_so(port: int, stage: Cast, tmp_path: Path) -> None:
    study = make.study(stage, images=3)
    first = archive_queries.instances_of(study.id, viewer=SYSTEM)[0]
    archive_queries.path_of(first.id, viewer=SYSTEM).write_bytes(b"not DICOM")
    with receiving(tmp_path / "moved", "WORKSTATION") as theirs:
        make.source(stage, ae_title="WORKSTATION", name="Station", port=theirs)
        said = client("movescu", port, "-aem", "WORKSTATION", "-S", "-d", "-k", "QueryRetrieveLevel=STUDY",
                      "-k", f"StudyInstanceUID={study.uid}")  # fmt: skip
    assert "Completed Suboperations       : 2" in said.text, said
    assert "Failed Suboperations          : 1" in said.text
    assert first.uid in said.text
    assert len(list((tmp_path / "moved").iterdir())) == 2


def test_a_matched_study_is_found_and_given_as_its_patients(
    port: int, stage: Cast, studies: list[Study], tmp_path: Path
) -> None:
    salma = make.patient(stage)
    archive.match_study(studies[1].id, patient=salma.id, because="her own exam", by=stage.sami)
    folder = tmp_path / "got"
    folder.mkdir()
    client("getscu", port, "-S", "-od", folder, "-k", "QueryRetrieveLevel=STUDY",
           "-k", f"StudyInstanceUID={studies[1].uid}")  # fmt: skip
    (file,) = folder.iterdir()
    data = dcmread(file)
    assert (data.PatientID, str(data.PatientName)) == (salma.number, "Ben Salah^Salma=بن صالح^سلمى")
    assert data.OriginalAttributesSequence[0].ModifiedAttributesSequence[0].PatientID == "HZ-2"
