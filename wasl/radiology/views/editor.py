"""What the report editor's script asks: save, sign of life, sign, key images. It is answered in JSON, refusals too."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse, RawPostDataException
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from wasl.kernel.errors import Invalid, Refused
from wasl.kernel.http import Request
from wasl.radiology import queries, services
from wasl.radiology.views.readings import pictures

Answer = Callable[[Request, UUID], JsonResponse]
LARGEST = 400_000  # bytes of a draft as JSON


def _in_json(act: Answer) -> Answer:
    """Answer a refusal as JSON: its name for the script, its sentence for the reader, its fields."""

    @wraps(act)
    def answered(request: Request, key: UUID) -> JsonResponse:
        try:
            return act(request, key)
        except Refused as refusal:
            fields = refusal.fields if isinstance(refusal, Invalid) else {}
            body = {"refusal": refusal.code, "sentence": refusal.sentence, "fields": fields}
            return JsonResponse(body, status=refusal.http)

    return answered


def _asked(request: Request) -> dict[str, Any]:
    """The JSON object that was sent. Raises Invalid when it is none."""
    try:
        if len(request.body) > LARGEST:
            raise Invalid
        sent = json.loads(request.body)
    except (
        ValueError,
        RecursionError,
        RawPostDataException,
    ) as error:  # a form is no JSON, a thousand brackets neither
        raise Invalid from error
    if not isinstance(sent, dict):
        raise Invalid
    return sent


def _revision(sent: dict[str, Any]) -> int:
    revision = sent.get("revision")
    if not isinstance(revision, int) or isinstance(revision, bool):
        raise Invalid
    return revision


def draft(request: Request, key: UUID) -> JsonResponse:
    """Save a draft (POST), or say how it now stands (GET)."""
    return _save(request, key) if request.method == "POST" else _current(request, key)


@_in_json
def _current(request: Request, key: UUID) -> JsonResponse:
    found = queries.draft_of(key, viewer=request.actor)
    if found is None:
        return JsonResponse({"revision": 0, "sections": {}})
    return JsonResponse(
        {
            "revision": found.revision,
            "language": found.language,
            "sections": found.sections,
            "critical": found.critical,
            "critical_what": found.critical_what,
        }
    )


@_in_json
def _save(request: Request, key: UUID) -> JsonResponse:
    sent = _asked(request)
    sections = sent.get("sections")
    if not isinstance(sections, dict) or not all(isinstance(text, str) for text in sections.values()):
        raise Invalid
    saved = services.save_draft(
        key, sections=sections, language=str(sent.get("language")), critical=sent.get("critical") is True,
        critical_what=str(sent.get("critical_what", "")), revision=_revision(sent), by=request.actor,
    )  # fmt: skip
    return JsonResponse({
        "revision": saved.revision,
        "saved_at": f"{timezone.localtime(saved.saved_at):%H:%M:%S}",
        "sign": reverse("radiology:sign_report", args=[saved.id]),
    })  # fmt: skip


@require_POST
@_in_json
def keep(request: Request, key: UUID) -> JsonResponse:
    """A sign of life of the reader."""
    held = services.keep_reading(key, by=request.actor)
    return JsonResponse({"until": held.claimed_until.isoformat() if held.claimed_until else None})


@require_POST
@_in_json
def sign(request: Request, key: UUID) -> JsonResponse:
    """Sign the revision that the reader saw, and say where the report is."""
    signed = services.sign_report(key, revision=_revision(_asked(request)), by=request.actor)
    return JsonResponse({"address": reverse("radiology:report", args=[signed.id])})


@require_POST
def mark(request: Request, key: UUID) -> HttpResponse:
    """Mark an image of the study as a key image, or take one back, and show them again."""
    if taken_back := request.POST.get("unmark", ""):
        services.unmark_key_image(_uuid(taken_back), by=request.actor)
    else:
        asked = request.POST.get("frame", "1")
        frame = int(asked) if asked.isdecimal() and len(asked) < 9 else 1
        services.mark_key_image(
            key, instance_uid=request.POST.get("instance", ""), frame=frame,
            note=request.POST.get("note", ""), by=request.actor, language=request.POST.get("language", "fr"),
        )  # fmt: skip
    case = queries.reading(key, viewer=request.actor)
    found = queries.draft_of(key, viewer=request.actor)
    context = pictures(case, found, request) | {"revision": found.revision if found else 0}
    return render(request, "radiology/_key_images.html", context)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise Invalid from error


urlpatterns: list[URLPattern] = [
    path("readings/<uuid:key>/draft/", draft, name="save_draft"),
    path("readings/<uuid:key>/keep/", keep, name="keep_reading"),
    path("readings/<uuid:key>/images/", mark, name="mark_key_image"),
    path("reports/<uuid:key>/sign/", sign, name="sign_report"),
]
