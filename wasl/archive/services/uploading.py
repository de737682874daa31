"""Stored files put into the bucket: small ones together in one object, a large one alone.

An object (`packs/…`) is written once and never again: the files one after the other, then an index of them as JSON,
the index's length in eight bytes, and a mark. The bucket alone, without any table, thus says what it holds.
"""

import contextlib
import functools
import hashlib
import json
import os
import queue
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future

import obstore
from django.conf import settings
from django.db import close_old_connections, connections

from wasl.archive import rules
from wasl.archive.models import Copy
from wasl.archive.queries.bucket import FAILURES, PIECE, Bucket
from wasl.archive.queries.files import RECALLED
from wasl.kernel.models import uuid7

PACK = 64 << 20  # bytes of files in one object, unless a file is larger
TOGETHER = 64  # files that are put together while somebody waits
MARK = b"WASLPACK"
PART = 8 << 20  # bytes sent at once

Waiting = tuple[str, "Future[None]"]


def put_together(bucket: Bucket, names: Iterable[str]) -> list[Copy]:
    """Put stored files that are here into one object; their rows, not yet in the table. Raises BucketFailed."""
    copies: list[Copy] = []
    name = uuid7().hex
    key = f"packs/{name[:6]}/{name}"

    def content() -> Iterator[bytes]:
        at = 0
        for path in names:
            digest, begun = hashlib.sha256(), at
            with (settings.STORAGE / path).open("rb") as file:
                while piece := file.read(PIECE):
                    digest.update(piece)
                    at += len(piece)
                    yield piece
            copies.append(Copy(path=path, key=key, offset=begun, length=at - begun, sha256=digest.digest()))
        index = json.dumps(
            [[c.path.removeprefix(f"{RECALLED}/"), c.offset, c.length, bytes(c.sha256).hex()] for c in copies]
        ).encode()
        yield index + len(index).to_bytes(8, "big") + MARK

    try:
        obstore.put(bucket.store, bucket.at(key), content(), chunk_size=PART)
    except FileNotFoundError:  # a file that left, or a bucket that is not there
        raise
    except FAILURES as error:
        raise bucket.failed("took nothing", error) from error
    return copies


def probe(bucket: Bucket) -> None:
    """Put a few bytes into the bucket, read them back and remove them, if it lets that be. Raises BucketFailed."""
    key, content = f"probes/{uuid7().hex}", b"Wasl was here."
    try:
        obstore.put(bucket.store, bucket.at(key), content)
        if b"".join(bucket.get(key, 0, len(content))) != content:
            raise rules.BucketFailed
    except FAILURES as error:
        raise bucket.failed("took nothing", error) from error
    with contextlib.suppress(*FAILURES):  # a bucket whose objects are locked keeps it
        obstore.delete(bucket.store, bucket.at(key))


class Uploader(threading.Thread):
    """Puts what is received into the bucket before its sender is answered: what waits meanwhile goes together."""

    def __init__(self) -> None:
        super().__init__(name="uploader", daemon=True)
        self._queue: queue.SimpleQueue[Waiting] = queue.SimpleQueue()

    def put(self, path: str, promise: "Future[None] | None" = None) -> "Future[None]":
        """Promise that a stored file is in the bucket and its copy's row committed; or BucketFailed."""
        promise = promise or Future()
        self._queue.put((path, promise))
        return promise

    def run(self) -> None:
        """Take what waits, again and again."""
        while True:
            waiting = [self._queue.get()]
            size = _size(waiting[0])
            while not self._queue.empty() and len(waiting) < TOGETHER and size < PACK:
                waiting.append(self._queue.get())
                size += _size(waiting[-1])
            self._take(waiting)

    def _take(self, waiting: list[Waiting]) -> None:
        bucket = Bucket.ours()
        try:
            close_old_connections()
            if bucket is None:
                raise rules.BucketFailed
            Copy.objects.bulk_create(put_together(bucket, [path for path, _ in waiting]), ignore_conflicts=True)
        except Exception as error:  # whatever it was, nobody may be told that the file is there
            refusal = rules.BucketFailed()
            refusal.__cause__ = error
            for _, promise in waiting:
                promise.set_exception(refusal)
        else:
            for _, promise in waiting:
                promise.set_result(None)
        finally:
            connections.close_all()


def uploader() -> Uploader:
    """The uploader of this process."""
    return _uploader(os.getpid())


@functools.lru_cache(maxsize=1)
def _uploader(process: int) -> Uploader:
    """One for each process: a thread does not outlive a fork."""
    made = Uploader()
    made.start()
    return made


def _size(waiting: Waiting) -> int:
    try:
        return int((settings.STORAGE / waiting[0]).stat().st_size)
    except OSError:
        return 0
