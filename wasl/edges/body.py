"""Bodies of requests that are small enough to be read whole, and the JSON in them."""

import json
import math
from typing import Any, NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import Request


async def whole(request: Request, most: int, too_large: str) -> bytes:
    """The body of a request, of so many bytes at most. Raises 413, which says that it is too large."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            # the rest is not read: whoever sends it hears that this connection ends, and asks on another
            raise HTTPException(413, too_large, {"connection": "close"})
    return bytes(body)


def document(body: bytes) -> Any:  # noqa: ANN401  JSON of a stranger
    """JSON that the database can keep: no null character, no half surrogate, no infinite number. Raises ValueError."""
    try:
        read = json.loads(body, parse_float=_decimal, parse_constant=_constant)
        if b"\\u0000" in json.dumps(read, ensure_ascii=False).encode():
            raise ValueError
    except RecursionError as error:
        raise ValueError from error
    return read


def _decimal(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _constant(text: str) -> NoReturn:
    raise ValueError(text)
