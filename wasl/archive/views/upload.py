"""The page that takes a folder, files or an archive; the files themselves go to `/dicom-web/upload`, one a request."""

import json
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse, JsonResponse, RawPostDataException
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from wasl.archive import queries, rules
from wasl.kernel.errors import NotAllowed
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.places import queries as places

MOST_ASKED = 500  # images of one question


@require_GET
def upload(request: Request) -> HttpResponse:
    """The page."""
    _check_sender(request)
    place = places.place(request.place, viewer=request.actor) if request.place else None
    return render(
        request,
        "archive/upload.html",
        {"place": place, "may_import": allowed("archive.begin_disc", request.actor) and not settings.GATEWAY},
    )


@require_POST
def upload_known(request: Request) -> HttpResponse:
    """Which of some images, by UID and the SHA-256 of their data set, are in the archive and need not be sent again.

    A file too large to be read at once is named by its UID and its size.
    """
    _check_sender(request)
    try:
        asked = _asked(json.loads(request.body))
    except (ValueError, TypeError, AttributeError, RecursionError, RawPostDataException):
        return JsonResponse({"error": _("This is not a list of images.")}, status=400)
    if len(asked) > MOST_ASKED:
        return JsonResponse({"error": _("These are too many images at once.")}, status=413)
    return JsonResponse({"known": sorted(_known(request, asked))})


def _known(request: Request, asked: dict[str, bytes | int]) -> set[str]:
    """Those that are here; where they are of a disc, those that were read of it."""
    try:
        disc = UUID(request.GET["disc"]) if "disc" in request.GET else None
    except ValueError as error:
        raise rules.discs.NoSuchDisc from error
    if disc:
        return queries.on_disc(disc, asked, viewer=request.actor)
    return queries.known(asked, viewer=request.actor)


def _asked(named: dict[str, object]) -> dict[str, bytes | int]:
    return {uid: said if type(said) is int else bytes.fromhex(str(said)) for uid, said in named.items()}


def _check_sender(request: Request) -> None:
    if not allowed("archive.receive", request.actor):
        raise NotAllowed


urlpatterns = [
    path("upload/", upload, name="upload"),
    path("upload/known/", upload_known, name="upload_known"),
]
