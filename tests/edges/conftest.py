"""Fixtures of the tests that run real servers."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from tests.edges.scenes import Command, data_folder, environment, eventually, free_port
from wasl.edges.cli.postgres import Postgres


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
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty pixel store."""
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "store")
    return tmp_path / "store"


@pytest.fixture
def server(transactional_db: None, store: Path) -> Iterator[str]:
    """`wasl serve` on the tests' database and pixel store; its address."""
    port = free_port()
    env = environment(
        Path(os.environ["WASL_DATA"]), WASL_DATABASE_URL=_database(), WASL_STORAGE=str(store), WASL_DEMO="1",
        WASL_HTTP_PORT=str(port), WASL_HTTP_WORKERS="1",
    )  # fmt: skip
    with Command("serve", env=env) as command:
        assert eventually(lambda: _answers(port) or command.process.poll() is not None)
        assert command.process.poll() is None, command.said
        yield f"http://127.0.0.1:{port}"


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/dicom-web/studies").status_code == 401
    except httpx.TransportError:
        return False


def _database() -> str:
    parts = connection.settings_dict
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return make_conninfo("", **{key: str(parts[name]) for key, name in names.items() if parts[name]})
