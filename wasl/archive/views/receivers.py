"""Systems outside that take copies without names: made known, sent to, and closed; and what they say of the copies."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from wasl.archive import queries, services
from wasl.archive.queries import Sending
from wasl.archive.views.failures import why
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed

SHOWN = 20  # copies that a receiver does not take, of each sending
CODE = {"dir": "ltr", "autocomplete": "off", "spellcheck": "false"}
# Failure Reason (PS3.18, table I.2-2), and the HTTP status of an answer that says no more
REASONS: dict[str, str | Promise] = {
    "A700": _("it has no room"),
    "0124": _("it may not take it"),
    "0122": _("it does not take images of this kind"),
    "C122": _("it does not take images compressed in this way"),
    "415": _("it does not take images compressed in this way"),
    "413": _("it is too large for it"),
    "A900": _("it finds it wrong"),
    "C000": _("it finds it wrong"),
    "0110": _("it failed at it"),
}


class ReceiverForm(forms.Form):
    """What it is called, where it is, and what lets us in there."""

    name = forms.CharField(label=_("Name"), max_length=80, widget=forms.TextInput(attrs={"dir": "auto"}))
    url = forms.CharField(
        label=_("Address"), max_length=200, widget=forms.TextInput(attrs={**CODE, "placeholder": "https://"}),
        help_text=_("Of its DICOMweb service, without “/studies” at the end."),
    )  # fmt: skip
    token = forms.CharField(
        label=_("Token"), max_length=2000, help_text=_("What lets us in there; it is never shown again."),
        widget=forms.PasswordInput(attrs={**CODE, "autocomplete": "new-password"}),
    )  # fmt: skip

    def __init__(self, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control"


@require_http_methods(["GET", "HEAD", "POST"])
def receivers(request: Request) -> HttpResponse:
    """The list, and a form for one more."""
    if not allowed("archive.add_receiver", request.actor):
        raise NotAllowed
    form = ReceiverForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and request.place:
        try:
            services.add_receiver(**form.cleaned_data, place=request.place, by=request.actor)
        except NotAllowed:
            raise
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, gettext("Copies may be sent to it from now on."))
            return redirect("archive:receivers")
    return render(request, "archive/receivers.html", {"rows": queries.receivers(viewer=request.actor), "form": form})


@require_POST
def close(request: Request, key: UUID) -> HttpResponse:
    """Send nothing more to a system outside."""
    services.close_receiver(key, by=request.actor)
    messages.success(request, gettext("Nothing more is sent to it."))
    return redirect("archive:receivers")


@require_POST
def send(request: Request, key: UUID) -> HttpResponse:
    """Send the copies of a release to a system outside, for the first time or what it did not take again."""
    if not allowed("archive.send_release", request.actor):
        raise NotAllowed
    try:
        services.send_release(key, receiver=_key(request), by=request.actor)
        messages.success(request, gettext("The copies are being sent."))
    except NotAllowed:
        raise
    except Refused as refusal:
        if refusal.http == 404:
            raise
        messages.error(request, refusal.sentence)
    return redirect("archive:release", key)


def sent(key: UUID, request: Request) -> list[dict[str, object]]:
    """Where the copies of a release were sent, as the page of the release shows it."""
    refused: dict[UUID, list[tuple[str, object]]] = {}
    for copy in queries.refused_copies(key, viewer=request.actor):
        refused.setdefault(copy.sending_id, []).append((copy.uid, REASONS.get(copy.refused, copy.refused)))
    return [
        {"row": row, "error": why(row.error), "refused": refused.get(row.id, [])[:SHOWN], "again": _again(row)}
        for row in queries.sendings(key, viewer=request.actor)
    ]


def _again(row: Sending) -> bool:
    return row.receiver.active and row.ended_at is not None and bool(row.why != Sending.Why.TOLD or row.refused)  # type: ignore[attr-defined]


def _key(request: Request) -> UUID:
    try:
        return UUID(request.POST.get("receiver", ""))
    except ValueError:
        return UUID(int=0)


urlpatterns = [
    path("receivers/", receivers, name="receivers"),
    path("receivers/<uuid:key>/close/", close, name="close_receiver"),
    path("releases/<uuid:key>/send/", send, name="send_release"),
]
