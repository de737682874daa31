"""A pixel store of its own for every test."""

from pathlib import Path

import pytest
from django.conf import settings


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty pixel store."""
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "store")
    return tmp_path / "store"
