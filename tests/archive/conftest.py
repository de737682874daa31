"""A pixel store of its own for every test."""

from pathlib import Path

import pytest
from pytest_django.fixtures import SettingsWrapper


@pytest.fixture(autouse=True)
def store(settings: SettingsWrapper, tmp_path: Path) -> Path:
    """An empty pixel store."""
    settings.STORAGE = tmp_path / "store"
    return tmp_path / "store"
