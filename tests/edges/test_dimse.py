"""The DIMSE listener and foreign clients (DCMTK) over real sockets."""

import errno
import io
import os
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
from tests.cast import Cast
from tests.edges.dicom import client, listening, write
from tests.edges.scenes import eventually
from wasl.archive.models import Conflict, Instance, Study
from wasl.edges.dicom import lane

pytestmark = pytest.mark.django_db(transaction=True)


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
        assert eventually(lambda: any((tmp_path / "store" / "arriving").glob("*/*")))
    assert association.is_aborted or eventually(lambda: association.is_aborted)
    association.join()
    assert association.dul.socket
    association.dul.socket.close()  # pynetdicom leaves it to whoever is cut off
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
