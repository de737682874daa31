"""Pages asked for under a file that was retired: the same page of the person is shown, with a word about it."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext

from wasl.kernel.errors import NotFound
from wasl.kernel.http import Request
from wasl.patients import queries as patients

# addresses that name a patient by another word than `patient`
NAMED = {"archive:outside": "key", "radiology:unknown": "key"}


class RetiredMiddleware:
    """Lead whoever opens a retired file to the one that stands for it; a number on an old card works for ever."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: Request, view: object, args: object, kwargs: dict[str, object]
    ) -> HttpResponseBase | None:
        """The page of the person's standing file, where another was asked for."""
        found = request.resolver_match
        if request.method not in ("GET", "HEAD") or found is None or not request.actor.held:
            return None
        word = NAMED.get(found.view_name, "key" if found.namespace == "patients" else "patient")
        key = kwargs.get(word)
        if not isinstance(key, UUID):
            return None
        try:
            person = patients.patient(key, viewer=request.actor)
        except NotFound:  # the page itself says so
            return None
        if person.head_id == key:
            return None
        messages.info(
            request, gettext("This number was retired. Here is the same person's file, under its own number.")
        )
        address = reverse(found.view_name, kwargs={**kwargs, word: person.head_id})
        asked = request.GET.urlencode()
        return HttpResponseRedirect(f"{address}?{asked}" if asked else address)
