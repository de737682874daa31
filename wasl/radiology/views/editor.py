"""What the report editor's script asks: save, sign of life, sign, key images. It is answered in JSON, refusals too."""

import json
from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from wasl.kernel.errors import Invalid
from wasl.kernel.http import Request, in_json, json_of, key_of
from wasl.radiology import queries, services
from wasl.radiology.rules import shown
from wasl.radiology.views.display import screen_of
from wasl.radiology.views.readings import pictures

LARGEST = 400_000  # bytes of a draft as JSON


def asked(request: Request) -> dict[str, Any]:
    """The JSON object that was sent. Raises Invalid when it is none."""
    return json_of(request, most=LARGEST)


def count(sent: dict[str, Any], name: str, usual: int | None = None) -> int:
    """A whole number of what was sent. Raises Invalid when it is none."""
    number = sent.get(name, usual)
    if not isinstance(number, int) or isinstance(number, bool):
        raise Invalid
    return number


def draft(request: Request, key: UUID) -> JsonResponse:
    """Save a draft (POST), or say how it now stands (GET)."""
    return _save(request, key) if request.method == "POST" else _current(request, key)


@in_json
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
            "critical_category": found.critical_category,
            "follow_up": found.follow_up,
        }
    )


@in_json
def _save(request: Request, key: UUID) -> JsonResponse:
    sent = asked(request)
    sections = sent.get("sections")
    if not isinstance(sections, dict) or not all(isinstance(text, str) for text in sections.values()):
        raise Invalid
    follow_up = sent.get("follow_up")
    if follow_up is not None and not (
        isinstance(follow_up, dict) and all(isinstance(text, str) for text in follow_up.values())
    ):
        raise Invalid
    saved = services.save_draft(
        key, sections=sections, language=str(sent.get("language")), critical=sent.get("critical") is True,
        critical_what=str(sent.get("critical_what", "")), critical_category=count(sent, "critical_category", 1),
        follow_up=follow_up, revision=count(sent, "revision"), by=request.actor,
    )  # fmt: skip
    return JsonResponse({
        "revision": saved.revision,
        "saved_at": f"{timezone.localtime(saved.saved_at):%H:%M:%S}",
        "sign": reverse("radiology:sign_report", args=[saved.id]),
        "issue": reverse("radiology:issue_preliminary", args=[saved.id]),
    })  # fmt: skip


@require_POST
@in_json
def keep(request: Request, key: UUID) -> JsonResponse:
    """A sign of life of the reader."""
    held = services.keep_reading(key, by=request.actor)
    return JsonResponse({"until": held.claimed_until.isoformat() if held.claimed_until else None})


@require_POST
@in_json
def pixels(request: Request, key: UUID) -> JsonResponse:
    """What the reader's viewers show: how many pictures, and how many of them are not whole yet."""
    sent = asked(request)
    services.state_pixels(key, shown=count(sent, "shown"), partial=count(sent, "partial"), by=request.actor)
    return JsonResponse({})


@require_POST
@in_json
def sign(request: Request, key: UUID) -> JsonResponse:
    """Sign the revision that the reader saw, and say where the report is."""
    signed = services.sign_report(
        key, revision=count(asked(request), "revision"), screen=screen_of(request), by=request.actor
    )
    return JsonResponse({"address": reverse("radiology:report", args=[signed.id])})


@require_POST
def mark(request: Request, key: UUID) -> HttpResponse:
    """Mark an image of the study as a key image, or take one back, and show them again."""
    if taken_back := request.POST.get("unmark", ""):
        services.unmark_key_image(key_of(taken_back), by=request.actor)
    else:
        said = request.POST.get("frame", "1")
        frame = int(said) if said.isdecimal() and len(said) < 9 else 1
        services.mark_key_image(
            key, instance_uid=request.POST.get("instance", ""), frame=frame,
            note=request.POST.get("note", ""), by=request.actor, language=request.POST.get("language", "fr"),
            view=_view(request),
        )  # fmt: skip
    case = queries.reading(key, viewer=request.actor)
    found = queries.draft_of(key, viewer=request.actor)
    context = pictures(case, found, request) | {"revision": found.revision if found else 0}
    return render(request, "radiology/_key_images.html", context)


def _view(request: Request) -> object:
    """How the viewer shows the image, as it was caught there. Raises NotAView, TooMuchDrawn."""
    said = request.POST.get("view", "")
    if len(said) > LARGEST:
        raise shown.TooMuchDrawn(drawings=shown.DRAWINGS, points=shown.POINTS, letters=shown.LETTERS)
    try:
        return json.loads(said) if said else None
    except (ValueError, RecursionError) as error:
        raise shown.NotAView from error


urlpatterns: list[URLPattern] = [
    path("readings/<uuid:key>/draft/", draft, name="save_draft"),
    path("readings/<uuid:key>/keep/", keep, name="keep_reading"),
    path("readings/<uuid:key>/pixels/", pixels, name="state_pixels"),
    path("readings/<uuid:key>/images/", mark, name="mark_key_image"),
    path("reports/<uuid:key>/sign/", sign, name="sign_report"),
]
