"""Fixtures of the tests that run real servers."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from tests import make
from tests.bucket import s3, s3_server
from tests.cast import Cast, cast
from tests.edges.dicom import listening
from tests.edges.dicomweb import Service, service
from tests.edges.scenes import Command, data_folder, environment, eventually, free_port
from wasl.edges.cli.postgres import Postgres

__all__ = ["s3", "s3_server"]


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder of its own."""
    with data_folder() as path:
        yield path


@pytest.fixture
def postgres(home: Path) -> Iterator[Postgres]:
    """The server of that folder, not yet started."""
    server = Postgres(home)
    yield server
    server.stop()


@pytest.fixture
def stage(store: Path) -> Cast:
    """The cast, a scanner that may send, and an empty pixel store."""
    stage = cast()
    make.source(stage)
    return stage


@pytest.fixture
def sami(stage: Cast) -> Iterator[Service]:
    """DICOMweb, asked by the radiographer."""
    with service(stage.sami) as asked:
        yield asked


@pytest.fixture
def port(stage: Cast) -> Iterator[int]:
    """The port of a DICOM listener."""
    with listening() as port:
        yield port


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty pixel store."""
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "store")
    return tmp_path / "store"


@pytest.fixture
def small_disk(store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The store on a disk of its own, that takes a few images and is used to its end."""
    monkeypatch.setattr(settings, "RESERVE_GB", 0)
    store.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", store], capture_output=True).returncode:
        pytest.skip("No small disk can be mounted here: that needs root.")
    yield store
    subprocess.run(["umount", "--lazy", store], check=True)


def make_room(disk: Path) -> None:
    """Make the small disk large."""
    subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)


@pytest.fixture
def server(transactional_db: None, store: Path) -> Iterator[str]:
    """`wasl serve` on the tests' database and pixel store; its address."""
    with serving(store) as (address, _):
        yield address


@contextlib.contextmanager
def serving(store: Path) -> Iterator[tuple[str, Command]]:
    """`wasl serve` on the tests' database and a pixel store: its address, and the command."""
    port = free_port()
    env = environment(
        Path(os.environ["WASL_DATA"]), WASL_DATABASE_URL=_database(), WASL_STORAGE=str(store), WASL_DEMO="1",
        WASL_HTTP_PORT=str(port), WASL_HTTP_WORKERS="1",
    )  # fmt: skip
    with Command("serve", env=env) as command:
        assert eventually(lambda: _answers(port) or command.process.poll() is not None)
        assert command.process.poll() is None, command.said
        yield f"http://127.0.0.1:{port}", command


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/dicom-web/studies").status_code == 401
    except httpx.TransportError:
        return False


def _database() -> str:
    parts = connection.settings_dict
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return make_conninfo("", **{key: str(parts[name]) for key, name in names.items() if parts[name]})
