"""Large files sent in pieces (tus 1.0): gone on with after a cut, one sender at a time, nobody else's."""

import io
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import Service, service
from wasl.archive.models import Instance
from wasl.archive.services import partial
from wasl.archive.services import sweep as sweep_files

pytestmark = pytest.mark.django_db(transaction=True)
TUS = {"tus-resumable": "1.0.0"}


@pytest.fixture
def stage(store: Path) -> Cast:
    return cast()


def begun(to: Service, size: int) -> str:
    answer = to.ask("POST", "/upload/parts", headers=TUS | {"upload-length": str(size)})
    assert answer.status_code == 201, answer.text
    return answer.headers["location"].removeprefix("/dicom-web")


def piece(to: Service, part: str, content: bytes, at: int, **headers: str) -> httpx.Response:
    kind = {"content-type": "application/offset+octet-stream"}
    sent = TUS | kind | {"upload-offset": str(at)} | headers
    return to.ask("PATCH", f"{part}?language=en", content=content, headers=sent)


def test_a_file_goes_on_where_it_ended(stage: Cast, sami: Service, store: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in (1, 2):
            archive.writestr(f"IM{number}", make.part10(make.image(number)))
        archive.writestr("readme.txt", b"hello")
    content = packed.getvalue()
    part, half = begun(sami, len(content)), len(content) // 2
    assert piece(sami, part, content[:half], 0).headers["upload-offset"] == str(half)
    for wrong in (0, half - 1, half + 1):
        refused = piece(sami, part, content[half:], wrong)
        assert (refused.status_code, refused.headers["upload-offset"]) == (409, str(half))
    assert piece(sami, part, content[half:] + b"more", half).status_code == 409
    asked = sami.ask("HEAD", part, headers=TUS)
    assert (asked.headers["upload-offset"], asked.headers["upload-length"]) == (str(half), str(len(content)))
    assert sweep_files() == 0, "what was not gone on with waits for days"
    last = piece(sami, part, content[half:], half)
    assert last.status_code == 200
    assert last.json()["stored"] == 2
    assert [one["name"] for one in last.json()["refused"]] == ["readme.txt"]
    # the answer got lost: asked again, it is given again, and nothing is done twice
    assert sami.ask("HEAD", part, headers=TUS).headers["upload-offset"] == str(len(content))
    assert piece(sami, part, b"", len(content)).json() == last.json()
    assert Instance.objects.count() == 2
    (answer,) = (store / "arriving").glob("*.partial")
    os.utime(answer, (0, 0))
    assert sweep_files() == 1
    assert sami.ask("HEAD", part, headers=TUS).status_code == 404


def test_of_two_pieces_for_one_place_one_wins(stage: Cast, sami: Service) -> None:
    content = os.urandom(300_000)
    part = begun(sami, len(content) + 1)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: piece(sami, part, content, 0).status_code, range(4)))
    assert sorted(answers) == [204, 409, 409, 409]
    key = bytes.fromhex(part.rpartition("/")[2])
    assert partial.partial_path(key, sender=str(stage.sami)).read_bytes() == content
    with partial.whole_part(key, sender=str(stage.sami)) as held:  # while one opens the file, another does not
        assert held is not None
        with partial.whole_part(key, sender=str(stage.sami)) as again:
            assert again is None


def test_a_part_is_one_persons_and_there_is_room_for_so_many(
    stage: Cast, sami: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = begun(sami, 1000)
    with service(stage.leila) as other:
        for answer in (other.ask("HEAD", part, headers=TUS), other.ask("DELETE", part, headers=TUS),
                       piece(other, part, b"x", 0)):  # fmt: skip
            assert answer.status_code == 404
    assert sami.ask("HEAD", part, headers=TUS).headers["upload-offset"] == "0"
    for unknown in ("00" * 32, "00", "zz"):
        assert piece(sami, f"/upload/parts/{unknown}", b"x", 0).status_code == 404
    assert sami.ask("HEAD", part).status_code == 412
    assert piece(sami, part, b"x", 0, **{"content-type": "text/plain"}).status_code == 415
    for size in ("", "-1", "many"):
        answer = sami.ask("POST", "/upload/parts", headers=TUS | {"upload-length": size})
        assert answer.status_code == 400
    for size in ("0", str(9 << 30)):
        assert sami.ask("POST", "/upload/parts", headers=TUS | {"upload-length": size}).status_code == 413
    monkeypatch.setattr(partial, "ROOM", 3000)
    other_part = begun(sami, 1500)
    full = sami.ask("POST", "/upload/parts", headers=TUS | {"upload-length": "600"})
    assert full.status_code == 507
    assert sami.ask("DELETE", other_part, headers=TUS).status_code == 204
    begun(sami, 600)
    monkeypatch.setattr(partial, "PARTS", 2)
    assert sami.ask("POST", "/upload/parts", headers=TUS | {"upload-length": "1"}).status_code == 507
    with service(stage.amel) as may_not:
        assert may_not.ask("POST", "/upload/parts", headers=TUS | {"upload-length": "1"}).status_code == 403
