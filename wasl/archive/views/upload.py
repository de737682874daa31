"""Images from a folder, a disc or an archive, sent by a person from the browser: one file a request, each answered."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO
from uuid import UUID, uuid4

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from wasl.archive import queries, services
from wasl.archive.dicom import incoming
from wasl.archive.services import Incoming
from wasl.archive.views.unpacking import Refusal, is_archive, members
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed

PIECE = 1 << 20
LARGEST = 8 << 30  # bytes of one request
BATCH = 20  # files of an archive received in one transaction
MOST_ASKED = 500  # hashes of one question


@dataclass
class Account:
    """What became of the files of a request: counts, and the names of what was refused with the reason."""

    stored: int = 0
    duplicate: int = 0
    conflict: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)

    def refuse(self, name: str, reason: str) -> None:
        """A file is not taken."""
        self.refused.append({"name": name, "reason": reason})


@require_GET
def upload(request: Request) -> HttpResponse:
    """The page that takes a folder, files or an archive."""
    _check_sender(request.actor)
    return render(request, "archive/upload.html", {"place": request.place})


@require_POST
def upload_file(request: Request) -> HttpResponse:
    """One file, the body of the request: stored when it is DICOM, opened when it is an archive."""
    _check_sender(request.actor)
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
        return JsonResponse({"error": _("This file is larger than may be sent.")}, status=413)
    account = Account()
    try:
        with _spooled(lambda target: _copy(request, target)) as file:
            if is_archive(file):
                _receive_archive(file, account, place=request.place, by=request.actor)
            else:
                _receive([("", incoming(file, place=request.place, move=True))], account, by=request.actor)
    except (Refusal, Refused) as refusal:
        account.refuse("", str(refusal))
    return JsonResponse(asdict(account), status=200)


@require_POST
def upload_known(request: Request) -> HttpResponse:
    """Which of some images, by UID and the SHA-256 of their data set, are in the archive and need not be sent again."""
    _check_sender(request.actor)
    try:
        asked = {str(uid): bytes.fromhex(digest) for uid, digest in json.loads(request.body).items()}
    except (ValueError, TypeError, AttributeError):
        return JsonResponse({"error": _("This is not a list of hashes.")}, status=400)
    if len(asked) > MOST_ASKED:
        return JsonResponse({"error": _("These are too many at once.")}, status=413)
    known = queries.known(asked, viewer=request.actor)
    return JsonResponse({"known": sorted(known)})


def _check_sender(actor: Actor) -> None:
    if not allowed("archive.receive", actor):
        raise NotAllowed


def _copy(request: Request, target: IO[bytes]) -> None:
    size = 0
    while piece := request.read(PIECE):
        size += len(piece)
        if size > LARGEST:
            raise Refusal(_("This file is larger than may be sent."))
        target.write(piece)


def _receive_archive(file: Path, account: Account, *, place: UUID | None, by: Actor) -> None:
    """The files of an archive, each on its own: one that is refused does not keep the others out."""
    batch: list[tuple[str, Incoming]] = []
    for member in members(file):
        try:
            with _spooled(member.write) as unpacked:
                batch.append((member.name, incoming(unpacked, place=place, move=True)))
        except (Refusal, Refused) as refusal:
            account.refuse(member.name, str(refusal))
        if len(batch) >= BATCH:
            _receive(batch, account, by=by)
            batch = []
    if batch:
        _receive(batch, account, by=by)


def _receive(batch: list[tuple[str, Incoming]], account: Account, *, by: Actor) -> None:
    try:
        outcomes = services.receive([one for _, one in batch], by=by)
    except Refused as refusal:
        for name, one in batch:
            services.discard(one.stored.path)
            account.refuse(name, str(refusal))
        return
    for outcome in outcomes:
        setattr(account, outcome.what, getattr(account, outcome.what) + 1)


@contextlib.contextmanager
def _spooled(write: Callable[[IO[bytes]], None]) -> Iterator[Path]:
    """A file beside the store with what `write` puts into it; gone in the end, unless the store took it."""
    path = services.arriving() / f"{uuid4().hex}.part"
    try:
        with path.open("xb") as target:
            write(target)
        yield path
    finally:
        path.unlink(missing_ok=True)


urlpatterns = [
    path("upload/", upload, name="upload"),
    path("upload/file/", upload_file, name="upload_file"),
    path("upload/known/", upload_known, name="upload_known"),
]
