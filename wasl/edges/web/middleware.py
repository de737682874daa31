"""Who asks, where they work, in which language they are answered, and how a refusal looks."""

import hashlib
from collections.abc import Callable

from allauth.usersessions.middleware import UserSessionsMiddleware
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation

from wasl.edges.session import actor_of_session, second_factor
from wasl.kernel.access import remembering
from wasl.kernel.errors import Refused
from wasl.kernel.http import Request

Next = Callable[[HttpRequest], HttpResponse]

# what a stranger may see; everything else leads to the sign-in page
PUBLIC_PATHS = ("/account/", "/static/")
PUBLIC_VIEWS = frozenset({
    "home", "set_language", "radiology:verify", "workforce:calendar", "oauth_token", "oauth_revoke",
    "oauth_introspect", "oauth_keys",
})  # fmt: skip


class SeenMiddleware(UserSessionsMiddleware):  # type: ignore[misc]
    """Write when and where a session was last seen, for its owner's list: once in five minutes, not at each request.

    An open page asks every minute; each would cost a transaction.
    """

    SECONDS = 300

    def __call__(self, request: HttpRequest) -> HttpResponse:
        client = request.session.session_key, request.META.get("REMOTE_ADDR"), request.META.get("HTTP_USER_AGENT")
        if caches["process"].add(hashlib.sha256(repr(client).encode()).hexdigest(), True, self.SECONDS):
            return super().__call__(request)  # type: ignore[no-any-return]
        return self.get_response(request)  # type: ignore[no-any-return]


class ActorMiddleware:
    """Name the actor of every request, the place chosen, and the language; send strangers to the sign-in page."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        request.actor = actor_of_session(request, address=request.META.get("REMOTE_ADDR", ""))
        request.place = request.actor.at
        if request.actor.held and (language := getattr(request.user, "language", "")):
            translation.activate(language)
            request.LANGUAGE_CODE = language
        with remembering():
            return self.get_response(request)

    def process_view(self, request: Request, view: object, args: object, kwargs: object) -> HttpResponseBase | None:
        """Let strangers see what is public, and those who miss the second factor what sets it up."""
        where = request.resolver_match.view_name if request.resolver_match else ""
        if request.path.startswith(PUBLIC_PATHS) or where in PUBLIC_VIEWS or request.actor.held:
            return None
        if request.actor.id:
            missing = not second_factor(request)
            return render(request, "no_role.html", {"second_factor": not missing}, status=403)
        if request.htmx:  # the page stays as it is, with all that was written in it
            response = render(request, "_signed_out.html", {"sign_in": reverse("account_login")}, status=401)
            return aside(response)
        return redirect_to_login(request.get_full_path(), reverse("account_login"))


def aside(response: HttpResponse) -> HttpResponse:
    """Let HTMX show a fragment among the notices, and leave the page alone."""
    response["HX-Retarget"] = "#notices"
    response["HX-Reswap"] = "innerHTML"
    return response


class RefusalMiddleware:
    """Answer a refusal with its sentence and its HTTP status; nothing was changed."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: Request, exception: Exception) -> HttpResponse | None:
        """Show the refusal as a page, or as a fragment when HTMX asked."""
        if not isinstance(exception, Refused):
            return None
        if request.htmx:
            return aside(render(request, "_refused.html", {"refusal": exception}, status=exception.http))
        return render(request, "refused.html", {"refusal": exception}, status=exception.http)


class PolicyMiddleware:
    """Say to the browser what a page may load and do: our own files, and nothing written into the page."""

    POLICY = (
        "default-src 'self'; img-src 'self' data: blob:; font-src 'self'; style-src 'self'; script-src 'self'; "
        "connect-src 'self'; frame-src 'self' blob:; object-src 'none'; base-uri 'self'; frame-ancestors 'self'; "
        "form-action {forms}"
    )
    PERMISSIONS = (
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), "
        "publickey-credentials-create=(self), publickey-credentials-get=(self)"
    )

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        # a browser holds the way to the ministry's sign-in for a part of the form that leads there
        self.policy = self.POLICY.format(forms=" ".join(["'self'", *settings.OIDC_ORIGINS]))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        response.headers.setdefault("Permissions-Policy", self.PERMISSIONS)
        if request.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store")  # nothing of a patient stays on a shared machine
        return response
