"""Byte ranges (RFC 9110, 14): a part of a long content, so that a broken transfer goes on where it stopped."""

import re
from collections.abc import Callable, Iterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

PIECE = 1 << 20

Reader = Callable[[int, int], bytes]


def span(asked: str, length: int) -> tuple[int, int] | None:
    """Where a range begins and ends; None for what is no range of bytes. Raises ValueError when nothing is there."""
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", asked.strip())
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    begin = int(first) if first else max(length - int(last), 0)
    end = min(int(last) + 1, length) if first and last else length
    if begin >= length or begin >= end:
        raise ValueError
    return begin, end


def ranged(request: Request, length: int, read: Reader, kind: str) -> Response:
    """Content of a known length, or the range of it that is asked for; `read` gives the bytes between two offsets."""
    headers = {"accept-ranges": "bytes"}
    begin, end, status = 0, length, 200
    try:
        if part := span(request.headers.get("range", ""), length):
            (begin, end), status = part, 206
            headers["content-range"] = f"bytes {begin}-{end - 1}/{length}"
    except ValueError:
        return Response(status_code=416, headers={"content-range": f"bytes */{length}"})
    headers["content-length"] = str(end - begin)

    def body() -> Iterator[bytes]:
        for at in range(begin, end, PIECE):
            yield read(at, min(at + PIECE, end))

    return StreamingResponse(body(), status_code=status, headers=headers, media_type=kind)
