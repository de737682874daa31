"""One listening socket for several processes: each takes the associations that the others leave."""

import socket
import time
from typing import Any

from pynetdicom.transport import ThreadedAssociationServer

BACKLOG = 128  # connections that wait to be taken
POLITE = 0.003  # seconds that a process waits, for each association it has, before it takes one more


class Shared(ThreadedAssociationServer):
    """Accepts associations from a socket that other processes have too, the one with fewer before the others."""

    def __init__(self, *args: Any, listening: socket.socket, **more: Any) -> None:  # noqa: ANN401  as pynetdicom has it
        self._listening = listening
        super().__init__(*args, **more)

    def server_bind(self) -> None:
        """Take the socket as it is."""
        self.server_close()  # the one made for it
        self.socket = self._listening
        self.server_address = self._listening.getsockname()

    def server_activate(self) -> None:
        """Listen; it does no harm that others do."""
        self._listening.listen(BACKLOG)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Take a connection, if nobody was quicker (then an OSError, which socketserver expects)."""
        time.sleep(POLITE * min(len(self.active_associations), 10))
        connection: tuple[socket.socket, Any] = super().get_request()
        connection[0].settimeout(self.ae.network_timeout)
        return connection

    def server_close(self) -> None:
        """Leave the socket to the others."""
        if self.socket:
            self.socket.close()
