"""What a person let apps do in their name, and how it ends."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from wasl.accounts import queries, services
from wasl.kernel.http import Request


@require_safe
def apps(request: Request) -> HttpResponse:
    """The apps that may read in the person's name now."""
    return render(request, "accounts/apps.html", {"permits": queries.permits(viewer=request.actor)})


@require_POST
def end(request: Request, key: UUID) -> HttpResponse:
    """Let an app do nothing more."""
    services.end_permit(key, by=request.actor)
    messages.success(request, gettext("The app reads nothing more in your name."))
    return redirect("accounts:apps")


urlpatterns: list[URLPattern] = [
    path("apps/", apps, name="apps"),
    path("apps/<uuid:key>/end/", end, name="end_permit"),
]
