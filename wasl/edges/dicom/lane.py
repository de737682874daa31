"""The short way of an image: from the connection to the store in the thread that reads it.

pynetdicom negotiates, and serves whatever else is asked. It takes images too, but builds every fragment as an object
and hands it from thread to thread; so when a C-STORE request is next in the connection, its data set is read here.
"""

import contextlib
import hashlib
import logging
import select
import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from wasl.archive import services as archive
from wasl.edges.dicom.wire import Ended, Malformed, Reader, Request, opening, request, response

SEEN = 1024  # bytes looked at to find a request
LINGER = 0.1  # seconds to wait here for the next image
PAUSE = 0.5  # seconds between two looks whether the association still wants to live
SMALLEST = 1024  # bytes of a PDU that any response of ours fits in
CANNOT = (0xA700, "The archive cannot take it now")  # out of resources (PS3.4, B.2.3)

# keep(file, (SOP class, SOP instance), SHA-256 of the data set): the status and its comment
Keep = Callable[[Path, tuple[str, str], bytes], tuple[int, str]]
log = logging.getLogger(__name__)


class Stopped(Exception):
    """The association has something else to do, or has waited long enough."""


class Unwritten(Exception):
    """The disk does not take an image."""


class Lane:
    """An association's images; `keep` says what became of each."""

    def __init__(self, association: Any, keep: Keep) -> None:  # noqa: ANN401  pynetdicom's inner parts are not typed
        self._association, self._keep = association, keep
        self._dul = association.dul
        self._otherwise: Callable[[], None] = self._dul._read_pdu_data
        self._link: socket.socket = self._dul.socket.socket
        self._reader = Reader(self._link, self._alive)

    def open(self) -> None:
        """Be asked first whenever something comes; who broke off while being accepted sends nothing more."""
        if self._link is not None and not 0 < (self._association.requestor.maximum_length or 0) < SMALLEST:
            with contextlib.suppress(OSError):  # closed meanwhile
                self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._dul._read_pdu_data = self._read

    def _read(self) -> None:
        """Something came: images are taken as long as they follow one another, all else is for pynetdicom."""
        wanted = self._next()
        if wanted is None:
            self._otherwise()
            return
        patience = self._link.gettimeout()
        self._link.settimeout(PAUSE)
        self._association._reactor_checkpoint.clear()  # its other thread need not look for messages meanwhile
        try:
            while wanted is not None:
                self._take(wanted)
                self._dul._idle_timer.restart()
                wanted = self._next() if select.select([self._link], [], [], LINGER)[0] else None
        except Stopped:
            pass
        except Ended as end:
            pdu, event = self._dul._decode_pdu(bytearray(end.pdu))
            self._dul.event_queue.put(event)
            self._dul._recv_pdu.put(pdu)
        except Malformed:
            self._dul.event_queue.put("Evt19")  # PS3.8, 9.2: unrecognised or invalid PDU
        except OSError as error:
            log.info("An association broke: %s", type(error).__name__)
            self._dul.socket.close()
        finally:
            with contextlib.suppress(OSError):  # closed meanwhile
                self._link.settimeout(patience)
            self._association._reactor_checkpoint.set()

    def _next(self) -> Request | None:
        """The C-STORE request that is next in the connection, if one is and may be served here."""
        if self._dul.state_machine.current_state != "Sta6" or self._busy() or self._dul.assoc.dimse.message:
            return None
        try:
            found = request(self._link.recv(SEEN, socket.MSG_PEEK))
        except OSError:
            return None
        return found if found and found.context in self._association._accepted_cx else None

    def _take(self, wanted: Request) -> None:
        """Read an image into a file, have it kept, and answer."""
        path = archive.draft()
        syntax = self._association._accepted_cx[wanted.context].transfer_syntax[0]
        self._reader.skip(wanted.length)
        pieces = self._reader.data_set(wanted.context)
        try:
            digest = _write(path, opening(wanted, syntax), pieces)
            status, comment = self._keep(path, (wanted.sop_class, wanted.instance), digest)
        except Unwritten as error:
            log.error("An image could not be written: %s", error)
            for _ in pieces:  # to its end, or its sender would not hear the answer
                pass
            status, comment = CANNOT
        finally:
            archive.forget(path)
        self._link.sendall(response(wanted, status, comment))

    def _alive(self, heard: bool) -> None:
        """Go on reading, unless the association is to end."""
        if self._busy():
            raise Stopped
        if heard:
            self._dul._idle_timer.restart()
        elif self._dul.idle_timer_expired():
            raise TimeoutError

    def _busy(self) -> bool:
        return bool(self._dul._kill_thread or self._association._sent_release or self._dul.to_provider_queue.queue)


def _write(path: Path, head: bytes, pieces: Iterable[memoryview]) -> bytes:
    """Write a file; the SHA-256 of what stands behind its head. Raises Unwritten, with pieces still to come."""
    digest = hashlib.sha256()
    with _writing():
        file = path.open("xb")
    try:
        with _writing():
            file.write(head)
        for piece in pieces:
            with _writing():
                file.write(piece)
            digest.update(piece)
        with _writing():
            archive.hasten(file)
    finally:
        with contextlib.suppress(OSError):  # all was written when `hasten` returned
            file.close()
    return digest.digest()


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unwritten(type(error).__name__) from error
