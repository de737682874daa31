"""A real line between two network namespaces: the kernel's own TCP at both ends, so many bits a second, so late.

The kernel delays the packets (`tc netem`) where it can; where it was built without that, they are delayed here, one by
one, as netem would: a rate, a delay, a queue that is full at a thousand packets. Both need the right to make network
namespaces.
"""

import contextlib
import fcntl
import heapq
import itertools
import os
import select
import struct
import subprocess
import threading
import time
from collections.abc import Iterator

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
QUEUE = 1000  # packets that wait at one end, as netem's own
ADDRESSES = ("10.117.0.1", "10.117.0.2")  # of the site and of the centre, which nobody else sees
SITE, CENTRE = 0, 1
REACHED = {"WASL_HTTP_HOST": ADDRESSES[CENTRE], "WASL_HOSTS": ADDRESSES[CENTRE]}  # settings of a centre at its end


class Wire:
    """Two namespaces, `site` and `centre`, and the line between them; it counts what the site sends, and can be cut."""

    def __init__(self, *, rate: int, delay: float) -> None:
        """`rate` in bits a second, `delay` in seconds one way."""
        mark = f"{os.getpid() % 100_000}{next(NUMBERS)}"
        self.spaces = tuple(f"wasl-{end}-{mark}" for end in ("site", "centre"))
        self.carried = 0  # bytes of data that the line took from the site, those sent again included; no heads
        self._cut_at: float | None = None
        self._over = False
        self._rate, self._delay = rate, delay
        self._ends: list[int] = []
        try:
            for space, address in zip(self.spaces, ADDRESSES, strict=True):
                self._ends.append(_end(space, address))
            self.by = "tc netem" if self._netem() else "its own delay of packets (this kernel has no netem)"
        except BaseException:
            self._remove()
            raise
        self._thread = threading.Thread(target=self._carry)
        self._thread.start()

    def within(self, end: int) -> list[str]:
        """What stands before a command that runs at this end."""
        return ["ip", "netns", "exec", self.spaces[end]]

    def cut(self) -> None:
        """Carry nothing more, and tell nobody: what is on its way is lost."""
        self._cut_at = time.monotonic()

    def mend(self) -> None:
        """Carry again."""
        self._cut_at = None

    def close(self) -> None:
        """End all."""
        self._over = True
        self._thread.join()
        self._remove()

    def _netem(self) -> bool:
        """Whether the kernel does the delaying, at both ends."""
        shaped = (
            "root",
            "netem",
            "limit",
            str(QUEUE),
            "delay",
            f"{self._delay * 1000:.0f}ms",
            "rate",
            f"{self._rate}bit",
        )
        done = [_try("tc", "-n", space, "qdisc", "add", "dev", "line", *shaped) for space in self.spaces]
        return all(done)

    def _remove(self) -> None:
        for end in self._ends:
            os.close(end)
        for space in self.spaces:
            _try("ip", "netns", "del", space)

    def _carry(self) -> None:
        """Take packets at one end, and give each at the other when its moment has come."""
        own = self.by != "tc netem"
        free, late, number = [0.0, 0.0], [0, 0], itertools.count()
        coming: list[tuple[float, int, int, bytes]] = []
        while not self._over:
            wait = 0.1 if not coming else max(0.0, min(0.1, coming[0][0] - time.monotonic()))
            for descriptor in select.select(self._ends, [], [], wait)[0]:
                end, packet = self._ends.index(descriptor), os.read(descriptor, 1 << 16)
                if late[end] >= QUEUE:
                    continue
                now = time.monotonic()
                free[end] = max(free[end], now) + (len(packet) * 8 / self._rate if own else 0)
                late[end] += 1
                heapq.heappush(coming, (free[end] + (self._delay if own else 0), next(number), end, packet))
            while coming and coming[0][0] <= time.monotonic():
                due, _, end, packet = heapq.heappop(coming)
                late[end] -= 1
                cut = self._cut_at
                if end == SITE and (cut is None or due - (self._delay if own else 0) <= cut):
                    self.carried += _data(packet)
                if cut is None:
                    os.write(self._ends[1 - end], packet)


NUMBERS = itertools.count()


def _end(space: str, address: str) -> int:
    """A namespace with a device named `line`; what its programs send is read from the descriptor, and the reverse."""
    _must("ip", "netns", "add", space)
    descriptor = os.open("/dev/net/tun", os.O_RDWR)
    name = f"w{space[-9:]}"
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    _must("ip", "link", "set", name, "netns", space, "name", "line")
    _must("ip", "-n", space, "link", "set", "lo", "up")
    _must("ip", "-n", space, "address", "add", f"{address}/30", "dev", "line")
    _must("ip", "-n", space, "link", "set", "line", "up")
    return descriptor


def _data(packet: bytes) -> int:
    """How many bytes of data a TCP segment over IPv4 carries (RFC 791, 3.1; RFC 9293, 3.1)."""
    if packet[0] >> 4 != 4 or packet[9] != 6:
        return 0
    head = (packet[0] & 15) * 4
    return int(struct.unpack_from(">H", packet, 2)[0]) - head - (packet[head + 12] >> 4) * 4


def _must(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PermissionError(f"{' '.join(words)}: {done.stderr.strip()}")


def _try(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def why_no_wire() -> str:
    """Why no line can be laid on this machine; nothing when it can."""
    try:
        Wire(rate=1_000_000, delay=0.0).close()
    except OSError as error:  # no `ip`, no device, no right
        return str(error)
    return ""


@contextlib.contextmanager
def wire(*, rate: int, delay: float) -> Iterator[Wire]:
    """A line, gone at the end."""
    laid = Wire(rate=rate, delay=delay)
    try:
        yield laid
    finally:
        laid.close()
