"""A real S3 server for the tests (nanio), with keys that it checks, and what may go wrong with what it holds."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings

from tests.edges.scenes import eventually, free_port

KEY, SECRET = "wasl-tests", "a secret of the tests"


class Server:
    """The server, with a switch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Answer."""
        words = ["--data-dir", str(self.folder), "--host", "127.0.0.1", "--port", str(self._port)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nanio", "serve", *words, "--no-access-log", "--log-level", "error"],
            env={**os.environ, "NANIO_ACCESS_KEY": KEY, "NANIO_SECRET_KEY": SECRET}, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert eventually(self._answers)

    def stop(self) -> None:
        """Answer no more."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


class S3:
    """A bucket of the server, empty at first: what settings name it, and the files of what it holds."""

    def __init__(self, server: Server) -> None:
        self.server, self._name = server, f"images-{uuid4().hex[:12]}"
        self.url = server.url
        (server.folder / self._name).mkdir()
        self.settings = {
            "WASL_S3_URL": self.url, "WASL_S3_BUCKET": self._name, "WASL_S3_KEY": KEY, "WASL_S3_SECRET": SECRET,
        }  # fmt: skip

    def objects(self) -> list[Path]:
        """The files of the objects that the bucket holds."""
        return sorted(path for path in (self.server.folder / self._name / "packs").rglob("*") if path.is_file())

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Answer nothing for a while."""
        self.server.stop()
        try:
            yield
        finally:
            self.server.start()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a process."""
    server = Server(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server: Server, monkeypatch: pytest.MonkeyPatch) -> S3:
    """A bucket of its own, which the settings name."""
    bucket = S3(s3_server)
    for name, value in bucket.settings.items():
        monkeypatch.setattr(settings, name.removeprefix("WASL_"), value)
    return bucket


def flip(file: Path, at: int = -5) -> None:
    """Change one bit of a file, as a bad disk does: its size and dates stay."""
    data, times = bytearray(file.read_bytes()), file.stat()
    data[at] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
