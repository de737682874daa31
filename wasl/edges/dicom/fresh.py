"""What a viewer asks for again and again, remembered in this process for a few seconds."""

import time
from typing import Generic, TypeVar

from wasl.archive.services import changes

SECONDS = 5.0  # what another process changes is seen after so long; what this one changes, at once
MOST = 32 << 20  # bytes

K = TypeVar("K")
V = TypeVar("V")


class Fresh(Generic[K, V]):
    """Values by key, forgotten after some seconds, at any change of the archive, and when they become too many."""

    def __init__(self) -> None:
        self._kept: dict[K, tuple[float, V]] = {}
        self._size = 0
        self._changes = 0

    def get(self, key: K) -> V | None:
        """The value, when it is fresh."""
        if self._changes != changes():
            self.clear()
        until, value = self._kept.get(key, (0.0, None))
        return value if until > time.monotonic() else None

    def put(self, key: K, value: V, size: int, *, since: int) -> None:
        """Remember a value of so many bytes that was read when `changes()` was `since`."""
        if since != changes() or size > MOST // 4:
            return
        if self._size + size > MOST:
            self.clear()
        self._kept[key] = (time.monotonic() + SECONDS, value)
        self._size += size  # a value put again is counted again: that only clears the sooner

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._size, self._changes = 0, changes()
