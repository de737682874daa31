"""The gateways of hospitals: made with a code that is shown once, given another, revoked."""

from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.accounts import queries, services
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Listing, Request
from wasl.kernel.verbs import allowed
from wasl.places import queries as places

SORTS = ("-created_at", "name", "-name", "place", "-place", "seen_at", "-seen_at")


class NewGateway(forms.Form):
    """Which hospital will run a gateway, and what it is called."""

    name = forms.CharField(
        label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"class": "form-control"}),
        help_text=_("What the machine is called among you, such as the room where it stands."),
    )  # fmt: skip
    place = forms.ChoiceField(label=_("Hospital"), widget=forms.Select(attrs={"class": "form-select"}))

    def __init__(self, data: QueryDict | None, hospitals: list[tuple[str, str]]) -> None:
        super().__init__(data)
        self.fields["place"].choices = hospitals  # type: ignore[attr-defined]


def gateways(request: Request) -> HttpResponse:
    """The list with the state of each, and a form for one more; its code is shown this once."""
    if not allowed("accounts.add_gateway", request.actor):
        raise NotAllowed
    hospitals = [(str(row.id), str(row.name)) for row in places.administered(viewer=request.actor)]
    form = NewGateway(request.POST or None, hospitals)
    if request.method == "POST" and form.is_valid():
        try:
            gateway, code = services.add_gateway(
                name=form.cleaned_data["name"], place=UUID(form.cleaned_data["place"]), by=request.actor
            )
        except Refused as refusal:
            form.add_error("name" if refusal.code == "GatewayNameTaken" else None, refusal.sentence)
        else:
            return _code(request, gateway.name, code.printed)
    listing = Listing(request, queries.gateways(viewer=request.actor), sorts=SORTS)
    now = timezone.now()
    context = {"listing": listing, "form": form, "now": now, "heard_after": now - settings.LINE_SILENCE}
    return render(request, "accounts/gateways.html", context, status=422 if form.errors else 200)


@require_POST
def renew_code(request: Request, key: UUID) -> HttpResponse:
    """Give a gateway another code, shown this once."""
    code = services.renew_code(key, by=request.actor)
    name = queries.gateways(viewer=request.actor).get(id=key).name
    return _code(request, name, code.printed)


@require_POST
def revoke(request: Request, key: UUID) -> HttpResponse:
    """Let a gateway speak no more."""
    services.revoke_gateway(key, by=request.actor)
    messages.success(request, gettext("The gateway was revoked: nothing more is taken from it, nor told to it."))
    return redirect("accounts:gateways")


def _code(request: Request, name: str, code: str) -> HttpResponse:
    context = {"name": name, "code": code, "hours": services.HOURS, "address": settings.ADDRESS}
    return render(request, "accounts/code.html", context)


urlpatterns: list[URLPattern] = [
    path("gateways/", gateways, name="gateways"),
    path("gateways/<uuid:key>/code/", renew_code, name="renew_code"),
    path("gateways/<uuid:key>/revoke/", revoke, name="revoke_gateway"),
]
