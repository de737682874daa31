"""The page that takes a folder, files or an archive; the files themselves go to `/dicom-web/upload`, one a request."""

import json

from django.http import HttpResponse, JsonResponse, RawPostDataException
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from wasl.archive import queries
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
    return render(request, "archive/upload.html", {"place": place})


@require_POST
def upload_known(request: Request) -> HttpResponse:
    """Which of some images, by UID and the SHA-256 of their data set, are in the archive and need not be sent again."""
    _check_sender(request)
    try:
        asked = {str(uid): bytes.fromhex(digest) for uid, digest in json.loads(request.body).items()}
    except (ValueError, TypeError, AttributeError, RecursionError, RawPostDataException):
        return JsonResponse({"error": _("This is not a list of images.")}, status=400)
    if len(asked) > MOST_ASKED:
        return JsonResponse({"error": _("These are too many images at once.")}, status=413)
    return JsonResponse({"known": sorted(queries.known(asked, viewer=request.actor))})


def _check_sender(request: Request) -> None:
    if not allowed("archive.receive", request.actor):
        raise NotAllowed


urlpatterns = [
    path("upload/", upload, name="upload"),
    path("upload/known/", upload_known, name="upload_known"),
]
