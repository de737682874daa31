"""The members of the network, and what they sent: what waits, what is parked and why, and deciding about it."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from wasl.exchange import queries, services
from wasl.exchange.queries import Member, Message
from wasl.kernel.errors import Refused
from wasl.kernel.http import Listing, Request
from wasl.kernel.verbs import allowed
from wasl.places import queries as places

SORTS = ("name", "-name", "place", "-place", "heard_at", "-heard_at")
CODE = {"dir": "ltr"}  # what machines read is written in their direction
State = Message.State


class NewMember(forms.Form):
    """An outside system, as its messages and its address tell it from others."""

    name = forms.CharField(label=_("Name"), max_length=120)
    place = forms.ChoiceField(label=_("Hospital"))
    kind = forms.ChoiceField(label=_("What it is"), choices=Member.Kind.choices)
    application = forms.CharField(
        label=_("Sending application"), max_length=180, help_text=_("As its messages say it (MSH-3)."),
        widget=forms.TextInput(attrs=CODE),
    )  # fmt: skip
    facility = forms.CharField(
        label=_("Sending facility"), max_length=180, required=False, help_text=_("As its messages say it (MSH-4)."),
        widget=forms.TextInput(attrs=CODE),
    )  # fmt: skip
    addresses = forms.CharField(
        label=_("IP addresses or networks"), max_length=500,
        help_text=_("Where it calls from, separated by spaces, such as 10.1.2.3 or 10.1.0.0/16."),
        widget=forms.TextInput(attrs=CODE),
    )  # fmt: skip
    authority = forms.CharField(
        label=_("Whose numbers"), max_length=180, required=False, widget=forms.TextInput(attrs=CODE),
        help_text=_("Which assigning authority (PID-3.4) is the hospital's own; needed where it sends others too."),
    )  # fmt: skip
    charset = forms.ChoiceField(
        label=_("Characters"), choices=Member.Charset.choices, help_text=_("Of messages that do not say it (MSH-18).")
    )

    def __init__(self, data: QueryDict | None, hospitals: list[tuple[str, str]]) -> None:
        super().__init__(data)
        self.fields["place"].choices = hospitals  # type: ignore[attr-defined]
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-select" if isinstance(field, forms.ChoiceField) else "form-control"


def members(request: Request) -> HttpResponse:
    """The list, and for administrators a form for one more."""
    listing: Listing[Member] = Listing(request, queries.members(viewer=request.actor), sorts=SORTS)
    context: dict[str, object] = {"listing": listing}
    if allowed("exchange.add_member", request.actor):
        hospitals = [(str(row.id), str(row.name)) for row in places.administered(viewer=request.actor)]
        form = context["form"] = NewMember(request.POST or None, hospitals)
        if request.method == "POST" and form.is_valid() and (added := _add(form, request)):
            messages.success(request, gettext("The system may send from now on."))
            return redirect("exchange:member", added.id)
        return render(request, "exchange/members.html", context, status=422 if form.errors else 200)
    return render(request, "exchange/members.html", context)


def _add(form: NewMember, request: Request) -> Member | None:
    values = form.cleaned_data
    values |= {"place": UUID(values["place"]), "addresses": values["addresses"].replace(",", " ").split()}
    try:
        return services.add_member(**values, by=request.actor)
    except Refused as refusal:
        field = {"MemberNameTaken": "name", "ClientNameTaken": "name", "SenderTaken": "application",
                 "SenderMissing": "application", "BadSenderAddress": "addresses"}.get(refusal.code)  # fmt: skip
        form.add_error(field, refusal.sentence)
        return None


@require_safe
def member(request: Request, key: UUID) -> HttpResponse:
    """One system: how it is known, how its messages fare, and those of one state."""
    found = queries.member(key, viewer=request.actor)
    state = request.GET.get("state", "")
    state = state if state in State else ""
    listing = Listing(request, queries.messages(key, viewer=request.actor, state=state), sorts=("-position",))
    context = {
        "member": found, "lately": queries.lately(key, viewer=request.actor), "listing": listing, "state": state,
        "states": State.choices, "rows": [(row, _why(request, row)) for row in listing.page],
        "may_revoke": allowed("exchange.revoke_member", request.actor),
    }  # fmt: skip
    return render(request, "exchange/member.html", context)


@require_safe
def message(request: Request, key: UUID) -> HttpResponse:
    """One message: what it asked for and what became of it, without what it says of anybody."""
    return _message(request, queries.message(key, viewer=request.actor))


@require_POST
def show(request: Request, key: UUID) -> HttpResponse:
    """A message as it came; that it was read is written down."""
    shown = services.show_message(key, by=request.actor)
    return _message(request, shown, _readable(shown))


def _message(request: Request, found: Message, raw: str = "") -> HttpResponse:
    context = {
        "message": found, "why": _why(request, found), "raw": raw,
        "may_decide": found.state == State.PARKED and allowed("exchange.retry_message", request.actor),
        "may_read": allowed("exchange.show_message", request.actor),
    }  # fmt: skip
    return render(request, "exchange/message.html", context)


def _readable(shown: Message) -> str:
    """A message a segment a line; bytes of another character set than UTF-8 by their numbers."""
    text = bytes(shown.raw).decode("utf-8", "backslashreplace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _why(request: Request, found: Message) -> str:
    return queries.sentence_of(found.reason, viewer=request.actor) if found.reason else ""


@require_POST
def retry(request: Request, key: UUID) -> HttpResponse:
    """Try a parked message again."""
    tried = services.retry_message(key, by=request.actor)
    if tried.state == State.DONE:
        messages.success(request, gettext("The message is done; what waited for it goes on."))
    else:
        messages.warning(request, gettext("The message was refused again, and stays parked."))
    return redirect("exchange:message", key)


@require_POST
def set_aside(request: Request, key: UUID) -> HttpResponse:
    """Say that nothing follows from a parked message."""
    try:
        services.set_aside_message(key, because=request.POST.get("because", ""), by=request.actor)
    except Refused as refusal:
        if refusal.code != "NoAsideReason":
            raise
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, gettext("The message was set aside; what waited for it goes on."))
    return redirect("exchange:message", key)


@require_POST
def revoke(request: Request, key: UUID) -> HttpResponse:
    """Take nothing more from a system."""
    services.revoke_member(key, by=request.actor)
    messages.success(request, gettext("Nothing more is taken from this system; what it sent stays."))
    return redirect("exchange:member", key)


urlpatterns: list[URLPattern] = [
    path("members/", members, name="members"),
    path("members/<uuid:key>/", member, name="member"),
    path("members/<uuid:key>/revoke/", revoke, name="revoke_member"),
    path("messages/<uuid:key>/", message, name="message"),
    path("messages/<uuid:key>/shown/", show, name="show_message"),
    path("messages/<uuid:key>/retry/", retry, name="retry_message"),
    path("messages/<uuid:key>/aside/", set_aside, name="set_aside_message"),
]
