"""Metadata (PS3.18, 10.4.1.1.2): what is kept of each instance's header, with its patient's identity."""

import json
import zlib
from collections.abc import AsyncIterator
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from wasl.edges import gate
from wasl.edges.dicom import accept, sight
from wasl.edges.dicom.identity import IDENTITY, JOINS
from wasl.edges.dicom.wado import JSON, address, instances, looked

BULK = "BulkDataURI"
BATCH = 100  # instances whose metadata are read at once

# the metadata of some instances, in their order: a spacing that is no length would make viewers show nothing
METADATA = f"""
select ((i.metadata - array(
        select tag from unnest(array['00280030', '00181164']) tag
        where jsonb_path_exists(i.metadata, ('$."' || tag || '".Value[*] ? (@ <= 0 || @ == null)')::jsonpath)
    )) || {IDENTITY} || case when i.pixel_offset is null then '{{}}' else jsonb_build_object('7FE00010',
        jsonb_build_object('vr', case when i.metadata #>> '{{00280100,Value,0}}' = '8' then 'OB' else 'OW' end,
            'BulkDataURI', %(base)s::text || '/series/' || e.uid || '/instances/' || i.uid || '/bulkdata/7FE00010'))
    end)::text,
    %(base)s::text || '/series/' || e.uid || '/instances/' || i.uid || '/bulkdata'
from unnest(%(keys)s::uuid[]) with ordinality k(id, place)
    join archive_instance i on i.id = k.id join archive_series e on e.id = i.series_id
    join archive_study s on s.id = e.study_id {JOINS}
order by k.place
"""  # noqa: S608 (no value of a request is in it)


async def metadata(request: Request) -> Response:
    """The metadata of a study, a series or an instance, with the patient's identity and without bulk data."""
    accept.choose(request, (JSON, "application/json"))
    seen = await looked(request, "archive.images")
    found = await instances(request, seen)
    chunks = _metadata(seen, [one.key for one in found], address(request))
    headers = {"vary": "accept, accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return StreamingResponse(_zipped(chunks), media_type=JSON, headers=headers | {"content-encoding": "gzip"})
    return StreamingResponse(chunks, media_type=JSON, headers=headers)


async def _metadata(seen: sight.Seen, keys: list[UUID], base: str) -> AsyncIterator[bytes]:
    """The JSON of many instances, a batch at a time, so that a study of any length passes through."""
    sign = b"["
    for begin in range(0, len(keys), BATCH):
        async with (await gate.pool()).connection() as connection:
            rows = await connection.execute(
                METADATA, {"keys": keys[begin : begin + BATCH], "base": f"{base}/studies/{seen.uid}"}
            )
            texts = [_filled(text, at) async for text, at in rows]
        yield sign + ",".join(texts).encode()
        sign = b","
    yield b"]"


def _filled(text: str, at: str) -> str:
    """Metadata in which every element that was left out says where its value is."""
    if f'"{BULK}": ""' not in text:
        return text
    data = json.loads(text)
    _fill(data, at)
    return json.dumps(data, ensure_ascii=False)


def _fill(data: dict[str, dict[str, object]], at: str) -> None:
    for tag, element in data.items():
        if element.get(BULK) == "":
            element[BULK] = f"{at}/{tag}"
        items = element.get("Value")
        if element["vr"] == "SQ" and isinstance(items, list):
            for number, item in enumerate(items):
                _fill(item, f"{at}/{tag}/{number}")


async def _zipped(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(level=4, wbits=31)
    async for chunk in chunks:
        yield await run_in_threadpool(packer.compress, chunk)
    yield packer.flush()
