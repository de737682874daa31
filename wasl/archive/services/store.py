"""The pixel store: files below one folder, under names that mean nothing, on disk before anybody is told so.

A whole file, written beside the store, is given its name there; then it and its folder are flushed, before the row that
knows it is committed. What no row knows is left over from a process that died in between, and swept away. Names begin
with their moment, so that the files of one study lie together and a sweep looks at the last days alone. Which process
left something over is said in `living`.
"""

import contextlib
import ctypes
import datetime
import errno
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.db import connection

from wasl.archive import rules
from wasl.archive.models import Conflict, Copy, DiscImage, Instance, Transcoding
from wasl.archive.queries.files import ARRIVING, MARK, folder_mark
from wasl.archive.rules import NoRoom
from wasl.archive.services.living import LETTERS, claim_of, dead, draft, is_draft
from wasl.archive.services.uploading import uploader
from wasl.kernel.models import uuid7

GIGABYTE = 1 << 30
PARTIAL = ".partial"  # how the names of those end that come in pieces over a thin line
PARTIAL_DAYS = 7  # a line may be cut for so long
PARTIAL_ROOM = 64 << 30  # bytes of all of them; beyond that the oldest go
MARGIN = 5 << 30  # bytes that a gateway's disk should still take
ASIDE = "damaged"  # the folder of files that were found changed
FLUSH = 60.0  # seconds that the bucket may need; rows are locked meanwhile
COMMITS = 10.0  # seconds that a transaction may take to end whose process is no more
NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})  # of file systems without hard links
JUMP = 60.0  # seconds by which a clock is set: no clock is merely late by so much in an hour
SYNC_FILE_RANGE_WRITE = 2  # sync_file_range(2), of Linux alone
_begin = getattr(ctypes.CDLL(None), "sync_file_range", None)
if _begin is not None:
    _begin.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)

_ahead = time.time() - time.monotonic()  # of the clock that nobody sets, when files were last looked at


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


def room() -> float:
    """How many bytes may still be written before the part of the disk that is left free is touched; below zero, none.

    A disk that is full to its end takes neither the rows nor the journal: a database that cannot write stops.
    """
    disk = _disk()
    return disk.f_bavail * disk.f_frsize - settings.RESERVE_GB * GIGABYTE


def shortage() -> int:
    """How many bytes of copies held elsewhere are to go, so that images are not refused one by one for want of room.

    What is kept free for them is a twentieth of the disk, and never more than a day's images of a hospital.
    """
    disk = _disk()
    return max(0, round(min(disk.f_blocks * disk.f_frsize / 20, MARGIN) - room()))


def _disk() -> os.statvfs_result:
    try:
        return os.statvfs(settings.STORAGE)
    except FileNotFoundError:  # nothing was ever stored
        return os.statvfs(arriving())


def put(chunks: Iterable[bytes | memoryview]) -> Stored:
    """Write a file into the store; when this returns it is on disk."""
    temporary = draft()
    try:
        with temporary.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
        _check_room()
        stored = _named(temporary, temporary.rename)
        flush(stored)
        return stored
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def adopt(temporary: Path) -> Stored:
    """Take a whole file, written in the folder `arriving`, into the store; when this returns it is on disk."""
    stored = enter(temporary)
    flush(stored)
    return stored


def enter(temporary: Path) -> Stored:
    """Give a whole file its name in the store; it is on disk only when `flush` has returned. Raises NoRoom.

    Until `release` it has its name in our own folder as well, so that it is found if we die before its row is there.
    """
    _check_room()
    claim = temporary if is_draft(temporary) else temporary.rename(draft())
    return _named(claim, partial(_link, claim))


def release(*all_stored: Stored) -> None:
    """The rows of files are committed: they are known by these alone from now on."""
    for stored in all_stored:
        claim_of(stored.path).unlink(missing_ok=True)


def forget(temporary: Path) -> None:
    """Remove a draft, unless it entered the store and waits there for its row."""
    with contextlib.suppress(FileNotFoundError):
        if temporary.stat().st_nlink == 1:
            temporary.unlink()


def _check_room() -> None:
    if room() < 0:
        raise NoRoom


def _named(temporary: Path, name: Callable[[Path], object]) -> Stored:
    """A draft given its name in the store, by `name`."""
    path = _path(temporary)
    target: Path = settings.STORAGE / path
    _make_folder(target.parent)
    size = temporary.stat().st_size
    name(target)
    return Stored(path, size)


def _path(temporary: Path) -> str:
    """What a draft is called in the store."""
    name = temporary.stem
    return f"{name[:6]}/{name[6:8]}/{name}.dcm"


def _link(temporary: Path, target: Path) -> None:
    try:
        os.link(temporary, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        temporary.rename(target)


def hasten(file: BinaryIO) -> None:
    """Have the disk begin with a file that `flush` will wait for, while it is read and its row is written."""
    file.flush()
    if _begin is not None:
        _begin(file.fileno(), 0, 0, SYNC_FILE_RANGE_WRITE)


def flush(*all_stored: Stored) -> None:
    """Bring files of the store, and their names, to the disk; if that fails they are removed.

    Where they have to be in the bucket before the answer, they are there when this returns. Raises BucketFailed.
    """
    targets: list[Path] = [settings.STORAGE / stored.path for stored in all_stored]
    in_bucket = settings.S3_BEFORE_ANSWER and settings.S3_URL
    promises = [uploader().put(stored.path) for stored in all_stored] if in_bucket else []
    try:
        for target in targets:
            _flush(target, os.O_RDWR)
        for folder in {target.parent for target in targets}:  # after the files: their flush has often brought it along
            _flush(folder, os.O_RDONLY)
        for promise in promises:
            promise.result(FLUSH)
    except BaseException as error:
        for stored in all_stored:
            discard(stored.path)
        if isinstance(error, TimeoutError):
            raise rules.BucketFailed from error
        raise


def discard(path: str) -> None:
    """Remove a file that no row knows, and forget its copies."""
    (settings.STORAGE / path).unlink(missing_ok=True)
    claim_of(path).unlink(missing_ok=True)
    fresh = connection.connection is None  # a thread that receives keeps no connection of the pool
    try:
        Copy.objects.filter(path=path).delete()
    finally:
        if fresh:
            connection.close()


def set_aside(path: str) -> None:
    """Take a file that was found changed out of the store, so that nobody is given it; it is kept for whoever looks."""
    aside = Path(settings.STORAGE / ASIDE / Path(path).name)
    aside.parent.mkdir(exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        (settings.STORAGE / path).rename(aside)


def mark_folder() -> UUID:
    """The key of this machine's folder of files, written into it by whoever comes first."""
    known = folder_mark()
    if known is None:
        written = draft()
        written.write_text(str(uuid7()))
        with contextlib.suppress(FileExistsError):
            os.link(written, settings.STORAGE / MARK)
        written.unlink()
        known = folder_mark()
        assert known is not None  # noqa: S101  it was just written, by us or by another
    return known


def sweep(*, older_than: datetime.timedelta = datetime.timedelta(hours=1), days: int | None = 2) -> int:
    """Remove half-written files, and those of the last days that no row knows; how many there were.

    `older_than` spares what is being received now; `days=None` looks at the whole store. What comes in pieces over a
    thin line waits for days, as long as there is room. When the clock was set since the last look, no file is removed:
    what is being received now may look old.
    """
    now = _now()
    if _was_set(now):
        return 0
    before = now - older_than.total_seconds()
    written = _written()
    strays = [file for file in written if file.suffix != PARTIAL and _is_old(file, before)]
    strays += _forgotten([file for file in written if file.suffix == PARTIAL], now)
    for folder in _folders(None if days is None else time.time() - days * 86400):
        files = {f"{file.relative_to(settings.STORAGE)}": file for file in _files(folder)}
        old = {name: file for name, file in files.items() if _is_old(file, before)}
        known = _known(old)
        strays += [file for name, file in old.items() if name not in known]
    for file in strays:
        discard(f"{file.relative_to(settings.STORAGE)}")
    return len(strays)


def clear_dead() -> int:
    """Remove at once what processes of this machine left that are no more: half-written files, and those of no row.

    How many there were. What a living process writes is not touched, on this machine or another. A commit that was on
    its way when its process died is waited for; if that takes too long, its files are left to `sweep`.
    """
    gone = 0
    with dead() as folders:
        drafts = [file for folder in folders for file in _files(folder)]
        entered = {_path(file): file for file in drafts if len(file.stem) == LETTERS and _entered(file)}
        over = not entered or _commits_are_over()
        if over:
            lost = entered.keys() - _known(entered)
            for path in lost:
                discard(path)
            gone += len(lost)
        for file in set(drafts) - set(entered.values()):
            file.unlink(missing_ok=True)
            gone += 1
        if over:
            for file in entered.values():
                file.unlink(missing_ok=True)
            for folder in folders:
                folder.rmdir()
    return gone


def _entered(file: Path) -> bool:
    return Path(settings.STORAGE / _path(file)).exists()


def _commits_are_over() -> bool:
    """Whether every transaction that is writing now has ended, soon."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_current_xact_id()::text")  # a number after all that were given until now
        (now,) = cursor.fetchone()
        end = time.monotonic() + COMMITS
        while True:
            cursor.execute("select pg_snapshot_xmin(pg_current_snapshot()) > %s::text::xid8", [now])
            if cursor.fetchone() == (True,):
                return True
            if time.monotonic() > end:
                return False
            time.sleep(0.05)


def _known(paths: Collection[str]) -> set[str]:
    """Those of some files that a row knows."""
    known = set(Instance.objects.filter(path__in=paths).values_list("path", flat=True))
    known |= set(Conflict.objects.filter(path__in=paths).values_list("path", flat=True))
    known |= set(Transcoding.objects.filter(original_path__in=paths).values_list("original_path", flat=True))
    return known | set(DiscImage.objects.filter(path__in=paths).values_list("path", flat=True))


def _forgotten(partial: Iterable[Path], now: float) -> list[Path]:
    """Of the files that are not whole: those that nobody went on with for days, and the oldest of what is too much."""
    before, room, gone = now - PARTIAL_DAYS * 86400, PARTIAL_ROOM, []
    for moment, size, file in sorted(((s.st_mtime, s.st_size, f) for f in partial for s in [f.stat()]), reverse=True):
        room -= size
        if room < 0 or moment <= before:
            gone.append(file)
    return gone


def _was_set(now: float) -> bool:
    """Whether the folder's clock jumped since the last look."""
    global _ahead
    before, _ahead = _ahead, now - time.monotonic()
    return abs(_ahead - before) > JUMP


def _now() -> float:
    """The moment by the clock that dates the folder's files: a shared folder has one of its own."""
    probe = draft()
    probe.touch()
    moment = probe.stat().st_mtime
    probe.unlink()
    return moment


def _folders(since: float | None) -> Iterator[Path]:
    """The store's folders, oldest first; those whose moment lies before `since` are passed over."""
    for folder in sorted(settings.STORAGE.glob("??????")):
        with contextlib.suppress(ValueError):
            end = (int(folder.name, 16) + 1 << 24) / 1000  # the first 24 of a moment's 48 bits, in milliseconds
            if since is None or end >= since:
                yield from sorted(folder.glob("??"))


def _written() -> list[Path]:
    """The files that are being written, or were: in the folders of processes, and those that all may go on with."""
    found = []
    for entry in arriving().iterdir():
        with contextlib.suppress(FileNotFoundError):  # of one that starts beside us, and clears it
            found += _files(entry) if entry.is_dir() else [entry]
    return found


def _is_old(file: Path, before: float) -> bool:
    """Whether a file was not written to since a moment; one that is gone was."""
    try:
        return file.stat().st_mtime <= before
    except FileNotFoundError:
        return False


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
