"""WADO-RS (PS3.18, 10.4): studies, series, instances, frames, pictures, metadata and bulk data, as they are stored."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from pydicom import Dataset
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from wasl.archive import queries as archive
from wasl.archive.dicom import Given, corrected
from wasl.archive.dicom.offsets import DEFLATED
from wasl.archive.queries import Identity
from wasl.edges import gate
from wasl.edges.dicom import accept, sight
from wasl.edges.dicom.frames import NoPixels, Pixels, value
from wasl.edges.dicom.multipart import Writer
from wasl.edges.dicom.pixels import Undecodable, explicit_file, header
from wasl.edges.dicom.ranges import ranged
from wasl.edges.dicom.transcoded import LOSSLESS, encodable, encoded_file
from wasl.edges.dicom.ways import OCTETS, giver, how
from wasl.edges.threads import database
from wasl.kernel.access import SYSTEM

T = TypeVar("T")
DICOM, JSON = "application/dicom", "application/dicom+json"

# what is read of an instance to give it
STORED = """
select i.id, e.uid, i.uid, i.path, i.transfer_syntax, i.pixel_offset, i.frames, i.rows, i.columns,
    coalesce((i.metadata #>> '{00280002,Value,0}')::int, 1), (i.metadata #>> '{00280100,Value,0}')::int,
    coalesce(i.metadata #>> '{00280004,Value,0}', '')
from archive_study s join archive_series e on e.study_id = s.id join archive_instance i on i.series_id = e.id
    and not i.rejected
"""


@dataclass(frozen=True)
class Stored:
    """A stored instance: its key, its place in the study, its file and its pixels, if it has any."""

    key: UUID
    series: str
    uid: str
    path: Path
    syntax: str
    pixels: Pixels | None
    frames: int

    @property
    def address(self) -> str:
        """Its address below the study."""
        return f"series/{self.series}/instances/{self.uid}"

    def given(self, said: Identity) -> Given:
        """Its file as it is given, with what is said of it. Raises Damaged and NotAtHand."""
        return corrected(self.path, said.of(self.series, self.uid))


def address(request: Request) -> str:
    """The address of this service, as the client knows it."""
    return f"{request.url.scheme}://{request.url.netloc}/dicom-web"


async def looked(request: Request, what: str, study: str = "") -> sight.Seen:
    """The study of the address, or the one named, seen by who asks; the look is logged."""
    viewer = await sight.reader(request)
    seen = await sight.study(study or request.path_params["study"], viewer=viewer)
    await sight.log(seen, what, by=viewer)
    return seen


async def instances(request: Request, seen: sight.Seen, among: Mapping[str, str] | None = None) -> list[Stored]:
    """The stored instances that the address names, or those `among`, in order. Raises 404 when there is none."""
    among = request.path_params if among is None else among
    wanted: dict[str, object] = {"study": seen.key, "series": among.get("series"), "instance": among.get("instance")}
    wanted["naming"] = list(sight.NAMING)
    narrowed = "".join(
        f" and {column}.uid = %({name})s" for name, column in (("series", "e"), ("instance", "i")) if wanted[name]
    )
    narrowed += " and e.modality <> all(%(naming)s)" if seen.blind else ""
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
    said = await run_in_threadpool(said_of, seen)
    single = "instance" in request.path_params
    for one in accept.taken(request):
        if not one.fits(DICOM) or not (parts := one.parts or one.type == "*/*") and not single:
            continue
        if given_in(found, one.syntax):
            return await (_files(request, seen, found, one.syntax, said) if parts else
                          one_file(request, found[0], one.syntax, said))  # fmt: skip
    raise accept.not_acceptable(
        [f'multipart/related; type="{DICOM}"; transfer-syntax={which}' for which in (accept.ANY, accept.EXPLICIT)]
    )


def given_in(found: list[Stored], syntax: str) -> bool:
    """Whether all these instances can be given in the transfer syntax that is asked for."""
    if syntax in ("", accept.EXPLICIT, accept.ANY):
        return True
    return all(
        one.syntax == syntax or (syntax in LOSSLESS and (one.pixels is None or encodable(one.pixels, syntax)))
        for one in found
    )


async def frames(request: Request) -> Response:
    """One frame or several, as stored when the client takes that, else without compression."""
    seen = await looked(request, "archive.images")
    one = (await instances(request, seen))[0]
    numbers, pixels = frame_numbers(request, one), pixels_of(one)
    way = how(accept.taken(request), pixels.syntax, partial(encodable, pixels))
    parts, kind, syntax = way.parts, way.kind, way.told
    give = giver(way)
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
    content = await run_in_threadpool(lambda: _element(header(one.path), path.split("/")))
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


async def read(give: Callable[..., T], *args: object) -> T:
    """Read pixels in a thread. Raises 404 when they are not there, 406 when no codec reads them."""
    try:
        return await run_in_threadpool(give, *args)
    except NoPixels as error:
        raise HTTPException(404, str(error)) from error
    except Undecodable as error:
        raise HTTPException(406, str(error)) from error


async def _pixel_data(request: Request, pixels: Pixels, location: str) -> Response:
    """All pixels at once: a byte range of the file when they are not compressed, else every frame as a part."""
    way = how(accept.taken(request), pixels.syntax, partial(encodable, pixels))
    if pixels.native and way.stored and not way.parts:
        length, reader = await run_in_threadpool(value, pixels)
        return ranged(request, length, reader, way.kind)
    kind, writer, give = way.kind, Writer(way.kind), giver(way)
    await read(give, pixels, 1)  # what cannot be read is said before the answer begins

    def body() -> Iterator[bytes]:
        for number in range(1, max(pixels.frames, 1) + 1):
            yield from writer.part(kind, [give(pixels, number)], location=location)
        yield writer.end()

    return StreamingResponse(body(), media_type=writer.media_type)


def _whole(request: Request, content: bytes, kind: str) -> Response:
    return ranged(request, len(content), lambda begin, end: content[begin:end], kind)


def _stored(row: tuple[Any, ...]) -> Stored:
    key, series, uid, path, syntax, offset, frames, rows, columns, samples, bits, photometric = row
    file = archive.lies_at(path)
    pixels = None
    if (offset is not None or syntax == DEFLATED) and rows and columns and bits:
        pixels = Pixels(file, syntax, offset or 0, frames, rows, columns, samples, bits, photometric)
    return Stored(key, series, uid, file, syntax, pixels, frames)


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


def said_of(seen: sight.Seen) -> Identity:
    """What is said of a study's images; who asks sees it, `looked` made sure."""
    with database():
        return archive.identity_of(seen.key, viewer=SYSTEM)


async def one_file(request: Request, one: Stored, syntax: str, said: Identity) -> Response:
    """An instance as one file, in the transfer syntax asked for; a byte range of it where it is given as stored."""
    given = await run_in_threadpool(one.given, said)  # what is damaged is said before the answer begins
    sent = _sent(one, syntax)
    kind = f"{DICOM}; transfer-syntax={sent}"
    if sent == one.syntax:
        return ranged(request, given.size, given.read, kind)
    first, rest = await read(_begun, _written(one, sent, given))
    return StreamingResponse(chain([first], rest), media_type=kind)


async def _files(request: Request, seen: sight.Seen, found: list[Stored], syntax: str, said: Identity) -> Response:
    """All files in one answer; a file is read when the client has taken the one before it."""
    await run_in_threadpool(archive.at_hand, found[0].path)
    writer = Writer(DICOM, **({"transfer-syntax": syntax} if syntax and syntax != accept.ANY else {}))
    at = f"{address(request)}/studies/{seen.uid}"

    def body() -> Iterator[bytes]:
        for one in found:
            sent, given = _sent(one, syntax), one.given(said)
            content = given.pieces() if sent == one.syntax else _written(one, sent, given)
            yield from writer.part(f"{DICOM}; transfer-syntax={sent}", content, location=f"{at}/{one.address}")
        yield writer.end()

    first, rest = await read(_begun, body()) if syntax in LOSSLESS else (b"", body())
    return StreamingResponse(chain([first], rest), media_type=writer.media_type)


def _sent(one: Stored, syntax: str) -> str:
    """The transfer syntax in which an instance is given to who asks for this one."""
    if syntax == accept.ANY or one.syntax in (syntax or accept.EXPLICIT, accept.EXPLICIT) and syntax not in LOSSLESS:
        return one.syntax
    if syntax == one.syntax:
        return syntax
    return syntax if syntax in LOSSLESS and one.pixels else accept.EXPLICIT


def _written(one: Stored, sent: str, given: Given) -> Iterator[bytes]:
    if sent == accept.EXPLICIT or one.pixels is None:
        return explicit_file(one.pixels, given)
    return encoded_file(one.pixels, given, sent)


def _begun(content: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Content whose beginning was made, so that what cannot be given is said before the answer begins."""
    return next(content), content
