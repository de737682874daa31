"""Whose a half-written file is: each process writes in a folder of its own, which it holds locked while it lives.

A file that is written keeps its name there as well until the row that knows it is committed. So what a process that
died left behind is known at once, whole or not, and what another one is receiving now is never taken for it: a lock of
the kernel ends with its process, however that ends. Of another machine that shares the folder nothing is known, nor of
this one before it started anew: those folders carry another mark, and only age removes what is in them.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from django.conf import settings

from wasl.archive.queries.files import ARRIVING
from wasl.kernel.models import uuid7

LETTERS = 32  # of a file's name
DRAFT = ".part"  # how the names of half-written files end
BOOT = Path("/proc/sys/kernel/random/boot_id")  # of this kernel: it says the same in every container on it

_making = threading.Lock()
_mine: tuple[int, Path, int] | None = None  # of which process, which folder, and the lock held in it


def draft() -> Path:
    """A name in this process's own folder for a file that is to enter the store, on the same disk."""
    return own_folder() / f"{uuid7().hex}{DRAFT}"


def own_folder() -> Path:
    """The folder of this process below the one for files that are being written."""
    global _mine
    top = Path(settings.STORAGE / ARRIVING)
    with _making:
        if _mine is None or _mine[0] != os.getpid() or _mine[1].parent != top or not _is_at(_mine[1], _mine[2]):
            if _mine is not None and _mine[0] == os.getpid():
                os.close(_mine[2])
            _mine = (os.getpid(), *_made(top))
        return _mine[1]


def claims_folder() -> Path:
    """As `own_folder`, where a file of it is already: nothing is asked of the disk."""
    return _mine[1] if _mine is not None and _mine[0] == os.getpid() else own_folder()


def is_draft(file: Path) -> bool:
    """Whether a file is one of this process's drafts, by its name."""
    return file.parent == claims_folder() and len(file.stem) == LETTERS


def claim_of(path: str) -> Path:
    """What a stored file of this name is called in our own folder until its row is committed."""
    return claims_folder() / f"{Path(path).stem}{DRAFT}"


@contextlib.contextmanager
def dead() -> Iterator[list[Path]]:
    """The folders of those processes of this machine that are no more, held by us alone meanwhile."""
    with contextlib.ExitStack() as held:
        found = []
        for folder in sorted(Path(settings.STORAGE / ARRIVING).glob(f"{_mark()}-*")):
            if (lock := _lock(folder)) is not None:
                held.callback(os.close, lock)
                found.append(folder)
        yield found


def _made(top: Path) -> tuple[Path, int]:
    """A new folder, which nobody sees under its name before it is locked."""
    name = f"{_mark()}-{uuid4().hex}"
    hidden = top / f".{name}"
    hidden.mkdir(parents=True)
    lock = os.open(hidden, os.O_RDONLY)
    with contextlib.suppress(OSError):  # a file system without locks gives none to who looks, either
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return hidden.rename(top / name), lock


def _lock(folder: Path) -> int | None:
    """The lock of a folder whose process is no more; None while it lives, or when nothing says so."""
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mine = _is_at(folder, lock)  # else somebody who starts beside us has removed it
    except OSError:
        mine = False
    if not mine:
        os.close(lock)
    return lock if mine else None


def _is_at(folder: Path, lock: int) -> bool:
    """Whether the folder is still the one that is locked: somebody may have emptied the store."""
    try:
        return folder.stat().st_ino == os.fstat(lock).st_ino
    except OSError:
        return False


def _mark() -> str:
    """What the folders of this machine begin with, until it starts anew."""
    try:
        return BOOT.read_text().strip().replace("-", "")
    except OSError:  # not Linux: age alone removes what is left
        return uuid4().hex
