"""C-STORE: written as it comes, acknowledged when the file is on disk and its row is committed (PS3.4, B)."""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.db import DatabaseError, connections
from pydicom.dataset import Dataset

from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.edges.dicom.callers import Event, caller
from wasl.edges.dicom.lane import CANNOT, Lane
from wasl.edges.threads import database
from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused

SUCCESS = 0x0000
KEPT_ASIDE = 0xB000  # a warning: taken, but not shown; a failure would make the sender repeat it for ever
BATCH = 64

log = logging.getLogger(__name__)


@dataclass
class Waiting:
    """An image on disk whose row is not committed yet, and what becomes of it."""

    item: archive.Incoming
    by: Actor
    outcome: archive.Outcome | Exception | None = None


class Batcher:
    """Commits images of all associations of this process: whoever has the turn commits what waits in one transaction.

    No thread of its own, so that an image goes from the connection to the commit without being handed over.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._waiting: deque[Waiting] = deque()
        self._link = connections.create_connection("default")
        self._link.inc_thread_sharing()  # used by who has the turn

    def receive(self, item: archive.Incoming, *, by: Actor) -> archive.Outcome:
        """What became of an instance, once it is committed; raises what its verb raises."""
        mine = Waiting(item, by)
        self._waiting.append(mine)
        with self._turn:
            while mine.outcome is None:
                self._take()
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        return mine.outcome

    def stop(self) -> None:
        """Give back the connection when the last has committed."""
        with self._turn:
            self._link.close()

    def _take(self) -> None:
        """Commit what waits, each sender's together; when the database is away, all that wait hear it at once.

        To be sure of it took a while: if each tried for himself, the last would have given up waiting long before.
        """
        taken = self._next(BATCH)
        own = connections["default"]
        connections["default"] = self._link
        try:
            for by in dict.fromkeys(one.by for one in taken):
                mine = [one for one in taken if one.by == by]
                _commit(mine, by)
                if isinstance(away := mine[-1].outcome, DatabaseError) and not _is_connected():
                    for one in (*taken, *self._next(len(self._waiting))):
                        one.outcome = one.outcome or away
                    break
        finally:
            connections["default"] = own
            if self._link.errors_occurred:
                self._link.close()  # the next is made when it is needed

    def _next(self, most: int) -> list[Waiting]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), most))]


def _is_connected() -> bool:
    link = connections["default"].connection
    return link is not None and not link.closed


def _commit(waiting: Sequence[Waiting], by: Actor) -> None:
    try:
        outcomes = archive.receive([one.item for one in waiting], by=by)
    except Exception as error:
        if len(waiting) == 1 or not _is_connected():
            for one in waiting:
                one.outcome = error
        else:  # one of them is to blame: the others are taken without it
            for one in waiting:
                _commit([one], by)
        return
    for one, outcome in zip(waiting, outcomes, strict=True):
        one.outcome = outcome


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

    def keep(self, file: Path, named: tuple[str, str], digest: bytes | None = None, *, by: Actor) -> tuple[int, str]:
        """Keep an image and say so; whatever else happens, nothing is kept and the status and its comment say why."""
        try:
            what = self._store(file, named, digest, by)
        except Refused as refusal:
            _note(by)
            return refusal.dimse, _comment(refusal.sentence)
        except (OSError, DatabaseError) as error:
            log.error("An image could not be kept: %s", type(error).__name__)
            return CANNOT
        return (KEPT_ASIDE, "Known with other content: kept aside") if what == "conflict" else (SUCCESS, "")

    def _store(self, file: Path, named: tuple[str, str], digest: bytes | None, by: Actor) -> str:
        place = next(iter(by.places()))
        item = incoming(file, source=by.id, place=place, move=True, named=named, digest=digest)
        try:
            return self._batcher.receive(item, by=by).what
        except Refused:
            archive.discard(item.stored.path)
            raise


def _note(by: Actor) -> None:
    """Count a refusal, beside the way of the images; a thread that receives keeps no connection of its own."""
    try:
        with database():
            archive.note_refusal(by=by)
    except DatabaseError as error:
        log.error("A refusal was not counted: %s", type(error).__name__)


def _comment(sentence: str) -> str:
    return sentence.encode("ascii", "replace").decode()[:64]  # LO in the default character set
