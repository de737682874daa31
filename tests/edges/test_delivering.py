"""Copies without names sent to a system outside: a receiver writes down every byte that came, and nobody is in it."""

import base64
import http.server
import io
import json
import socket
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid

from tests import make
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.edges.test_release_pages import colleague
from tests.edges.test_releasing import arrive, identifiers, leaks, revealing
from wasl.archive import rules, services
from wasl.archive.models import Receiver, Release, Sending, SentCopy
from wasl.edges.dicom import errands
from wasl.edges.dicom.calling import Unreachable
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact
from wasl.patients import services as patients
from wasl.patients.models import Access

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.filterwarnings("ignore::UserWarning:pydicom")]
TOKEN = "let-us-in-1234"
SUCCESS, NO_ROOM, KNOWN = None, 0xA700, 0x0111


class Heard(io.BufferedReader):
    """A stream of a connection of which every byte is kept."""

    kept: bytearray

    def read(self, size: int | None = -1, /) -> bytes:
        return self._keep(super().read(size))

    def readline(self, size: int | None = -1, /) -> bytes:
        return self._keep(super().readline(size))

    def _keep(self, data: bytes) -> bytes:
        self.kept += data
        return data


class Outside:
    """An algorithm somewhere: a real server that takes STOW-RS, keeps what it got, and dies when it is told to."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.came: Counter[str] = Counter()  # by SOP Instance UID, how often it came whole
        self.kept: dict[str, Dataset] = {}
        self.refuses: set[int] = set()  # of the copies in the order in which they come first
        self.dies_at = 0  # the copy after which it dies, without a word
        self.port = 0
        self._server: http.server.ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/dicom-web"

    def start(self) -> None:
        outside = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def setup(self) -> None:
                super().setup()
                self.rfile = Heard(self.connection.makefile("rb", 0))
                self.rfile.kept = outside.bytes

            def do_POST(self) -> None:
                outside.take(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(self, call: http.server.BaseHTTPRequestHandler, body: bytes) -> None:
        assert call.path == "/dicom-web/studies"
        if call.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(call, 401, b"")
            return
        mark = call.headers["Content-Type"].partition("boundary=")[2].encode()
        (part,) = body.removesuffix(b"\r\n--" + mark + b"--\r\n").split(b"--" + mark + b"\r\n")[1:]
        data = dcmread(io.BytesIO(part.partition(b"\r\n\r\n")[2]))
        uid = str(data.SOPInstanceUID)
        self.came[uid] += 1
        reason = NO_ROOM if len(self.came) in self.refuses else KNOWN if uid in self.kept else SUCCESS
        if reason is SUCCESS:
            self.kept[uid] = data
        if self.dies_at and len(self.came) >= self.dies_at:
            self.dies_at = 0
            call.connection.shutdown(socket.SHUT_RDWR)
            threading.Thread(target=self.stop, daemon=True).start()
            return
        one: dict[str, Any] = {
            "00081150": {"vr": "UI", "Value": [str(data.SOPClassUID)]},
            "00081155": {"vr": "UI", "Value": [uid]},
        }
        if reason is not SUCCESS:
            one["00081197"] = {"vr": "US", "Value": [reason]}
        said = {"00081199" if reason is SUCCESS else "00081198": {"vr": "SQ", "Value": [one]}}
        self._answer(call, 200 if reason is SUCCESS else 409, json.dumps(said).encode())

    def _answer(self, call: http.server.BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        call.send_response(status)
        call.send_header("Content-Type", "application/dicom+json")
        call.send_header("Content-Length", str(len(body)))
        call.end_headers()
        call.wfile.write(body)


@pytest.fixture
def outside() -> Iterator[Outside]:
    server = Outside()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def stage(store: Path, monkeypatch: pytest.MonkeyPatch) -> Cast:
    monkeypatch.setattr(settings, "DICOM_AE_TITLE", "HZ_STORE_AE")
    monkeypatch.setattr(settings, "ALLOWED_HOSTS", ["pacs.oued-zen.example", "testserver"])
    return cast()


def made(stage: Cast, rim: Actor, *studies: UUID, purpose: str = "algorithm") -> Release:
    """A release whose copies somebody else approved, and that is made."""
    project = services.open_project(f"lungs {purpose}", place=stage.regional, by=rim)
    release = services.ask_release(project.id, studies=studies, purpose=purpose, by=SYSTEM)
    if purpose != "teaching":
        services.approve_release(release.id, by=rim)
    errands.make_release(key=str(release.id))
    return release


def receiver(stage: Cast, rim: Actor, outside: Outside, token: str = TOKEN) -> Receiver:
    return services.add_receiver(name="Lung finder", url=outside.url, token=token, place=stage.regional, by=rim)


def deep(content: bytes) -> Iterator[bytes]:
    """What was sent, and all that can be unpacked from any place in it."""
    yield content
    for at in range(len(content) - 2):
        for bits in (15, -15, 31):
            try:
                unpacked = zlib.decompressobj(bits).decompress(content[at:], 1 << 16)
            except zlib.error:
                continue
            if len(unpacked) > 16:
                yield unpacked


def in_base64(words: set[str]) -> set[bytes]:
    """How words look in Base64, wherever in a text they stand: the letters that do not depend on what is beside."""
    found = set()
    for word in words:
        for encoding in ("utf-8", "iso8859-6", "latin-1", "utf-16-le", "utf-16-be"):
            try:
                coded = word.encode(encoding)
            except UnicodeEncodeError:
                continue
            for before in range(3):
                text = base64.b64encode(b"\0" * before + coded)
                inner = text[(8 * before + 5) // 6 : 8 * (before + len(coded)) // 6]
                if len(inner) >= 8:
                    found.add(inner)
    return found


def test_what_goes_to_an_algorithm_names_nobody(stage: Cast, outside: Outside) -> None:
    rim = colleague(stage, "rim", "steward")
    patient = make.patient(stage)
    patients.add_identity(patient.id, kind="tn_cin", value="08812345", place=None, by=SYSTEM)
    uid = str(generate_uid())
    sent = [
        revealing(uid),
        make.image(2, StudyInstanceUID=uid, AccessionNumber="ACC-7781", SpecificCharacterSet="ISO_IR 127",
                   PatientName="بن صالح^سلمى", StudyDescription="Head"),
        make.image(3, StudyInstanceUID=uid, SpecificCharacterSet="ISO_IR 100", PatientName="Ben Salah^Salmâ"),
    ]  # fmt: skip
    sent[0].PatientName = "Ben Salah^Salma=بن صالح^سلمى"
    for data in sent:
        data.StationName, data.RetrieveAETitle = "CT_OUEDZEN", "HZ_STORE_AE"
    study = arrive(stage, *sent)
    services.match_study(study, patient=patient.id, because="tests", by=stage.sami)
    release = made(stage, rim, study)
    to = receiver(stage, rim, outside)
    sending = services.send_release(release.id, receiver=to.id, by=rim)
    errands.send_copies(key=str(sending.id))
    assert len(outside.kept) == 3
    named = {word for data in sent for word in identifiers(data)}
    named |= {patient.number, "08812345", "Salma Ben Salah", "سلمى", "صالح", "CT_OUEDZEN", "HZ_STORE_AE", "oued-zen"}
    named |= {"pacs.oued-zen.example", socket.gethostname(), str(study), str(patient.id), str(stage.regional)}
    named |= {str(release.project.name), str(Path(settings.STORAGE))}
    assert len(named) > 30
    captured = bytes(outside.bytes)
    assert captured.count(b"POST /dicom-web/studies") == 3
    # the search finds what is there: as it is, packed, and in Base64
    assert leaks(make.part10(sent[1]), named) > {"HZ-1980", "ACC-7781", "سلمى"}
    assert any(leaks(one, named) for one in deep(b"before" + zlib.compress(b"Ben Salah^Salma, Ben Salah^Salma")))
    assert any(word in base64.b64encode(b"1 HZ-1980 ") for word in in_base64({"HZ-1980"}))
    assert set().union(*(leaks(one, named) for one in deep(captured))) == set()
    assert not [word for word in in_base64(named) if word in captured]
    for copy in outside.kept.values():  # the crosswalk stays: a pseudonym, and UIDs that are nobody's here
        assert copy.PatientIdentityRemoved == "YES"
        assert copy.file_meta.get("SourceApplicationEntityTitle") is None
    (fact,) = Fact.objects.filter(name="archive.CopiesDelivered")
    assert (fact.data["taken"], fact.data["refused"], fact.data["why"]) == (3, 0, "told")
    assert Access.objects.filter(patient=patient.id, what="archive.release_copies", actor=str(rim)).count() == 1
    with pytest.raises(rules.receivers.SentAlready):
        services.send_release(release.id, receiver=to.id, by=rim)


def test_a_receiver_that_dies_gets_each_copy_once_and_what_it_refuses_is_named(stage: Cast, outside: Outside) -> None:
    rim = colleague(stage, "rim", "steward")
    uid = str(generate_uid())
    release = made(stage, rim, arrive(stage, *(make.image(number, StudyInstanceUID=uid) for number in range(1, 7))))
    to = receiver(stage, rim, outside)
    browser_of(rim).post(f"/archive/releases/{release.id}/send/", {"receiver": str(to.id)})
    sending = Sending.objects.get()
    outside.refuses, outside.dies_at = {2}, 4
    with pytest.raises(Unreachable):
        errands.send_copies(key=str(sending.id))
    told = set(SentCopy.objects.values_list("uid", flat=True))
    assert len(told) == 3
    page = browser_of(rim).get(f"/archive/releases/{release.id}/").content.decode()
    assert "It is tried again." in page
    assert "2 / 6" in page
    outside.stop()
    outside.start()
    for _ in range(2):  # a job that is done twice does nothing more
        errands.send_copies(key=str(sending.id))
    assert len(outside.came) == 6
    assert {outside.came[uid] for uid in told} == {1}, "what was answered did not go again"
    assert sorted(outside.came.values()) == [1, 1, 1, 1, 1, 2], "one whose answer was lost went again, and was known"
    (refused,) = SentCopy.objects.exclude(refused="")
    assert (refused.refused, len(outside.kept)) == ("A700", 5)
    page = browser_of(rim).get(f"/archive/releases/{release.id}/").content.decode()
    assert refused.uid in page
    assert "it has no room" in page
    outside.refuses = set()
    browser_of(rim).post(f"/archive/releases/{release.id}/send/", {"receiver": str(to.id)})
    errands.send_copies(key=str(sending.id))
    assert (len(outside.kept), outside.came[refused.uid], sum(outside.came.values())) == (6, 2, 8)
    assert "all are there" in browser_of(rim).get(f"/archive/releases/{release.id}/").content.decode()


def test_what_may_not_go_does_not(stage: Cast, outside: Outside) -> None:
    rim, hedi = colleague(stage, "rim", "steward"), colleague(stage, "hedi", "chief")
    study = arrive(stage, make.image(1))
    to = receiver(stage, rim, outside, token="not-the-right-one")
    teaching = made(stage, rim, study, purpose="teaching")
    with pytest.raises(rules.receivers.StaysHere):
        services.send_release(teaching.id, receiver=to.id, by=rim)
    waiting = services.ask_release(teaching.project_id, studies=[study], purpose="sharing", by=hedi)
    with pytest.raises(rules.NotApproved):
        services.send_release(waiting.id, receiver=to.id, by=rim)
    with pytest.raises(NotAllowed):
        services.send_release(teaching.id, receiver=to.id, by=hedi)
    with pytest.raises(rules.receivers.ReceiverKnown):
        receiver(stage, rim, outside)
    services.approve_release(waiting.id, by=rim)
    errands.make_release(key=str(waiting.id))
    sending = services.send_release(waiting.id, receiver=to.id, by=rim)
    with pytest.raises(Unreachable):  # it does not let us in: that says nothing of the copy
        errands.send_copies(key=str(sending.id))
    assert not SentCopy.objects.exists()
    services.close_receiver(to.id, by=rim)
    errands.send_copies(key=str(sending.id))
    sending.refresh_from_db()
    assert (sending.why, Receiver.objects.get().token, len(outside.kept)) == ("closed", "", 0)


@pytest.mark.parametrize(
    "url",
    ["http://far.example/dicom-web", "ftp://far.example", "https://", "https://a:b@far.example", "https://f/?x=1"],
)
def test_a_receiver_is_where_nobody_listens_on_the_way(url: str) -> None:
    with pytest.raises(rules.receivers.BadReceiver):
        rules.receivers.check_receiver("Lung finder", url, TOKEN)
    rules.receivers.check_receiver("Lung finder", "https://far.example/dicom-web", TOKEN)


def test_copies_sent_by_many_at_once_are_sent_off_once(stage: Cast, outside: Outside) -> None:
    rim = colleague(stage, "rim", "steward")
    release = made(stage, rim, arrive(stage, make.image(1)))
    to = receiver(stage, rim, outside)
    at_once(*[lambda: services.send_release(release.id, receiver=to.id, by=rim)] * 6)
    sending = Sending.objects.get()
    at_once(*[lambda: _note(sending)] * 6)
    assert SentCopy.objects.count() == 1
    at_once(*[lambda: services.end_sending(sending.id, why="told", by=SYSTEM)] * 6)
    assert Fact.objects.filter(name="archive.CopiesDelivered").count() == 1


def _note(sending: Any) -> None:  # noqa: ANN401  a row
    services.note_copy(sending.id, name="A/01/000001.dcm", uid="1.2.3", refused="", by=SYSTEM)
