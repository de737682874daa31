"""The page on which somebody lets an app in, and the way into an app from a patient's page (SMART App Launch 2.2)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST
from oauth2_provider.exceptions import FatalClientError, OAuthToolkitError

from wasl.accounts import queries as accounts
from wasl.accounts import services
from wasl.accounts.queries import Client, UnknownApp
from wasl.edges.web.middleware import PolicyMiddleware
from wasl.edges.web.oauth.tokens import Token, malformed
from wasl.edges.web.oauth.words import asked_for
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotFound, Refused
from wasl.kernel.http import Request, key_of
from wasl.patients import queries as patients
from wasl.patients import services as patient_services
from wasl.patients.queries import Patient

LONGEST = 80  # letters of what is searched for
LONGEST_OF = {"nonce": 255, "code_challenge": 128}  # that the toolkit keeps


@dataclass
class Asked:
    """What an app asks for, after the toolkit found it well-formed, of an app and an address that are registered."""

    app: Client
    scopes: list[str]
    credentials: dict[str, Any]
    launch: str
    patient: UUID | None = None

    @property
    def needs_patient(self) -> bool:
        """Whether one patient has to be named."""
        return any(scope.startswith(("patient/", "launch")) for scope in self.scopes)

    @property
    def chooses(self) -> bool:
        """Whether the person names that patient here, where no launch did."""
        return self.needs_patient and not self.launch

    def back(self, error: str, description: str) -> HttpResponse:
        """Back to the app, with what is wrong in what it asked (RFC 6749, 4.1.2.1)."""
        said = {"error": error, "error_description": description}
        if self.credentials.get("state"):
            said["state"] = self.credentials["state"]
        address = self.credentials["redirect_uri"]
        return HttpResponseRedirect(f"{address}{'&' if '?' in address else '?'}{urlencode(said)}")


def base_of(request: Request) -> str:
    """The address of the FHIR service, as whoever asks knows it."""
    return f"{'https' if settings.HTTPS else request.scheme}://{request.get_host()}/fhir"


@require_http_methods(["GET", "POST"])
def authorize(request: Request) -> HttpResponse:
    """Say who asks for what, of which patient; let it in or not."""
    if malformed(request):
        raise UnknownApp
    try:
        scopes, credentials = Token.get_oauthlib_core().validate_authorization_request(request)
    except FatalClientError as error:
        raise UnknownApp from error
    except OAuthToolkitError as error:
        said = error.oauthlib_error
        if not said.redirect_uri:  # it could not even be read
            raise UnknownApp from error
        return HttpResponseRedirect(f"{said.redirect_uri}{'&' if '?' in said.redirect_uri else '?'}{said.urlencoded}")
    app = accounts.client_of(credentials["client_id"], viewer=SYSTEM)
    if app is None or not app.is_app:
        raise UnknownApp
    asked = Asked(app, accounts.grantable(scopes), credentials, request.GET.get("launch", ""))
    wrong = _wrong(asked, request)
    return wrong or _answered(request, asked)


def _wrong(asked: Asked, request: Request) -> HttpResponse | None:
    """What SMART and OAuth 2.1 want of it besides."""
    if asked.credentials.get("code_challenge_method") != "S256":
        return asked.back("invalid_request", "code_challenge_method must be S256")
    if any(len(request.GET.get(name, "")) > most for name, most in LONGEST_OF.items()):
        return asked.back("invalid_request", f"too long: {', '.join(LONGEST_OF)}")
    if request.GET.get("aud", "").rstrip("/") != base_of(request):
        return asked.back("invalid_request", f"aud must be {base_of(request)}")
    if not asked.scopes:
        return asked.back("invalid_scope", "nothing that is asked for can be given")
    if ("launch" in asked.scopes) != bool(asked.launch):
        return asked.back("invalid_request", "the scope launch goes with the parameter launch, and none without it")
    if asked.launch:
        asked.patient = accounts.launched(asked.launch, app=asked.app.id, viewer=request.actor)
        if asked.patient is None or patients.ground(asked.patient, viewer=request.actor) is None:
            return asked.back("invalid_request", "this launch was used, ran out, or is somebody else's")
    return None


def _answered(request: Request, asked: Asked) -> HttpResponse:
    if request.method == "POST" and "refuse" in request.POST:
        return asked.back("access_denied", "the person refused")
    if request.method == "POST" and "allow" in request.POST:
        if asked.chooses:
            asked.patient = key_of(request.POST.get("patient", ""))
        return _let_in(request, asked)
    text, found, refusal = "", [], None
    if request.method == "POST" and asked.chooses:
        text = request.POST.get("q", "")[:LONGEST]
        try:
            found = _open_to(request, text)
        except Refused as error:
            refusal = error
    return _page(request, asked, text=text, found=found, refusal=refusal, searched=bool(text))


def _let_in(request: Request, asked: Asked) -> HttpResponse:
    if asked.patient:
        patients.require_ground(asked.patient, viewer=request.actor)
    credentials = {
        **{key: value for key, value in asked.credentials.items() if key != "request"},
        "actor": request.actor, "for_patient": asked.patient, "launched": asked.launch,
    }  # fmt: skip
    try:
        address, *_ = Token.get_oauthlib_core().create_authorization_response(
            request, scopes=asked.scopes, credentials=credentials, allow=True
        )
    except OAuthToolkitError as error:
        return asked.back(error.oauthlib_error.error, error.oauthlib_error.description or "")
    return HttpResponseRedirect(address)


def _open_to(request: Request, text: str) -> list[Patient]:
    """Who answers to what was typed, of those whose record is open to the person."""
    found = patients.search(text, viewer=request.actor)
    grounds = patients.grounds_of([one.id for one in found], viewer=request.actor)
    return [one for one in found if one.id in grounds]


def _page(request: Request, asked: Asked, **more: object) -> HttpResponse:
    patient = None
    if asked.patient:
        patient = patients.patient(asked.patient, viewer=request.actor)
        ground = patients.require_ground(asked.patient, viewer=request.actor)
        patient_services.log_access(asked.patient, what="patients.identity", ground=ground, by=request.actor)
    where = urlsplit(asked.credentials["redirect_uri"])
    context = {
        "app": asked.app, "site": where.netloc, "patient": patient, "chooses": asked.chooses,
        "wanted": asked_for(asked.scopes, patient=asked.needs_patient), **more,
    }  # fmt: skip
    response = render(request, "authorize.html", context)
    # the answer to the form leads to the app, which a browser takes for a part of it; and nobody frames this page
    policy = PolicyMiddleware.POLICY.format(forms=f"'self' {where.scheme}://{where.netloc}")
    response["Content-Security-Policy"] = policy.replace("frame-ancestors 'self'", "frame-ancestors 'none'")
    response["X-Frame-Options"] = "DENY"
    return response


@require_POST
def launch(request: Request) -> HttpResponse:
    """Open an app for a patient whose record is open: the browser takes along an opaque value, and no patient."""
    patient = key_of(request.POST.get("patient", ""))
    if patients.ground(patient, viewer=request.actor) is None:
        raise NotFound
    app, value = services.start_launch(key_of(request.POST.get("app", "")), patient=patient, by=request.actor)
    address = app.launch_uri
    address += ("&" if "?" in address else "?") + urlencode({"iss": base_of(request), "launch": value})
    response = render(request, "launched.html", {"app": app, "address": address})
    response["Refresh"] = f"0; url={address}"  # a redirection would be a part of the form, which leads nowhere else
    return response
