"""The files that a copy takes along as they come: images, the store's mark, and the keys.

What is new is found in the folders, not in the tables. A file is in the store before the row that names it is
committed, so whoever first asks the database how far its log is, and then takes every file that lies in the store, has
the files of all rows up to there. A table would be asked in vain: a row that is committed may not be seen yet, and
nothing in it says when it became visible.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from wasl.edges.cli.standby_folder import flush_folder

DAYS = 2  # a name begins with its moment, and is given to a file so much later at most: what `sweep` relies on as well
SETTLED = 2_000_000_000  # nanoseconds after which a folder's time would tell of one file more
SINGLE = ("releases",)  # folders of files that lie in no folder of a moment
KEY_ENDINGS = {".secret", ".password", ".pem", ".p12"}


class Images:
    """The store of an instance and its copy; each file once, since none of the store ever changes."""

    def __init__(self, source: Path, target: Path) -> None:
        self._source, self._target = source, target
        self._settled: dict[Path, int] = {}  # the time of each folder that was seen when no more came into it
        self._all_seen = False

    def follow(self, stopping: Callable[[], bool]) -> bool:
        """Copy what came since the last time, at first everything; False when it was asked to stop meanwhile."""
        since = "" if not self._all_seen else f"{int((time.time() - DAYS * 86400) * 1000) >> 16:08x}"
        for folder in self._folders(since):
            changed = folder.stat().st_mtime_ns
            if self._settled.get(folder) == changed:
                continue
            looked = time.time_ns()
            if not self._copy(folder, stopping):
                return False
            if looked - changed > SETTLED:
                self._settled[folder] = changed
        self._all_seen = True
        return True

    def _folders(self, since: str) -> Iterator[Path]:
        """The folders of files; of those that are called by their moment, the ones since then."""
        if not self._source.is_dir():
            return
        yield self._source
        yield from (self._source / name for name in SINGLE if (self._source / name).is_dir())
        for top in sorted(self._source.glob("??????")):
            if top.name >= since[:6]:
                yield from (folder for folder in sorted(top.glob("??")) if top.name + folder.name >= since)

    def _copy(self, folder: Path, stopping: Callable[[], bool]) -> bool:
        target = self._target / folder.relative_to(self._source)
        fresh = not target.is_dir()
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.scandir(target) as entries:
            there = {entry.name for entry in entries}
        with os.scandir(folder) as entries:
            missing = [entry.name for entry in entries if entry.name not in there and entry.is_file()]
        for name in missing:
            if stopping():
                return False
            _copy_file(folder / name, target / name)
        if missing:
            flush_folder(target)
        if fresh:
            for above in (target.parent, target.parent.parent):
                flush_folder(above)
        return True


def follow_keys(home: Path, target: Path) -> None:
    """Take along the secrets and certificates as they are now: some are made later, and some renew themselves."""
    target.mkdir(mode=0o700, exist_ok=True)
    for path in home.iterdir():
        if path.suffix in KEY_ENDINGS and path.is_file():
            kept = target / path.name
            if not kept.exists() or kept.read_bytes() != path.read_bytes():
                _copy_file(path, kept)
                flush_folder(target)


def _copy_file(source: Path, target: Path) -> None:
    """Copy a file so that it has its name when it is whole and on disk; one that is gone meanwhile is no row's."""
    draft = target.with_name(f".{target.name}.part")
    try:
        with source.open("rb") as given, draft.open("wb") as taken:
            os.fchmod(taken.fileno(), 0o600)
            shutil.copyfileobj(given, taken, 1 << 20)
            taken.flush()
            os.fsync(taken.fileno())
    except FileNotFoundError:
        draft.unlink(missing_ok=True)
        if not target.parent.is_dir():
            raise
        return
    draft.rename(target)
