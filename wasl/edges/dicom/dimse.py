"""The DIMSE listener: associations accepted, each answered by a thread of its own (PS3.7, PS3.8)."""

import logging
import os
import signal
import socket
import tempfile
import threading
from typing import Any

from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, _config, evt

from wasl.archive import services as archive
from wasl.edges.dicom import bounds, committing, finding, giving, notified, steps
from wasl.edges.dicom.callers import greet, part
from wasl.edges.dicom.classes import COMMITMENT, SERVED
from wasl.edges.dicom.sharing import Shared
from wasl.edges.dicom.storing import Batcher, Storing

NATIVE = tuple(ALL_TRANSFER_SYNTAXES[:4])  # what is asked and answered, beside images, is never compressed
PDU = 1 << 17  # bytes that a peer may send at once
ASSOCIATIONS = 200
GREETING = 5.0  # seconds to say who calls, and to be gone afterwards


class Listener:
    """The listener: it starts, and it stops when what was acknowledged is safe, which it always is."""

    def __init__(self, listening: socket.socket, ae_title: str) -> None:
        _configure()
        self._batcher = Batcher()
        storing = Storing(self._batcher)
        self._ae = AE(ae_title=ae_title)
        self._ae.require_called_aet = True
        self._ae.maximum_pdu_size = PDU
        self._ae.maximum_associations = ASSOCIATIONS
        self._ae.acse_timeout = GREETING
        for service in SERVED:
            both = True if service == COMMITMENT else None  # asked of us, and by us
            self._ae.add_supported_context(service, NATIVE, scu_role=both, scp_role=both)
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, bounds.bound),
            (evt.EVT_REQUESTED, greet),
            (evt.EVT_REQUESTED, giving.prefer),
            (evt.EVT_ACCEPTED, storing.attend),
            (evt.EVT_CONN_CLOSE, part),
            (evt.EVT_C_ECHO, lambda event: 0x0000),
            (evt.EVT_C_STORE, storing.answer),
            (evt.EVT_SOP_EXTENDED, finding.agree),
            (evt.EVT_C_FIND, finding.answer, [ae_title]),
            (evt.EVT_C_MOVE, giving.move),
            (evt.EVT_C_GET, giving.get),
            (evt.EVT_N_CREATE, notified.created),
            (evt.EVT_N_SET, steps.change),
            (evt.EVT_N_ACTION, committing.requested),
            (evt.EVT_N_EVENT_REPORT, committing.heard),
        ]
        self._server = self._ae.make_server(
            listening.getsockname(), evt_handlers=handlers, server_class=Shared, listening=listening
        )
        self._ae._servers.append(self._server)
        threading.Thread(target=self._server.serve_forever, name="AcceptorServer", daemon=True).start()

    def stop(self) -> None:
        """Accept nothing more, break off what is open, and end; who does not even say who calls is not waited for."""
        ending = threading.Thread(target=self._end, daemon=True)
        ending.start()
        ending.join(GREETING)
        self._batcher.stop()

    def _end(self) -> None:
        """As `AE.shutdown`, which aborts even what is no association yet or any more; PS3.8 has no such abort."""
        self._server.shutdown()
        for association in self._server.active_associations:
            if association.is_established:
                association.abort()


def serve(listening: socket.socket, ae_title: str) -> None:
    """Listen until a signal asks to stop."""
    stops = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)  # for all threads: whichever heard it, this one would sleep on
    listener = Listener(listening, ae_title)
    signal.sigwait(stops)
    listener.stop()
    logging.shutdown()
    # a thread that waits for a peer who says nothing would keep the process; nothing acknowledged depends on it
    os._exit(0)


def _configure() -> None:
    """What pynetdicom knows for the whole process."""
    # every class that may be stored, private ones included, in every transfer syntax: files are kept as they come
    _config.UNRESTRICTED_STORAGE_SERVICE = True
    # images go to a file as they come; this process makes no other temporary files, so they go where the store is
    _config.STORE_RECV_CHUNKED_DATASET = True
    tempfile.tempdir = str(archive.own_folder())
    # nothing of a patient in the logs
    _config.LOG_REQUEST_IDENTIFIERS = False
    _config.LOG_RESPONSE_IDENTIFIERS = False
    logging.getLogger("pynetdicom").setLevel(logging.ERROR)
