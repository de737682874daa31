"""A pixel store of its own for every test, and no language left behind by a page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty pixel store."""
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "store")
    return tmp_path / "store"


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """The language of the instance again, whatever language the last page spoke."""
    yield
    translation.deactivate()
