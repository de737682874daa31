"""Associations cut in the middle and listeners killed: nothing acknowledged is lost, nothing half-written is listed."""

import contextlib
import datetime
import hashlib
import os
import random
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo
from pynetdicom import AE, build_context

from tests import make
from tests.cast import cast
from tests.edges.conftest import make_room
from tests.edges.dicom import OURS, THEIRS, client, listening, write
from tests.edges.scenes import PATIENCE, Command, environment, eventually, free_port
from wasl.archive import services as archive
from wasl.archive.dicom import read
from wasl.archive.models import Instance, Study
from wasl.edges.dicom.classes import VERIFICATION

pytestmark = pytest.mark.django_db(transaction=True)
ABORT = bytes.fromhex("07000000000400000000")  # A-ABORT by the service user (PS3.8, 9.3.8)
IMAGES = 3
# a line ends politely or by a reset, after so many whole images, the last of which is waited for or not, in one part;
# or the sender aborts
PARTS = ("between two images", "head of the request", "request", "head of the data", "data", "association",
         "abort before the data", "abort behind the data")  # fmt: skip
WAYS = [*product((False, True), range(IMAGES), (False, True), PARTS)]
CUTS = int(os.environ.get("WASL_TEST_CUTS", 3 * len(WAYS)))  # each at another byte of its part
PDU_HEAD = 6  # bytes (PS3.8, 9.3.1)
SERIAL = "777000777"  # a part of every UID of the recorded images, another for each replay
ROOT = f"1.2.826.0.1.3680043.10.{SERIAL}"


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "store")
    make.source(cast())
    return tmp_path / "store"


def exactly_once(read_from: socket.socket, size: int) -> bytes:
    """So many bytes of a socket, or fewer when it ends."""
    data = b""
    while len(data) < size and (more := read_from.recv(size - len(data))):
        data += more
    return data


def pdus(link: socket.socket) -> Iterator[bytes]:
    """The PDUs that come over a connection until it ends (PS3.8, 9.3.1)."""
    while len(head := exactly_once(link, PDU_HEAD)) == PDU_HEAD:
        yield head + exactly_once(link, struct.unpack(">I", head[2:])[0])


class Recorder:
    """Stands between storescu and the listener and keeps what storescu says, PDU by PDU."""

    def __init__(self, to: int) -> None:
        self.said: list[bytes] = []
        self._to = to
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._thread = threading.Thread(target=self._pass_on)
        self._thread.start()

    def _pass_on(self) -> None:
        here, _ = self._door.accept()
        with here, socket.create_connection(("127.0.0.1", self._to)) as there:
            back = threading.Thread(target=self._answer, args=(there, here))
            back.start()
            for pdu in pdus(here):
                self.said.append(pdu)
                there.sendall(pdu)
            there.shutdown(socket.SHUT_WR)
            back.join()

    @staticmethod
    def _answer(there: socket.socket, here: socket.socket) -> None:
        for pdu in pdus(there):
            here.sendall(pdu)

    def close(self) -> None:
        self._thread.join()
        self._door.close()


def cut(port: int, said: list[bytes], number: int, acknowledged: list[str]) -> None:
    """Replay what storescu said under UIDs of its own and hang up or abort in one of the ways; tell what was kept.

    As storescu does, it waits for an answer before the next image; for the last answer it waits or does not.
    """
    reset, whole, waits, part = WAYS[number % len(WAYS)]
    request, *pdus_of_images = said[:-1]  # all but the release
    serial = str(100_000_000 + number).encode()
    images = [b"".join(pdus_of_images[at : at + 2]).replace(SERIAL.encode(), serial) for at in range(0, 2 * IMAGES, 2)]
    with socket.create_connection(("127.0.0.1", port), timeout=120) as link:
        if reset:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if part == "association":
            link.sendall(request[: random.Random(number).randrange(len(request))])
            return
        link.sendall(request)
        answers = pdus(link)
        assert next(answers)[0] == 2  # A-ASSOCIATE-AC
        for image in images[:whole]:
            link.sendall(image)
            if image is not images[whole - 1] or waits:
                acknowledged += success(next(answers))
        middle, image = len(pdus_of_images[2 * whole]), images[whole]  # where its data begin
        if part.startswith("abort"):
            link.sendall(image[: middle if part == "abort before the data" else len(image)] + ABORT)
            return
        starts = (0, 1, PDU_HEAD, middle, middle + PDU_HEAD, len(image))
        first, end = starts[PARTS.index(part) :][:2]
        link.sendall(image[: random.Random(number).randrange(first, end)])


def success(pdu: bytes) -> list[str]:
    """The instance that a PDU says was stored: a C-STORE response whose status is success."""
    if pdu[0] != 4:
        return []
    elements, at = {}, 12  # after the PDU's and the value's heads; commands are implicit little endian
    while at + 8 <= len(pdu):
        group, element, length = struct.unpack_from("<HHI", pdu, at)
        elements[group, element] = pdu[at + 8 : at + 8 + length]
        at += 8 + length
    if elements.get((0, 0x0900)) != b"\0\0":
        return []
    return [elements[0, 0x1000].decode().strip("\0")]


def check_store(acknowledged: set[str], store: Path) -> None:
    """All that was acknowledged is there and whole, all that is listed is whole, and nothing else lies about."""
    rows = {row.uid: row for row in Instance.objects.all()}
    assert acknowledged <= set(rows)
    for row in rows.values():
        data = (store / row.path).read_bytes()
        part = read(memoryview(data))
        assert hashlib.sha256(data[part.start :]).digest() == bytes(row.sha256)
        assert len(data) == row.size
    for study in Study.objects.all():
        assert study.instance_count == Instance.objects.filter(series__study=study).count()
    archive.sweep(older_than=datetime.timedelta(), days=None)
    left = {str(path.relative_to(store)) for path in store.rglob("*") if path.is_file()}
    assert left == {row.path for row in rows.values()}


def test_associations_cut_in_every_part(store: Path, tmp_path: Path) -> None:
    images = [make.image(n, StudyInstanceUID=f"{ROOT}.1", SOPInstanceUID=f"{ROOT}.1.{n}") for n in range(IMAGES)]
    port = free_port()
    with Command("dicom", env=listener_environment(store, tmp_path, port)) as listener:
        assert eventually(lambda: answers(port)), listener.said
        recorder = Recorder(port)
        assert client("storescu", recorder.port, *write(tmp_path, *images)).code == 0
        recorder.close()
        kept: list[str] = []
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: cut(port, recorder.said, number, kept), range(CUTS)))
        assert eventually(lambda: client("echoscu", port).code == 0), listener.said
        assert listener.end() == 0
    acknowledged = set(kept)
    assert len(acknowledged) > CUTS // 10, "the cuts come too early to prove anything"
    assert len(acknowledged) < CUTS * IMAGES, "the cuts come too late to prove anything"
    check_store(acknowledged, store)


class Sender:
    """A storescu that sends a hundred images, and what it was told of each."""

    def __init__(self, port: int, folder: Path, template: bytes, number: int) -> None:
        folder.mkdir(parents=True)
        self.uids = []
        for serial in range(number * 1000, number * 1000 + 100):
            name = str(100_000_000 + serial)
            (folder / f"{serial:06d}.dcm").write_bytes(template.replace(SERIAL.encode(), name.encode()))
            self.uids.append(f"{ROOT.replace(SERIAL, name)}.1.1")
        files = [str(path) for path in sorted(folder.iterdir())]
        self._heard: list[str] = []
        self._process = subprocess.Popen(
            ["storescu", "-v", "-nh", "-aec", OURS, "-aet", THEIRS, "127.0.0.1", str(port), *files],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            self._heard.extend(line for line in output if "Received Store Response" in line)

    @property
    def acknowledged(self) -> list[str]:
        """The images that it was told are stored; one answer comes for each, in their order."""
        return [uid for uid, line in zip(self.uids, self._heard, strict=False) if "Success" in line]

    def wait(self) -> None:
        """Until it gives up, which it does when its line is cut."""
        self._process.wait()
        self._reader.join()


def acknowledges(senders: list[Sender], goal: int) -> bool:
    """Whether so many images were acknowledged."""
    return sum(len(sender.acknowledged) for sender in senders) >= goal


def test_a_killed_listener_loses_nothing(store: Path, tmp_path: Path) -> None:
    port = free_port()
    template = make.part10(make.image(1, StudyInstanceUID=f"{ROOT}.1", SOPInstanceUID=f"{ROOT}.1.1", Rows=128))
    acknowledged: set[str] = set()
    chance = random.Random(11)
    for kill in range(4):
        with Command("dicom", env=listener_environment(store, tmp_path, port)) as listener:
            assert eventually(lambda: answers(port)), listener.said
            senders = [Sender(port, tmp_path / f"{kill}-{n}", template, kill * 4 + n) for n in range(4)]
            goal = chance.randrange(5, 60)
            assert eventually(partial(acknowledges, senders, goal), 180)
            listener.end(signal.SIGKILL)
            for sender in senders:
                sender.wait()
                acknowledged |= set(sender.acknowledged)
    assert 20 <= len(acknowledged) < 1600
    check_store(acknowledged, store)


def test_a_full_disk_takes_nothing_and_loses_nothing(small_disk: Path, tmp_path: Path) -> None:
    images = [make.image(n, StudyInstanceUID=f"{ROOT}.1", Rows=512, Columns=512) for n in range(12)]
    files, port = dict(zip(write(tmp_path, *images), images, strict=True)), free_port()
    env = {**listener_environment(small_disk, tmp_path, port), "WASL_RESERVE_GB": "0"}

    def send() -> list[str]:
        """Send them all; what was said of each."""
        said = client("storescu", port, "-v", "-nh", *files)
        return [line for line in said.text.splitlines() if "Received Store Response" in line]

    with Command("dicom", env=env) as listener:
        assert eventually(lambda: answers(port)), listener.said
        heard = send()
        kept = {str(data.SOPInstanceUID) for data, line in zip(images, heard, strict=True) if "Success" in line}
        assert 0 < len(kept) < len(images)
        assert all("Success" in line or "OutOfResources" in line for line in heard), heard
        assert {row.uid for row in Instance.objects.all()} == kept
        assert not list(small_disk.rglob("*.part"))
        make_room(small_disk)
        assert all("Success" in line for line in send())
        assert listener.end() == 0
    check_store({str(data.SOPInstanceUID) for data in images}, small_disk)


def listener_environment(store: Path, home: Path, port: int) -> dict[str, str]:
    """The environment of a listener on the tests' database."""
    url = make_conninfo(os.environ["WASL_DATABASE_URL"], dbname=connection.settings_dict["NAME"])
    return environment(home / "home", WASL_DATABASE_URL=url, WASL_STORAGE=str(store), WASL_DICOM_PORT=str(port))


def answers(port: int) -> bool:
    """Whether something listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_listener_stops_cleanly_when_asked(store: Path, tmp_path: Path) -> None:
    port = free_port()
    with Command("dicom", env=listener_environment(store, tmp_path, port)) as listener:
        assert eventually(lambda: answers(port)), listener.said
        with socket.create_connection(("127.0.0.1", port)):  # somebody who says nothing keeps nobody
            assert listener.end(signal.SIGTERM) == 0
    assert not answers(port)


def test_a_listener_ends_quietly_whatever_its_callers_have_come_to() -> None:
    """An exception in one of its threads fails the test."""
    with contextlib.ExitStack() as links:
        with listening() as port:
            recorder = Recorder(port)
            assert client("echoscu", recorder.port, me="NOBODY").code != 0
            recorder.close()
            _, refused = (links.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(2))
            refused.sendall(recorder.said[0])
            assert next(pdus(refused))[0] == 3  # A-ASSOCIATE-RJ, and it does not hang up as it should
            known = AE(THEIRS).associate("127.0.0.1", port, [build_context(VERIFICATION)], ae_title=OURS)
            assert known.send_c_echo().Status == 0
        known.join(PATIENCE)
        assert known.is_aborted
