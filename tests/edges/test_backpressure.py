"""A database that is slow holds the senders back: what they would send waits with them, not in our memory."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests import make
from tests.cast import Cast
from tests.edges.conftest import serving
from tests.edges.dicom import OURS, THEIRS, client
from tests.edges.dicomweb import cookies
from tests.edges.scenes import Command, descendants, eventually, free_port
from tests.edges.test_dimse_breaks import answers, listener_environment
from wasl.archive.models import Instance
from wasl.edges.dicom import stow
from wasl.edges.dicom.multipart import Writer

pytestmark = pytest.mark.django_db(transaction=True)
SIDE = 1448
IMAGE = 4 << 20  # bytes, about
SENDERS, EACH, PARTS = 4, 12, 60
ROOM = 40 << 20  # bytes of memory beside what was used before; five times as many are offered
QUIET = 2.0  # seconds in which somebody who is not held back would send on


@pytest.fixture
def images() -> list[Dataset]:
    study = generate_uid()
    return [make.image(n, StudyInstanceUID=study, Rows=SIDE, Columns=SIDE) for n in range(SENDERS * EACH)]


@contextlib.contextmanager
def no_image_is_taken() -> Iterator[None]:
    """The database takes no image meanwhile, and says nothing."""
    url = make_conninfo(os.environ["WASL_DATABASE_URL"], dbname=connection.settings_dict["NAME"])
    with psycopg.connect(url) as holder:
        holder.execute("lock table archive_instance in share mode")
        yield
        holder.rollback()


def memory(command: Command) -> int:
    """Bytes that the processes of a command hold and that are in no file."""
    found = 0
    for process in (command.process.pid, *descendants(command.process.pid)):
        with contextlib.suppress(OSError):  # it ended meanwhile
            said = Path(f"/proc/{process}/status").read_text()
            found += int(said.split("RssAnon:")[1].split()[0]) << 10
    return found


def written(store: Path) -> int:
    """Bytes of images on their way into the store, whole or not."""
    return sum(path.stat().st_size for path in store.glob("arriving/*/*"))


def stands_still(store: Path) -> bool:
    before = written(store)
    time.sleep(QUIET)
    return 0 < before == written(store)


def test_scanners_wait_with_their_images(stage: Cast, store: Path, images: list[Dataset], tmp_path: Path) -> None:
    port = free_port()
    files = []
    for n, data in enumerate(images):
        (path := tmp_path / f"{n}.dcm").write_bytes(make.part10(data))
        files.append(path)
    env = listener_environment(store, tmp_path, port) | {"WASL_DICOM_WORKERS": "1"}
    with Command("dicom", env=env) as listener:
        assert eventually(lambda: answers(port)), listener.said
        assert client("storescu", port, *files[:SENDERS]).code == 0
        before = memory(listener)
        with no_image_is_taken():
            senders = [
                subprocess.Popen(["storescu", "-aec", OURS, "-aet", THEIRS, "127.0.0.1", str(port), *files[n::SENDERS]])
                for n in range(SENDERS)
            ]
            assert eventually(lambda: stands_still(store)), listener.said
            assert SENDERS * IMAGE * 0.9 < written(store) < (SENDERS + 1) * IMAGE
            assert memory(listener) < before + ROOM
        assert [sender.wait() for sender in senders] == [0] * SENDERS
        assert memory(listener) < before + ROOM
    assert Instance.objects.count() == len(images)


def test_a_program_waits_with_the_rest_of_its_body(stage: Cast, store: Path) -> None:
    study, writer, sent = generate_uid(), Writer(stow.DICOM), list[int]()

    def body(parts: int) -> Iterator[bytes]:
        for n in range(parts):
            sent.append(n)
            data = make.image(n, StudyInstanceUID=study, Rows=SIDE, Columns=SIDE)
            yield from writer.part(stow.DICOM, [make.part10(data)])
        yield writer.end()

    def post(address: str, content: Iterator[bytes]) -> int:
        url, kind = f"{address}/dicom-web/studies", {"content-type": writer.media_type, "origin": address}
        return httpx.post(url, content=content, headers=kind, cookies=cookies(stage.sami), timeout=600).status_code

    with serving(store) as (address, command), ThreadPoolExecutor(1) as pool:
        assert post(address, body(1)) == 200  # what is loaded once is
        before = memory(command)
        with no_image_is_taken():
            answer = pool.submit(post, address, body(PARTS))
            assert eventually(lambda: stands_still(store)), command.said
            assert len(sent) < 1 + PARTS
            assert written(store) > 2 * ROOM
            assert memory(command) < before + ROOM
        assert answer.result() == 200
        assert memory(command) < before + ROOM
    assert Instance.objects.count() == 1 + PARTS
