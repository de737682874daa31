"""How people come in: allauth's flows with our rules, a ministry's own sign-in, and the scopes of machines."""

import time

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Model
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext
from oauth2_provider.scopes import BaseScopes

from wasl.accounts import queries as accounts
from wasl.kernel.access import SYSTEM


class Accounts(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Nobody makes an account for themselves; people of the demonstration come in only where it runs."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Accounts are given by an administrator."""
        return False

    def is_reauthentication_required(self, *, app: str) -> bool:
        """Whoever proved who they are in the last minutes need not do it again to set up a second factor."""
        records = get_authentication_records(self.request, self.request.user)
        return not records or time.time() - records[-1]["at"] > settings.ACCOUNT_REAUTHENTICATION_TIMEOUT

    def authenticate(self, request: HttpRequest, **credentials: str) -> AbstractBaseUser | None:
        """The person of a user name and a password, or None."""
        person: AbstractBaseUser | None = super().authenticate(request, **credentials)
        return None if getattr(person, "demo", False) and not settings.DEMO else person


class Ministry(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """A ministry's own sign-in (OpenID Connect) opens accounts that exist, and makes none."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Accounts are given by an administrator."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find the person by the claim that holds the user name, and connect the two for the next time."""
        if sociallogin.is_existing:
            return
        claims = sociallogin.account.extra_data
        username = str({**claims, **claims.get("userinfo", {})}.get(settings.OIDC_CLAIM, ""))
        person = accounts.person_called(username, viewer=SYSTEM)
        if person is None or not person.is_active or person.demo:
            messages.error(request, gettext("No account of Wasl belongs to this identity."))
            raise ImmediateHttpResponse(redirect("account_login"))
        sociallogin.connect(request, person)


def count_as_second_factor(request: HttpRequest, authenticator: Authenticator, **_: object) -> None:
    """Who sets up a second factor shows it by doing so, and need not sign in again."""
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        post_authentication(request, authenticator)


class ClientScopes(BaseScopes):  # type: ignore[misc]  # django-oauth-toolkit ships no types
    """A machine may ask for the scopes that it was given when it was registered, and for no other."""

    def get_all_scopes(self) -> dict[str, str]:
        """Every scope with its title."""
        return {name: str(title) for name, title in accounts.SCOPE_TITLES.items()}

    def get_available_scopes(self, application: Model | None = None, *_: object, **__: object) -> list[str]:
        """The scopes of this client."""
        return accounts.scopes_of(application.pk, viewer=SYSTEM) if application else []

    def get_default_scopes(self, application: Model | None = None, *_: object, **__: object) -> list[str]:
        """A client that names no scope asks for all of its own."""
        return self.get_available_scopes(application)
