"""Metadata (PS3.18, 10.4.1.1.2): what is kept of each instance's header, with its patient's identity."""

import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator
from typing import NamedTuple
from uuid import UUID

from asgiref.sync import sync_to_async
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from wasl.archive import services as archive
from wasl.archive.queries.identity import JOINS
from wasl.archive.services.metadata import ANYWHERE, DIGEST, MOST, TOLD, told
from wasl.edges import gate
from wasl.edges.conditional import has
from wasl.edges.dicom import accept, sight
from wasl.edges.dicom.fresh import Fresh
from wasl.edges.dicom.wado import JSON, address, instances, looked

BATCH = 100  # instances whose metadata are read at once

# the metadata of some instances, in their order
METADATA = f"""
select {TOLD} from unnest(%(keys)s::uuid[]) with ordinality k(id, place)
    join archive_instance i on i.id = k.id join archive_series e on e.id = i.series_id
    join archive_study s on s.id = e.study_id {JOINS}
order by k.place
"""  # noqa: S608 (no value of a request is in it)
KEPT = f"archive_seriesmetadata m on m.series_id = e.id and m.images = e.instance_count and m.digest = {DIGEST}"
# a series, and its metadata while they are true
READY = f"""
select s.id, s.patient_id, s.place_id, e.id, s.complete_at is not null and e.instance_count between 1 and {MOST},
    m.content, m.id::text
from archive_study s join archive_series e on e.study_id = s.id {JOINS} left join {KEPT}
where s.uid = %s and e.uid = %s
"""  # noqa: S608 (no value of a request is in it)
# which metadata an address has now: what is kept of a series by its key, which no other content ever has; else by
# digests of all that is told of the images
VERSION = f"""
select string_agg(coalesce(m.id::text, (
        select string_agg(md5(row({TOLD})::text), '' order by i.number nulls last, i.id) from archive_instance i
        where i.series_id = e.id and not i.rejected and (%(instance)s::text is null or i.uid = %(instance)s)
    )), ' ' order by e.number nulls last, e.id)
from archive_study s join archive_series e on e.study_id = s.id {JOINS}
    left join {KEPT} and %(instance)s::text is null
where s.id = %(study)s and (%(series)s::text is null or e.uid = %(series)s)
"""  # noqa: S608 (no value of a request is in it)


class Ready(NamedTuple):
    """The metadata of a series as they are sent: gzip, for one address of the service; and whose they are."""

    study: UUID
    patient: UUID | None
    place: UUID | None
    content: bytes
    version: str


ready: Fresh[tuple[str, str, str], Ready] = Fresh()


async def metadata(request: Request) -> Response:
    """The metadata of a study, a series or an instance, with the patient's identity and without bulk data.

    Who has them already is told so (304), after the look was allowed and logged as any other.
    """
    await sight.reader(request)  # so that a broken request is called broken first
    accept.choose(request, (JSON, "application/json"))
    seen, base = await looked(request, "archive.images"), address(request)
    zipped = "gzip" in request.headers.get("accept-encoding", "")
    headers = {"vary": "accept, accept-encoding"}
    kept = _of_series(request) and not seen.blind  # what is kept of a series is for who may know who read it
    made = await _ready(seen.uid, request.path_params["series"], base) if kept else None
    # before the content is read: a tag may be older than what it stands for, which costs an answer, and never newer
    if version := made.version if made else None if seen.blind else await _version(seen, request):
        headers["etag"] = tagged(version, base, zipped=zipped)
        if has(request.headers.get("if-none-match", ""), headers["etag"]):
            return Response(status_code=304, headers=headers)
    headers |= {"content-encoding": "gzip"} if zipped else {}
    if made is not None:
        content = made.content if zipped else await run_in_threadpool(gzip.decompress, made.content)
        return Response(content, media_type=JSON, headers=headers)
    found = await instances(request, seen)
    chunks = _metadata(seen, [one.key for one in found], base)
    return StreamingResponse(_zipped(chunks) if zipped else chunks, media_type=JSON, headers=headers)


def tagged(version: str, base: str, *, zipped: bool) -> str:
    """The entity tag of metadata of a version, as they are told at one address of the service (RFC 9110, 8.8.3)."""
    digest = hashlib.sha256(f"{base} {version}".encode()).hexdigest()[:32]
    return f'"{digest}{"-gzip" if zipped else ""}"'


def _of_series(request: Request) -> bool:
    return "instance" not in request.path_params and "series" in request.path_params


async def _version(seen: sight.Seen, request: Request) -> str | None:
    """Which metadata the address has now; None when it has no images."""
    named = {name: request.path_params.get(name) for name in ("series", "instance")}
    async with (await gate.pool()).connection() as connection:
        found = await connection.execute(VERSION.encode(), {**named, "study": seen.key, "base": ""})
        row: tuple[str | None] | None = await found.fetchone()
        return row[0] if row else None


async def _ready(study: str, series: str, base: str) -> Ready | None:
    """What is kept of a series, made now where it is missing; None while images come, or where there are too many."""
    since = archive.changes()
    row = await _row(study, series)
    if row is not None and row[5] is None and row[4]:
        await sync_to_async(archive.prepare_series)(row[3])
        row = await _row(study, series)
    if row is None or row[5] is None:
        return None
    made = Ready(*row[:3], await run_in_threadpool(_addressed, row[5], base), row[6])
    ready.put((study, series, base), made, len(made.content), since=since)
    return made


async def _row(study: str, series: str) -> tuple[UUID, UUID | None, UUID | None, UUID, bool, bytes | None, str] | None:
    async with (await gate.pool()).connection() as connection:
        row: tuple[UUID, UUID | None, UUID | None, UUID, bool, bytes | None, str] | None
        row = await (await connection.execute(READY.encode(), [study, series])).fetchone()
        return row


def _addressed(content: bytes, base: str) -> bytes:
    return gzip.compress(gzip.decompress(content).replace(ANYWHERE.encode(), base.encode()), 4, mtime=0)


async def _metadata(seen: sight.Seen, keys: list[UUID], base: str) -> AsyncIterator[bytes]:
    """The JSON of many instances, a batch at a time, so that a study of any length passes through."""
    sign = b"["
    for begin in range(0, len(keys), BATCH):
        async with (await gate.pool()).connection() as connection:
            rows = await connection.execute(
                METADATA, {"keys": keys[begin : begin + BATCH], "base": f"{base}/studies/{seen.uid}"}
            )
            texts = [told(text, at) async for text, at in rows]
        yield sign + ",".join(texts).encode()
        sign = b","
    yield b"]"


async def _zipped(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(level=4, wbits=31)
    async for chunk in chunks:
        yield await run_in_threadpool(packer.compress, chunk)
    yield packer.flush()
