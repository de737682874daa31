"""Messages cut out of a stream as MLLP frames them (HL7, Transport Specification: MLLP, Release 1, 3.2)."""

from typing import Final

START, END = b"\x0b", b"\x1c\r"
MOST: Final = 1 << 18  # bytes of a message; who a patient is fits into a hundredth
MOST_JUNK: Final = 1 << 12  # bytes before a message, from who does not speak MLLP


class TooLong(Exception):
    """A message has no end, or none begins; `begun` is what came of it."""

    def __init__(self, begun: bytes) -> None:
        super().__init__(f"{len(begun)} bytes")
        self.begun = begun


class Frames:
    """What came over one connection and is no whole message yet."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._open = False
        self._seen = 0  # bytes of the held ones in which no end was found
        self._junk = 0

    @property
    def open(self) -> bool:
        """Whether a message began that has not ended."""
        return self._open

    def feed(self, data: bytes) -> list[bytes]:
        """Take what came, and give the messages that are whole now. Raises TooLong."""
        self._held += data
        whole = list[bytes]()
        while True:
            if not self._open and not self._begin():
                return whole
            end = self._held.find(END, self._seen)
            # the one that has no end is met when those before it were given
            if end > MOST or (end < 0 and len(self._held) > MOST + len(END)):
                if whole:
                    return whole
                raise TooLong(bytes(self._held[:MOST]))
            if end < 0:
                self._seen = max(0, len(self._held) - 1)  # the last byte may be half an end
                return whole
            whole.append(bytes(self._held[:end]))
            del self._held[: end + len(END)]
            self._open, self._seen, self._junk = False, 0, 0

    def _begin(self) -> bool:
        """Throw away what stands before a message, and say whether one begins."""
        at = self._held.find(START)
        self._junk += len(self._held) if at < 0 else at
        if self._junk > MOST_JUNK:
            raise TooLong(b"")
        del self._held[: len(self._held) if at < 0 else at + 1]
        self._open = at >= 0
        return self._open


def framed(message: bytes) -> bytes:
    """A message as it goes over the line."""
    return START + message + END
