"""WADO-RS (PS3.18, 10.4): studies, series, instances, frames, pictures, metadata and bulk data, as they are stored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from pydicom import Dataset
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from wasl.edges import gate
from wasl.edges.dicom import accept, sight
from wasl.edges.dicom.frames import DEFLATED, NoPixels, Pixels, frame, value
from wasl.edges.dicom.multipart import Writer
from wasl.edges.dicom.pixels import Undecodable, explicit_file, header, uncompressed
from wasl.edges.dicom.ranges import ranged

DICOM, JSON, OCTETS = "application/dicom", "application/dicom+json", "application/octet-stream"
PIECE = 1 << 20

# a compressed frame's own media type (PS3.18, table 8.7.3-5)
KINDS = {
    **dict.fromkeys(("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57",
                     "1.2.840.10008.1.2.4.70"), "image/jpeg"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"), "image/jls"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"), "image/jp2"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203"), "image/jphc"),
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}  # fmt: skip

# what is read of an instance to give it
STORED = """
select i.id, e.uid, i.uid, i.path, i.size, i.transfer_syntax, i.pixel_offset, i.frames, i.rows, i.columns,
    coalesce((i.metadata #>> '{00280002,Value,0}')::int, 1), (i.metadata #>> '{00280100,Value,0}')::int,
    coalesce(i.metadata #>> '{00280004,Value,0}', '')
from archive_study s join archive_series e on e.study_id = s.id join archive_instance i on i.series_id = e.id
"""


@dataclass(frozen=True)
class Stored:
    """A stored instance: its key, its place in the study, its file and its pixels, if it has any."""

    key: UUID
    address: str  # below the study
    path: Path
    size: int
    syntax: str
    pixels: Pixels | None
    frames: int


def address(request: Request) -> str:
    """The address of this service, as the client knows it."""
    return f"{request.url.scheme}://{request.url.netloc}/dicom-web"


async def looked(request: Request, what: str) -> sight.Seen:
    """The study of the address, seen by who asks; the look is logged."""
    viewer = await sight.reader(request)
    seen = await sight.study(request.path_params["study"], viewer=viewer)
    await sight.log(seen, what, by=viewer)
    return seen


async def instances(request: Request, seen: sight.Seen) -> list[Stored]:
    """The stored instances that the address names, in order. Raises 404 when there is none."""
    wanted = {
        "study": seen.key,
        "series": request.path_params.get("series"),
        "instance": request.path_params.get("instance"),
    }
    narrowed = "".join(
        f" and {column}.uid = %({name})s" for name, column in (("series", "e"), ("instance", "i")) if wanted[name]
    )
    async with (await gate.pool()).connection() as connection:
        rows = await connection.execute(
            f"{STORED} where s.id = %(study)s{narrowed} order by e.number nulls last, e.id, i.number nulls last, i.id",
            wanted,
        )
        found = [_stored(row) async for row in rows]
    if not found:
        raise HTTPException(404, "There is no such series or instance in this study.")
    return found


async def retrieve(request: Request) -> Response:
    """A study, a series or an instance as Part 10 files."""
    seen = await looked(request, "archive.images")
    found = await instances(request, seen)
    single = "instance" in request.path_params
    for one in accept.taken(request):
        if not one.fits(DICOM):
            continue
        if one.syntax in ("", accept.EXPLICIT, accept.ANY) or all(i.syntax == one.syntax for i in found):
            if not one.parts and one.type != "*/*" and single:
                return await _one_file(request, found[0], one.syntax)
            if one.parts or one.type == "*/*":
                return _files(request, seen, found, one.syntax)
    raise accept.not_acceptable([f'multipart/related; type="{DICOM}"; transfer-syntax=*', f"{accept.EXPLICIT}"])


async def frames(request: Request) -> Response:
    """One frame or several, as stored when the client takes that, else without compression."""
    seen = await looked(request, "archive.images")
    one = (await instances(request, seen))[0]
    numbers, pixels = frame_numbers(request, one), pixels_of(one)
    stored, parts, kind = _how(request, pixels)
    syntax = one.syntax if stored and not pixels.native else accept.EXPLICIT
    give: Callable[[Pixels, int], bytes] = frame if stored else uncompressed
    if not parts and len(numbers) == 1:
        return _whole(request, await read(give, pixels, numbers[0]), f"{kind}; transfer-syntax={syntax}")
    writer = Writer(kind, **{"transfer-syntax": syntax})
    at = f"{address(request)}/studies/{seen.uid}/{one.address}/frames"
    first = await read(give, pixels, numbers[0])  # what cannot be decoded is said before the answer begins

    def body() -> Iterator[bytes]:
        for number in numbers:
            content = first if number == numbers[0] else give(pixels, number)
            yield from writer.part(f"{kind}; transfer-syntax={syntax}", [content], location=f"{at}/{number}")
        yield writer.end()

    if len(numbers) == 1:
        return Response(b"".join(body()), media_type=writer.media_type)
    return StreamingResponse(body(), media_type=writer.media_type)


async def bulk_data(request: Request) -> Response:
    """The value of one element that the metadata left out, named by its path (`tag/item/tag`)."""
    seen = await looked(request, "archive.images")
    one = (await instances(request, seen))[0]
    path = request.path_params["path"].upper()
    if path == "7FE00010" and one.pixels:
        return await _pixel_data(
            request, one.pixels, f"{address(request)}/studies/{seen.uid}/{one.address}/bulkdata/{path}"
        )
    kind = next((k for k in accept.taken(request) if k.fits(OCTETS)), None)
    if kind is None:
        raise accept.not_acceptable([OCTETS])
    content = await run_in_threadpool(_element, header(one.path), path.split("/"))
    if not kind.parts and kind.type != "*/*":
        return _whole(request, content, OCTETS)
    writer = Writer(OCTETS)
    return Response(b"".join((*writer.part(OCTETS, [content]), writer.end())), media_type=writer.media_type)


def frame_numbers(request: Request, one: Stored) -> list[int]:
    """The frames of the address, counted from 1. Raises 400 and 404."""
    try:
        numbers = [int(text) for text in request.path_params["frames"].split(",")]
    except ValueError as error:
        raise HTTPException(400, "Frames are numbers from 1, with commas between them.") from error
    if not all(1 <= number <= max(one.frames, 1) for number in numbers):
        raise HTTPException(404, "There is no such frame in this instance.")
    return numbers


def pixels_of(one: Stored) -> Pixels:
    """The pixels of an instance. Raises 404 when it has none."""
    if one.pixels is None:
        raise HTTPException(404, "There are no pixels in this instance.")
    return one.pixels


async def read(give: Callable[..., bytes], *args: object) -> bytes:
    """Read pixels in a thread. Raises 404 when they are not there, 406 when no codec reads them."""
    try:
        return await run_in_threadpool(give, *args)
    except NoPixels as error:
        raise HTTPException(404, str(error)) from error
    except Undecodable as error:
        raise HTTPException(406, str(error)) from error


def _how(request: Request, pixels: Pixels) -> tuple[bool, bool, str]:
    """Whether frames are given as stored, whether in parts, and their media type. Raises 406."""
    own = KINDS.get(pixels.syntax, OCTETS)
    for one in accept.taken(request):
        parts = one.parts or one.type == "*/*"
        if one.syntax in (accept.ANY, pixels.syntax) and (one.fits(OCTETS) or one.fits(own)):
            return True, parts, OCTETS if one.fits(OCTETS) else own
        if one.syntax == "" and own != OCTETS and one.type == own:
            return True, parts, own
        if one.syntax in ("", accept.EXPLICIT) and one.fits(OCTETS):
            return pixels.native, parts, OCTETS
    raise accept.not_acceptable(
        [f'multipart/related; type="{OCTETS}"', f'multipart/related; type="{own}"; transfer-syntax={pixels.syntax}']
    )


async def _pixel_data(request: Request, pixels: Pixels, location: str) -> Response:
    """All pixels at once: a byte range of the file when they are not compressed, else every frame as a part."""
    stored, parts, kind = _how(request, pixels)
    if pixels.native and stored and not parts:
        length, reader = await run_in_threadpool(value, pixels)
        return ranged(request, length, reader, kind)
    writer = Writer(kind)
    give = frame if stored else uncompressed

    def body() -> Iterator[bytes]:
        for number in range(1, max(pixels.frames, 1) + 1):
            yield from writer.part(kind, [give(pixels, number)], location=location)
        yield writer.end()

    return StreamingResponse(body(), media_type=writer.media_type)


def _whole(request: Request, content: bytes, kind: str) -> Response:
    return ranged(request, len(content), lambda begin, end: content[begin:end], kind)


def _stored(row: tuple[Any, ...]) -> Stored:
    key, series, uid, path, size, syntax, offset, frames, rows, columns, samples, bits, photometric = row
    file = Path(settings.STORAGE / path)
    pixels = None
    if (offset is not None or syntax == DEFLATED) and rows and columns and bits:
        pixels = Pixels(file, syntax, offset or 0, frames, rows, columns, samples, bits, photometric)
    return Stored(key, f"series/{series}/instances/{uid}", file, size, syntax, pixels, frames)


def _element(data: Dataset, path: list[str]) -> bytes:
    try:
        for item, tag in zip(path[1::2], path[:-1:2], strict=True):
            data = data[int(tag, 16)].value[int(item)]
        found = data[int(path[-1], 16)].value
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise HTTPException(404, "There is no such element in this instance.") from error
    if not isinstance(found, bytes):
        raise HTTPException(404, "This element is in the metadata.")
    return found


async def _one_file(request: Request, one: Stored, syntax: str) -> Response:
    if syntax == accept.ANY or one.syntax in (syntax or accept.EXPLICIT, accept.EXPLICIT):
        return ranged(request, one.size, partial(_span, one.path), f"{DICOM}; transfer-syntax={one.syntax}")
    return StreamingResponse(
        explicit_file(one.pixels, one.path), media_type=f"{DICOM}; transfer-syntax={accept.EXPLICIT}"
    )


def _files(request: Request, seen: sight.Seen, found: list[Stored], syntax: str) -> Response:
    """All files in one answer; a file is read when the client has taken the one before it."""
    writer = Writer(DICOM, **({"transfer-syntax": syntax} if syntax and syntax != accept.ANY else {}))
    at = f"{address(request)}/studies/{seen.uid}"

    def body() -> Iterator[bytes]:
        for one in found:
            kept = syntax == accept.ANY or one.syntax in (syntax or accept.EXPLICIT, accept.EXPLICIT)
            given = one.syntax if kept else accept.EXPLICIT
            content = _pieces(one.path) if kept else explicit_file(one.pixels, one.path)
            yield from writer.part(f"{DICOM}; transfer-syntax={given}", content, location=f"{at}/{one.address}")
        yield writer.end()

    return StreamingResponse(body(), media_type=writer.media_type)


def _span(path: Path, begin: int, end: int) -> bytes:
    with path.open("rb") as file:
        file.seek(begin)
        return file.read(end - begin)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
