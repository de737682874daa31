"""Files sent from the browser: an image, an archive, and what somebody may send instead."""

import io
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import Service, image, service
from wasl.archive import services as archive_services
from wasl.archive.models import Conflict, Instance, Study
from wasl.edges.dicom import unpacking, upload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage(store: Path) -> Cast:
    return cast()


def send(to: Service, content: bytes, question: str = "language=fr", **headers: str) -> dict[str, Any]:
    answer = to.post(f"/upload?{question}", content, "application/octet-stream", **headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def taken(stored: int = 0, duplicate: int = 0, conflict: int = 0) -> dict[str, Any]:
    return {"stored": stored, "duplicate": duplicate, "conflict": conflict, "ignored": 0, "refused": []}


def reasons(told: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["reason"] for one in told["refused"]}


def left(store: Path) -> list[Path]:
    """Files that no row knows."""
    known = {*Instance.objects.values_list("path", flat=True), *Conflict.objects.values_list("path", flat=True)}
    return [path for path in store.rglob("*") if path.is_file() and f"{path.relative_to(store)}" not in known]


def test_an_image_is_stored_once(stage: Cast, sami: Service, store: Path) -> None:
    data = make.image()
    assert send(sami, make.part10(data)) == taken(stored=1)
    assert send(sami, make.part10(data)) == taken(duplicate=1)
    data.PatientID = "OTHER"
    assert send(sami, make.part10(data)) == taken(conflict=1)
    assert Study.objects.get().place_id == stage.regional
    assert left(store) == []


def test_the_place_is_one_where_the_sender_holds_a_post(stage: Cast, sami: Service) -> None:
    send(sami, make.part10(make.image()), f"place={stage.regional}")
    send(sami, make.part10(make.image()), f"place={stage.university}")
    send(sami, make.part10(make.image()), "place=nonsense")
    assert set(Study.objects.values_list("place", flat=True)) == {stage.regional}


def test_an_archive_is_opened_and_each_file_answered(stage: Cast, sami: Service, store: Path) -> None:
    one, two = make.part10(make.image()), make.part10(make.image())
    told = send(
        sami,
        packed(
            {
                "DICOM/IM1": one, "DICOM/IM2": two, "DICOM/again": one, "real": image("693_J2KR.dcm"),
                "DICOM/readme.txt": b"hello", "DICOM/cut": one[:-30], "DICOM/empty": b"", "DICOMDIR": b"index",
                "__MACOSX/._IM1": b"noise", "folder/": b"", "inner.zip": packed({"a": one}),
            }
        ),
    )  # fmt: skip
    assert (told["stored"], told["duplicate"], told["conflict"]) == (3, 1, 0)
    assert set(reasons(told)) == {"readme.txt", "cut", "empty", "inner.zip"}
    assert Instance.objects.count() == 3
    assert left(store) == []


def test_what_is_no_image_on_a_disc_is_counted(stage: Cast, sami: Service, store: Path) -> None:
    disc = archive_services.begin_disc(make.patient(stage).id, by=stage.sami)
    one = make.part10(make.image())
    files = {"IM1": one, "AUTORUN.INF": b"[autorun]", "VIEWER/v.exe": b"MZ", "DICOMDIR": b"x", "cut": one[:-30]}
    told = send(sami, packed(files), f"language=en&disc={disc.id}")
    assert (told["stored"], told["ignored"], list(reasons(told))) == (1, 2, ["cut"])
    assert send(sami, one, f"disc={disc.id}") == taken(duplicate=1)
    assert send(sami, b"%PDF", f"disc={disc.id}") == taken() | {"ignored": 1}
    assert not Instance.objects.exists()
    assert [path.suffix for path in left(store)] == [".dcm"]
    for wrong in (uuid4(), "nonsense"):
        answer = sami.post(f"/upload?disc={wrong}", one, "application/octet-stream")
        assert answer.status_code == 400 or reasons(answer.json())[""]
    assert len(left(store)) == 1


def test_names_play_no_part(stage: Cast, sami: Service, store: Path, tmp_path: Path) -> None:
    names = ("../../../etc/cron.d/evil", "/etc/passwd", "C:\\Windows\\evil.dcm", "..\\..\\up", "a" * 200, "x\u202ey")
    files = {name: make.part10(make.image()) for name in names}
    assert send(sami, packed(files)) == taken(stored=len(names))
    assert {path.suffix for path in store.rglob("*") if path.is_file()} == {".dcm"}
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    told = send(sami, packed({"../../<script>alert(1)</script>\r\n": b"no image", f"deep/{'n' * 300}": b"none"}))
    assert set(reasons(told)) == {"script>??", "n" * 80}


def test_bombs_are_refused_before_they_grow(
    stage: Cast, sami: Service, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "SMALL", 1 << 20)
    bomb = packed({"bomb": bytes(64 << 20)})
    assert len(bomb) < 70_000
    told = send(sami, bomb)
    assert list(reasons(told)) == [""]
    lying = bytearray(bomb)  # the archive says that its file is small
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = lying.index(mark) + offset
        lying[at : at + 4] = (1000).to_bytes(4, "little")
    told = send(sami, bytes(lying))
    assert (told["stored"], len(told["refused"])) == (0, 1)
    monkeypatch.setattr(unpacking, "MOST_FILES", 10)
    assert list(reasons(send(sami, packed({f"{number}": b"x" for number in range(11)})))) == [""]
    assert not Instance.objects.exists()
    assert left(store) == []


def test_damaged_and_protected_archives_are_refused(stage: Cast, sami: Service, store: Path) -> None:
    good = packed({"a": make.part10(make.image())})
    for content in (good[:-40], b"PK\x03\x04" + bytes(50)):
        assert list(reasons(send(sami, content))) == [""]
    secret = bytearray(good)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        secret[secret.index(mark) + offset] |= 1
    assert reasons(send(sami, bytes(secret), "language=en")) == {"a": "This file is protected by a password."}
    unusual = packed({"a": make.part10(make.image())}, zipfile.ZIP_BZIP2)
    assert reasons(send(sami, unusual, "language=en")) == {"a": "This file is packed in an unusual way."}
    broken = bytearray(packed({"a": make.part10(make.image())}, zipfile.ZIP_STORED))
    broken[200] ^= 0xFF
    assert reasons(send(sami, bytes(broken), "language=en")) == {"a": "This file is damaged."}
    assert not Instance.objects.exists()
    assert left(store) == []


def test_what_is_no_image_is_refused_in_the_person_s_language(stage: Cast, sami: Service) -> None:
    said = {
        language: reasons(send(sami, b"%PDF-1.7", f"language={language}"))[""] for language in ("ar", "fr", "en", "xx")
    }
    assert said["en"] == "This is not a DICOM file, or it is damaged beyond reading."
    assert len(set(said.values())) == 3
    assert said["xx"] == said["fr"], "the country's first language where none is known"


def test_too_large_and_cut_off(stage: Cast, sami: Service, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "LARGEST", 500)
    assert list(reasons(send(sami, make.part10(make.image())))) == [""]
    assert list(reasons(send(sami, b""))) == [""]
    assert left(store) == []


def test_who_may_send(stage: Cast, store: Path) -> None:
    file = make.part10(make.image())
    with service() as stranger:
        assert stranger.post("/upload", file, "application/octet-stream").status_code == 401
    for person in (stage.amel, stage.hatem, stage.fatma):
        with service(person) as asked:
            assert asked.post("/upload", file, "application/octet-stream").status_code == 403
    with service(stage.sami) as sami:
        assert sami.post("/upload", file, "text/html").status_code == 415
        assert sami.post("/upload", file, "application/dicom", origin="https://evil.example").status_code == 403
        assert sami.get("/upload").status_code == 405
    assert not Instance.objects.exists()
    assert left(store) == []
