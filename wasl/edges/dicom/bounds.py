"""What a connection may cost, and how it ends.

pynetdicom reads a PDU of any length whole, and as many requests as a peer sends; and where a peer breaks off while it
is being accepted, its thread dies without a word.
"""

import logging
import socket
import struct
from typing import Any

from pynetdicom import evt

from wasl.edges.dicom.callers import Event

LARGEST_PDU = 1 << 20  # bytes; we announce an eighth of it, and no request for an association comes near
LARGEST_MESSAGE = 64 << 20  # bytes of what is asked and told; images go to files as they come
WAITING = 8  # requests of an association that are not answered yet; nobody who keeps to PS3.7 has more than one
HEAD = 6  # bytes of a PDU's head (PS3.8, 9.3.1)

log = logging.getLogger(__name__)


class Bounds:
    """Stands between a connection and pynetdicom, from its first byte on."""

    def __init__(self, association: Any) -> None:  # noqa: ANN401  pynetdicom ships no types
        self._association, self._dul, self._dimse = association, association.dul, association.dimse
        self._otherwise, self._dul._read_pdu_data = self._dul._read_pdu_data, self._read
        machine = self._dul.state_machine
        self._do, machine.do_action = machine.do_action, self._act

    def _read(self) -> None:
        if self._dimse.msg_queue.qsize() >= WAITING:
            return  # what is not read holds its sender back
        if self._pdu() > LARGEST_PDU or self._message() > LARGEST_MESSAGE:
            log.warning("An association was ended: what it sends has no end.")
            self._dul.socket.close()
            return
        self._otherwise()

    def _act(self, what: str) -> None:
        """Do what follows from an event; where nothing can, the connection is closed and everybody is told so."""
        try:
            self._do(what)
        except Exception as error:  # whatever it stumbles over, the connection is done for
            log.info("An association broke: %s", type(error).__name__)
            self._dul.socket.close()
            self._dul.kill_dul()  # its other thread sees that, and ends
            evt.trigger(self._association, evt.EVT_CONN_CLOSE, {"address": None})

    def _pdu(self) -> int:
        """How long the PDU says that it is that comes next."""
        try:
            head = self._dul.socket.socket.recv(HEAD, socket.MSG_PEEK)
        except (OSError, AttributeError):  # pynetdicom finds out too, and knows what to do then
            return 0
        return int(struct.unpack(">2xI", head)[0]) if len(head) == HEAD else 0

    def _message(self) -> int:
        """How many bytes of a message that is not whole are in memory."""
        message = self._dimse.message
        return message.encoded_command_set.tell() + message.data_set.tell() if message else 0


def bound(event: Event) -> None:
    """Keep a new connection within its bounds."""
    Bounds(event.assoc)
