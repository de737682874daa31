"""Who asks, and how a refusal is answered."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from wasl.accounts import queries as accounts
from wasl.kernel.access import STRANGER
from wasl.kernel.errors import Refused
from wasl.kernel.http import Request

Next = Callable[[HttpRequest], HttpResponse]


class ActorMiddleware:
    """Name the actor of every request: the person who signed in, with the posts held now, or a stranger."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        user = request.user
        request.actor = (
            accounts.actor_of(user.pk, address=request.META.get("REMOTE_ADDR", ""))
            if user.is_authenticated
            else STRANGER
        )
        return self.get_response(request)


class RefusalMiddleware:
    """Answer a refusal with its sentence and its HTTP status; nothing was changed."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Show the refusal as a page, or as a fragment when HTMX asked."""
        if not isinstance(exception, Refused):
            return None
        return render(request, "refused.html", {"refusal": exception}, status=exception.http)
