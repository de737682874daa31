"""The listener: connections of hospitals' systems, each served by a thread of its own, one message after the other."""

import contextlib
import logging
import os
import selectors
import signal
import socket
import threading
import time
from collections import Counter

from wasl.edges.hl7.answers import answer, too_long
from wasl.edges.hl7.frames import Frames, TooLong, framed
from wasl.edges.threads import database

MOST = 200  # connections at the same time
MOST_EACH = 50  # of one address, which may be a proxy's
IDLE = 900.0  # seconds between two messages: interfaces stay connected through a quiet night shift
WITHIN = 30.0  # seconds in which a message that began ends, and an answer is taken
PIECE = 1 << 16
log = logging.getLogger(__name__)


class Listener:
    """Takes connections until it is stopped; what was acknowledged is in the database, whenever that is."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._stopping, self._wake = socket.socketpair()
        self._links: dict[socket.socket, str] = {}
        self._lock = threading.Lock()
        listening.listen(MOST)
        self._thread = threading.Thread(target=self._accept, name="hl7", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Accept nothing more and hang up."""
        self._wake.close()
        self._thread.join()
        with self._lock:
            links = list(self._links)
        for link in links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._stopping.close()

    def _accept(self) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(self._listening, selectors.EVENT_READ)
            ready.register(self._stopping, selectors.EVENT_READ)
            while all(key.fileobj is not self._stopping for key, _ in ready.select()):
                with contextlib.suppress(OSError):  # who called is gone already
                    self._take(*self._listening.accept())

    def _take(self, link: socket.socket, caller: tuple[str, int]) -> None:
        address = caller[0]
        with self._lock:
            full = len(self._links) >= MOST or Counter(self._links.values())[address] >= MOST_EACH
            if not full:
                self._links[link] = address
        if full:
            log.warning("A connection from %s was closed: there are too many.", address)
            link.close()
            return
        threading.Thread(target=self._serve, args=(link, address), name="hl7 member", daemon=True).start()

    def _serve(self, link: socket.socket, address: str) -> None:
        try:
            with link:
                converse(link, address)
        except OSError as error:
            log.info("A connection from %s broke: %s", address, type(error).__name__)
        finally:
            with self._lock:
                del self._links[link]


def converse(link: socket.socket, address: str) -> None:
    """Answer the messages of a connection until it ends, is silent for too long, or says what has no end."""
    frames, late = Frames(), 0.0
    while True:
        left = late - time.monotonic() if frames.open else IDLE
        if left <= 0:  # a byte now and then is no message
            return
        link.settimeout(left)
        data = link.recv(PIECE)
        if not data:
            return
        was_open = frames.open
        try:
            whole = frames.feed(data)
        except TooLong as error:
            link.settimeout(WITHIN)
            link.sendall(framed(too_long(error.begun)))
            return
        if frames.open and (whole or not was_open):
            late = time.monotonic() + WITHIN
        link.settimeout(WITHIN)
        for raw in whole:
            with database():
                said = answer(raw, address=address)
            link.sendall(framed(said))


def serve(listening: socket.socket) -> None:
    """Listen until a signal asks to stop."""
    stops = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)  # for all threads: whichever heard it, this one would sleep on
    listener = Listener(listening)
    signal.sigwait(stops)
    listener.stop()
    logging.shutdown()
    # a thread that waits for a peer who says nothing would keep the process; nothing acknowledged depends on it
    os._exit(0)
