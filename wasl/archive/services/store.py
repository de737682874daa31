"""The pixel store: files below one folder, under names that mean nothing, on disk before anybody is told so.

A whole file, written beside the store, is given its name there; then it and its folder are flushed, before the row that
knows it is committed. What no row knows is left over from a process that died in between, and swept away. Names begin
with their moment, so that the files of one study lie together and a sweep looks at the last days alone.
"""

import contextlib
import datetime
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from django.conf import settings

from wasl.archive.models import Conflict, Instance
from wasl.kernel.models import uuid7

ARRIVING = "arriving"  # the folder of files that are being written


@dataclass(frozen=True)
class Stored:
    """A file in the store: its name below it, and its size in bytes."""

    path: str
    size: int


def arriving() -> Path:
    """The folder in which files are written before they enter the store, on the same disk."""
    folder: Path = settings.STORAGE / ARRIVING
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def put(chunks: Iterable[bytes | memoryview]) -> Stored:
    """Write a file into the store; when this returns it is on disk."""
    temporary = arriving() / f"{uuid4().hex}.part"
    try:
        with temporary.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
        return adopt(temporary)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def adopt(temporary: Path) -> Stored:
    """Take a whole file, written in the folder `arriving`, into the store; when this returns it is on disk."""
    stored = enter(temporary)
    flush(stored)
    return stored


def enter(temporary: Path) -> Stored:
    """Give a whole file its name in the store; it is on disk only when `flush` has returned."""
    name = uuid7().hex
    path = f"{name[:6]}/{name[6:8]}/{name}.dcm"
    target: Path = settings.STORAGE / path
    _make_folder(target.parent)
    size = temporary.stat().st_size
    temporary.rename(target)
    return Stored(path, size)


def flush(stored: Stored) -> None:
    """Bring a file of the store, and its name, to the disk; a file for which that fails is removed."""
    target: Path = settings.STORAGE / stored.path
    try:
        _flush(target, os.O_RDWR)
        _flush(target.parent, os.O_RDONLY)  # after the file: its flush has often brought the folder along
    except BaseException:
        discard(stored.path)
        raise


def discard(path: str) -> None:
    """Remove a file that no row knows."""
    (settings.STORAGE / path).unlink(missing_ok=True)


def sweep(*, older_than: datetime.timedelta = datetime.timedelta(hours=1), days: int | None = 2) -> int:
    """Remove half-written files, and those of the last days that no row knows; how many there were.

    `older_than` spares what is being received now; `days=None` looks at the whole store.
    """
    before = time.time() - older_than.total_seconds()
    strays = [file for file in _files(arriving()) if file.stat().st_mtime <= before]
    for folder in _folders(None if days is None else time.time() - days * 86400):
        files = {f"{file.relative_to(settings.STORAGE)}": file for file in _files(folder)}
        old = {name: file for name, file in files.items() if file.stat().st_mtime <= before}
        known = set(Instance.objects.filter(path__in=old).values_list("path", flat=True))
        known |= set(Conflict.objects.filter(path__in=old).values_list("path", flat=True))
        strays += [file for name, file in old.items() if name not in known]
    for file in strays:
        file.unlink(missing_ok=True)
    return len(strays)


def _folders(since: float | None) -> Iterator[Path]:
    """The store's folders, oldest first; those whose moment lies before `since` are passed over."""
    for folder in sorted(settings.STORAGE.glob("??????")):
        with contextlib.suppress(ValueError):
            end = (int(folder.name, 16) + 1 << 24) / 1000  # the first 24 of a moment's 48 bits, in milliseconds
            if since is None or end >= since:
                yield from sorted(folder.glob("??"))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()]


def _make_folder(folder: Path) -> None:
    """Make a folder so that it survives a power cut, with those above it."""
    if folder.is_dir():
        return
    if folder != settings.STORAGE:
        _make_folder(folder.parent)
    folder.mkdir(parents=True, exist_ok=True)
    _flush(folder.parent, os.O_RDONLY)


def _flush(path: Path, mode: int) -> None:
    descriptor = os.open(path, mode)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
