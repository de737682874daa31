"""Whatever JSON machines send through the real application is taken, or refused with a reason; never an error of ours.

An exception that the application does not answer is raised by the tests' client.
"""

import hashlib
import json
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from tests.cast import Cast, cast
from tests.edges.foreign import Door, door, token
from tests.fuzz import damaged, fed, said, spoiled
from tests.workitems import DONE, attribute, coded, state, task
from wasl.archive import services as archive
from wasl.archive.models import Instance
from wasl.archive.services.meta import data_set_start
from wasl.edges.dicom.pieces import Piece, pack
from wasl.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)
JSON, OWN, UID = "application/dicom+json", "2.25.11", "1.2.3.4"
MANIFEST, PIECES, CORRECTIONS = (f"application/vnd.wasl.{name}" for name in ("manifest", "pieces", "corrections"))
TASK: dict[str, Any] = {
    **task(T00404025=attribute("SQ", coded("GPU1")), T00404021=attribute("SQ", {"0020000D": attribute("UI", "1.2.9")})),
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Ben Salah^Salma", "Ideographic": "بن صالح"}]},
}
PROGRESS = {
    "00741216": attribute("SQ", DONE),
    "00741002": attribute("SQ", {"00741004": attribute("DS", 50), "00741006": attribute("ST", "half")}),
}
CANCEL = {"00741238": attribute("LT", "too late"), "0074100E": attribute("SQ", coded("110513"))}
IMAGE = {
    "uid": "1.2.3.1", "series": "1.2.3.2", "sha256": "ab" * 32, "size": 700, "frames": 1, "number": 1,
    "series_number": 2, "header": {"study": "1.2.4", "series": "1.2.4.2", "uid": "1.2.4.1"},
}  # fmt: skip
BODIES = st.one_of(st.binary(max_size=60), said.map(lambda value: json.dumps(value).encode()))


def text(document: object) -> bytes:
    """A document as JSON, or whatever bytes are meant to be it."""
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def documents(*right: object) -> st.SearchStrategy[bytes]:
    """Bodies like these, with something wrong in them, and bodies of any kind."""
    wrong = [spoiled(one).map(text) for one in right]
    return st.one_of(*(st.just(text(one)) for one in right), *wrong, *wrong, BODIES)


@pytest.fixture
def stage(store: Path) -> Cast:
    return cast()


@pytest.fixture
def there(stage: Cast) -> Iterator[Door]:
    with door() as opened:
        yield opened


@pytest.fixture
def machine(stage: Cast) -> dict[str, str]:
    return token("algorithm", "dicomweb.read", "dicomweb.write", place=stage.regional)


def is_answer(answer: httpx.Response) -> bool:
    """Whether it is a success, or a refusal that says why."""
    if answer.status_code < 300:
        return True
    return 400 <= answer.status_code < 500 and bool(answer.json()["error"])


def test_whatever_is_said_of_work_is_answered(there: Door, machine: dict[str, str]) -> None:
    made = list[str]()

    def say(method: str, path: str, body: bytes) -> int:
        answer = there.ask(method, f"/dicom-web/workitems{path}", machine, content=body, headers={"content-type": JSON})
        assert is_answer(answer), (path, body, answer.text)
        return answer.status_code

    @fed(8)
    @given(documents(TASK, [TASK]), documents(PROGRESS, TASK), documents(state("IN PROGRESS", OWN)), documents(CANCEL))
    def ask(new: bytes, more: bytes, states: bytes, cancel: bytes) -> None:
        one = f"/{UID}.{len(made)}"
        if say("POST", f"?{one[1:]}", new) != 201:
            assert say("POST", f"?{one[1:]}", text(TASK)) == 201
        made.append(one)
        say("POST", one, more)
        if say("PUT", f"{one}/state", states) != 200:
            say("PUT", f"{one}/state", text(state("IN PROGRESS", OWN)))
        say("POST", f"{one}?transaction-uid={OWN}", more)
        say("PUT", f"{one}/state", text(state("COMPLETED", OWN)))
        say("POST", f"{one}/cancelrequest", cancel)
        assert there.get(f"/dicom-web/workitems{one}", machine).status_code == 200

    ask()


def test_whatever_is_searched_is_answered(there: Door, machine: dict[str, str]) -> None:
    created = there.ask(
        "POST", f"/dicom-web/workitems?{UID}", machine, content=text(TASK), headers={"content-type": JSON}
    )
    assert created.status_code == 201
    words = st.sampled_from(("", "2026", "-", "*", "\\", "2026-", "1.2", "20261129080000", "a", ",", "=", "%", "?"))
    names = st.sampled_from(
        ("00404005", "ScheduledProcedureStepStartDateTime", "00404010", "00741000", "00080018", "0020000D",
         "PatientName", "00404021.0020000D", "limit", "offset", "includefield", "fuzzymatching", "ModalitiesInStudy",
         "StudyDate", "StudyTime", "PatientBirthDate", "00100020", "00080061", "x")
    )  # fmt: skip
    values = st.lists(words, min_size=1, max_size=3).map("".join) | st.text(max_size=8)

    @fed(100)
    @given(st.dictionaries(names | st.text(max_size=6), values, min_size=1, max_size=3))
    def ask(keys: dict[str, str]) -> None:
        for level in ("workitems", "studies", "series", "instances"):
            answer = there.get(f"/dicom-web/{level}", machine, params=keys)
            assert is_answer(answer), (level, keys, answer.text)

    ask()


def test_whatever_is_announced_is_answered(there: Door, machine: dict[str, str]) -> None:
    taken = []

    @fed(100)
    @given(
        documents({"study": "1.2.4", "rank": 2, "whole": True, "images": [IMAGE, {**IMAGE, "uid": "1.2.3.7"}]}),
        st.booleans(),
    )
    def ask(body: bytes, packed: bool) -> None:
        content = zlib.compress(body) if packed else body
        answer = there.ask("POST", "/transfer/studies", machine, content=content, headers={"content-type": MANIFEST})
        assert is_answer(answer), (body, answer.text)
        taken.append(answer.status_code == 200)

    ask()
    assert any(taken)


def test_whatever_is_corrected_is_answered(there: Door, machine: dict[str, str], stage: Cast) -> None:
    study = make.study(stage, images=2)
    uids = list(Instance.objects.values_list("uid", flat=True))
    note = archive.reject_images(study.id, reason="113038", instances=uids[:1], by=SYSTEM)
    made = {"study": study.uid, "note": "1.2.3.9", "reason": "113001", "instances": uids[1:], "restored": False}
    letter = {"made": [made, {**made, "note": note.uid, "restored": True}], "heard": [[note.uid, False]]}

    @fed(100)
    @given(documents(letter))
    def ask(body: bytes) -> None:
        answer = there.ask(
            "POST", "/transfer/corrections", machine, content=body, headers={"content-type": CORRECTIONS}
        )
        assert is_answer(answer), (body, answer.text)

    ask()


def test_whatever_pieces_come_only_what_was_named_is_kept(there: Door, machine: dict[str, str], store: Path) -> None:
    data = make.image(1)
    file = bytes(128) + make.part10(data)[128:]
    digest = hashlib.sha256(file[data_set_start(file)[0] :]).digest()
    named = {
        "uid": data.SOPInstanceUID, "series": data.SeriesInstanceUID, "sha256": digest.hex(), "size": len(file),
        "frames": 1,
    }  # fmt: skip
    manifest = text({"study": data.StudyInstanceUID, "rank": 2, "whole": True, "images": [named]})
    right = b"".join(pack(Piece(digest, at, file[at : at + 300]), level=at % 2) for at in range(0, len(file), 300))

    def send(path: str, kind: str, body: bytes) -> httpx.Response:
        answer = there.ask("POST", f"/transfer/{path}", machine, content=body, headers={"content-type": kind})
        assert is_answer(answer), (body, answer.text)
        return answer

    assert send("studies", MANIFEST, zlib.compress(manifest)).json()["missing"] == {digest.hex(): 0}

    @fed(100)
    @given(damaged(right) | st.binary(max_size=200))
    def ask(body: bytes) -> None:
        send("pieces", PIECES, body)
        assert set(Instance.objects.values_list("sha256", flat=True)) <= {digest}

    ask()
    send("pieces", PIECES, right)
    kept = Instance.objects.get()
    assert (bytes(kept.sha256), (store / kept.path).read_bytes()) == (digest, file)
    assert not [path for path in (store / "arriving").rglob("*") if path.is_file()]


@pytest.mark.parametrize("wrong", ["a\0b", "\ud800"])
def test_corrections_in_letters_that_no_database_keeps_are_refused(
    there: Door, machine: dict[str, str], wrong: str
) -> None:
    made = {"study": "1.2.3", "note": "1.2.9", "reason": "113001", "instances": ["1.2.3.1"], "restored": False}
    for letter in (
        {"made": [], "heard": [[wrong, True]]},
        *({"made": [{**made, name: value}], "heard": []} for name, value in
          (("study", wrong), ("note", wrong), ("reason", wrong), ("instances", [wrong]))),
    ):  # fmt: skip
        answer = there.ask(
            "POST", "/transfer/corrections", machine, content=text(letter), headers={"content-type": CORRECTIONS}
        )
        assert answer.status_code == 400, letter


def test_a_small_manifest_that_would_be_large_in_memory_is_refused_unread(there: Door, machine: dict[str, str]) -> None:
    body = b'{"images": [' + b"[]," * 2_000_000 + b"[]]}"
    tracemalloc.start()
    try:
        answer = there.ask(
            "POST", "/transfer/studies", machine, content=zlib.compress(body), headers={"content-type": MANIFEST}
        )
        assert answer.status_code == 400
        assert tracemalloc.get_traced_memory()[1] < 6 * len(body)
    finally:
        tracemalloc.stop()
