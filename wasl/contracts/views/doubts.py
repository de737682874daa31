"""The page of doubts: acts whose facts look wrong, and the rules that say so; nothing here leads to a patient."""

from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.contracts import queries, services
from wasl.contracts.queries import Suspicion
from wasl.kernel.access import Held
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Listing, Request
from wasl.kernel.verbs import allowed

SEES = frozenset({"chief", "planner"})


class Rule(forms.Form):
    """Which acts are in doubt, from a day on."""

    kind = forms.ChoiceField(label=_("What looks wrong"), choices=Suspicion.choices)
    modality = forms.CharField(
        label=_("Modality"), max_length=4, required=False, help_text=_("Empty: of every other modality.")
    )
    limit = forms.IntegerField(
        label=_("Limit"), min_value=0, initial=0,
        help_text=_("Seconds after the claim, or acts in an hour; 0 where nothing is counted."),
    )  # fmt: skip
    holds = forms.BooleanField(label=_("Hold the act until somebody clears the doubt"), required=False)
    since = forms.DateField(label=_("Holds from"), widget=forms.DateInput(attrs={"type": "date"}))
    source = forms.CharField(label=_("Text or decision"), max_length=200)


def doubts(request: Request) -> HttpResponse:
    """What is in doubt, or what was cleared, and by which rules."""
    return _page(request, None)


def _page(request: Request, refusal: Refused | None) -> HttpResponse:
    if not SEES & request.actor.roles:
        raise NotAllowed
    cleared = request.GET.get("show") == "cleared"
    rows = queries.doubts(viewer=request.actor, cleared=cleared)
    context = {
        "listing": Listing(request, rows, sorts=("-signed_at", "signed_at", "kind")), "cleared": cleared,
        "rules": queries.doubt_rules(on=timezone.localdate(), viewer=request.actor), "refusal": refusal,
        "clears": request.actor.places("chief"), "ministry": Held("planner", None) in request.actor.held,
        "me": request.actor.id, "sets": allowed("contracts.set_doubt_rule", request.actor),
    }  # fmt: skip
    return render(request, "contracts/doubts.html", context, status=refusal.http if refusal else 200)


@require_POST
def clear(request: Request, key: UUID) -> HttpResponse:
    """Say why a doubted act is right."""
    try:
        services.clear_doubt(key, because=request.POST.get("because", ""), by=request.actor)
    except Refused as refusal:
        if refusal.http in (403, 404):
            raise
        return _page(request, refusal)
    return redirect("contracts:doubts")


def set_rule(request: Request) -> HttpResponse:
    """Write which acts are in doubt; what held before stays known."""
    if not allowed("contracts.set_doubt_rule", request.actor):
        raise NotAllowed
    form = Rule(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.set_doubt_rule(**form.cleaned_data, by=request.actor)
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            return redirect("contracts:doubts")
    return render(request, "contracts/doubt_rule.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
def end_rule(request: Request, key: UUID) -> HttpResponse:
    """Doubt by a rule no more."""
    services.end_doubt_rule(key, by=request.actor)
    return redirect("contracts:doubts")


urlpatterns: list[URLPattern] = [
    path("doubts/", doubts, name="doubts"),
    path("doubts/rules/new/", set_rule, name="set_doubt_rule"),
    path("doubts/rules/<uuid:key>/end/", end_rule, name="end_doubt_rule"),
    path("doubts/<uuid:key>/clear/", clear, name="clear_doubt"),
]
