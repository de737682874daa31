"""STOW-RS: stored once however often it is sent, refused with its reason, and nothing half-written stays."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRBigEndian, generate_uid

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import Service, image, service
from wasl.archive.models import Conflict, Instance, Study
from wasl.edges.dicom import stow
from wasl.edges.dicom.multipart import Writer
from wasl.kernel.models import Fact

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage(store: Path) -> Cast:
    return cast()


@pytest.fixture
def sami(stage: Cast) -> Iterator[Service]:
    with service(stage.sami) as asked:
        yield asked


def body(*files: bytes, kind: str = "application/dicom") -> tuple[bytes, str]:
    writer = Writer("application/dicom")
    return b"".join(b for file in files for b in writer.part(kind, [file])) + writer.end(), writer.media_type


def send(to: Service, *files: bytes, path: str = "/studies", **headers: str) -> httpx.Response:
    content, kind = body(*files)
    return to.post(path, content, kind, **headers)


def reasons(answer: httpx.Response, sequence: str = "00081198") -> list[int]:
    return [item["00081197"]["Value"][0] for item in answer.json()[sequence]["Value"]]


def files(store: Path) -> set[str]:
    return {f"{path.relative_to(store)}" for path in store.rglob("*") if path.is_file()}


def test_what_is_sent_is_stored_at_the_sender_s_place(stage: Cast, sami: Service, store: Path) -> None:
    made = [make.image(number) for number in range(1, 4)]
    for data in made:
        data.StudyInstanceUID, data.SeriesInstanceUID = made[0].StudyInstanceUID, made[0].SeriesInstanceUID
    answer = send(sami, *(make.part10(data) for data in made))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/dicom+json"
    told: dict[str, Any] = answer.json()
    uid = made[0].StudyInstanceUID
    assert told["00081190"] == {"vr": "UR", "Value": [f"http://localhost/dicom-web/studies/{uid}"]}
    assert set(told) == {"00081190", "00081199"}
    stored = told["00081199"]["Value"]
    assert [item["00081155"]["Value"][0] for item in stored] == [data.SOPInstanceUID for data in made]
    assert {item["00081150"]["Value"][0] for item in stored} == {made[0].SOPClassUID}
    assert stored[0]["00081190"]["Value"][0].endswith(f"/instances/{made[0].SOPInstanceUID}")
    study = Study.objects.get(uid=uid)
    assert (study.place_id, study.instance_count) == (stage.regional, 3)
    fact = Fact.objects.get(name="archive.StudyArrived")
    assert (fact.actor, fact.subject) == (str(stage.sami), study.id)
    assert len(files(store)) == 3
    given = sami.get(stored[1]["00081190"]["Value"][0].removeprefix("http://localhost/dicom-web"), "application/dicom")
    assert dcmread(io.BytesIO(given.content)).InstanceNumber == 2


def test_sent_again_it_counts_once(stage: Cast, sami: Service, store: Path) -> None:
    file = make.part10(make.image())
    first, again = send(sami, file), send(sami, file, file)
    assert (first.status_code, again.status_code) == (200, 200)
    assert len(again.json()["00081199"]["Value"]) == 2
    assert Instance.objects.count() == len(files(store)) == 1
    assert not Conflict.objects.exists()


def test_other_content_under_the_same_uid_is_kept_aside_and_reported(stage: Cast, sami: Service) -> None:
    data = make.image()
    send(sami, make.part10(data))
    data.PatientName = "Somebody^Else"
    answer = send(sami, make.part10(data))
    assert answer.status_code == 409
    assert reasons(answer) == [0x0111]
    assert "00081199" not in answer.json()
    assert Conflict.objects.count() == 1
    assert Study.objects.get().header_name.startswith("Ben Salah")


def test_some_are_stored_and_some_refused(stage: Cast, sami: Service, store: Path) -> None:
    good = make.image()
    truncated = make.part10(make.image())[:-40]
    no_uid = make.image()
    no_uid.SeriesInstanceUID = ""
    answer = send(sami, b"%PDF-1.7 not DICOM", make.part10(good), truncated, make.part10(no_uid), b"")
    assert answer.status_code == 202
    assert reasons(answer, "0008119A") == [0xC000] * 4
    assert [item["00081155"]["Value"] for item in answer.json()["00081199"]["Value"]] == [[good.SOPInstanceUID]]
    assert len(files(store)) == 1, "nothing of what was refused stays"


def test_instances_of_another_study_are_refused(stage: Cast, sami: Service, store: Path) -> None:
    mine, other = make.image(), make.image()
    answer = send(sami, make.part10(mine), make.part10(other), path=f"/studies/{mine.StudyInstanceUID}")
    assert answer.status_code == 202
    assert reasons(answer) == [0xA900]
    assert list(Instance.objects.values_list("uid", flat=True)) == [mine.SOPInstanceUID]
    assert len(files(store)) == 1
    assert send(sami, make.part10(other), path="/studies/1.2.3").status_code == 409


@pytest.mark.parametrize("name", ["693_J2KR.dcm", "US1_J2KR.dcm", "liver_expb.dcm", "emri_small_RLE.dcm"])
def test_real_files_in_any_syntax(stage: Cast, sami: Service, name: str) -> None:
    assert send(sami, image(name)).status_code == 200
    stored = Instance.objects.get()
    assert stored.uid == dcmread(io.BytesIO(image(name))).SOPInstanceUID
    assert sami.get(f"/studies/{stored.series.study.uid}/thumbnail").status_code == 200


def test_who_may_store(stage: Cast, store: Path) -> None:
    file = make.part10(make.image())
    with service() as stranger:
        assert send(stranger, file).status_code == 401
    for person in (stage.hatem, stage.fatma, stage.amel):  # a planner, an administrator, who asks for exams
        with service(person) as asked:
            answer = send(asked, file)
            assert answer.status_code in (403, 409), person.name
            assert "00081199" not in answer.json()
    assert not Instance.objects.exists()
    assert not files(store)


def test_another_site_may_not_store_in_the_name_of_who_is_signed_in(stage: Cast, sami: Service) -> None:
    file = make.part10(make.image())
    assert send(sami, file, origin="https://elsewhere.example").status_code == 403
    assert send(sami, file, origin="null").status_code == 403
    assert not Instance.objects.exists()
    assert send(sami, file, origin="http://localhost").status_code == 200


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("", 415), ("application/json", 415), ("application/dicom", 415), ("multipart/form-data; boundary=x", 415),
        ('multipart/related; type="application/dicom+json"; boundary=x', 415),
        ('multipart/related; type="application/dicom"', 400),
        ('multipart/related; type="application/dicom"; boundary=other', 400),
    ],
)  # fmt: skip
def test_other_bodies_are_refused(stage: Cast, sami: Service, store: Path, kind: str, status: int) -> None:
    content, _ = body(make.part10(make.image()))
    answer = sami.post("/studies", content, kind)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert not files(store)


def test_a_body_that_is_cut_off_leaves_nothing_half_written(stage: Cast, sami: Service, store: Path) -> None:
    content, kind = body(*(make.part10(make.image()) for _ in range(3)))
    for cut in (10, 200, len(content) // 2, len(content) - 5):
        assert sami.post("/studies", content[:cut], kind).status_code == 400
    assert Instance.objects.count() == len(files(store)), "what came whole may stay, nothing else does"
    assert sami.post("/studies", content, kind).status_code == 200
    assert Instance.objects.count() == 3


def test_a_file_without_end_is_refused(
    stage: Cast, sami: Service, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stow, "LARGEST", 100_000)
    assert send(sami, make.part10(make.image()) + bytes(100_000)).status_code == 413
    assert not files(store)


def test_the_answer_is_json_or_none(stage: Cast, sami: Service) -> None:
    content, kind = body(make.part10(make.image()))
    answer = sami.post("/studies", content, kind, accept="application/dicom+xml")
    assert answer.status_code == 406
    assert not Instance.objects.exists()


def test_batches_of_more_than_one_transaction(stage: Cast, sami: Service) -> None:
    study = generate_uid()
    made = [make.part10(make.image(number, StudyInstanceUID=study), ExplicitVRBigEndian) for number in range(1, 46)]
    answer = send(sami, *made)
    assert answer.status_code == 200
    assert len(answer.json()["00081199"]["Value"]) == 45
    assert Study.objects.get().instance_count == 45
