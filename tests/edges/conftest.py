"""Fixtures of the tests that run real servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.edges.scenes import data_folder
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
