"""Images taken back: a study's series, each to be taken back in one tap, and all that was, to be put back."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from wasl.archive import queries, rules, services
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Listing, Request
from wasl.kernel.verbs import allowed

SORTS = ("-created_at", "created_at")
# why, as one button says it
REASONS = dict(zip(rules.PEOPLE_REJECT, (_("Poor quality"), _("Dangerous"), _("Wrong patient or order")), strict=True))


@require_safe
def rejections(request: Request) -> HttpResponse:
    """What is hidden now, or what was put back."""
    _check(request)
    restored = request.GET.get("state") == "restored"
    listing = Listing(request, queries.rejections(viewer=request.actor, restored=restored), sorts=SORTS)
    return render(request, "archive/rejections.html", {"listing": listing, "restored": restored})


@require_safe
def study_series(request: Request, key: UUID) -> HttpResponse:
    """The series of a study, and the reasons for which one may be taken back."""
    _check(request)
    study = queries.study(key, viewer=request.actor)
    context = {
        "study": study, "reasons": REASONS.items(), "series": queries.series_of(key, viewer=request.actor),
    }  # fmt: skip
    return render(request, "archive/series.html", context)


@require_POST
def reject(request: Request, key: UUID) -> HttpResponse:
    """Take a series back."""
    _check(request)
    queries.study(key, viewer=request.actor)
    try:
        series, reason = UUID(request.POST.get("series", "")), request.POST.get("reason", "")
        services.reject_images(key, series=series, reason=reason, by=request.actor)
        messages.success(request, gettext("Taken back: nobody sees these images any more. You can put them back here."))
    except ValueError:
        messages.error(request, rules.BadRejection().sentence)
    except Refused as refusal:
        return _said(request, refusal, key)
    return redirect("archive:rejections")


@require_POST
def restore(request: Request, key: UUID) -> HttpResponse:
    """Put images back."""
    _check(request)
    queries.rejection(key, viewer=request.actor)
    try:
        services.restore_images(key, by=request.actor)
        messages.success(request, gettext("The images are shown again."))
    except Refused as refusal:
        return _said(request, refusal, None)
    return redirect("archive:rejections")


def _said(request: Request, refusal: Refused, study: UUID | None) -> HttpResponse:
    """Back to where the person was, with the reason why not."""
    if isinstance(refusal, NotAllowed) and not isinstance(refusal, rules.NotYourPlace):
        raise refusal
    messages.error(request, refusal.sentence)
    return redirect("archive:study_series", key=study) if study else redirect("archive:rejections")


def _check(request: Request) -> None:
    if not allowed("archive.restore_images", request.actor):
        raise NotAllowed


urlpatterns = [
    path("rejections/", rejections, name="rejections"),
    path("rejections/<uuid:key>/restore/", restore, name="restore_images"),
    path("studies/<uuid:key>/", study_series, name="study_series"),
    path("studies/<uuid:key>/reject/", reject, name="reject_images"),
]
