"""What lies in the folder of a copy that follows, and up to where it holds everything.

The folder has the images (`storage`), the keys, and generations: a copy of the database's files (`base`) with the
log of what was written since (`log`). Of each generation a point says up to where it is whole, images included.
"""

import datetime
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wasl import __version__

MARK = "follow.json"  # the file that makes a folder one that follows
IMAGES, KEYS = "storage", "keys"
STATUS = "following"  # the folder in an instance's own data where its copies are known


@dataclass(frozen=True)
class Identity:
    """Whose copy a folder is: the key of the folder, the country, and PostgreSQL's number of the database."""

    key: str
    country: str
    system: str


@dataclass(frozen=True)
class Point:
    """What was acknowledged until a moment lies before a place in the log; one can go back as far as `began`."""

    began: datetime.datetime
    until: datetime.datetime
    lsn: str


@dataclass(frozen=True)
class Generation:
    """A copy of the database's files, and the log since."""

    folder: Path

    @property
    def number(self) -> int:
        """Generations are counted from one."""
        return int(self.folder.name)

    @property
    def base(self) -> Path:
        """The copy of the database's files; it has this name when it is whole."""
        return self.folder / "base"

    @property
    def log(self) -> Path:
        """The log, in PostgreSQL's own files."""
        return self.folder / "log"

    def point(self) -> Point | None:
        """Up to where it is whole; None when it is not yet good for anything."""
        try:
            said = json.loads((self.folder / "point.json").read_text())
            began, until = (datetime.datetime.fromisoformat(said[name]) for name in ("began", "until"))
            return Point(began, until, str(said["lsn"]))
        except FileNotFoundError:
            return None

    def reach(self, point: Point) -> None:
        """Write down that it is whole up to a point, which is true even after a power cut."""
        said = {"began": point.began.isoformat(), "until": point.until.isoformat(), "lsn": point.lsn}
        write_whole(self.folder / "point.json", said)


def generations(folder: Path) -> list[Generation]:
    """The generations in a folder, oldest first."""
    return [Generation(path) for path in sorted(folder.glob("[0-9][0-9][0-9][0-9]"))]


def identity(folder: Path) -> Identity | None:
    """Whose copy a folder is; None when it is none that follows."""
    try:
        said = json.loads((folder / MARK).read_text())
    except FileNotFoundError:
        return None
    return Identity(str(said["key"]), str(said["country"]), str(said["system"]))


def found(folder: Path, country: str, system: str) -> Identity:
    """Make a folder one that follows an instance."""
    new = Identity(secrets.token_hex(4), country, system)
    write_whole(folder / MARK, {"wasl": __version__, "key": new.key, "country": country, "system": system})
    return new


def write_whole(path: Path, said: Mapping[str, str | float]) -> None:
    """Write a file that is there as it was or as it shall be, whatever happens."""
    draft = path.with_name(f"{path.name}.part")
    with draft.open("w") as file:
        json.dump(said, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
