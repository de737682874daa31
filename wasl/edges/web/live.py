"""Live pages: `/live/?topics=readings,results` tells a page that something of a topic changed, never what.

One connection to the database per process listens to the journal (channel `facts`) and wakes the pages that are open
here. The answer is a stream of server-sent events (HTML, 9.2) with the name `changed`.
"""

import asyncio
import contextlib
import json
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import psycopg

from wasl.edges import gate

log = logging.getLogger(__name__)

# topic -> how the names of its facts begin
TOPICS: dict[str, tuple[str, ...]] = {
    "readings": ("radiology.Reading", "radiology.ReportSigned", "radiology.Addendum", "radiology.Preliminary",
                 "radiology.Region", "radiology.Finding"),
    "results": ("radiology.Report", "radiology.CriticalResult", "radiology.Addendum", "radiology.Preliminary"),
    "exams": ("radiology.Order", "radiology.Exam", "radiology.Study", "radiology.Series", "radiology.Vetting",
              "archive.Step"),
    "conversation": ("radiology.Remark", "radiology.CallLogged"),
    "images": ("archive.",),
    "workitems": ("archive.Workitem",),
    "coming": ("archive.Study", "archive.ImagesAnnounced", "radiology.Study"),
}  # fmt: skip
PROGRESS = ("images", "coming")  # what moves while images come; that is no fact
HEARTBEAT = 15.0  # seconds; proxies close what is silent, and a revoked session must be noticed
PAUSE = 0.5  # seconds between two events to one page
PATIENCE = (0.5, 1.0, 2.0, 5.0)  # seconds before the database is asked again

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Page:
    """An open page: its topics, and those that changed since it was last told."""

    def __init__(self, topics: Iterable[str]) -> None:
        self.topics = frozenset(topics)
        self.changed: set[str] = set()
        self.woken = asyncio.Event()
        self.over = False

    def hear(self, topics: Iterable[str]) -> None:
        """Note what changed; many facts become one event."""
        if heard := self.topics.intersection(topics):
            self.changed |= heard
            self.woken.set()

    def end(self) -> None:
        """Let the stream end; the page asks again by itself."""
        self.over = True
        self.woken.set()

    async def next(self, seconds: float) -> set[str]:
        """What changed, waited for at most so long; nothing when time runs out."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.woken.wait(), seconds)
        self.woken.clear()
        changed, self.changed = self.changed, set()
        return changed


_pages: set[Page] = set()
_ear: asyncio.Task[None] | None = None


def topics_of(name: str) -> list[str]:
    """The topics that a fact of this name belongs to."""
    return [topic for topic, beginnings in TOPICS.items() if name.startswith(beginnings)]


async def application(scope: gate.Scope, receive: Receive, send: Send) -> None:
    """Stream to those who hold a post; refuse everybody else."""
    if scope["method"] != "GET" or scope["path"] != "/live/":
        return await _refuse(send, 404)
    if not (await gate.actor_of(scope)).held:
        return await _refuse(send, 401)
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("topics", [""])[0].split(",")
    topics = TOPICS.keys() & set(asked)
    if not topics:
        return await _refuse(send, 400)
    async with listening(topics) as page:
        gone = asyncio.create_task(_until_gone(receive, page))
        try:
            await _stream(scope, send, page)
        finally:
            gone.cancel()
    return None


@contextlib.asynccontextmanager
async def listening(topics: Iterable[str]) -> AsyncIterator[Page]:
    """A page, or another door, that hears of its topics while it is open."""
    global _ear
    if _ear is None or _ear.done():
        _ear = asyncio.create_task(_listen())
    page = Page(topics)
    _pages.add(page)
    try:
        yield page
    finally:
        _pages.discard(page)


async def opened() -> None:
    """End every stream as soon as the process is asked to stop: the server waits for them before it says so itself.

    The server's own handler of these signals is the loop's, which this one leaves in place.
    """
    loop = asyncio.get_running_loop()
    for request in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ValueError):  # not the main thread: nobody's signals come here
            signal.signal(request, lambda *_: loop.call_soon_threadsafe(_end_pages))


def _end_pages() -> None:
    for page in _pages:
        page.end()


async def close() -> None:
    """Stop listening; the process ends."""
    global _ear
    _end_pages()
    if _ear is not None:
        _ear.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await _ear
        _ear = None


async def _stream(scope: gate.Scope, send: Send, page: Page) -> None:
    headers = [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await _say(send, "retry: 3000\n\n")
    while not page.over:
        changed = await page.next(HEARTBEAT)
        if page.over or not (await gate.actor_of(scope)).held:
            break
        if changed:
            await _say(send, f"event: changed\ndata: {','.join(sorted(changed))}\n\n")
            await asyncio.sleep(PAUSE)
        else:
            await _say(send, ":\n\n")
    await send({"type": "http.response.body", "body": b""})


async def _say(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _refuse(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"cache-control", b"no-store")]})
    await send({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Receive, page: Page) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    page.end()


async def _listen() -> None:
    """Hear the journal for as long as the process lives; a database that went away is asked again."""
    tries = 0
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(gate.conninfo(), autocommit=True) as connection:
                await connection.execute("listen facts")
                await connection.execute("listen arriving")  # progress, which is no fact
                if tries:  # whatever was missed meanwhile
                    _tell(TOPICS)
                tries = 0
                async for note in connection.notifies():
                    _tell(topics_of(json.loads(note.payload)["name"]) if note.channel == "facts" else PROGRESS)
        except psycopg.OperationalError as error:
            log.warning("live pages wait for the database: %s", error)
        tries += 1
        await asyncio.sleep(PATIENCE[min(tries, len(PATIENCE)) - 1])


def _tell(topics: Iterable[str]) -> None:
    heard = list(topics)
    for page in _pages:
        page.hear(heard)
