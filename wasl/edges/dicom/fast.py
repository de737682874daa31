"""What a viewer asks for a thousand times, one frame and the metadata of a series: a plain ASGI handler.

It answers what is plain: one frame, as it is stored, to somebody who takes it so and may see it. Everything else, every
refusal among it, is left to the service (`web`), which says why.
"""

import os
import re
import secrets
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import Send

from wasl.archive import services as archive
from wasl.archive.dicom.offsets import NATIVE, frame_table, joined
from wasl.edges import gate
from wasl.edges.conditional import has
from wasl.edges.dicom import accept, sight
from wasl.edges.dicom.located import Located, located
from wasl.edges.dicom.metadata import ready, tagged
from wasl.edges.dicom.ranges import span
from wasl.edges.dicom.wado import JSON
from wasl.edges.dicom.ways import how

ADDRESS = re.compile(
    r"/dicom-web/studies/([0-9.]{1,64})/series/([0-9.]{1,64})/instances/([0-9.]{1,64})/frames/([1-9][0-9]{0,6})"
)
SERIES = re.compile(r"/dicom-web/studies/([0-9.]{1,64})/series/([0-9.]{1,64})/metadata")
JSON_HEADERS = [(b"content-type", JSON.encode()), (b"content-encoding", b"gzip")]
UNTOLD = "select path, transfer_syntax, pixel_offset, frames, metadata from archive_instance where id = %s"


async def answer(scope: gate.Scope, send: Send) -> bool:
    """Answer a request that is plain; whether it was answered."""
    return await frame(scope, send) or await metadata(scope, send)


async def metadata(scope: gate.Scope, send: Send) -> bool:
    """Answer a request for the metadata of a series that are at hand, compressed; whether it was answered."""
    asked = SERIES.fullmatch(scope["path"])
    if asked is None or scope["query_string"] or scope["method"] != "GET":
        return False
    base = f"{gate.origin(scope)}/dicom-web"
    made = ready.get((asked[1], asked[2], base))
    if made is None or "gzip" not in gate.header(scope, b"accept-encoding"):
        return False
    if not _takes_json(gate.header(scope, b"accept")[:1024]):
        return False
    try:
        viewer = await sight.allowed(scope, "dicomweb.read")
    except HTTPException:
        return False
    seen = await sight.opened(made.study, asked[1], made.patient, made.place, viewer=viewer)
    if seen is None or seen.blind:
        return False
    await sight.log(seen, "archive.images", by=viewer)
    tag = tagged(made.version, base, zipped=True)
    headers = [(b"etag", tag.encode()), (b"vary", b"accept, accept-encoding")]
    status, body = (304, b"") if has(gate.header(scope, b"if-none-match"), tag) else (200, made.content)
    if body:
        headers += [*JSON_HEADERS, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    return True


@lru_cache(maxsize=512)
def _takes_json(header: str) -> bool:
    return any(not one.parts and one.fits(JSON) for one in accept.parsed(header or "*/*"))


async def frame(scope: gate.Scope, send: Send) -> bool:
    """Answer a request for one frame, if this is one that is plain; whether it was answered."""
    asked = ADDRESS.fullmatch(scope["path"])
    if asked is None or scope["query_string"] or scope["method"] != "GET":
        return False
    study, series, instance, number = asked[1], asked[2], asked[3], int(asked[4])
    try:
        viewer = await sight.allowed(scope, "dicomweb.read")
    except HTTPException:
        return False
    one = await located(study, series, instance)
    chosen = one and _chosen(gate.header(scope, b"accept")[:1024], one.syntax)
    seen = one and await sight.opened(one.study, study, one.patient, one.place, viewer=viewer)
    if one is None or chosen is None or seen is None:
        return False
    entry = one.entry(number)
    if entry is None:
        if one.table != b"":
            await _fill(one.id)
        return False
    reply = _reply(scope, one, entry, number, *chosen)
    try:
        body = await _read(f"{settings.STORAGE}/{one.path}", reply) if reply.length else b""
    except OSError:  # it is not at hand: the service knows where it is
        return False
    await sight.log(seen, "archive.images", by=viewer)
    length = [] if reply.status == 304 else [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": reply.status, "headers": [*reply.headers, *length]})
    await send({"type": "http.response.body", "body": body})
    return True


class Reply(NamedTuple):
    """An answer: its status and headers, the part of the file that it gives, and what stands before and behind it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    offset: int = 0
    length: int = 0  # negative: fragments behind their item heads
    head: bytes = b""
    tail: bytes = b""


def _reply(scope: gate.Scope, one: Located, entry: tuple[int, int], number: int, parts: bool, kind: str) -> Reply:
    """What is answered to somebody who takes a frame in parts or alone, as this media type."""
    tag = f'"{one.sha256[:16].hex()}-{number}-{kind.rpartition("/")[2]}{"-parts" if parts else ""}"'
    headers = [(b"etag", tag.encode()), (b"vary", b"accept")]
    if has(gate.header(scope, b"if-none-match"), tag):
        return Reply(304, headers)
    typed = f"{kind}; transfer-syntax={accept.EXPLICIT if one.syntax in NATIVE else one.syntax}"
    if parts:
        mark, location = secrets.token_hex(16), f"{gate.origin(scope)}{scope['path']}"
        head = f"--{mark}\r\nContent-Type: {typed}\r\nContent-Location: {location}\r\n\r\n".encode()
        whole = f'multipart/related; type="{kind}"; {typed.partition("; ")[2]}; boundary={mark}'
        headers.append((b"content-type", whole.encode()))
        return Reply(200, headers, *entry, head, f"\r\n--{mark}--\r\n".encode())
    headers += [(b"content-type", typed.encode()), (b"accept-ranges", b"bytes")]
    asked, (offset, length) = gate.header(scope, b"range"), entry
    if not asked or length < 0 or gate.header(scope, b"if-range") not in ("", tag):
        return Reply(200, headers, *entry)
    try:
        part = span(asked, length)
    except ValueError:
        return Reply(416, [*headers, (b"content-range", f"bytes */{length}".encode())])
    if part is None:
        return Reply(200, headers, *entry)
    headers.append((b"content-range", f"bytes {part[0]}-{part[1] - 1}/{length}".encode()))
    return Reply(206, headers, offset + part[0], part[1] - part[0])


async def _fill(instance: UUID) -> None:
    """Make the table of an image that was stored before there were any, or whose file is another one now."""
    async with (await gate.pool()).connection() as connection:
        rows = await connection.execute(UNTOLD, [instance])
        row = await rows.fetchone()
    if row is not None:
        table = await run_in_threadpool(_table, *row)
        await sync_to_async(archive.keep_frame_table)(instance, path=row[0], table=table)


def _table(path: str, syntax: str, offset: int | None, frames: int, elements: dict[str, Any]) -> bytes:
    fd = os.open(settings.STORAGE / path, os.O_RDONLY)
    try:
        return frame_table(
            lambda length, at: os.pread(fd, length, at), path, syntax=syntax, offset=offset, frames=frames,
            elements=elements,
        ) or b""  # fmt: skip
    finally:
        os.close(fd)


@lru_cache(maxsize=512)
def _chosen(header: str, syntax: str) -> tuple[bool, str] | None:
    """Whether a frame is given in parts, and its media type; None when it is not given as it is stored."""
    try:
        way = how(accept.parsed(header or "*/*"), syntax)
    except HTTPException:
        return None
    return (way.parts, way.kind) if way.stored else None


async def _read(path: str, reply: Reply) -> bytes | bytearray:
    """The body of an answer, read at once when it is in memory, else from the disk in a thread. Raises OSError.

    The frame is read into its place: putting three pieces together took longer than reading.
    """
    _, _, offset, length, head, tail = reply
    size = abs(length)
    room = bytearray(len(head) + size + len(tail))
    view = memoryview(room)
    frame = view[len(head) : len(head) + size]
    fd = os.open(path, os.O_RDONLY)
    try:
        got = os.preadv(fd, [frame], offset, os.RWF_NOWAIT)
    except OSError:  # not in memory, or a disk that cannot tell
        got = 0
    try:
        if got < size:
            got = await run_in_threadpool(os.preadv, fd, [frame], offset)
    finally:
        os.close(fd)
    if got < size:
        raise OSError("The file ends before its frame.")
    if length < 0:
        return head + joined(bytes(frame)) + tail
    view[: len(head)], view[len(head) + size :] = head, tail
    return room
