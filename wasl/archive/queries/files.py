"""Stored files opened: from the folder of this machine, or brought back from the bucket when they are not there.

What is brought back lies beside the files of the store, below `recalled`: it may go again at any time.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection

from wasl.archive import rules
from wasl.archive.models import Copy
from wasl.archive.queries.bucket import PIECE, Bucket

ARRIVING = "arriving"  # the folder of files that are being written
RECALLED = "recalled"  # the folder of files that came back from the bucket
MARK = "folder.id"  # the file that holds the key of its folder


def releases_folder() -> Path:
    """Where the ZIPs of copies without names lie."""
    return Path(settings.STORAGE / "releases")


def lies_at(path: str) -> Path:
    """The place in the store of a file of this name: what `at_hand` and `opened` take."""
    return Path(settings.STORAGE / path)


def at_hand(path: Path) -> Path:
    """Where a stored file can be read; `path` is its place in the store, which a query with a viewer has named.

    Brought back from the bucket it is whole, with the hash of its copy, or not there at all. Raises Damaged where no
    copy is whole, NotAtHand where none can be reached.
    """
    if path.exists():
        return path
    back = recalled(path)
    if not back.exists():
        _bring_back(path).close()
    return back


def opened(path: Path) -> BufferedReader:
    """A stored file, open for reading from its start; one that leaves its folder meanwhile is still read to the end.

    Raises what `at_hand` raises.
    """
    with suppress(FileNotFoundError):
        return path.open("rb")
    with suppress(FileNotFoundError):
        return recalled(path).open("rb")
    return _bring_back(path)


def pieces(path: Path) -> Iterator[bytes]:
    """A stored file's bytes from wherever they are, for whoever reads everything once and hashes it; nothing is kept.

    Raises NotAtHand where no copy is known, BucketFailed; what comes from the bucket may be damaged.
    """
    place = next((place for place in (path, recalled(path)) if place.exists()), None)
    if place:
        with place.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
        return
    copy = Copy.objects.filter(path=f"{path.relative_to(settings.STORAGE)}", folder=None).first()
    bucket = Bucket.ours()
    if copy is None or bucket is None:
        raise rules.NotAtHand
    try:
        yield from bucket.get(copy.key, copy.offset, copy.length)
    except FileNotFoundError as error:
        raise rules.Damaged from error


def recalled(path: Path) -> Path:
    """Where a stored file lies after it came back from the bucket."""
    return Path(settings.STORAGE / RECALLED / path.relative_to(settings.STORAGE))


def folder_mark() -> UUID | None:
    """The key of this machine's folder, once it was written there."""
    try:
        return UUID((settings.STORAGE / MARK).read_text().strip())
    except (OSError, ValueError):
        return None


def write_copy(target: Path, bucket: Bucket, copy: Copy) -> BufferedReader:
    """Read a copy from the bucket into a file, which appears whole; many may do so at once, with the same content.

    Answers the file, open for reading: under its name it may go again at once. Raises Damaged when
    what came is not what was put there, BucketFailed when nothing came.
    """
    folder = Path(settings.STORAGE / ARRIVING)
    folder.mkdir(parents=True, exist_ok=True)
    temporary, digest = folder / f"{uuid4().hex}.part", hashlib.sha256()
    try:
        with temporary.open("xb") as file:
            for piece in bucket.get(copy.key, copy.offset, copy.length):
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if digest.digest() != bytes(copy.sha256):
            raise rules.Damaged
        written = temporary.open("rb")
        while temporary.exists():
            # an empty folder is removed at any time, also just after it was found there
            with suppress(FileNotFoundError, FileExistsError):
                target.parent.mkdir(parents=True, exist_ok=True)
                temporary.rename(target)
    except FileNotFoundError as error:  # the object is not there
        raise rules.Damaged from error
    finally:
        temporary.unlink(missing_ok=True)
    return written


def _bring_back(path: Path) -> BufferedReader:
    name = f"{path.relative_to(settings.STORAGE)}"
    fresh = connection.connection is None  # a thread that serves files keeps no connection of the pool
    try:
        copies = list(Copy.objects.filter(path=name))
    finally:
        if fresh:
            connection.close()
    here = folder_mark()
    elsewhere = any(copy.folder_id not in (None, here) and not copy.damaged_at for copy in copies)
    ours = next((copy for copy in copies if copy.folder_id is None and not copy.damaged_at), None)
    bucket = Bucket.ours()
    if ours and bucket:
        try:
            return write_copy(recalled(path), bucket, ours)
        except rules.Damaged:
            if not elsewhere:
                raise
    if copies and all(copy.damaged_at for copy in copies):
        raise rules.Damaged
    raise rules.NotAtHand
