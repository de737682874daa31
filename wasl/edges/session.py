"""Who a browser session is: the same answer for pages and for the fast doors."""

from dataclasses import replace

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest

from wasl.accounts import queries as accounts
from wasl.kernel.access import STRANGER, Actor


def actor_of_session(request: HttpRequest, *, address: str) -> Actor:
    """The actor of a request's session: the person with the posts held now, with none before a second factor."""
    if not request.user.is_authenticated:
        return STRANGER
    actor = accounts.actor_of_person(request.user, address=address, proved=second_factor(request))
    chosen = request.session.get("place")
    return replace(actor, place=next((place for place in actor.places() if str(place) == chosen), None))


def second_factor(request: HttpRequest) -> bool:
    """Whether the person proved in this session in a second way who they are.

    A code of an app, a passkey or a recovery code does, and so does a ministry's own sign-in where it is trusted
    with it (WASL_OIDC_SECOND_FACTOR). People of the demonstration, while it runs, need none.
    """
    if settings.DEMO and getattr(request.user, "demo", False):
        return True
    trusted = {"mfa", "socialaccount"} if settings.OIDC_SECOND_FACTOR else {"mfa"}
    return any(record.get("method") in trusted for record in get_authentication_records(request, request.user))
