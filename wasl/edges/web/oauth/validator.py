"""What the toolkit leaves to us: scopes as SMART says them, exact addresses, permits, and clients with keys."""

import hashlib
from typing import Any

from django.conf import settings
from django.urls import reverse
from oauth2_provider.models import AccessToken, Application, Grant, RefreshToken
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError

from wasl.accounts import queries as accounts
from wasl.accounts import services
from wasl.accounts.queries import Permit
from wasl.edges.web.oauth import assertions
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused
from wasl.workforce import queries as workforce


def origin_of(request: Request) -> str:
    """The address of this server, as whoever asks knows it; Django has checked that it is one of ours."""
    scheme = "https" if settings.HTTPS else request.headers.get("wsgi.url_scheme", "http")
    return f"{scheme}://{request.headers.get('HTTP_HOST', 'localhost')}"


def _spent(refresh_token: str, client: Application) -> Permit | None:
    """The permit that still runs of a refresh token that was exchanged before."""
    checksum = hashlib.sha256(refresh_token.encode()).hexdigest()
    spent = RefreshToken.objects.filter(token_checksum=checksum, application=client, revoked__isnull=False).first()
    family = RefreshToken.objects.filter(token_family=spent.token_family, revoked=None) if spent else None
    live = family.select_related("access_token").first() if family is not None else None
    return (
        accounts.permit_of(token=live.access_token.token_checksum, viewer=SYSTEM)
        if live and live.access_token
        else None
    )


class Validator(OAuth2Validator):  # type: ignore[misc]  # django-oauth-toolkit ships no types
    """The toolkit's own, with what it does not know: permits that codes and refresh tokens end when they come twice."""

    oidc_claim_scope = {"sub": "openid", "fhirUser": "fhirUser", "profile": "profile", "name": "profile"}

    def authenticate_client(self, request: Request, *args: object, **kwargs: object) -> bool:
        """A client with keys proves itself by them and by nothing else; others by their secret."""
        if getattr(request, "client_assertion", None):
            return self._proved(request)
        known = bool(super().authenticate_client(request, *args, **kwargs))
        row = accounts.client_of(request.client.client_id, viewer=SYSTEM) if known and request.client else None
        return row is not None and not row.keys and not row.keys_uri

    def _proved(self, request: Request) -> bool:
        if request.client_assertion_type != assertions.TYPE:
            return False
        audience = origin_of(request) + reverse("oauth_token")
        client = assertions.client_of(request.client_assertion, audience=audience)
        if client is None or getattr(request, "client_id", None) not in (None, client.application.client_id):
            return False
        request.client = client.application
        request.client_id = client.application.client_id
        return True

    def client_authentication_required(self, request: Request, *args: object, **kwargs: object) -> bool:
        """Whoever sends an assertion wants it looked at."""
        return bool(getattr(request, "client_assertion", None)) or bool(
            super().client_authentication_required(request, *args, **kwargs)
        )

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Request, *args: object, **kwargs: object
    ) -> bool:
        """Letter by letter one of those that were registered (OAuth 2.1, 4.1.3)."""
        return redirect_uri in request.client.redirect_uris.split()

    def get_default_redirect_uri(self, client_id: str, request: Request, *args: object, **kwargs: object) -> None:
        """None: an app says where its person comes back to."""

    def confirm_redirect_uri(
        self,
        client_id: str,
        code: str,
        redirect_uri: str,
        client: Application,
        *args: object,
        **kwargs: object,
    ) -> bool:
        """The same address as the code was sent to."""
        return bool(Grant.objects.filter(code=code, application=client, redirect_uri=redirect_uri).exists())

    def validate_scopes(
        self,
        client_id: str,
        scopes: list[str],
        client: Application,
        request: Request,
        *args: object,
        **kwargs: object,
    ) -> bool:
        """Nothing that the client was not given; what narrows by a parameter is not understood, and so refused."""
        held = accounts.scopes_of(client.pk, viewer=SYSTEM)
        return bool(scopes) and all(accounts.is_within(scope, held) for scope in scopes)

    def is_within_original_scope(self, request_scopes: list[str], refresh_token: str, request: Request) -> bool:
        """A refresh may ask for less."""
        held = str(self.get_original_scopes(refresh_token, request)).split()
        return all(accounts.is_within(scope, held) for scope in request_scopes)

    def validate_silent_login(self, request: Request) -> bool:
        """Nobody is let in without a page that they saw (`prompt=none`)."""
        return False

    def _create_authorization_code(self, request: Request, code: dict[str, str], expires: object = None) -> object:
        client = accounts.client_of(request.client.client_id, viewer=SYSTEM)
        if client is None or request.code_challenge_method != "S256":
            raise InvalidRequestError(request=request)
        services.give_permit(
            client.id, code=code["code"], scopes=request.scopes, patient=request.for_patient, launch=request.launched,
            by=request.actor,
        )  # fmt: skip
        return super()._create_authorization_code(request, code, expires)

    def validate_code(
        self,
        client_id: str,
        code: str,
        client: Application,
        request: Request,
        *args: object,
        **kwargs: object,
    ) -> bool:
        """A code that comes twice ends what came of it (RFC 6749, 4.1.2)."""
        if super().validate_code(client_id, code, client, request, *args, **kwargs):
            return True
        permit = accounts.permit_of(code=code, viewer=SYSTEM)
        if permit and permit.client.application_id == client.pk:
            services.end_permit(permit.id, by=SYSTEM)
        return False

    def validate_refresh_token(
        self,
        refresh_token: str,
        client: Application,
        request: Request,
        *args: object,
        **kwargs: object,
    ) -> bool:
        """A refresh token that comes twice ends its family (RFC 9700, 4.14.2)."""
        again = _spent(refresh_token, client)
        if super().validate_refresh_token(refresh_token, client, request, *args, **kwargs):
            token = request.refresh_token_instance.access_token
            if token and accounts.permit_of(token=token.token_checksum, viewer=SYSTEM):
                request.token_before = token.token_checksum
                return True
        if again:
            services.end_permit(again.id, by=SYSTEM)
        return False

    def save_bearer_token(self, token: dict[str, Any], request: Request, *args: object, **kwargs: object) -> None:
        """Bind the token to its permit; one that is bound to none is not made at all."""
        try:
            super().save_bearer_token(token, request, *args, **kwargs)
        except Refused as refusal:
            if permit := accounts.permit_of(code=getattr(request, "code", None) or "", viewer=SYSTEM):
                services.end_permit(permit.id, by=SYSTEM)
            raise InvalidGrantError(request=request) from refusal

    def _save_bearer_token(self, token: dict[str, Any], request: Request, *args: object, **kwargs: object) -> None:
        if request.grant_type == "client_credentials":
            super()._save_bearer_token(token, request, *args, **kwargs)
            return
        if request.grant_type == "authorization_code" and "offline_access" not in token["scope"].split():
            token.pop("refresh_token", None)
        permit = services.fetch_token(
            token=token["access_token"], by=SYSTEM,
            **({"code": request.code} if request.grant_type == "authorization_code"
               else {"before": request.token_before}),
        )  # fmt: skip
        super()._save_bearer_token(token, request, *args, **kwargs)
        if permit.patient:
            token["patient"] = str(permit.patient)
            token["need_patient_banner"] = True

    def revoke_token(self, token: str, token_type_hint: str, request: Request, *args: object, **kwargs: object) -> None:
        """With the token ends what its person had let the app do (RFC 7009)."""
        checksum = hashlib.sha256(token.encode()).hexdigest()
        mine = {"token_checksum": checksum, "application": request.client}
        refresh = RefreshToken.objects.filter(**mine).select_related("access_token").first()
        access = AccessToken.objects.filter(**mine).first() or (refresh.access_token if refresh else None)
        permit = accounts.permit_of(token=access.token_checksum, viewer=SYSTEM) if access else None
        super().revoke_token(token, token_type_hint, request, *args, **kwargs)
        if permit:
            services.end_permit(permit.id, by=SYSTEM)

    def get_additional_claims(self, request: Request) -> dict[str, object]:
        """Who signed in (OpenID Connect Core 1.0, 5.1): as a Practitioner, where the staff list knows the person."""
        claims: dict[str, object] = {"name": str(request.user)}
        if workforce.worker_of(request.user.pk, viewer=SYSTEM):
            url = f"{origin_of(request)}/fhir/Practitioner/{request.user.pk}"
            claims |= {"fhirUser": url, "profile": url}
        return claims

    def get_oidc_issuer_endpoint(self, request: Request) -> str:
        """The FHIR service is the issuer, below which everything is found."""
        return f"{origin_of(request)}/fhir"
