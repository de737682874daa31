"""C-STORE: written as it comes, acknowledged when the file is on disk and its row is committed (PS3.4, B)."""

import logging
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from django.db import DatabaseError, close_old_connections
from pydicom.dataset import Dataset

from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.edges.dicom.callers import Event, caller, database
from wasl.edges.dicom.lane import Lane
from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused

SUCCESS = 0x0000
KEPT_ASIDE = 0xB000  # a warning: taken, but not shown; a failure would make the sender repeat it for ever
OUT_OF_RESOURCES = 0xA700
BATCH = 64

Waiting = tuple[archive.Incoming, Actor, "Future[archive.Outcome]"]
log = logging.getLogger(__name__)


class Batcher(threading.Thread):
    """Commits what all associations received meanwhile in one transaction, as long as they keep coming."""

    def __init__(self) -> None:
        super().__init__(name="batcher", daemon=True)
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()

    def receive(self, item: archive.Incoming, *, by: Actor) -> "Future[archive.Outcome]":
        """Promise what becomes of an instance, or what its verb raises."""
        future: Future[archive.Outcome] = Future()
        self._queue.put((item, by, future))
        return future

    def stop(self) -> None:
        """Finish what waits, and end."""
        self._queue.put(None)
        self.join()

    def run(self) -> None:
        """Take what waits, batch after batch."""
        with database():
            while (first := self._queue.get()) is not None:
                close_old_connections()  # one that broke; the next is made when it is needed
                self._take(first)

    def _take(self, first: Waiting) -> None:
        """Commit what waits behind the first, each sender's together."""
        waiting = [first]
        while len(waiting) < BATCH and not self._queue.empty():
            following = self._queue.get()
            if following is None:
                self._queue.put(None)
                break
            waiting.append(following)
        for by in dict.fromkeys(actor for _, actor, _ in waiting):
            _commit([w for w in waiting if w[1] == by], by)


def _commit(waiting: Sequence[Waiting], by: Actor) -> None:
    try:
        outcomes = archive.receive([item for item, _, _ in waiting], by=by)
    except Exception as error:
        if len(waiting) == 1:
            waiting[0][2].set_exception(error)
        else:  # one of them is to blame: the others are taken without it
            for one in waiting:
                _commit([one], by)
        return
    for (_, _, future), outcome in zip(waiting, outcomes, strict=True):
        future.set_result(outcome)


class Storing:
    """Answers C-STORE requests."""

    def __init__(self, batcher: Batcher) -> None:
        self._batcher = batcher

    def attend(self, event: Event) -> None:
        """Take the images of an association that was accepted by the short way."""
        Lane(event.assoc, partial(self.keep, by=caller(event))).open()

    def answer(self, event: Event) -> Dataset:
        """Take an image that came by the long way."""
        request = event.request
        named = (str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID))
        code, comment = self.keep(event.dataset_path, named, by=caller(event))
        status = Dataset()
        status.Status = code
        if comment:
            status.ErrorComment = comment
        return status

    def keep(self, file: Path, named: tuple[str, str], *, by: Actor) -> tuple[int, str]:
        """Keep an image and say so; whatever else happens, nothing is kept and the status and its comment say why."""
        try:
            what = self._store(file, named, by)
        except Refused as refusal:
            return refusal.dimse, _comment(refusal.sentence)
        except (OSError, DatabaseError) as error:
            log.error("An image could not be kept: %s", type(error).__name__)
            return OUT_OF_RESOURCES, "The archive cannot take it now"
        return (KEPT_ASIDE, "Known with other content: kept aside") if what == "conflict" else (SUCCESS, "")

    def _store(self, file: Path, named: tuple[str, str], by: Actor) -> str:
        place = next(iter(by.places()))
        flushed: Future[None] = Future()
        item = incoming(file, source=by.id, place=place, move=True, named=named, flushed=flushed)
        promise = self._batcher.receive(item, by=by)
        try:  # while its row is being written
            archive.flush(item.stored)
            flushed.set_result(None)
        except BaseException as error:
            flushed.set_exception(error)
            raise
        return promise.result().what


def _comment(sentence: str) -> str:
    return sentence.encode("ascii", "replace").decode()[:64]  # LO in the default character set
