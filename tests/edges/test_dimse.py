"""The DIMSE listener and foreign clients (DCMTK) over real sockets."""

import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)
from pynetdicom import AE, _config, build_context
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicom import client, listening, receiving, write
from tests.edges.scenes import eventually
from wasl.archive import queries as archive_queries
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Conflict, Instance, Study
from wasl.edges.dicom import lane
from wasl.kernel.access import SYSTEM
from wasl.patients.models import Access

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cast:
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "store")
    stage = cast()
    make.source(stage)
    return stage


@pytest.fixture
def port(stage: Cast) -> Iterator[int]:
    with listening() as port:
        yield port


def test_echo(port: int) -> None:
    assert client("echoscu", port).code == 0


def test_a_stranger_and_a_wrong_title_are_rejected(port: int) -> None:
    unknown = client("echoscu", port, me="NOBODY")
    assert unknown.code != 0
    assert "Calling AE Title Not Recognized" in unknown.text
    wrong = client("echoscu", port, us="OTHER")
    assert wrong.code != 0
    assert "Called AE Title Not Recognized" in wrong.text


def test_images_are_stored_once(port: int, stage: Cast, tmp_path: Path) -> None:
    image = make.image(1)
    (path,) = write(tmp_path, image)
    for _ in range(2):
        said = client("storescu", port, path)
        assert said.code == 0, said
    instance = Instance.objects.get()
    assert instance.uid == image.SOPInstanceUID
    assert Study.objects.get().place_id == stage.regional
    assert [p.name for p in (tmp_path / "store").rglob("*.dcm")] == [Path(instance.path).name]
    image.PatientName = "Other^Name"
    (path,) = write(tmp_path, image)
    said = client("storescu", port, "-v", path)
    assert "Warning: CoercionOfDataElements" in said.text or "0xb000" in said.text.lower(), said
    assert Conflict.objects.get().instance == instance
    assert Study.objects.get().header_name.startswith("Ben Salah")


def test_a_data_set_that_is_not_what_the_sender_names_is_refused(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = write(tmp_path, make.image(1))
    other = dcmread(path)
    other.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    other.save_as(path, enforce_file_format=False)
    monkeypatch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)  # names what the file meta information names
    context = build_context(CTImageStorage, ExplicitVRLittleEndian)
    association = AE("CT_OUEDZEN").associate("127.0.0.1", port, [context], ae_title="WASL")
    status = association.send_c_store(path)
    association.release()
    assert status.Status == 0xA900
    assert not Instance.objects.exists()
    assert not list((tmp_path / "store").rglob("*.*"))


def test_a_listener_stops_in_the_middle_of_an_image(stage: Cast, tmp_path: Path) -> None:
    (path,) = write(tmp_path, make.image(1))
    with listening() as port:
        association = AE("CT_OUEDZEN").associate(
            "127.0.0.1", port, [build_context(CTImageStorage, ExplicitVRLittleEndian)], ae_title="WASL"
        )
        begun = C_STORE_RQ()
        store = C_STORE()
        store.MessageID, store.Priority, store.DataSet = 1, 2, io.BytesIO(path.read_bytes()[400:])
        store.AffectedSOPClassUID, store.AffectedSOPInstanceUID = CTImageStorage, generate_uid()
        begun.primitive_to_message(store)
        for value in list(begun.encode_msg(1, 256))[:3]:  # the request, and not all of the data set
            association.dul.send_pdu(value)
        assert eventually(lambda: any((tmp_path / "store" / "arriving").iterdir()))
    assert association.is_aborted or eventually(lambda: association.is_aborted)
    assert not Instance.objects.exists()
    assert not list((tmp_path / "store").rglob("*.*"))


@pytest.mark.parametrize("way", ["short", "long"])
def test_any_transfer_syntax_is_kept_as_it_comes(port: int, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if way == "long":  # as when the request does not come alone in its PDU
        monkeypatch.setattr(lane, "request", lambda seen: None)
    syntaxes = [RLELossless, JPEGLSLossless, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K, UID("1.2.840.10008.1.2.4.110")]
    private = "1.2.826.0.1.3680043.9.9999.1"  # a class that nobody knows
    contexts = [build_context(kind, syntax) for kind in (CTImageStorage, private) for syntax in syntaxes]
    association = AE("CT_OUEDZEN").associate("127.0.0.1", port, contexts, ae_title="WASL")
    for number, syntax in enumerate(syntaxes):
        image = make.image(number, SOPClassUID=UID(private) if number % 2 else CTImageStorage)
        image.PixelData = encapsulate([b"as the sender made it"])
        image["PixelData"].is_undefined_length = True
        assert association.send_c_store(dcmread(io.BytesIO(make.part10(image, syntax)))).Status == 0x0000, syntax
        instance = Instance.objects.get(uid=image.SOPInstanceUID)
        assert instance.transfer_syntax == syntax
        assert dcmread(settings.STORAGE / instance.path).PixelData == image.PixelData
    association.release()


def find(port: int, tmp_path: Path, level: str, *keys: str, root: str = "-S") -> list[str]:
    """What findscu is answered, each answer as text in UTF-8."""
    folder = tmp_path / generate_uid()
    folder.mkdir()
    words = [word for key in (f"QueryRetrieveLevel={level}", *keys) for word in ("-k", key)]
    said = client("findscu", port, root, "-X", "-od", folder, "-k", "SpecificCharacterSet=ISO_IR 192", *words)
    assert said.code == 0, said
    return [str(dcmread(path)) for path in sorted(folder.iterdir())]


@pytest.fixture
def studies(stage: Cast) -> list[Study]:
    """Three studies of the regional hospital, and one of another that its scanner does not see."""
    made = [
        make.study(stage, images=2, AccessionNumber="A-1"),
        make.study(stage, images=1, StudyDate="20261201", PatientName="Trabelsi^Béchir", PatientID="HZ-2",
                   Modality="MR"),
        make.study(stage, images=1, StudyDate="20251201", PatientName="غربي^أمل", PatientID="HZ-3", Modality="CR"),
    ]  # fmt: skip
    item = incoming(make.part10(make.image(1, PatientName="Ben Salah^Elsewhere")), place=stage.other)
    archive.receive([item], by=SYSTEM)
    return made


# a matching key, and which of the three studies it finds
ASKED = [
    ("PatientName", [0, 1, 2]),
    ("PatientName=Ben*", [0]),
    ("PatientName=ben salah*", [0]),
    ("PatientName=بن*", [0]),
    ("PatientName=أمل*", []),
    ("PatientName=غربى*", [2]),  # letters that stand for one another
    ("PatientName=*bechir", [1]),
    ("PatientName=BEN SALAH^SALMA", [0]),
    ("PatientName=Salma", []),
    ("PatientID=HZ-?", [1, 2]),
    ("PatientID=HZ-2", [1]),
    ("AccessionNumber=A-1", [0]),
    ("StudyDate=20261110", [0]),
    ("StudyDate=20261101-", [0, 1]),
    ("StudyDate=-20261130", [0, 2]),
    ("StudyDate=20251201-20261110", [0, 2]),
    ("StudyDate=yesterday", []),
    ("ModalitiesInStudy=MR", [1]),
    ("ModalitiesInStudy=MR\\CR", [1, 2]),
]


def test_studies_are_found(port: int, studies: list[Study], tmp_path: Path) -> None:
    for key, expected in ASKED:
        found = find(port, tmp_path, "STUDY", key, "StudyInstanceUID")
        numbers = [number for number, study in enumerate(studies) if any(study.uid in text for text in found)]
        assert (numbers, len(found)) == (expected, len(expected)), key


def test_several_studies_are_found_by_their_uids(port: int, studies: list[Study], tmp_path: Path) -> None:
    uids = "\\".join(study.uid for study in studies[:2])
    assert len(find(port, tmp_path, "STUDY", f"StudyInstanceUID={uids}")) == 2


def test_arabic_names_come_back_as_they_were_sent(port: int, tmp_path: Path) -> None:
    image = make.image(1, PatientName="Ben Salah^Salma=بن صالح^سلمى")
    assert client("storescu", port, *write(tmp_path, image)).code == 0
    (found,) = find(port, tmp_path, "STUDY", "PatientName", "StudyDescription")
    assert "Ben Salah^Salma=بن صالح^سلمى" in found
    assert "CT du crâne" in found
    assert "ISO_IR 192" in found


def test_all_levels_of_both_roots(port: int, studies: list[Study], tmp_path: Path) -> None:
    uid = f"StudyInstanceUID={studies[0].uid}"
    assert len(find(port, tmp_path, "PATIENT", "PatientID", root="-P")) == 3
    assert len(find(port, tmp_path, "STUDY", "PatientID=HZ-1980", root="-P")) == 1
    (series,) = find(port, tmp_path, "SERIES", uid, "SeriesInstanceUID", "Modality", "NumberOfSeriesRelatedInstances")
    assert "'CT'" in series
    assert "'2'" in series
    assert len(find(port, tmp_path, "IMAGE", uid, "SOPInstanceUID")) == 2
    assert len(find(port, tmp_path, "IMAGE", uid, "InstanceNumber=2")) == 1


def test_a_level_that_does_not_exist_is_refused(port: int, tmp_path: Path) -> None:
    said = client("findscu", port, "-S", "-v", "-k", "QueryRetrieveLevel=FRAME", "-k", "StudyInstanceUID")
    assert "DataSetDoesNotMatchSOPClass" in said.text, said


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
    assert not list(folder.iterdir())


def test_dcmsend_sends_a_folder(port: int, tmp_path: Path) -> None:
    folder = tmp_path / "cd"
    folder.mkdir()
    uid = generate_uid()
    write(folder, *(make.image(number, StudyInstanceUID=uid) for number in range(1, 11)))
    said = client("dcmsend", port, "--scan-directories", folder)
    assert said.code == 0, said
    study = Study.objects.get()
    assert (study.uid, study.instance_count, study.series_count) == (uid, 10, 1)


def test_what_the_disk_does_not_take_is_not_acknowledged(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = write(tmp_path, make.image(1), make.image(2))

    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "broken")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        said = client("storescu", port, "-v", first)
    assert "Refused: OutOfResources" in said.text, said
    assert not Instance.objects.exists()
    assert not list((tmp_path / "store").rglob("*.dcm"))
    assert client("storescu", port, first, second).code == 0
    assert Instance.objects.count() == 2
