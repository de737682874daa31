"""Which commands run on a data folder: each holds a lock as long as it lives, however it ends."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from wasl.edges.cli.home import make_home


@contextlib.contextmanager
def hold(home: Path, command: str) -> Iterator[None]:
    """Show that `command` runs on `home`; several may."""
    make_home(home)
    with _lock_file(home, command).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def hold_alone(home: Path, command: str) -> Iterator[None]:
    """Be the only one that runs `command` on `home`. Raises BlockingIOError."""
    make_home(home)
    with _lock_file(home, command).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def runs(home: Path, command: str) -> bool:
    """Whether `command` runs on `home` now."""
    path = _lock_file(home, command)
    if not path.exists():
        return False
    try:
        with path.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _lock_file(home: Path, command: str) -> Path:
    return home / f"{command}.lock"
