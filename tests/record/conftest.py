"""Fixtures of the record's tests."""

import pytest

from tests.cast import Cast, cast
from tests.shelf import shelf

__all__ = ["shelf"]


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()
