"""STOW-RS: stored once however often it is sent, refused with its reason, and nothing half-written stays."""

import errno
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import DatabaseError, connection
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, generate_uid

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import Service, image, service
from wasl.archive import rules
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Conflict, Instance, Study
from wasl.edges.dicom import stow
from wasl.edges.dicom.multipart import Writer
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact, uuid7

pytestmark = pytest.mark.django_db(transaction=True)

JPIP = "1.2.840.10008.1.2.4.94"  # an image that says where its pixels are, and brings none


@pytest.fixture
def stage(store: Path) -> Cast:
    return cast()


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
    assert reasons(answer, "0008119A") == [0xC000] * 2  # what names nothing
    assert reasons(answer) == [0xC000, 0xA900]
    assert [item["00081155"]["Value"] for item in answer.json()["00081199"]["Value"]] == [[good.SOPInstanceUID]]
    assert len(files(store)) == 1, "nothing of what was refused stays"


def expected(*stored: Dataset, failed: Mapping[int, Dataset], others: int = 0) -> dict[str, Any]:
    """The whole answer to images of which some fail, each for a reason (PS3.18, I.2)."""

    def named(data: Dataset, **more: Any) -> dict[str, Any]:  # noqa: ANN401  DICOM JSON
        return {
            "00081150": {"vr": "UI", "Value": [str(data.SOPClassUID)]},
            "00081155": {"vr": "UI", "Value": [str(data.SOPInstanceUID)]},
            **{tag.removeprefix("x"): element for tag, element in more.items()},
        }

    (study,) = {str(data.StudyInstanceUID) for data in stored}
    at = f"http://localhost/dicom-web/studies/{study}"
    kept = [
        named(d, x00081190={"vr": "UR", "Value": [f"{at}/series/{d.SeriesInstanceUID}/instances/{d.SOPInstanceUID}"]})
        for d in stored
    ]
    lost = [named(data, x00081197={"vr": "US", "Value": [why]}) for why, data in failed.items()]
    told = {
        "00081190": {"vr": "UR", "Value": [at]}, "00081199": {"vr": "SQ", "Value": kept},
        "00081198": {"vr": "SQ", "Value": lost},
    }  # fmt: skip
    if others:
        told["0008119A"] = {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [0xC000]}}] * others}
    return told


def test_each_image_of_a_mixed_batch_is_answered_for_exactly(stage: Cast, sami: Service, store: Path) -> None:
    elsewhere, known, good = make.image(), make.image(), make.image()
    archive.receive([incoming(make.part10(elsewhere), place=stage.other)], by=SYSTEM)
    also = make.image(2, StudyInstanceUID=good.StudyInstanceUID)
    cut, same = make.image(3, StudyInstanceUID=good.StudyInstanceUID), make.part10(known)
    theirs = make.image(4, StudyInstanceUID=elsewhere.StudyInstanceUID)
    jpip = make.image(5, StudyInstanceUID=good.StudyInstanceUID, PixelDataProviderURL="http://elsewhere.example/5")
    del jpip.PixelData
    no_series = make.image(6, StudyInstanceUID=good.StudyInstanceUID, SeriesInstanceUID="")
    send(sami, same)
    before = files(store)
    known.PatientName = "Somebody^Else"
    answer = send(
        sami, make.part10(good), make.part10(cut)[:-40], b"%PDF-1.7", make.part10(known), make.part10(theirs),
        make.part10(jpip, JPIP), make.part10(no_series), make.part10(also),
    )  # fmt: skip
    assert answer.status_code == 202
    told = answer.json()
    told["00081198"]["Value"].sort(key=lambda item: item["00081197"]["Value"])
    failed = {0x0111: known, 0x0124: theirs, 0xA900: no_series, 0xC000: cut, 0xC122: jpip}
    assert told == expected(good, also, failed=failed, others=1)
    assert Conflict.objects.get().instance.uid == known.SOPInstanceUID
    assert len(files(store) - before) == 3, "the two that are stored, and the one that is kept aside"


def test_an_image_of_another_study_than_the_address_says_is_named_with_its_reason(stage: Cast, sami: Service) -> None:
    good, other = make.image(), make.image()
    answer = send(sami, make.part10(good), make.part10(other), path=f"/studies/{good.StudyInstanceUID}")
    assert (answer.status_code, answer.json()) == (202, expected(good, failed={0xA900: other}))


@contextmanager
def refused_by_the_database(uid: str) -> Iterator[None]:
    """The database does not take the row of one image."""
    with connection.cursor() as cursor:
        cursor.execute(
            "create function refuse_one() returns trigger language plpgsql as $$ begin "
            f"if new.uid = '{uid}' then raise exception 'a page of the index is damaged'; end if; return new; end $$"
        )
        cursor.execute("create trigger refuse_one before insert on archive_instance for each row "
                       "execute function refuse_one()")  # fmt: skip
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("drop trigger refuse_one on archive_instance; drop function refuse_one")


def test_what_the_database_does_not_take_failed_and_the_others_are_stored(stage: Cast, sami: Service) -> None:
    first = make.image()
    bad, last = (make.image(number, StudyInstanceUID=first.StudyInstanceUID) for number in (2, 3))
    with refused_by_the_database(str(bad.SOPInstanceUID)):
        answer = send(sami, *map(make.part10, (first, bad, last)))
    assert (answer.status_code, answer.json()) == (202, expected(first, last, failed={0x0110: bad}))
    assert send(sami, make.part10(bad)).status_code == 200


def test_what_the_disk_does_not_take_failed(stage: Cast, sami: Service, store: Path, settings: Any) -> None:  # noqa: ANN401  of pytest-django
    image = make.image()
    settings.RESERVE_GB = 1 << 40  # more than any disk has
    assert reasons(send(sami, make.part10(image))) == [0xA700]
    settings.RESERVE_GB = 0
    now = int(uuid7().hex[:6], 16)
    in_the_way = [store / f"{now + later:06x}" for later in (0, 1)]  # names of folders, this one's and the next one's
    for path in in_the_way:
        path.touch()
    answer = send(sami, make.part10(image))
    assert (answer.status_code, reasons(answer)) == (409, [0x0110])
    assert answer.json()["00081198"]["Value"][0]["00081155"]["Value"] == [image.SOPInstanceUID]
    assert "00081190" not in answer.json()
    for path in in_the_way:
        path.unlink()
    assert send(sami, make.part10(image)).status_code == 200


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.ENOSPC, "full"), 0xA700), (OSError(errno.EIO, "broken"), 0x0110), (DatabaseError(), 0x0110),
        (rules.NoRoom(), 0xA700), (rules.OtherPlacesStudy(), 0x0124), (rules.PixelsElsewhere(), 0xC122),
    ],
)  # fmt: skip
def test_each_error_has_its_reason(error: Exception, why: int) -> None:
    assert stow.reason(error) == why


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


def test_batches_are_received_in_their_order_while_the_next_is_read(
    stage: Cast, sami: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stow, "BATCH", 2)
    made = [make.image(number, StudyInstanceUID="1.2.3") for number in range(1, 12)]
    other = make.image(1, StudyInstanceUID="1.2.3", SOPInstanceUID=made[0].SOPInstanceUID, PatientName="Other")
    answer = send(sami, *map(make.part10, [*made, made[0], other]), b"no DICOM")
    assert answer.status_code == 202
    stored = [item["00081155"]["Value"][0] for item in answer.json()["00081199"]["Value"]]
    assert stored == [data.SOPInstanceUID for data in [*made, made[0]]]
    assert reasons(answer) == [stow.DUPLICATE]
    assert reasons(answer, "0008119A") == [stow.UNREADABLE]
    assert Study.objects.get().instance_count == Instance.objects.count() == 11
