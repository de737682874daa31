"""A site's side of a thin line: what waits is sent, the most urgent first, through every cut.

Between two pieces the sender looks again at what is most urgent, so that a stroke passes what it was busy with. A
request carries what the line takes in a few seconds: long enough that the way there and back costs little, short enough
that nothing urgent waits behind it. What the other side acknowledged is never sent again. The protocol is described in
docs/reference/transfer.md.
"""

import json
import logging
import os
import random
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar
from uuid import UUID

import httpx
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from wasl.archive import queries
from wasl.archive import services as archive
from wasl.archive.queries import Outgoing, Waiting
from wasl.edges.dicom import heeding
from wasl.edges.dicom.pieces import LARGEST, Piece, pack
from wasl.edges.dicom.underway import File, Job, Told
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused

IDLE, HELLO = 1.0, 15.0  # seconds between two looks at an empty queue, and between two signs of life
AGAIN = 2.0  # seconds at least between two manifests of a study that still grows
SOON, LONGEST = 5.0, float(settings.SILENT_SECONDS)  # seconds between two tries on a line that is cut
AHEAD, PIECE = 4.0, 0.1  # seconds of the line in one request, and in one piece
SMALLEST_PIECE, SMALLEST, THICK, MOST = 16 << 10, 64 << 10, 1 << 20, 32 << 20  # bytes of a piece, and of a request
PATIENCE = httpx.Timeout(45.0, connect=15.0)
UNSENT = 64 << 10  # bytes of a request that wait in the machine: what is in its buffers passes whatever is urgent
# of the client's sockets; and what a request that was given up still had to say is not said when the line carries again
SOCKET = (
    (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)),
    (socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT),
)
TRIES = 3  # so often is a file sent whole whose other side says that it is not what was named
FOR_GOOD = frozenset({"NotDicom", "Truncated", "TooLarge", "PixelsElsewhere", "BadUid", "OtherInstance"})
# transfer syntaxes whose pixels are not compressed: packing helps
NATIVE = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"})

T = TypeVar("T")

log = logging.getLogger(__name__)


class Line(Exception):
    """The other side answers, but not to us."""


class Sender:
    """Sends what waits on one line, for as long as it is let."""

    def __init__(self, link: UUID, client: httpx.Client, *, url: str = "") -> None:
        """`url` is where the other side is, when that is known better than by the link."""
        self._link, self._client = link, client
        self._jobs: dict[UUID, Job] = {}
        self._rate = 0.0  # bytes a second, lately
        self._heard = self._heeded = -HELLO
        self._told = -IDLE
        self._url = f"{url.rstrip('/')}/transfer" if url else ""
        self._is_cut = False

    def run(self, stopped: Callable[[], bool], answered: Callable[[], bool] = lambda: False) -> None:
        """Send until stopped; a line that is cut is tried again, ever more slowly, for days.

        Where somebody else asks the other side too, `answered` says whether it was heard: then the next try is soon.
        """
        failures = 0
        while not stopped():
            close_old_connections()
            try:
                worked = self._turn()
                failures = 0
            except Refused:  # the line was closed
                return
            except (httpx.HTTPError, httpx.InvalidURL, Line, DatabaseError) as error:
                failures += 1
                self._cut(error)
                pause = min(LONGEST, 0.5 * 2 ** min(failures, 10)) * random.uniform(0.7, 1.0)  # noqa: S311
                _wait(min(SOON, pause), stopped)
                _wait(pause - SOON, lambda: stopped() or answered())
                continue
            if not worked:
                _wait(IDLE, stopped)

    def _cut(self, error: Exception) -> None:
        """Nobody knows what arrived: ask again, and begin with small requests."""
        if not self._is_cut:
            log.warning("A line is silent: %s", type(error).__name__)
        self._is_cut = True
        for job in self._jobs.values():
            job.told = None
        self._rate /= 4
        reason = str(error) if isinstance(error, Line) else type(error).__name__
        try:
            archive.note_link(self._link, error=reason, by=SYSTEM)
        except DatabaseError:
            close_old_connections()

    def _turn(self) -> bool:
        """One request, if there is anything to say; whether there was."""
        if not self._url:
            self._url = f"{queries.link(self._link, viewer=SYSTEM).url}/transfer"
        if self._is_cut:  # a word is enough to find out whether the line carries again
            self._hello()
        self._heed()
        waiting = self._waiting()
        if waiting is None:
            if time.monotonic() - self._heard >= HELLO:
                self._hello()
            return False
        job = self._jobs[waiting.transfer]
        if job.told is None or not job.left:
            self._announce(waiting, job)
        elif unnamed := self._unnamed(waiting):
            self._announce(unnamed, self._jobs.setdefault(unnamed.transfer, Job()))
            self._jobs[unnamed.transfer] = Job()  # it is named again when it is its turn
        else:
            self._send()
        return True

    def _unnamed(self, sending: Waiting) -> Waiting | None:
        """A study that the other side was never told of, while nothing urgent is sent: what it does not know of it
        cannot want.
        """
        if sending.urgent:
            return None
        return next((row for row in queries.to_send(self._link, viewer=SYSTEM) if not row.named), None)

    def _heed(self) -> None:
        """Every now and then, what the other side wants; and corrections, in both directions, as soon as there are."""
        now = time.monotonic()
        if due := now - self._heeded >= HELLO:
            answer = self._client.get(f"{self._url}/wanted", timeout=PATIENCE)
            if answer.status_code != httpx.codes.NOT_FOUND:  # by one that is older than this word
                self._answer(answer)
                self._understand(lambda: heeding.send_for(self._link, answer.content))
            self._heeded = now
        if due or now - self._told >= IDLE:
            self._told = now
            self._correct(due)

    def _correct(self, due: bool) -> None:
        """Tell what was taken back here, hear what was there; what was heard is said at once."""
        heard: list[heeding.Key] = []
        made = queries.corrections_for_link(self._link, viewer=SYSTEM)
        while made or heard or due:
            answer = self._client.post(
                f"{self._url}/corrections", content=heeding.letter(made, heard), timeout=PATIENCE,
                headers={"content-type": "application/vnd.wasl.corrections"},
            )  # fmt: skip
            if answer.status_code == httpx.codes.NOT_FOUND:
                return
            if answer.status_code != httpx.codes.OK:
                raise Line(f"{answer.status_code} {_said(answer)}".strip())
            theirs, told = self._understand(partial(heeding.read, answer.content))
            archive.note_corrections_told(told, link=self._link, by=SYSTEM)
            heard, made, due = heeding.take(theirs, link=self._link, by=SYSTEM), [], False

    def _understand(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Line("This is no Wasl") from error

    def _hello(self) -> None:
        queries.link(self._link, viewer=SYSTEM)  # it may be closed
        self._heard = -HELLO
        self._answer(self._client.get(f"{self._url}/hello", timeout=PATIENCE))
        self._is_cut = False

    def _waiting(self) -> Waiting | None:
        """The most urgent study about which something is to be said or sent; those that are over are forgotten."""
        rows, now = queries.to_send(self._link, viewer=SYSTEM), time.monotonic()
        for gone in self._jobs.keys() - {row.transfer for row in rows}:
            del self._jobs[gone]
        for row in rows:
            job = self._jobs.setdefault(row.transfer, Job())
            news = job.told != _state(row) and (row.complete_at or job.told is None or job.quiet_until <= now)
            if job.left or news:
                return row
        return None

    def _announce(self, waiting: Waiting, job: Job) -> None:
        """Name the images of a study, and learn which the other side lacks; it may have all of them."""
        images = queries.images_to_send(waiting.study, viewer=SYSTEM)
        state, before, began = _state(waiting), job.files, time.monotonic()
        job.files = {
            image.sha256: before.get(image.sha256)
            or File(image.key, image.sha256, image.size, image.transfer_syntax in NATIVE)
            for image in images
        }
        body = zlib.compress(json.dumps(_manifest(waiting, images), separators=(",", ":")).encode(), 6)
        answer = self._client.post(
            f"{self._url}/studies", content=body, timeout=PATIENCE,
            headers={"content-type": "application/vnd.wasl.manifest"},
        )  # fmt: skip
        if answer.status_code in (400, 409, 413, 422):
            archive.note_transfer(waiting.transfer, state="failed", error=_said(answer), by=SYSTEM)
            return
        told = self._answer(answer)
        missing = told.missing
        job.quiet_until = time.monotonic() + max(AGAIN, 5 * (time.monotonic() - began))
        self._refusals(job, told)
        order = first_to_last(images)
        job.left = [job.files[digest] for digest in order if digest in missing and digest not in job.refused]
        for file in job.left:
            file.at = missing[file.digest] if missing[file.digest] < file.size else 0
        job.told, job.touched = state, True
        self._note(waiting.transfer, job, over=state[1] and not job.left)

    def _send(self) -> None:
        """One request full of pieces, the most urgent that there is before each of them."""
        began, carried = time.monotonic(), 0
        started: dict[bytes, int] = {}  # how far each file was before

        def body() -> Iterator[bytes]:
            nonlocal carried
            for job, file, piece in self._pieces():
                packed = pack(piece, level=self._level() if file.native else 0)
                carried += len(packed)
                job.carried += len(packed)
                job.touched = True
                started.setdefault(file.digest, piece.at)
                yield packed
                if carried >= self._ahead(job):
                    return

        answer = self._answer(
            self._client.post(
                f"{self._url}/pieces", content=body(), timeout=PATIENCE,
                headers={"content-type": "application/vnd.wasl.pieces"},
            )
        )  # fmt: skip
        took = max(time.monotonic() - began, 0.001)
        self._rate = carried / took if not self._rate else 0.5 * self._rate + 0.5 * carried / took
        self._learn(started, answer)

    def _pieces(self) -> Iterator[tuple[Job, File, Piece]]:
        """Piece after piece of whatever is most urgent; none more when something must first be told."""
        size = min(max(int(self._rate * PIECE), SMALLEST_PIECE), LARGEST)
        while (waiting := self._waiting()) is not None:
            job = self._jobs[waiting.transfer]
            if job.told is None or not job.left:
                return
            file = next((one for one in job.left if one.at < one.size), None)
            if file is None:  # all was sent; the answer says what arrived
                return
            data = _read(file, size)
            if not data:
                job.left.remove(file)
                job.refused[file.digest], job.told = "Unreadable", None
                return
            piece = Piece(file.digest, file.at, data)
            file.at += len(data)
            yield job, file, piece

    def _learn(self, started: dict[bytes, int], answer: "Told") -> None:
        """What the other side has now; a file of which it knows nothing is named again."""
        for transfer, job in list(self._jobs.items()):
            if not job.touched:
                continue
            self._refusals(job, answer)
            for digest in started.keys() & job.files.keys():
                at = answer.at.get(digest, started[digest])
                if at < 0:
                    job.told = None
                job.files[digest].at = max(at, 0)
            job.left = [file for file in job.left if file.at < file.size and file.digest not in job.refused]
            if not job.left and job.told and job.told[1]:
                job.told = None  # ask once more, so that the other side itself says that it has everything
            self._note(transfer, job, over=False)

    def _refusals(self, job: Job, answer: "Told") -> None:
        """What the other side does not want, now or for good."""
        for digest, code in answer.refused.items():
            file = job.files.get(digest)
            if code in ("TooManyPieces", "NoRoom"):
                raise Line(code)
            if file is not None:
                file.tries += 1
                file.at = 0
                if code in FOR_GOOD or file.tries >= TRIES:
                    job.refused[file.digest] = code

    def _note(self, transfer: UUID, job: Job, *, over: bool) -> None:
        state, error = "sending", ""
        if over:
            state, error = ("failed", _complaint(job)) if job.refused else ("sent", "")
        archive.note_transfer(transfer, state=state, progress=job.progress(), error=error, by=SYSTEM)
        job.carried, job.touched = 0, False

    def _answer(self, answer: httpx.Response) -> "Told":
        """What the other side says; that it said something is noted. Raises Line when it does not speak to us."""
        if answer.status_code != httpx.codes.OK:
            raise Line(f"{answer.status_code} {_said(answer)}".strip())
        if time.monotonic() - self._heard >= IDLE:
            archive.note_link(self._link, rate=self._rate or None, by=SYSTEM)
            self._heard = time.monotonic()
        try:
            return Told.of(answer.json())
        except (ValueError, TypeError, AttributeError) as error:
            raise Line("This is no Wasl") from error

    def _ahead(self, job: Job) -> int:
        """How many bytes one request carries.

        A thick line may be faster than its receiver: what then lies between the two is at most a fiftieth of the study.
        """
        return min(max(int(self._rate * AHEAD), SMALLEST), max(THICK, job.size // 50), MOST)

    def _level(self) -> int:
        """How hard to pack: a thin line is worth the work, a thick one is not."""
        return 6 if self._rate < 1e6 else 1 if self._rate < 2e7 else 0


def first_to_last(images: Iterable[Outgoing]) -> list[bytes]:
    """In which order the images of a study are sent, by hash: the middle one of each series, every eighth, the rest.

    The images are given in the order of their series and numbers. Whoever waits for them sees each series early, then
    more of it everywhere, and never waits for the end of one series to see another.
    """
    series: dict[str, list[bytes]] = {}
    for image in images:
        series.setdefault(image.series_uid, []).append(image.sha256)
    ranked = []
    for number, digests in enumerate(series.values()):
        middle = len(digests) // 2
        for place, digest in enumerate(digests):
            level = 0 if place == middle else 1 if (place - middle) % 8 == 0 else 2
            ranked.append((level, number, place, digest))
    return [digest for *_, digest in sorted(ranked)]


def _state(row: Waiting) -> tuple[int, bool]:
    return row.images, row.complete_at is not None


def _manifest(waiting: Waiting, images: Iterable[Outgoing]) -> dict[str, object]:
    rank = queries.ROUTINE if waiting.prior else waiting.rank
    return {
        "study": waiting.study_uid, "rank": rank, "whole": waiting.complete_at is not None,
        "images": [
            {
                "uid": image.uid, "series": image.series_uid, "series_number": image.series_number,
                "number": image.number, "frames": image.frames, "size": image.size, "sha256": image.sha256.hex(),
                **_header(image),
            }
            for image in images
        ],
    }  # fmt: skip


def _header(image: Outgoing) -> dict[str, object]:
    return {"header": dict(zip(("study", "series", "uid"), image.header, strict=True))} if image.header else {}


def _read(file: File, size: int) -> bytes:
    """The next bytes of a file; none when it cannot be read."""
    try:
        with queries.path_of(file.key, viewer=SYSTEM).open("rb") as opened:
            return os.pread(opened.fileno(), min(size, file.size - file.at), file.at)
    except (OSError, Refused):
        return b""


def _said(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return ""


def _complaint(job: Job) -> str:
    why = ", ".join(sorted(set(job.refused.values())))
    return f"{len(job.refused)} of {len(job.files)} images were refused: {why}"


def _wait(seconds: float, stopped: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not stopped() and time.monotonic() < end:
        time.sleep(min(0.25, seconds))
