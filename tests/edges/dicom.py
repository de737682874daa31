"""A real listener for the tests, and the foreign clients that call it (DCMTK)."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.db import connections
from pydicom.dataset import Dataset

from tests import make
from tests.edges.scenes import eventually, free_port
from wasl.edges.dicom.dimse import Listener

OURS, THEIRS = "WASL", "CT_OUEDZEN"


@contextlib.contextmanager
def listening() -> Iterator[int]:
    """A listener in this process, on the tests' database; its port."""
    port = free_port()
    before = tempfile.tempdir  # the listener's own process puts what arrives beside its store
    listener = Listener("127.0.0.1", port, OURS)
    try:
        yield port
    finally:
        listener.stop()
        tempfile.tempdir = before
        connections.close_all()


def client(program: str, port: int, *words: str | Path, us: str = OURS, me: str = THEIRS) -> "Said":
    """Run a DCMTK client against the listener."""
    command = [program, "-aec", us, "-aet", me, "127.0.0.1", str(port), *map(str, words)]
    done = subprocess.run(command, capture_output=True, timeout=120)
    return Said(done.returncode, done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace"))


@contextlib.contextmanager
def receiving(folder: Path, title: str) -> Iterator[int]:
    """A foreign system (DCMTK's storescp) that takes images into a folder; its port."""
    folder.mkdir()
    port = free_port()
    process = subprocess.Popen(["storescp", "-aet", title, "-od", str(folder), str(port)])
    assert eventually(lambda: client("echoscu", port, us=title).code == 0)
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


class Said:
    """A client's exit code and all that it wrote."""

    def __init__(self, code: int, text: str) -> None:
        self.code, self.text = code, text

    def __repr__(self) -> str:
        return f"exit {self.code}: {self.text}"


def write(folder: Path, *images: Dataset) -> list[Path]:
    """Images as files, under names that say nothing."""
    paths = []
    for number, data in enumerate(images):
        path = folder / f"{number:04d}.dcm"
        path.write_bytes(make.part10(data))
        paths.append(path)
    return paths
