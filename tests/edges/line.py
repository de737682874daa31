"""A thin line between two real programs: it counts what crosses it, slows it down, spoils it, cuts it."""

import contextlib
import queue
import socket
import struct
import threading
import time
from collections.abc import Iterator


class Line:
    """A proxy before a server: so many bytes a second towards it, and each answer late by `latency` seconds."""

    def __init__(self, port: int, *, rate: float = 0.0, latency: float = 0.0) -> None:
        self.carried = 0  # bytes towards the server
        self.cut_at: int | None = None  # the line is cut when so many were carried
        self.spoil_at: list[int] = []  # bytes that arrive changed
        self.is_cut = False
        self.rate = rate
        self._target, self._latency = port, latency
        self._free = 0.0  # when the line has carried all that is on it
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._over = False
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 10)
        self.port: int = self._listener.getsockname()[1]
        self._start(self._listen)

    @property
    def url(self) -> str:
        """Where the line begins."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Carry nothing more, in either direction, and take no call."""
        with self._lock:
            self.is_cut, self.cut_at = True, None
            cut, self._open = self._open, set()
        for end in cut:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Carry again."""
        self.is_cut = False

    def close(self) -> None:
        """End all."""
        self._over = True
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _start(self, act: object, *given: object) -> None:
        thread = threading.Thread(target=act, args=given, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while not self._over:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.is_cut:
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                continue
            with self._lock:
                self._open |= {near, far}
            self._start(self._join, near, far)

    def _join(self, near: socket.socket, far: socket.socket) -> None:
        """Carry both ways until both are done."""
        back = threading.Thread(target=self._pump, args=(far, near, False), daemon=True)
        back.start()
        self._pump(near, far, True)
        back.join()
        with self._lock:
            self._open -= {near, far}
        near.close()
        far.close()

    def _pump(self, source: socket.socket, target: socket.socket, up: bool) -> None:
        """Carry from one end to the other; what is on its way arrives late, but in its order."""
        late: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        delivery = threading.Thread(target=self._deliver, args=(late, source, target), daemon=True)
        delivery.start()
        with contextlib.suppress(OSError):
            while data := source.recv(4 << 10 if self.rate else 64 << 10):
                if up:
                    data = self._carried(data)
                late.put((time.monotonic() + self._latency / 2, data))
                if self.cut_at is not None and self.carried >= self.cut_at:
                    self.cut()
                    break
        late.put((time.monotonic() + self._latency / 2, b""))
        delivery.join()

    def _carried(self, data: bytes) -> bytes:
        with self._lock:
            spoiled = [at for at in self.spoil_at if self.carried <= at < self.carried + len(data)]
            for at in spoiled:
                self.spoil_at.remove(at)
                place = at - self.carried
                data = data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]
            self.carried += len(data)
            if self.rate:
                self._free = max(self._free, time.monotonic()) + len(data) / self.rate
            wait = self._free - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        return data

    def _deliver(
        self, late: "queue.SimpleQueue[tuple[float, bytes]]", source: socket.socket, target: socket.socket
    ) -> None:
        try:
            while True:
                moment, data = late.get()
                if (wait := moment - time.monotonic()) > 0:
                    time.sleep(wait)
                if not data:
                    break
                target.sendall(data)
        except OSError:  # nobody is there any more, and so the other end is told
            with contextlib.suppress(OSError):
                source.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def line(port: int, *, rate: float = 0.0, latency: float = 0.0) -> Iterator[Line]:
    """A line to a server, gone at the end."""
    opened = Line(port, rate=rate, latency=latency)
    try:
        yield opened
    finally:
        opened.close()
