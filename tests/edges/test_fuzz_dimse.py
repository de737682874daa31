"""A listener that hears associations spoiled in every way: each is answered or ended, and the others are served on."""

import contextlib
import gc
import socket
import struct
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import make
from tests.cast import Cast
from tests.edges.dicom import client, write
from tests.edges.scenes import eventually
from tests.edges.test_dimse_breaks import ROOT, Recorder, check_store, pdus
from tests.edges.test_dimse_wire import fragment, pdu
from tests.fuzz import damaged, fed
from wasl.archive import queries as archive
from wasl.archive.models import Instance
from wasl.edges.dicom import bounds, callers
from wasl.kernel.access import Actor

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 8
RELEASE = bytes([5, 0, 0, 0, 0, 4, 0, 0, 0, 0])


@pytest.fixture
def said(port: int, tmp_path: Path) -> list[bytes]:
    """What storescu says that asks for an echo and sends two images."""
    images = [make.image(n, StudyInstanceUID=f"{ROOT}.1", SOPInstanceUID=f"{ROOT}.1.{n}") for n in (1, 2)]
    recorder = Recorder(port)
    assert client("storescu", recorder.port, *write(tmp_path, *images)).code == 0
    recorder.close()
    return recorder.said


def say(port: int, content: bytes) -> None:
    """Say something to the listener and hear it out; it may hang up whenever it likes."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=120) as link:
        link.sendall(content)
        link.shutdown(socket.SHUT_WR)
        while link.recv(1 << 16):
            pass


def test_spoiled_associations_harm_nobody(
    stage: Cast, port: int, said: list[bytes], store: Path, tmp_path: Path
) -> None:
    greeting, *rest = said
    whole = b"".join(rest)
    kinds = st.one_of(
        damaged(whole).map(lambda content: greeting + content), damaged(greeting).map(lambda content: content + whole),
        st.binary(max_size=300), st.binary(max_size=300).map(lambda content: greeting + content),
    )  # fmt: skip

    with ThreadPoolExecutor(AT_ONCE) as pool:

        @fed(15)
        @given(st.lists(kinds, min_size=AT_ONCE, max_size=AT_ONCE))
        def ask(contents: list[bytes]) -> None:
            list(pool.map(partial(say, port), contents))

        ask()
    assert client("echoscu", port).code == 0
    healthy = make.image(9)
    (folder := tmp_path / "healthy").mkdir()
    assert client("storescu", port, *write(folder, healthy)).code == 0
    assert eventually(lambda: not list(store.rglob("*.part")))
    check_store({str(healthy.SOPInstanceUID)}, store)
    assert Instance.objects.count() > 2


def nobody_calls() -> bool:
    """Whether the listener remembers nobody."""
    gc.collect()
    return not callers._callers


def test_who_breaks_off_while_being_accepted_leaves_nothing_behind(stage: Cast, port: int, said: list[bytes]) -> None:
    """An exception in one of the listener's threads fails the test."""
    known, broken = archive.actor_of_source, threading.Event()
    with socket.create_connection(("127.0.0.1", port), timeout=120) as link:

        def broken_off(title: str, address: str) -> Actor | None:
            link.sendall(bytes([9, 0, 0, 0, 0, 0]) + RELEASE * 5000)  # so that the connection is not at its end yet
            assert next(pdus(link))[0] == 7  # A-ABORT
            broken.set()
            return known(title, address)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(archive, "actor_of_source", broken_off)
            link.sendall(said[0])
            assert broken.wait(120)
        pour(link, RELEASE * 100, 10_000)
    assert eventually(nobody_calls)
    assert client("echoscu", port).code == 0


def pour(link: socket.socket, content: bytes, times: int) -> int:
    """Send the same again and again until nobody takes it; how many bytes went."""
    sent = 0
    with contextlib.suppress(OSError):
        for _ in range(times):
            link.sendall(content)
            sent += len(content)
    return sent


def test_a_pdu_without_end_is_not_gathered(stage: Cast, port: int, said: list[bytes]) -> None:
    """Who calls need not even be known to announce one of four gigabytes."""
    tracemalloc.start()
    try:
        for before in (b"", said[0]):
            with socket.create_connection(("127.0.0.1", port), timeout=120) as link:
                link.sendall(before)
                if before:
                    assert next(pdus(link))[0] == 2  # A-ASSOCIATE-AC
                sent = pour(link, struct.pack(">BxI", 4 if before else 1, 0xFFFFFFFF) + bytes(1 << 16), 1000)
                assert sent < 60 << 20, "it was listened to"
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert client("echoscu", port).code == 0


def test_a_message_without_end_is_not_gathered(
    stage: Cast, port: int, said: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "LARGEST_MESSAGE", 1 << 20)
    with socket.create_connection(("127.0.0.1", port), timeout=120) as link:
        link.sendall(said[0])
        assert next(pdus(link))[0] == 2
        context = said[1][10]
        assert pour(link, pdu(fragment(bytes(100_000), 1, context)), 1000) < 90 << 20  # a command that never ends
    assert client("echoscu", port).code == 0
