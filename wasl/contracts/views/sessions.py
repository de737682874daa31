"""The page of sessions: a reader declares and counts them, the chief says which are ones."""

from collections.abc import Callable
from uuid import UUID

from django import forms
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.contracts import queries, services
from wasl.contracts.rules.sessions import month_of
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Listing, Request
from wasl.kernel.verbs import allowed
from wasl.workforce import queries as staff
from wasl.workforce import services as workforce

SEES = frozenset({"radiologist", "chief", "planner"})
MOST_HOURS = 72  # that a session may last: more is a slip of the hand
MODES = (("scheduled", _("Scheduled acts")), ("urgent", _("Urgent acts")))


class Declaration(forms.Form):
    """Whose session, from when, for which acts."""

    reader = forms.ChoiceField(label=_("Reader"))
    begins_at = forms.DateTimeField(
        label=_("Begins"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    mode = forms.ChoiceField(label=_("For"), choices=MODES)

    def __init__(self, data: QueryDict | None, readers: list[tuple[str, str]]) -> None:
        start = timezone.localtime().replace(hour=8, minute=0)
        super().__init__(data, initial={"begins_at": start, "mode": "urgent"})
        self.fields["reader"].choices = readers  # type: ignore[attr-defined]
        if len(readers) == 1:
            self.fields["reader"].widget = forms.HiddenInput()
            self.fields["reader"].initial = readers[0][0]


class Rule(forms.Form):
    """What a text says of sessions, from a day on."""

    since = forms.DateField(label=_("Holds from"), widget=forms.DateInput(attrs={"type": "date"}))
    hours = forms.IntegerField(label=_("Hours of a session"), min_value=1, max_value=MOST_HOURS)
    most = forms.IntegerField(
        label=_("Sessions of a doctor in a month, at most"), min_value=1, max_value=99, required=False
    )
    opens = forms.TimeField(
        label=_("Official hours, from"), widget=forms.TimeInput(attrs={"type": "time"}), required=False
    )
    closes = forms.TimeField(label=_("Until"), widget=forms.TimeInput(attrs={"type": "time"}), required=False)
    source = forms.CharField(label=_("Legal text"), max_length=200)


def set_rule(request: Request) -> HttpResponse:
    """Write what a text says of sessions; what held before stays known."""
    if not allowed("workforce.set_session_rule", request.actor):
        raise NotAllowed
    now = staff.session_rule(timezone.localdate(), viewer=request.actor)
    names = ("hours", "most", "opens", "closes", "source")
    form = Rule(request.POST or None, initial={name: getattr(now, name) for name in names} if now else {})
    if request.method == "POST" and form.is_valid():
        try:
            workforce.set_session_rule(**form.cleaned_data, by=request.actor)
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            return redirect("contracts:sessions")
    return render(request, "contracts/rule.html", {"form": form, "rule": now}, status=422 if form.errors else 200)


def sessions(request: Request) -> HttpResponse:
    """The sessions that concern the viewer, how many of the month are validated, and a form for one more."""
    if not SEES & request.actor.roles:
        raise NotAllowed
    readers = _readers(request.actor)
    form = Declaration(request.POST or None, readers) if readers else None
    refusal = None
    if form and request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            services.declare_session(
                UUID(said["reader"]), begins_at=said["begins_at"], mode=said["mode"], by=request.actor
            )
        except Refused as caught:
            refusal = caught
        else:
            return redirect("contracts:sessions")
    return _page(request, form, refusal)


def _page(request: Request, form: Declaration | None, refusal: Refused | None) -> HttpResponse:
    today = timezone.localdate()
    rule = staff.session_rule(today, viewer=request.actor)
    context = {
        "listing": Listing(request, queries.sessions(viewer=request.actor), sorts=("-period", "period", "state")),
        "mine": _mine(request.actor), "rule": rule, "month": month_of(timezone.now()), "form": form,
        "sets": allowed("workforce.set_session_rule", request.actor), "decides": request.actor.places("chief"),
        "refusal": refusal, "me": request.actor.id,
    }  # fmt: skip
    wrong = refusal is not None or bool(form and form.errors)
    status = refusal.http if refusal else 422 if wrong else 200
    return render(request, "contracts/sessions.html", context, status=status)


def _mine(viewer: Actor) -> int | None:
    """How many of the viewer's own sessions are validated this month; None for who has none."""
    if viewer.id is None or "radiologist" not in viewer.roles:
        return None
    return queries.validated(viewer.id, month=month_of(timezone.now()), viewer=viewer)


def _readers(viewer: Actor) -> list[tuple[str, str]]:
    """For whom the viewer may declare: themselves, or the readers of the hospital whose department they head."""
    headed = viewer.places("chief")
    found = staff.workers_at(headed, viewer=viewer) if headed else []
    if viewer.id is not None and "radiologist" in viewer.roles and (me := staff.worker_of(viewer.id, viewer=viewer)):
        found = [me, *(one for one in found if one.person_id != viewer.id)]
    return [(f"{one.person_id}", f"{one.person.name}") for one in found]


def _decide(act: Callable[[Request, UUID], None]) -> Callable[[Request, UUID], HttpResponse]:
    """A decision of one session, and the page again; a refusal is said on it."""

    @require_POST
    def decided(request: Request, key: UUID) -> HttpResponse:
        try:
            act(request, key)
        except Refused as refusal:
            if refusal.http in (403, 404):
                raise
            return _page(request, Declaration(None, readers) if (readers := _readers(request.actor)) else None, refusal)
        return redirect("contracts:sessions")

    return decided


def _because(request: Request) -> str:
    return str(request.POST.get("because", ""))


validate = _decide(lambda request, key: services.validate_session(key, by=request.actor))
refuse = _decide(lambda request, key: services.refuse_session(key, because=_because(request), by=request.actor))
cancel = _decide(lambda request, key: services.cancel_session(key, because=_because(request), by=request.actor))
withdraw = _decide(lambda request, key: services.withdraw_session(key, by=request.actor))

urlpatterns: list[URLPattern] = [
    path("sessions/", sessions, name="sessions"),
    path("sessions/rule/", set_rule, name="set_session_rule"),
    path("sessions/<uuid:key>/validate/", validate, name="validate_session"),
    path("sessions/<uuid:key>/refuse/", refuse, name="refuse_session"),
    path("sessions/<uuid:key>/cancel/", cancel, name="cancel_session"),
    path("sessions/<uuid:key>/withdraw/", withdraw, name="withdraw_session"),
]
