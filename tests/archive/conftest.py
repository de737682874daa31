"""A pixel store of its own for every test."""

from pathlib import Path

import pytest
from django.conf import settings

from tests.bucket import s3, s3_server

__all__ = ["s3", "s3_server"]


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty pixel store."""
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "store")
    return tmp_path / "store"
