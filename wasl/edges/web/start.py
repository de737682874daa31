"""The start page, and the choices of the shell: the place, the language, the theme."""

from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.views.decorators.http import require_POST

from wasl.accounts import services as accounts
from wasl.edges.session import second_factor
from wasl.edges.web.gateway import line
from wasl.edges.web.navigation import entries_for
from wasl.kernel.errors import NotFound
from wasl.kernel.http import Request


def home(request: Request) -> HttpResponse:
    """What the person's roles do, and how many things wait; strangers are shown the way in."""
    if not request.user.is_authenticated:
        return redirect(reverse("account_login"))
    if not request.actor.held:
        return render(request, "no_role.html", {"second_factor": second_factor(request)})
    tiles = [(entry, entry.count(request.actor)) for entry in entries_for(request.actor)]
    context = {"tiles": tiles, "line": line(viewer=request.actor)}
    return render(request, "_tiles.html" if request.htmx else "home.html", context)


@require_POST
def choose_place(request: Request) -> HttpResponse:
    """Work at another of the places where a post is held."""
    try:
        place = UUID(request.POST.get("place", ""))
    except ValueError as error:
        raise NotFound from error
    if place not in request.actor.places():
        raise NotFound
    request.session["place"] = str(place)
    return _back(request)


@require_POST
def choose_theme(request: Request) -> HttpResponse:
    """Read in the dark, or in the light again."""
    accounts.change_preferences(dark=request.POST.get("dark") == "1", by=request.actor)
    return _back(request)


@require_POST
def set_language(request: Request) -> HttpResponse:
    """Speak another language: in this browser, and to this person everywhere."""
    language = request.POST.get("language", "")
    response = _back(request)
    if language in dict(settings.LANGUAGES) and check_for_language(language):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, language, max_age=365 * 86400, samesite="Lax", secure=settings.HTTPS
        )
        if request.actor.held:
            accounts.change_preferences(language=language, by=request.actor)
    return response


def _back(request: HttpRequest) -> HttpResponseRedirect:
    """To the page that asked, when it is ours."""
    asked = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure()):
        asked = reverse("home")
    return HttpResponseRedirect(asked)
