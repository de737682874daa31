"""A disk that is full: whoever sends is told so, nothing half is kept, and all goes on when there is room."""

import hashlib
import io
import os
import zipfile
from pathlib import Path
from zlib import compress

import httpx
import pytest
from django.conf import settings
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests import make
from tests.cast import Cast
from tests.edges.conftest import make_room
from tests.edges.dicomweb import Service
from tests.edges.foreign import door, token
from tests.edges.test_dicomweb_stow import reasons, send
from tests.edges.test_fuzz_json import MANIFEST, PIECES, text
from tests.edges.test_upload_parts import begun, piece
from wasl.archive import listeners
from wasl.archive import services as archive
from wasl.archive.models import Instance, Study, Transcoding
from wasl.archive.services.meta import data_set_start
from wasl.edges.dicom.pieces import Piece, pack
from wasl.edges.dicom.releasing import make_release, released_file
from wasl.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)
OUT_OF_RESOURCES = 0xA700


def slices(count: int) -> list[Dataset]:
    """Half a megabyte each."""
    uid = generate_uid()
    return [make.image(n, StudyInstanceUID=uid, Rows=512, Columns=512) for n in range(1, count + 1)]


def check(disk: Path, kept: set[str]) -> None:
    """Exactly these images are listed, each whole on the disk, and nothing else lies there."""
    rows = {row.uid: row for row in Instance.objects.all()}
    assert set(rows) == kept
    for row in rows.values():
        assert hash_on_disk(disk / row.path) == bytes(row.sha256)
    assert {path for path in disk.rglob("*") if path.is_file()} == {disk / row.path for row in rows.values()}


def hash_on_disk(path: Path) -> bytes | None:
    digests = archive.hash_file(path)
    return digests.data_set if digests else None


def test_images_sent_over_the_web(stage: Cast, small_disk: Path, sami: Service) -> None:
    images = slices(12)
    files = [make.part10(data) for data in images]
    answer = send(sami, *files)
    assert answer.status_code == 202
    kept = {item["00081155"]["Value"][0] for item in answer.json()["00081199"]["Value"]}
    told = [reason for name in ("00081198", "0008119A") if name in answer.json() for reason in reasons(answer, name)]
    assert len(kept) + len(told) == len(images)
    assert 0 < len(kept) < len(images)
    assert set(told) == {OUT_OF_RESOURCES}
    check(small_disk, kept)
    make_room(small_disk)
    assert send(sami, *files).status_code == 200
    check(small_disk, {str(data.SOPInstanceUID) for data in images})


def test_images_where_a_part_of_the_disk_is_left_free(
    stage: Cast, small_disk: Path, sami: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "RESERVE_GB", 1)
    answer = send(sami, *map(make.part10, slices(2)))
    assert (answer.status_code, set(reasons(answer))) == (409, {OUT_OF_RESOURCES})
    check(small_disk, set())


def test_an_archive_of_images_from_the_page(stage: Cast, small_disk: Path, sami: Service) -> None:
    images, packed = slices(7), io.BytesIO()
    for data in images:
        data.PixelData = bytes(512 * 512 * 2)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for number, data in enumerate(images):
            made.writestr(f"IM{number}", make.part10(data))

    def upload(content: bytes) -> httpx.Response:
        return sami.post("/upload?language=en", content, "application/zip")

    full = small_disk / "full"
    full.write_bytes(bytes(1 << 20))
    answer = upload(packed.getvalue())
    assert answer.status_code == 200
    told = answer.json()
    assert 0 < told["stored"] < len(images)
    assert told["stored"] + len(told["refused"]) == len(images)
    assert {one["reason"] for one in told["refused"]} == {
        "The archive's disk is nearly full; nothing is taken until there is room."
    }
    full.unlink()
    check(small_disk, set(Instance.objects.values_list("uid", flat=True)))
    large = make.part10(make.image(1, Rows=2000, Columns=2000))
    assert upload(large).status_code == 507
    make_room(small_disk)
    assert upload(packed.getvalue()).json()["stored"] == len(images) - told["stored"]
    check(small_disk, {str(data.SOPInstanceUID) for data in images})


def test_a_large_file_that_comes_in_pieces(stage: Cast, small_disk: Path, sami: Service) -> None:
    data = make.image(1, Rows=1000, Columns=1000)
    content = make.part10(data)
    part = begun(sami, len(content))
    assert piece(sami, part, content[: 1 << 20], 0).status_code == 204
    (full := small_disk / "full").write_bytes(bytes((3 << 20) - (64 << 10)))
    assert piece(sami, part, content[1 << 20 :], 1 << 20).status_code == 507
    asked = sami.ask("HEAD", part, headers={"tus-resumable": "1.0.0"})
    assert asked.headers["upload-offset"] == str(1 << 20), "what was acknowledged is there, and nothing half"
    full.unlink()
    disk = os.statvfs(small_disk)
    pages = disk.f_bavail - -(-(len(content) - (1 << 20)) // disk.f_frsize)
    full.write_bytes(bytes(pages * disk.f_frsize))  # so that the last piece fits, and its answer is not kept beside it
    last = piece(sami, part, content[1 << 20 :], 1 << 20)
    assert (last.status_code, last.json()["stored"]) == (200, 1)
    full.unlink()
    check(small_disk, {str(data.SOPInstanceUID)})


def test_pieces_of_another_site(stage: Cast, small_disk: Path) -> None:
    data = make.image(1, Rows=900, Columns=900)
    file = bytes(128) + make.part10(data)[128:]
    digest = hash_of(file)
    named = {
        "uid": data.SOPInstanceUID, "series": data.SeriesInstanceUID, "sha256": digest.hex(), "size": len(file),
        "frames": 1,
    }  # fmt: skip
    manifest = compress(text({"study": data.StudyInstanceUID, "rank": 2, "whole": True, "images": [named]}))
    machine = token("site", "dicomweb.write", place=stage.regional)
    half = 1 << 20
    with door() as there:

        def say(path: str, kind: str, body: bytes) -> dict[str, dict[str, object]]:
            answer = there.ask("POST", f"/transfer/{path}", machine, content=body, headers={"content-type": kind})
            assert answer.status_code == 200, answer.text
            told: dict[str, dict[str, object]] = answer.json()
            return told

        say("studies", MANIFEST, manifest)
        first = pack(Piece(digest, 0, file[:half]), level=0)
        assert say("pieces", PIECES, first)["at"] == {digest.hex(): half}
        (full := small_disk / "full").write_bytes(bytes((3 << 20) - (64 << 10)))
        rest = pack(Piece(digest, half, file[half:]), level=0)
        assert say("pieces", PIECES, rest)["refused"] == {digest.hex(): "TooManyPieces"}
        assert say("studies", MANIFEST, manifest)["missing"] == {digest.hex(): half}
        full.unlink()
        with pytest.MonkeyPatch.context() as patch:  # it is whole, but the store does not take it yet
            patch.setattr(settings, "RESERVE_GB", 1)
            assert say("pieces", PIECES, rest)["refused"] == {digest.hex(): "NoRoom"}
        assert not Instance.objects.exists()
        assert say("studies", MANIFEST, manifest)["missing"] == {}, "it came, and does not come again"
    check(small_disk, {str(data.SOPInstanceUID)})


def hash_of(file: bytes) -> bytes:
    return hashlib.sha256(file[data_set_start(file)[0] :]).digest()


def test_images_encoded_anew(stage: Cast, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "KEEPING", "htj2k")
    images = slices(4)
    study = Study.objects.get(id=make.send(stage, *images)[0].study)
    (full := small_disk / "full").write_bytes(bytes((2 << 20) - (700 << 10)))  # one of them still fits
    with pytest.raises(OSError, match="No space"):
        listeners.transcode_study(study=str(study.id))
    full.unlink()
    assert not Transcoding.objects.exists()
    check(small_disk, {str(data.SOPInstanceUID) for data in images})
    make_room(small_disk)
    listeners.transcode_study(study=str(study.id))
    assert Transcoding.objects.count() == len(images)


def test_copies_without_names(stage: Cast, small_disk: Path) -> None:
    study = Study.objects.get(id=make.send(stage, *slices(3))[0].study)
    project = archive.open_project("thorax", place=stage.regional, by=SYSTEM)
    release = archive.ask_release(project.id, studies=[study.id], purpose="teaching", by=SYSTEM)
    (full := small_disk / "full").write_bytes(bytes(2 << 20))
    to = released_file(release.id)
    with pytest.raises(OSError, match="No space"):
        make_release(release.id, to)
    assert not [path for path in small_disk.rglob("*") if str(release.id) in path.name]
    full.unlink()
    make_room(small_disk)
    assert not make_release(release.id, to)
    with zipfile.ZipFile(to) as made:
        assert made.testzip() is None
        assert len([name for name in made.namelist() if name.endswith(".dcm")]) == 3
