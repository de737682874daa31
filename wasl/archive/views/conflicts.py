"""Images that came again with other content: both side by side, and a person's word on which is shown."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from wasl.archive import queries, services
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Listing, Request
from wasl.kernel.verbs import allowed

SORTS = ("-created_at", "created_at")
# what a person compares, by tag
COMPARED = {
    "00100010": _("Name in the image"), "00100020": _("Number in the image"), "00100030": _("Date of birth"),
    "00080008": _("Kind of image"), "0008103E": _("Series"), "00200013": _("Image number"), "00280010": _("Rows"),
    "00280011": _("Columns"), "00280030": _("Pixel spacing"), "00080012": _("Date of the image"),
    "00080013": _("Time of the image"),
}  # fmt: skip


@require_safe
def conflicts(request: Request) -> HttpResponse:
    """What waits to be settled, or what was."""
    if not allowed("archive.settle_conflict", request.actor):
        raise NotAllowed
    settled = request.GET.get("state") == "settled"
    listing = Listing(request, queries.conflicts(viewer=request.actor, settled=settled), sorts=SORTS)
    rows = [(conflict, _differences(conflict)) for conflict in listing.page]
    return render(request, "archive/conflicts.html", {"listing": listing, "rows": rows, "settled": settled})


@require_POST
def settle(request: Request, key: UUID) -> HttpResponse:
    """Show the image that came first, or the one that came later."""
    try:
        services.settle_conflict(key, replace=request.POST.get("show") == "later", by=request.actor)
        messages.success(request, gettext("Settled. Both images are kept, and you can change your mind."))
    except Refused as refusal:
        if isinstance(refusal, NotAllowed):
            raise
        messages.error(request, refusal.sentence)
    return redirect("archive:conflicts")


@require_POST
def separate(request: Request, key: UUID) -> HttpResponse:
    """Make a study of the images kept aside, because they are another exam."""
    try:
        services.separate_images(key, because=request.POST.get("because", ""), by=request.actor)
        messages.success(request, gettext("The images are a study of their own now, and wait for their patient."))
    except Refused as refusal:
        if isinstance(refusal, NotAllowed):
            raise
        messages.error(request, refusal.sentence)
    return redirect("archive:conflicts")


def _differences(conflict: Any) -> list[tuple[object, str, str]]:  # noqa: ANN401  a row whose table no face touches
    """What differs between the image that came first and the one that came later."""
    shown, aside = conflict.instance.metadata, conflict.metadata
    first, later = (aside, shown) if conflict.replaced else (shown, aside)
    pairs = [(label, _said(first, tag), _said(later, tag)) for tag, label in COMPARED.items()]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _said(elements: dict[str, Any], tag: str) -> str:
    element = elements.get(tag, {})
    values = element.get("Value") or []
    if element.get("vr") == "DA":
        values = [f"{day[6:8]}/{day[4:6]}/{day[:4]}" for day in map(str, values)]
    return ", ".join(" · ".join(v.values()).replace("^", " ") if isinstance(v, dict) else str(v) for v in values) or "–"


urlpatterns = [
    path("conflicts/", conflicts, name="conflicts"),
    path("conflicts/<uuid:key>/", settle, name="settle_conflict"),
    path("conflicts/<uuid:key>/separate/", separate, name="separate_images"),
]
