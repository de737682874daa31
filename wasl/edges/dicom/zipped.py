"""A ZIP archive written while it is sent: no file of it, and not the whole, is ever in memory or on the disk."""

import io
import zipfile
from collections.abc import Iterable, Iterator


class _Pipe(io.RawIOBase):
    """What was written and not yet sent."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []

    def writable(self) -> bool:
        """It is only written to: so the archive never goes back in it."""
        return True

    def write(self, content: object) -> int:
        """Keep some bytes until they are sent."""
        self.waiting.append(bytes(content))  # type: ignore[call-overload]
        return len(self.waiting[-1])

    def taken(self) -> Iterator[bytes]:
        """What waits; then nothing does."""
        waiting, self.waiting = self.waiting, []
        yield from waiting


def zipped(files: Iterable[tuple[str, Iterable[bytes]]]) -> Iterator[bytes]:
    """The archive of these files, each a name and its content in pieces; pixels are not compressed a second time."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for name, pieces in files:
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as entry:
                for piece in pieces:
                    entry.write(piece)
                    yield from pipe.taken()
            yield from pipe.taken()
    yield from pipe.taken()
