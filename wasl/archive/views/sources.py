"""The machines that may send images: their titles, addresses and places."""

from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.archive import queries, services
from wasl.archive.queries import Source
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Listing, Request
from wasl.kernel.verbs import allowed
from wasl.places import queries as places

SORTS = ("ae_title", "-ae_title", "name", "-name", "place", "-place")
CODE = {"dir": "ltr"}  # what machines read is written in their direction
MODALITIES = ("CT", "MR", "CR", "DX", "US", "MG", "XA", "RF", "NM", "PT", "OT")

# how images are kept, and how that is said where there is little room
KEEPING = [("", _("as usual here")), ("sent", _("as they were sent")), ("htj2k", _("for thin lines, without loss"))]


class SourceForm(forms.Form):
    """A machine that may send."""

    name = forms.CharField(label=_("Name"), max_length=120)
    place = forms.ChoiceField(label=_("Hospital"))
    modality = forms.ChoiceField(
        label=_("Modality"), required=False, choices=[("", _("several")), *((name, name) for name in MODALITIES)]
    )
    ae_title = forms.CharField(
        label=_("AE title"),
        max_length=16,
        help_text=_("As it is written in the machine's settings, capitals included."),
        widget=forms.TextInput(attrs=CODE),
    )
    address = forms.CharField(
        label=_("IP address or network"), max_length=64, required=False,
        help_text=_("Where it calls from, such as 10.1.2.3 or 10.1.0.0/16."), widget=forms.TextInput(attrs=CODE),
    )  # fmt: skip
    port = forms.IntegerField(
        label=_("Port"), min_value=1, max_value=65535, required=False,
        help_text=_("Where it listens, when images may be sent to it."),
    )  # fmt: skip
    keeping = forms.ChoiceField(label=_("Its images are kept"), required=False, choices=KEEPING)

    asks = forms.BooleanField(label=_("It is an archive that may be asked for earlier exams"), required=False)
    notified = forms.BooleanField(label=_("It is told when a study is whole"), required=False)

    def __init__(self, data: QueryDict | None, hospitals: list[tuple[str, str]]) -> None:
        super().__init__(data)
        self.fields["address"].required = not settings.DEMO
        self.fields["place"].choices = hospitals  # type: ignore[attr-defined]
        for field in self.fields.values():
            kinds: dict[type, str] = {forms.Select: "form-select", forms.CheckboxInput: "form-check-input"}
            field.widget.attrs["class"] = kinds.get(type(field.widget), "form-control")


def sources(request: Request) -> HttpResponse:
    """The list, and a form for one more."""
    if not allowed("archive.add_source", request.actor):
        raise NotAllowed
    hospitals = [(str(row.id), str(row.name)) for row in places.administered(viewer=request.actor)]
    form = SourceForm(request.POST or None, hospitals)
    if request.method == "POST" and form.is_valid() and _add(form, request):
        messages.success(request, gettext("The machine may send from now on."))
        return redirect("archive:sources")
    listing: Listing[Source] = Listing(request, queries.sources(viewer=request.actor), sorts=SORTS)
    return render(request, "archive/sources.html", {"listing": listing, "form": form, "keeping": KEEPING})


def _add(form: SourceForm, request: Request) -> bool:
    values = {**form.cleaned_data, "place": UUID(form.cleaned_data["place"])}
    try:
        services.add_source(**values, by=request.actor)
    except Refused as refusal:
        field = {"BadAddress": "address", "BadAeTitle": "ae_title", "AeTitleTaken": "ae_title",
                 "NeedsAddress": "address", "DoesNotListen": "port"}.get(refusal.code)  # fmt: skip
        form.add_error(field, refusal.sentence)
        return False
    return True


@require_POST
def close(request: Request, key: UUID) -> HttpResponse:
    """Take nothing more from a machine."""
    services.close_source(key, by=request.actor)
    messages.success(request, gettext("Nothing more is taken from this machine; what it sent stays."))
    return redirect("archive:sources")


@require_POST
def keep(request: Request, key: UUID) -> HttpResponse:
    """Say how a machine's images are kept."""
    services.change_keeping(key, keeping=request.POST.get("keeping", ""), by=request.actor)
    messages.success(request, gettext("From its next complete study on, this machine's images are kept so."))
    return redirect("archive:sources")


urlpatterns = [
    path("sources/", sources, name="sources"),
    path("sources/<uuid:key>/keeping/", keep, name="change_keeping"),
    path("sources/<uuid:key>/close/", close, name="close_source"),
]
