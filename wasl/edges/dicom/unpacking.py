"""A ZIP archive from an untrusted sender, opened file by file: bombs, tricks with names and nesting are refused."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

MOST_FILES = 20_000
MOST_BYTES = 20 << 30  # unpacked
SMALL = 64 << 20  # an archive that unpacks to less than this is no bomb, however well it is packed
RATIO = 200  # unpacked to packed: images of real bodies stay far below
PIECE = 1 << 20
ZIP = b"PK\x03\x04"
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# what file managers and discs add, of no use to anybody; the disc's index names files that are here anyway
NOISE = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini", "DICOMDIR")


class Refusal(Exception):
    """Why a file of an archive, or the whole archive, is not taken; a sentence for people."""


@dataclass(frozen=True)
class Member:
    """A file of an archive: the name to speak of it by, and its content, read but once. Raises Refusal."""

    name: str
    content: Iterator[bytes]


def is_archive(path: Path) -> bool:
    """Whether a file is a ZIP archive, by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) == ZIP


def members(path: Path) -> Iterator[Member]:
    """The files of an archive. Raises Refusal for the whole archive, before anything of it was taken."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Refusal(_("This archive is damaged.")) from error
    with archive:
        files = [info for info in archive.infolist() if not info.is_dir() and not _noise(info.filename)]
        _check(files, path.stat().st_size)
        budget = _Budget(min(MOST_BYTES, max(SMALL, RATIO * path.stat().st_size)))
        for info in files:
            yield Member(spoken(info.filename), _content(archive, info, budget))


def spoken(name: str) -> str:
    """A name as it may be shown: no folders, no control characters, not endless."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return "".join(letter if letter.isprintable() else "?" for letter in last)[:80] or "?"


@dataclass
class _Budget:
    left: int


def _check(files: list[zipfile.ZipInfo], packed: int) -> None:
    """What the archive says of itself is not monstrous; what it does not say is found while unpacking."""
    if len(files) > MOST_FILES:
        raise Refusal(_("This archive holds more than {most} files.").format(most=MOST_FILES))
    unpacked = sum(info.file_size for info in files)
    if unpacked > MOST_BYTES or unpacked > max(SMALL, RATIO * packed):
        raise Refusal(_("This archive would grow beyond all measure when it is unpacked."))


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: _Budget) -> Iterator[bytes]:
    if info.flag_bits & 1:
        raise Refusal(_("This file is protected by a password."))
    if info.compress_type not in METHODS:
        raise Refusal(_("This file is packed in an unusual way."))
    try:
        with archive.open(info) as source:
            piece = source.read(PIECE)
            if piece.startswith(ZIP):
                raise Refusal(_("Archives within archives are not opened."))
            while piece:
                budget.left -= len(piece)
                if budget.left < 0:
                    raise Refusal(_("This archive would grow beyond all measure when it is unpacked."))
                yield piece
                piece = source.read(PIECE)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise Refusal(_("This file is damaged.")) from error


def _noise(name: str) -> bool:
    return name.startswith(NOISE[0]) or name.replace("\\", "/").rpartition("/")[2] in NOISE[1:]
