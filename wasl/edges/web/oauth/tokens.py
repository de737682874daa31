"""Tokens fetched, given back (RFC 7009) and looked up (RFC 7662), by the client that they belong to."""

import hashlib

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from oauth2_provider.models import AccessToken
from oauth2_provider.views import RevokeTokenView, TokenView
from oauthlib.common import Request as OauthRequest

from wasl.accounts import queries as accounts
from wasl.kernel.access import STRANGER, SYSTEM

SECRETS = ("client_secret", "client_assertion", "code", "code_verifier", "refresh_token", "token")


def told_to_apps(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The answer, which a page of a registered app's origin may read; it is kept nowhere."""
    origin = request.headers.get("origin", "")
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Origin"
    if origin and origin in accounts.app_origins(viewer=SYSTEM):
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Allow-Headers"] = "authorization, content-type, accept"
    elif response.has_header("Access-Control-Allow-Origin"):
        del response["Access-Control-Allow-Origin"]
    return response


def malformed(request: HttpRequest) -> HttpResponse | None:
    """What is said to somebody whose words no database holds: a null character is in none that we gave."""
    if any("\0" in value for said in (request.GET, request.POST) for _name, values in said.lists() for value in values):
        return JsonResponse({"error": "invalid_request"}, status=400)
    return None


@method_decorator(csrf_exempt, name="dispatch")
@method_decorator(sensitive_post_parameters(*SECRETS), name="dispatch")
class Token(TokenView):  # type: ignore[misc]  # django-oauth-toolkit ships no types
    """Where a code, a refresh token or a client's own proof becomes a token."""

    http_method_names = ("post", "options")

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """As the toolkit does, for pages of apps too."""
        return told_to_apps(request, malformed(request) or super().dispatch(request, *args, **kwargs))


@method_decorator(csrf_exempt, name="dispatch")
@method_decorator(sensitive_post_parameters(*SECRETS), name="dispatch")
class Revoke(RevokeTokenView):  # type: ignore[misc]  # django-oauth-toolkit ships no types
    """Where a client gives a token back."""

    http_method_names = ("post", "options")

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """As the toolkit does, for pages of apps too."""
        return told_to_apps(request, malformed(request) or super().dispatch(request, *args, **kwargs))


@csrf_exempt
@require_POST
@sensitive_post_parameters(*SECRETS)
def introspect(request: HttpRequest) -> HttpResponse:
    """What a token of a client's own still opens; of another's it hears what it hears of one that never was."""
    if wrong := malformed(request):
        return wrong
    core = Token.get_oauthlib_core()
    asked = OauthRequest(*core._extract_params(request))
    if not core.server.request_validator.authenticate_client(asked):
        said = {"error": "invalid_client"}
        return JsonResponse(said, status=401, headers={"WWW-Authenticate": 'Basic realm="Wasl"'})
    text = request.POST.get("token", "")
    row = AccessToken.objects.filter(
        token_checksum=hashlib.sha256(text.encode()).hexdigest(), application=asked.client
    ).first()
    actor = accounts.actor_of_token(text) if row else STRANGER
    if row is None or actor == STRANGER:
        return JsonResponse({"active": False}, headers={"Cache-Control": "no-store"})
    told: dict[str, object] = {
        "active": True, "client_id": asked.client.client_id, "scope": " ".join(sorted(actor.scopes)),
        "exp": int(row.expires.timestamp()), "token_type": "Bearer", "sub": str(actor.id),
    }  # fmt: skip
    if isinstance(actor, accounts.AppActor) and actor.patient:
        told["patient"] = str(actor.patient)
    return JsonResponse(told, headers={"Cache-Control": "no-store"})
