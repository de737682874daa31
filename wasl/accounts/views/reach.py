"""How one is reached outside the pages: addresses, each proved by a code, and the hours in which it stays quiet."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.accounts import queries, services
from wasl.accounts.rules import CODE_MINUTES
from wasl.kernel.errors import Refused
from wasl.kernel.http import Request

ICONS = {"email": "send", "sms": "device-mobile"}


class Quiet(forms.Form):
    """The hours in which only what is urgent is sent."""

    quiet_from = forms.TimeField(
        label=_("Quiet from"), required=False, widget=forms.TimeInput({"type": "time"}, "%H:%M")
    )
    quiet_until = forms.TimeField(
        label=_("Quiet until"), required=False, widget=forms.TimeInput({"type": "time"}, "%H:%M"),
        help_text=_("Every day; what is urgent is sent at any hour."),
    )  # fmt: skip


def reach(request: Request) -> HttpResponse:
    """How one is reached, and a form to choose it."""
    if request.method == "POST":
        form = Quiet(request.POST)
        if form.is_valid():
            chosen = frozenset(queries.channels(viewer=request.actor)) & frozenset(request.POST.getlist("channel"))
            try:
                services.choose_channels(channels=chosen, by=request.actor, **form.cleaned_data)
            except Refused as refusal:
                form.add_error("quiet_until", refusal.sentence)
            else:
                messages.success(request, gettext("Saved: so you are told things from now on."))
                return redirect("accounts:reach")
        return _page(request, form=form)
    return _page(request)


def _page(
    request: Request, *, form: Quiet | None = None, wrong: str = "", refusal: Refused | None = None, typed: str = ""
) -> HttpResponse:
    """The page, with what was refused beside the channel it is about."""
    oneself = queries.person(request.actor.id, viewer=request.actor) if request.actor.id else None
    known = queries.reaches(viewer=request.actor)
    on_file = {"email": oneself.email, "sms": oneself.phone} if oneself else {}
    ways = []
    for channel in queries.channels(viewer=request.actor):
        row = known.get(channel)
        ways.append({
            "channel": channel.value, "title": channel.label, "icon": ICONS[channel], "reach": row,
            "waits": row is not None and queries.waits_for_code(row, viewer=request.actor),
            "address": typed if channel == wrong and typed else row.address if row else on_file.get(channel, ""),
            "refusal": refusal if channel == wrong else None,
        })  # fmt: skip
    quiet = {"quiet_from": oneself.quiet_from, "quiet_until": oneself.quiet_until} if oneself else {}
    context = {"ways": ways, "form": form or Quiet(initial=quiet), "minutes": CODE_MINUTES}
    status = 422 if refusal or (form and form.errors) else 200
    return render(request, "accounts/reach.html", context, status=status)


@require_POST
def name_address(request: Request, channel: str) -> HttpResponse:
    """Name an address, where a code is sent."""
    typed = request.POST.get("address", "")
    try:
        services.name_address(channel, address=typed, by=request.actor)
    except Refused as refusal:
        return _page(request, wrong=channel, refusal=refusal, typed=typed)
    messages.success(request, gettext("A code is on its way. Enter it here when it has come."))
    return redirect("accounts:reach")


@require_POST
def confirm_address(request: Request, channel: str) -> HttpResponse:
    """Bring back the code that came."""
    try:
        right = services.confirm_address(channel, code=request.POST.get("code", ""), by=request.actor)
    except Refused as refusal:
        return _page(request, wrong=channel, refusal=refusal)
    if right:
        messages.success(request, gettext("The address is confirmed: you are told things there from now on."))
    else:
        messages.error(request, gettext("This is not the code that was sent. Look again."))
    return redirect("accounts:reach")


urlpatterns: list[URLPattern] = [
    path("reach/", reach, name="reach"),
    path("reach/<slug:channel>/", name_address, name="name_address"),
    path("reach/<slug:channel>/code/", confirm_address, name="confirm_address"),
]
