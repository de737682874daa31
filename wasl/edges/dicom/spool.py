"""Files on their way into the store."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from wasl.archive import services as archive


class TooLarge(ValueError):
    """A file is larger than may be sent."""


@contextlib.contextmanager
def spooled(content: Iterable[bytes], largest: int) -> Iterator[Path]:
    """A file beside the store with this content; gone in the end unless the store took it. Raises TooLarge."""
    path = archive.draft()
    size = 0
    try:
        with path.open("xb") as file:
            for piece in content:
                size += len(piece)
                if size > largest:
                    raise TooLarge("A file is larger than may be sent.")
                file.write(piece)
            archive.hasten(file)
        yield path
    finally:
        archive.forget(path)
