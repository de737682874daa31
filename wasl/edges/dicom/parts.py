"""Large files sent from the browser in pieces, as the tus protocol 1.0 does it (core, creation and termination).

A part is made for a file of so many bytes, asked how far it is, and continued there; when its last byte is here it is
opened as a file sent at once would be, and the last answer, 200 in place of 204, says what became of it. An answer that
got lost is given again to whoever sends an empty last piece.
"""

import json
from collections.abc import Iterable
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from wasl.archive.services import partial
from wasl.edges.dicom import upload
from wasl.kernel.access import Actor

VERSION, PIECE = "1.0.0", "application/offset+octet-stream"
AT = "/dicom-web/upload/parts"
HEADERS = {"tus-resumable": VERSION}


async def make(request: Request, by: Actor) -> Response:
    """A part for a file of so many bytes."""
    _check_version(request)
    size = _number(request, "upload-length")
    if not 0 < size <= upload.LARGEST:
        raise HTTPException(413, "A file has between 1 byte and 8 GiB.")
    key = await run_in_threadpool(partial.open_part, size, sender=str(by))
    return Response(status_code=201, headers=HEADERS | {"location": f"{AT}/{key.hex()}"})


async def ask(request: Request, by: Actor) -> Response:
    """How far a part is, and how large its file."""
    key = _key(request)
    length = await run_in_threadpool(_length, key, str(by))
    return Response(headers=_far(length) | {"upload-length": str(partial.size_of_part(key))})


async def forget(request: Request, by: Actor) -> Response:
    """A part that nobody goes on with."""
    key = _key(request)
    await run_in_threadpool(_length, key, str(by))
    await run_in_threadpool(partial.end_part, key, answer=None, sender=str(by))
    return Response(status_code=204, headers=HEADERS)


def take(
    key: bytes, chunks: Iterable[bytes], *, at: int, place: UUID | None, language: str, disc: UUID | None, by: Actor
) -> Response:
    """A piece of a part, each mebibyte on the disk as it comes; the file opened when it is whole. Raises HTTPException.

    Of two who send a piece for the same place, one is told 409; so is who sends one for another place than the end.
    """
    length = _length(key, str(by))
    for chunk in chunks:
        if length == partial.size_of_part(key) and not chunk:
            break
        appended = partial.append_to_part(key, chunk, at=at, sender=str(by))
        if appended is None:
            raise _gone()
        length, taken = appended
        if not taken:
            raise HTTPException(409, "The part ends elsewhere.", _far(length))
        at = length
    if at != length:
        raise HTTPException(409, "The part ends elsewhere.", _far(length))
    if length < partial.size_of_part(key):
        return Response(status_code=204, headers=_far(length))
    return _opened(key, place, language, disc, by)


def key_of(request: Request) -> bytes:
    """The part that a piece is for. Raises HTTPException for what is no piece."""
    if request.headers.get("content-type") != PIECE:
        raise HTTPException(415, f"Send {PIECE}.", HEADERS)
    return _key(request)


def offset_of(request: Request) -> int:
    """Where a piece begins, in bytes."""
    return _number(request, "upload-offset")


def _opened(key: bytes, place: UUID | None, language: str, disc: UUID | None, by: Actor) -> Response:
    answer = partial.answer_of_part(key, sender=str(by))
    if answer is None:
        with partial.whole_part(key, sender=str(by)) as path:
            if path is None:
                raise HTTPException(409, "This file is being opened.", _far(partial.size_of_part(key)))
            account = upload.take_file(path, place=place, language=language, disc=disc, by=by)
            answer = json.dumps(account).encode()
            partial.end_part(key, answer=answer, sender=str(by))
    return Response(answer, media_type="application/json", headers=_far(partial.size_of_part(key)))


def _length(key: bytes, sender: str) -> int:
    """How far a part is; a file that was opened is whole."""
    length = partial.part_length(key, sender=sender)
    if length is None and partial.answer_of_part(key, sender=sender) is not None:
        length = partial.size_of_part(key)
    if length is None:
        raise _gone()
    return length


def _key(request: Request) -> bytes:
    _check_version(request)
    try:
        key = bytes.fromhex(request.path_params["part"])
    except ValueError as error:
        raise _gone() from error
    if len(key) != 32:
        raise _gone()
    return key


def _gone() -> HTTPException:
    return HTTPException(404, "There is no such part.", HEADERS)


def _far(length: int) -> dict[str, str]:
    return HEADERS | {"upload-offset": str(length)}


def _check_version(request: Request) -> None:
    if request.headers.get("tus-resumable") != VERSION:
        raise HTTPException(412, "Speak tus 1.0.0.", {"tus-version": VERSION})


def _number(request: Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise HTTPException(400, f"Send {name}, a number of bytes.", HEADERS)
    return int(text)
