"""What a process that was killed left of images is removed at the next start; what a living one receives is not."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, build_context
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE

from tests import make
from tests.at_once import at_once
from tests.cast import Cast
from tests.edges.conftest import _database
from tests.edges.scenes import Command, environment, eventually, free_port
from tests.edges.test_dimse_breaks import answers
from wasl.archive import services as archive
from wasl.archive.models import Instance
from wasl.archive.services import store as pixel_store
from wasl.edges.cli.home import CHECKOUT

pytestmark = pytest.mark.django_db(transaction=True)

# dies when its file has its name in the store, and no row knows it yet; or when one does
DEATH = """
import django, os, signal, sys; django.setup()
from pathlib import Path
from wasl.archive import services
from wasl.archive.dicom import incoming
from wasl.archive.services import receiving
from wasl.edges.dicom.spool import spooled
from wasl.kernel.access import SYSTEM
file, committed = Path(sys.argv[1]), sys.argv[2] == "committed"
with spooled([file.read_bytes()], 1 << 30) as path:
    one = incoming(path, move=True)
if committed:
    receiving.release = lambda *stored: os.kill(os.getpid(), signal.SIGKILL)
    services.receive([one], by=SYSTEM)
os.kill(os.getpid(), signal.SIGKILL)
"""


class Half:
    """A scanner that has sent half an image."""

    def __init__(self, port: int, number: int) -> None:
        self.data = make.image(number)
        self._association = AE("CT_OUEDZEN").associate(
            "127.0.0.1", port, [build_context(CTImageStorage, ExplicitVRLittleEndian)], ae_title="WASL"
        )
        store = C_STORE()
        store.MessageID, store.Priority, store.DataSet = 1, 2, io.BytesIO(data_set(make.part10(self.data)))
        store.AffectedSOPClassUID, store.AffectedSOPInstanceUID = CTImageStorage, self.data.SOPInstanceUID
        request = C_STORE_RQ()
        request.primitive_to_message(store)
        first, *self._left = request.encode_msg(1, 256)
        for value in (first, self._left.pop(0), self._left.pop(0)):
            self._association.dul.send_pdu(value)

    def go_on(self) -> None:
        """Send the rest."""
        for value in self._left:
            self._association.dul.send_pdu(value)

    def end(self) -> None:
        """Be gone."""
        self._association.abort()
        self._association.join()
        if self._association.dul.socket:
            self._association.dul.socket.close()


def data_set(file: bytes) -> bytes:
    return file[archive.data_set_start(file)[0] :]


def drafts(store: Path) -> set[Path]:
    return set((store / "arriving").glob("*/*.part"))


def listener(store: Path, port: int, **more: str) -> Command:
    env = environment(
        Path(os.environ["WASL_DATA"]), WASL_DATABASE_URL=_database(), WASL_STORAGE=str(store),
        WASL_DICOM_PORT=str(port), WASL_DICOM_WORKERS="1", **more,
    )  # fmt: skip
    return Command("dicom", env=env)


def test_what_a_killed_listener_received_goes_at_the_next_start_and_what_a_living_one_does_stays(
    stage: Cast, store: Path
) -> None:
    one, two = free_port(), free_port()
    with listener(store, one) as killed, listener(store, two) as living:
        assert eventually(lambda: answers(one) and answers(two)), killed.said + living.said
        lost = Half(one, 1)
        assert eventually(lambda: len(drafts(store)) == 1), killed.said
        (left,) = drafts(store)
        kept = Half(two, 2)
        assert eventually(lambda: len(drafts(store)) == 2), living.said
        killed.end(signal.SIGKILL)
        lost.end()
        (half,) = drafts(store) - {left}
        with listener(store, one) as again:
            assert eventually(lambda: not left.exists()), again.said
            assert again.says("1 files of processes that died were removed"), again.said
            assert half.exists()
            kept.go_on()
            assert eventually(lambda: Instance.objects.filter(uid=kept.data.SOPInstanceUID).exists()), living.said
            kept.end()
            assert eventually(lambda: not drafts(store))
    assert Instance.objects.count() == 1


def serving(store: Path) -> Command:
    env = environment(
        Path(os.environ["WASL_DATA"]), WASL_DATABASE_URL=_database(), WASL_STORAGE=str(store), WASL_HTTP_WORKERS="1",
        WASL_HTTP_PORT=str(free_port()),
    )  # fmt: skip
    return Command("serve", env=env)


def dies(image: Path, when: str, store: Path) -> None:
    """A process that receives an image is killed."""
    env = environment(Path(os.environ["WASL_DATA"]), WASL_DATABASE_URL=_database(), WASL_STORAGE=str(store))
    words = [sys.executable, "-c", DEATH, str(image), when]
    done = subprocess.run(words, cwd=CHECKOUT, env={**env, "DJANGO_SETTINGS_MODULE": "wasl.settings"})
    assert done.returncode == -signal.SIGKILL


def test_a_file_with_its_name_goes_unless_a_row_knows_it_or_may_still(
    stage: Cast, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tmp_path / "image.dcm"
    image.write_bytes(make.part10(make.image(1)))
    dies(image, "committed", store)
    (known,) = store.glob("*/??/*.dcm")
    assert archive.clear_dead() == 0
    assert (known.exists(), Instance.objects.count(), drafts(store)) == (True, 1, set())
    dies(image, "named", store)
    (stray,) = set(store.glob("*/??/*.dcm")) - {known}
    monkeypatch.setattr(pixel_store, "COMMITS", 0.2)
    with psycopg.connect(_database()) as other:  # the commit of one that died may be on its way
        other.execute("select pg_current_xact_id()")
        assert archive.clear_dead() == 0
        assert stray.exists()
    with serving(store) as pages:
        assert eventually(lambda: not stray.exists() and not drafts(store)), pages.said
    assert (set(store.glob("*/??/*.dcm")), drafts(store)) == ({known}, set())


def test_what_we_ourselves_write_is_not_taken_for_left_over(stage: Cast, store: Path) -> None:
    draft = archive.draft()
    draft.write_bytes(b"half")
    assert archive.clear_dead() == 0
    assert draft.exists()
    # emptied by somebody, the folder is made anew, and locked
    draft.unlink()
    draft.parent.rmdir()
    second = archive.draft()
    second.write_bytes(b"half")
    assert second.parent != draft.parent
    assert archive.clear_dead() == 0
    assert second.exists()


def test_of_many_that_start_at_once_each_leftover_is_removed_by_one(stage: Cast, store: Path, tmp_path: Path) -> None:
    image = tmp_path / "image.dcm"
    image.write_bytes(make.part10(make.image(1)))
    for _ in range(2):
        dies(image, "named", store)
    gone: list[int] = []

    def start() -> None:
        gone.append(archive.clear_dead())
        archive.sweep()

    assert at_once(*[start] * 8) == []
    assert sum(gone) == 2
    assert not list(store.glob("*/??/*.dcm"))
