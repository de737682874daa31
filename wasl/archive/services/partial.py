"""Files that come in pieces over a thin line: each kept by its hash until it is whole, whatever dies meanwhile.

They lie in the folder `arriving`, one for each sender and content, and grow only at their end: a piece is on the disk
before its sender hears that it is there. Nothing that a sender says becomes a file's name but its hash and ours.

A person's browser does not know the hash of a large file before it was sent: a part stands in its place, a key of
32 bytes, of which the first eight are the file's size. Whoever sends it under another person's name finds nothing.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from wasl.archive import rules
from wasl.archive.services.store import PARTIAL, arriving, room

ROOM = 16 << 30  # bytes of one sender's files that are not whole yet
PARTS = 40  # of one person at once
SIZE = 8  # bytes of a part's key that say how large it will be


def partial_path(digest: bytes, *, sender: str) -> Path:
    """Where a file of this content lies until it is whole."""
    return arriving() / f"{digest.hex()}-{_mark(sender)}{PARTIAL}"


def how_far(digest: bytes, *, sender: str) -> int:
    """How many bytes of a file are here."""
    try:
        return partial_path(digest, sender=sender).stat().st_size
    except FileNotFoundError:
        return 0


def append(digest: bytes, piece: bytes | memoryview, *, at: int, size: int, sender: str) -> int:
    """Add a piece at the end of a file of `size` bytes; how far the file is then, which says when it was not taken.

    A piece that begins elsewhere than at the end, or goes beyond `size`, is not taken. Raises TooManyPieces.
    """
    path = partial_path(digest, sender=sender)
    if at == 0 and not path.exists():
        _check_room(size, sender)
    with _locked(path) as descriptor:
        return _append(descriptor, piece, at, size)


def open_part(size: int, *, sender: str) -> bytes:
    """A new part for a file of so many bytes; its key. Raises TooManyPieces."""
    mine = [bytes.fromhex(path.name.partition("-")[0]) for path in _of(sender)]
    promised = sum(size_of_part(key) for key in mine)
    if len(mine) >= PARTS or promised + size > ROOM or room() < size:
        raise rules.TooManyPieces
    key = size.to_bytes(SIZE, "big") + secrets.token_bytes(32 - SIZE)
    partial_path(key, sender=sender).touch(mode=0o600, exist_ok=False)
    return key


def size_of_part(key: bytes) -> int:
    """How large the file of a part will be."""
    return int.from_bytes(key[:SIZE], "big")


def part_length(key: bytes, *, sender: str) -> int | None:
    """How many bytes of a part are here; None when this sender has no such part."""
    try:
        return partial_path(key, sender=sender).stat().st_size
    except FileNotFoundError:
        return None


def append_to_part(key: bytes, piece: bytes, *, at: int, sender: str) -> tuple[int, bool] | None:
    """As `append`, to a part: how far it is then, and whether the piece was taken; None when there is no such part."""
    try:
        with _locked(partial_path(key, sender=sender), make=False) as descriptor:
            fits = at == os.fstat(descriptor).st_size and at + len(piece) <= size_of_part(key)
            return _append(descriptor, piece, at, size_of_part(key)), fits
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def whole_part(key: bytes, *, sender: str) -> Iterator[Path | None]:
    """The file of a part that is whole, held by us alone; None while somebody else holds it, or when it is gone."""
    path = partial_path(key, sender=sender)
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield None
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = _is_at(path, descriptor)
        except BlockingIOError:
            mine = False
        yield path if mine else None
    finally:
        os.close(descriptor)


def answer_of_part(key: bytes, *, sender: str) -> bytes | None:
    """What was answered to whoever sent the last byte of a part, if it was; the answer may not have arrived."""
    try:
        return _answer_path(key, sender).read_bytes()
    except FileNotFoundError:
        return None


def end_part(key: bytes, *, answer: bytes | None, sender: str) -> None:
    """Forget a part; what was answered is kept for as long as the part might have been, if the disk takes it."""
    if answer is not None:
        try:
            _answer_path(key, sender).write_bytes(answer)
        except OSError:
            _answer_path(key, sender).unlink(missing_ok=True)
    partial_path(key, sender=sender).unlink(missing_ok=True)


def _answer_path(key: bytes, sender: str) -> Path:
    """Beside the parts and swept with them; as a part it would have no size."""
    return partial_path(bytes(SIZE) + key[SIZE:], sender=sender).with_suffix(f".answer{PARTIAL}")


def _append(descriptor: int, piece: bytes | memoryview, at: int, size: int) -> int:
    end = os.fstat(descriptor).st_size
    if at != end or end + len(piece) > size:
        return end
    try:
        written = 0
        while written < len(piece):
            written += os.pwrite(descriptor, piece[written:], end + written)
        os.fdatasync(descriptor)
    except OSError as error:  # the disk takes no more
        os.ftruncate(descriptor, end)
        raise rules.TooManyPieces from error
    return end + len(piece)


def _check_room(size: int, sender: str) -> None:
    lying = sum(file.stat().st_size for file in _of(sender))
    disk = os.statvfs(arriving())
    if lying + size > ROOM or disk.f_bavail * disk.f_frsize < 2 * size:
        raise rules.TooManyPieces


def _of(sender: str) -> list[Path]:
    return list(arriving().glob(f"*-{_mark(sender)}{PARTIAL}"))


@contextlib.contextmanager
def _locked(path: Path, *, make: bool = True) -> Iterator[int]:
    """The file, opened and held by us alone: two processes may answer one sender whose first call still hangs."""
    while True:
        descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if make else 0), 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_at(path, descriptor):
                yield descriptor
                return
        finally:
            os.close(descriptor)
        time.sleep(0.01)  # it was whole meanwhile, and is elsewhere


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _mark(sender: str) -> str:
    return hashlib.blake2b(sender.encode(), digest_size=6).hexdigest()
