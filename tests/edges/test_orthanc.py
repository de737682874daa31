"""Orthanc as a peer: images to and from it on every way that both know, equal to the last byte on either side."""

import hashlib
import io
import struct
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from django.conf import settings
from django.db import connection
from pydicom import dcmread
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless

from tests import make
from tests.cast import Cast
from tests.edges.dicom import run_errands
from tests.edges.dicomweb import image
from tests.edges.foreign import token
from tests.edges.orthanc import TITLE, Orthanc, orthanc, why_no_orthanc
from tests.edges.scenes import eventually
from wasl.archive import queries
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Commitment, Instance, Source, Study
from wasl.edges.dicom import errands
from wasl.patients import services as patients

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(why_no_orthanc()), reason=why_no_orthanc()),
]

# a CT, JPEG 2000, frames in RLE, JPEG-LS, a structured report
REAL = ("CT_small.dcm", "693_J2KR.dcm", "emri_small_RLE.dcm", "MR_small_jpeg_ls_lossless.dcm", "test-SR.dcm")
ARABIC = Path(pydicom.data.__file__).parent / "charset_files/chrArab.dcm"
NAME = "قباني^لنزار"  # of the Arabic one
NUMBER = "HZ-1980"  # under which a hospital knows the patient of them all
Digests = dict[str, tuple[str, str]]


@cache
def files() -> dict[str, bytes]:
    """The real files by UID, of one patient.

    What DCMTK, of which Orthanc is made, leaves out or writes in its own way (padding at the end, group lengths, the VR
    of compressed pixels) is so from the start: nothing is left that may change on a way.
    """
    made = {}
    for content in (*map(image, REAL), ARABIC.read_bytes()):
        data = dcmread(io.BytesIO(content))
        data.PatientID = NUMBER
        if "DataSetTrailingPadding" in data:
            del data.DataSetTrailingPadding
        if data.file_meta.TransferSyntaxUID.is_compressed:
            data["PixelData"].VR = "OB"
        written = io.BytesIO()
        data.save_as(written, enforce_file_format=True)  # without group lengths
        made[str(data.SOPInstanceUID)] = written.getvalue()
    return made


def digests(contents: Iterable[bytes]) -> Digests:
    """The transfer syntax and the SHA-256 of the data set of files, by UID."""
    found = {}
    for content in contents:
        (length,) = struct.unpack_from("<L", content, 140)  # of the file meta information (PS3.10, 7.1)
        head = dcmread(io.BytesIO(content), stop_before_pixels=True)
        found[str(head.SOPInstanceUID)] = (
            str(head.file_meta.TransferSyntaxUID), hashlib.sha256(content[144 + length :]).hexdigest()
        )  # fmt: skip
    return found


def ours() -> Digests:
    """The same of what lies in our store, which the rows of it agree with."""
    rows = {row.uid: row for row in Instance.objects.all()}
    found = digests((settings.STORAGE / row.path).read_bytes() for row in rows.values())
    assert found == {uid: (row.transfer_syntax, bytes(row.sha256).hex()) for uid, row in rows.items()}
    return found


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """One Orthanc for all of these tests; it gives to whom it does not know, and asks in Unicode."""
    always = {f"DicomAlwaysAllow{what}": True for what in ("Find", "Get", "Move")}
    with orthanc(tmp_path_factory.mktemp("orthanc"), DefaultEncoding="Utf8", **always) as running:
        yield running


@pytest.fixture
def peer(started: Orthanc, port: int) -> Orthanc:
    """An empty Orthanc that knows our listener."""
    started.empty()
    started.put("/modalities/wasl", {"AET": "WASL", "Host": "127.0.0.1", "Port": port})
    with connection.cursor() as cursor:  # what other tests left in the queue is not ours
        cursor.execute("delete from procrastinate_jobs where task_name like 'dicom.%'")
    return started


@pytest.fixture
def source(stage: Cast, peer: Orthanc) -> Source:
    """Orthanc as we know it: the archive of the regional hospital."""
    return make.source(stage, ae_title=TITLE, name="Orthanc", modality="", port=peer.dicom, asks=True)


def received(stage: Cast) -> None:
    """The real files in our archive."""
    archive.receive([incoming(content, place=stage.regional) for content in files().values()], by=stage.sami)


def test_orthanc_stores_here_and_is_promised_that_all_is_kept(peer: Orthanc, source: Source) -> None:
    keys = [peer.take(content) for content in files().values()]
    told = peer.post("/modalities/wasl/store", {"Resources": keys, "StorageCommitment": True})
    assert (told["InstancesCount"], told["FailedInstancesCount"]) == (6, 0)
    assert ours() == digests(peer.files()) == digests(files().values())
    promise = f"/storage-commitment/{told['StorageCommitmentTransactionUID']}"
    assert peer.get(promise)["Status"] == "Pending"
    assert run_errands() == 1
    assert eventually(lambda: peer.get(promise)["Status"] != "Pending")
    answer = peer.get(promise)
    assert (answer["Status"], answer["Failures"]) == ("Success", [])
    assert {one["SOPInstanceUID"] for one in answer["Success"]} == files().keys()


def test_orthanc_is_not_promised_what_is_not_kept(peer: Orthanc, source: Source, stage: Cast) -> None:
    received(stage)
    kept, lost = Instance.objects.order_by("uid")[:2]
    (settings.STORAGE / lost.path).unlink()
    asked = [[one.sop_class, one.uid] for one in (kept, lost)]
    told = peer.post("/modalities/wasl/storage-commitment", {"DicomInstances": asked})
    assert run_errands() == 1
    assert eventually(lambda: peer.get(told["Path"])["Status"] != "Pending")
    answer = peer.get(told["Path"])
    assert answer["Status"] == "Failure"
    assert [one["SOPInstanceUID"] for one in answer["Success"]] == [kept.uid]
    assert [(one["SOPInstanceUID"], one["FailureReason"]) for one in answer["Failures"]] == [(lost.uid, 0x0112)]


def test_orthanc_finds_and_moves_what_is_here(peer: Orthanc, source: Source, stage: Cast) -> None:
    received(stage)
    query = {"Level": "Study", "Query": {"PatientID": NUMBER, "PatientName": "", "StudyInstanceUID": ""}}
    asked = f"/queries/{peer.post('/modalities/wasl/query', query)['ID']}"
    found = [peer.get(f"{asked}/answers/{number}/content?simplify") for number in peer.get(f"{asked}/answers")]
    assert {one["StudyInstanceUID"] for one in found} == set(Study.objects.values_list("uid", flat=True))
    assert NAME in {one["PatientName"] for one in found}
    query = {"Level": "Study", "Query": {"PatientName": f"{NAME[:3]}*", "StudyInstanceUID": ""}}
    by_name = f"/queries/{peer.post('/modalities/wasl/query', query)['ID']}"
    assert peer.get(f"{by_name}/answers") == ["0"]
    peer.post(f"{by_name}/answers/0/retrieve", {"TargetAet": TITLE})
    assert len(peer.files()) == 1
    peer.post(f"{asked}/retrieve", {"TargetAet": TITLE})
    assert digests(peer.files()) == ours() == digests(files().values())


def test_orthanc_stores_and_retrieves_over_dicomweb(peer: Orthanc, server: str, stage: Cast) -> None:
    head = token("orthanc", "dicomweb.read", "dicomweb.write", place=stage.regional)
    peer.put("/dicom-web/servers/wasl", {"Url": f"{server}/dicom-web/", "HttpHeaders": head})
    keys = [peer.take(content) for content in files().values()]
    peer.post("/dicom-web/servers/wasl/stow", {"Resources": keys, "Synchronous": True})
    assert ours() == digests(peer.files()) == digests(files().values())
    studies = [{"Study": uid} for uid in Study.objects.values_list("uid", flat=True)]
    peer.empty()
    peer.post("/dicom-web/servers/wasl/retrieve", {"Resources": studies, "Synchronous": True})
    assert digests(peer.files()) == ours()
    peer.empty()
    plain = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1'}
    asked = {"Resources": studies, "HttpHeaders": plain, "Synchronous": True}
    peer.post("/dicom-web/servers/wasl/retrieve", asked)
    same_pixels(peer.files(), files())


def same_pixels(contents: Iterable[bytes], real: Mapping[str, bytes]) -> None:
    """Files are real ones without compression: equal to the last byte where they had none, else pixel by pixel."""
    given = {str(dcmread(io.BytesIO(content)).SOPInstanceUID): content for content in contents}
    assert given.keys() == real.keys()
    for uid, (syntax, sha256) in digests(real.values()).items():
        if syntax == ExplicitVRLittleEndian:
            assert digests([given[uid]])[uid] == (syntax, sha256)
            continue
        plain, packed = dcmread(io.BytesIO(given[uid])), dcmread(io.BytesIO(real[uid]))
        assert plain.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        assert np.array_equal(pixel_array(plain), pixel_array(packed))


def bring(stage: Cast, source: Source) -> None:
    """Sami asks Orthanc for the exams of a patient, and has them brought."""
    patient = make.patient(stage)
    patients.add_identity(patient.id, kind="local", value=NUMBER, place=stage.regional, by=stage.nour)
    inquiry = archive.ask_for_studies(source.id, patient=patient.id, keys={"PatientID": NUMBER}, by=stage.sami)
    assert run_errands() == 1
    offers = queries.offers(inquiry.id, viewer=stage.sami)
    assert NAME in {offer.about["name"] for offer in offers}
    assert {offer.about["images"] for offer in offers} == {1}
    archive.bring_studies(inquiry.id, uids=[offer.about["uid"] for offer in offers], by=stage.sami)
    assert run_errands() == len(offers)
    assert {(offer.here, offer.failed) for offer in queries.offers(inquiry.id, viewer=stage.sami)} == {(1, 0)}


def test_exams_are_found_in_orthanc_and_moved_here(peer: Orthanc, source: Source, stage: Cast) -> None:
    for content in files().values():
        peer.take(content)
    bring(stage, source)
    assert ours() == digests(peer.files()) == digests(files().values())


def test_orthanc_gives_its_images_though_it_does_not_know_us(peer: Orthanc, source: Source, stage: Cast) -> None:
    peer.client.delete("/modalities/wasl").raise_for_status()
    # by C-GET they come without compression, and Debian's Orthanc has no codec for JPEG 2000
    known = {uid: content for uid, content in files().items() if digests([content])[uid][0] != JPEG2000Lossless}
    assert len(known) == 5
    for content in known.values():
        peer.take(content)
    bring(stage, source)
    same_pixels(((settings.STORAGE / row.path).read_bytes() for row in Instance.objects.all()), known)


def test_orthanc_says_which_of_our_images_it_keeps(
    peer: Orthanc, source: Source, stage: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "HERE", 0)  # it answers on an association of its own
    received(stage)
    lost, *kept = Instance.objects.order_by("uid")
    for row in kept:
        peer.take(files()[row.uid])
    images = {row.uid: row.sop_class for row in (lost, *kept)}
    asked = archive.ask_commitment(images, of=source.id, by=stage.sami)
    assert run_errands() == 1
    assert eventually(lambda: Commitment.objects.filter(id=asked.id, answered_at__isnull=False).exists())
    assert Commitment.objects.get(id=asked.id).failed == {lost.uid: 0x0112}
